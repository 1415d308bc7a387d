"""Sampling: counter-based randomness, and exact draws of statistics."""
