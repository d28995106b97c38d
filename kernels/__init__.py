"""Numba kernels on flat arrays; they know neither files nor sensors nor classes."""
