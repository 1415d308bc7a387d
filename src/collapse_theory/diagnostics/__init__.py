"""Definitions of collapse as tests on simulated chains: one experiment may collapse under one of
them and not under another.

Names of the first eight follow Schaeffer et al. (schaeffer2025); the statistics and thresholds are
derived, and stated with every answer.
"""

from collapse_theory.diagnostics.base import Answer, Definition, Diagnosis, definition
from collapse_theory.diagnostics.judging import definitions, diagnose

__all__ = ["Answer", "Definition", "Diagnosis", "definition", "definitions", "diagnose"]
