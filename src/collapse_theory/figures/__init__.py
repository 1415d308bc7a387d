"""Figures: each function draws on the ``ax`` it is given and returns it.

Colours are told apart by the colour-blind, and styles in grey; bytes are the same for the same
input.
"""

from collapse_theory.figures.chains import ridges, sample_paths, simplex
from collapse_theory.figures.curves import error_growth
from collapse_theory.figures.forecasts import forecast
from collapse_theory.figures.intervals import survival, zip_plot
from collapse_theory.figures.ladders import ladder
from collapse_theory.figures.loops import loops
from collapse_theory.figures.structure import phase_diagram, provenance
from collapse_theory.figures.style import axis_label, palette
from collapse_theory.figures.verdicts import prediction, ratio, slack

__all__ = [
    "axis_label", "error_growth", "forecast", "ladder", "loops", "palette", "phase_diagram",
    "prediction", "provenance", "ratio", "ridges", "sample_paths", "simplex", "slack", "survival",
    "zip_plot",
]  # fmt: skip
