"""New rows of the most recent models."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from collapse_theory.errors import InputError, show
from collapse_theory.workflows.base import MOST_KEPT, AbstractWorkflow, Data


class MostRecent(AbstractWorkflow):
    """Each fit sees n new rows of each of the last ``models`` models, at first the truth too.

    Training set at t >= 2: min(models, t) batches of n rows, one from each of fit t-1, fit t-2, ...
    A :class:`Window` keeps the old batches; this draws new ones.

    Fields: ``models``: how many, at least 1; with 1 it is :class:`Replace`.

    Raises:
        InputError: ``models`` is not a whole number in 1..256.
    """

    models: int = 2
    synonyms = ("most recent models",)

    def __check_init__(self) -> None:
        whole = isinstance(self.models, int) and not isinstance(self.models, bool)
        if not whole or not 1 <= self.models <= MOST_KEPT:
            raise InputError(
                f"workflow.models = {show(self.models)}: a whole number in 1..{MOST_KEPT} is needed"
            )

    def init(self, data: Data) -> Any:
        """The models before the last one, newest first; the truth stands in for missing ones."""
        return (data.truth,) * (self.models - 1)

    def step(self, data: Data, memory: Any) -> tuple[Any, Any]:
        """Train on a batch of each; a model that is not there yet has weight 0."""
        models = (data.last, *memory)
        rows = data.draw(models[0])
        for age, model in enumerate(models[1:], start=1):
            there = jnp.where(age < data.generation, 1.0, 0.0)
            rows = rows.merge(data.draw(model).scale(there))
        return rows, models[:-1]
