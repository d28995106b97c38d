"""Batch jobs: thousands of recordings annotated, here in processes or on a Dask cluster."""
