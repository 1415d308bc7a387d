"""A loop that starts from the user's own rows: known, not drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from collapse_theory.experiment import Experiment
from collapse_theory.workflows.base import AbstractWorkflow, Data

PLENTY = 1 << 30
"""Rows of the batch that stands for the column: what is fitted to it has a relative error of 3e-5,
the share of a category of one row in a million one of 3e-2."""


@dataclass(frozen=True)
class _Known:
    """The data of a generation, with the real batch counted as so many rows as the user has."""

    data: Any
    real: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.data, name)


class Anchored(AbstractWorkflow):
    """A workflow whose first real batch weighs ``share`` of the rows it was drawn with.

    Fields: ``inner`` the workflow; ``share`` the user's rows over `PLENTY`.
    """

    inner: AbstractWorkflow
    share: float

    def init(self, data: Data) -> Any:
        """The inner workflow's memory of the user's rows."""
        return self.inner.init(_Known(data, data.real.scale(self.share)))

    def step(self, data: Data, memory: Any) -> tuple[Any, Any]:
        """The inner workflow's."""
        return self.inner.step(data, memory)


def anchored(e: Experiment, rows: int, fresh: int | None = None) -> Experiment:
    """The experiment from the user's rows on: generation 1 is the fit to them, all chains alike.

    Later real batches, where the workflow takes any, have ``fresh`` rows, as many as the user has
    if left out. On the law route only.
    """
    sizes = (PLENTY, *[rows if fresh is None else fresh] * (e.generations - 1))
    loop = Anchored(e.workflow, rows / PLENTY)
    return replace(e, workflow=loop, n_real=sizes, route="law")
