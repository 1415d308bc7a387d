"""Observables: what is measured on a chain at each generation."""
