"""Generators: how synthetic data come out of a fitted model."""
