"""Rows of all models so far."""

from __future__ import annotations

from typing import Any

from collapse_theory.workflows.base import AbstractWorkflow, Data


class RandomSources(AbstractWorkflow):
    """Each row comes from a model picked uniformly among the truth and all past fits.

    Training set at t >= 2: n rows, independent given the past, of the law (truth + fit_1 + ... +
    fit_{t-1}) / t.
    """

    synonyms = ("randomly sampled",)

    def init(self, data: Data) -> Any:
        """The pool of models starts with the truth."""
        return data.truth

    def step(self, data: Data, memory: Any) -> tuple[Any, Any]:
        """Add the last fit to the pool and train on rows of the pool."""
        models = memory.merge(data.last)
        return data.draw(models), models
