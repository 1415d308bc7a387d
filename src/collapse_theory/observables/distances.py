"""Distances between laws over symbols, and improvement on the first fit."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

l1_to_truth = Observable("l1_to_truth", "sum of |p - truth|, twice the total variation")
l2_to_truth = Observable("l2_to_truth", "Euclidean distance to the truth (not squared)")
tv_to_truth = Observable("tv_to_truth", "total variation distance to the truth")
l1_to_first = Observable("l1_to_first", "sum of |p - first fit|")
l2_to_first = Observable("l2_to_first", "Euclidean distance to the first fit (not squared)")
squared_l2_to_first = Observable(
    "squared_l2_to_first", "squared Euclidean distance to the first fit"
)
closer_than_first = Observable(
    "closer_than_first",
    "1 if the fit is strictly closer to the truth than the first fit was, else 0",
    binary=True,
)
