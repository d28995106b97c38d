"""Recordings, and the formats that are read into them and written from labels."""
