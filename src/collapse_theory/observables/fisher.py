"""Errors in the metric that makes families alike."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

fisher_error = Observable(
    "fisher_error",
    "squared distance between fitted and true parameters in the Fisher metric of one row at the "
    "truth",
)
