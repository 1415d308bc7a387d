"""Presets: experiments of papers, ready to run, with the count model beside them."""

from collapse_theory.presets.counting import count_theory
from collapse_theory.presets.loops import Curve, apart, curves_of
from collapse_theory.presets.seddik_text import (
    SIZES,
    Estimate,
    TextPreset,
    estimate,
    forget,
    seddik_text,
)

__all__ = [
    "SIZES", "Curve", "Estimate", "TextPreset", "apart", "count_theory", "curves_of", "estimate",
    "forget", "seddik_text",
]  # fmt: skip
