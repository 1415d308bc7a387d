"""Families: statistical models with their estimators."""
