"""What is measured on models of the rows of a table."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

held_out_accuracy = Observable(
    "held_out_accuracy",
    "share of held-out real rows whose class is the one the fit finds likeliest",
)
