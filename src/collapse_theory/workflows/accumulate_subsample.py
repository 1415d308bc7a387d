"""Accumulate, then subsample."""

from __future__ import annotations

from typing import Any

from collapse_theory.workflows.base import AbstractWorkflow, Data


class AccumulateSubsample(AbstractWorkflow):
    """All rows so far are stored, real and synthetic; each fit sees n of them, at a fixed cost.

    Training set at t >= 2: n rows without replacement from real_1 + synthetic_2 + ... +
    synthetic_t, the new batch included. The first fit sees all real rows. Raw route only.
    """

    synonyms = ("accumulate-subsample", "subsample")

    def init(self, data: Data) -> Any:
        """The pool starts with the real batch."""
        return data.real

    def step(self, data: Data, memory: Any) -> tuple[Any, Any]:
        """Add a synthetic batch to the pool and train on a random part of it."""
        pool = memory.merge(data.synthetic())
        return data.subsample(pool), pool
