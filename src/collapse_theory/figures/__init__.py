"""Figures: each function draws on the ``ax`` it is given and returns it.

Colours are told apart by the colour-blind, and styles in grey; bytes are the same for the same
input.
"""

from collapse_theory.figures.chains import ridges, sample_paths, simplex
from collapse_theory.figures.curves import error_growth, prediction, ratio
from collapse_theory.figures.intervals import survival, zip_plot
from collapse_theory.figures.structure import phase_diagram, provenance
from collapse_theory.figures.style import axis_label, palette

__all__ = [
    "axis_label", "error_growth", "palette", "phase_diagram", "prediction", "provenance", "ratio",
    "ridges", "sample_paths", "simplex", "survival", "zip_plot",
]  # fmt: skip
