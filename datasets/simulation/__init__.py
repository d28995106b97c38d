"""Simulated drives: a town, its traffic, a car's sensors, and the exact truth."""
