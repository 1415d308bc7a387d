"""Rows that are real with some probability."""

from __future__ import annotations

from typing import Any

from collapse_theory.errors import InputError
from collapse_theory.workflows.base import AbstractWorkflow, Data


class MixShare(AbstractWorkflow):
    """Each fit sees n rows; each row is real with probability ``share``, else of the last fit.

    Training set at t >= 2: n rows, independent given the past, of the law share truth + (1 - share)
    fit_{t-1}. How many of them are real is Binomial(n, share); :class:`Mix` fixes both numbers.

    Fields: ``share``: probability that a row is real, in [0, 1].

    Raises:
        InputError: ``share`` is not in [0, 1].
    """

    share: float

    def __check_init__(self) -> None:
        if isinstance(self.share, float | int) and not 0 <= self.share <= 1:
            raise InputError(f"workflow.share = {self.share}: a share must lie in [0, 1]")

    def init(self, data: Data) -> None:
        """Nothing is kept."""

    def step(self, data: Data, memory: None) -> tuple[Any, None]:
        """Train on one batch of the mixed law."""
        models = data.truth.scale(self.share).merge(data.last.scale(1 - self.share))
        return data.draw(models), None
