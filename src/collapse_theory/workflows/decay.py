"""A pool that forgets."""

from __future__ import annotations

from typing import Any

from collapse_theory.errors import InputError
from collapse_theory.workflows.base import AbstractWorkflow, Data


class Decay(AbstractWorkflow):
    """Each fit sees all data so far, the weight of a batch falling geometrically with its age.

    Training set at t: pool_t = rate pool_{t-1} + synthetic_t, pool_1 = real_1. Rate 0 is replace,
    rate 1 is accumulate.

    Fields: ``rate``: factor on the weight of every earlier row in each generation, in [0, 1].

    Raises:
        InputError: ``rate`` is not in [0, 1].
    """

    rate: float
    synonyms = ("forgetting", "exponential window")

    def __check_init__(self) -> None:
        if isinstance(self.rate, float | int) and not 0 <= self.rate <= 1:
            raise InputError(f"workflow.rate = {self.rate}: a rate must lie in [0, 1]")

    def init(self, data: Data) -> Any:
        """The pool starts with the real batch."""
        return data.real

    def step(self, data: Data, memory: Any) -> tuple[Any, Any]:
        """Fade the pool, add a synthetic batch and train on it all."""
        pool = memory.scale(self.rate).merge(data.synthetic())
        return pool, pool
