"""Real data now and then."""

from __future__ import annotations

from typing import Any

from collapse_theory.errors import InputError, show
from collapse_theory.workflows.base import AbstractWorkflow, Data


class Refresh(AbstractWorkflow):
    """Replace, but every k-th fit also sees n_real fresh real rows.

    Training set at t >= 2: synthetic_t, plus real_t where t is a multiple of k. k = 1 is mix with
    fresh data.

    Fields: ``every``: k >= 1, in generations.

    Raises:
        InputError: ``every`` is below 1, or beyond 2**31.
    """

    every: int
    synonyms = ("periodic real data",)

    def __check_init__(self) -> None:
        if not 1 <= self.every < 2**31:
            raise InputError(
                f"workflow.every = {show(self.every)}: a whole number in [1, 2**31) is needed"
            )

    def init(self, data: Data) -> None:
        """Nothing is kept."""

    def step(self, data: Data, memory: None) -> tuple[Any, None]:
        """Train on a synthetic batch, with real rows where they are due (weight 0 elsewhere)."""
        due = 1.0 * (data.generation % self.every == 0)  # a float, also of an integer on labels
        return data.synthetic().merge(data.fresh().scale(due)), None
