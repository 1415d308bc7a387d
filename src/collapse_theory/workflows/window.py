"""The most recent batches."""

from __future__ import annotations

from typing import Any

from collapse_theory.errors import InputError, show
from collapse_theory.workflows.base import MOST_KEPT, AbstractWorkflow, Data


class Window(AbstractWorkflow):
    """Each fit sees the last K batches; the real batch leaves like any other.

    Training set at t: batch_{t-K+1} + ... + batch_t, batch_1 real, batch_s from fit s - 1; all t of
    them while t <= K. K = 1 is replace. On the raw route all batches need the same capacity: n_real
    = n.

    Fields: ``batches``: K >= 1.

    Raises:
        InputError: ``batches`` is below 1 or above 256.
    """

    batches: int = 2
    synonyms = ("sliding window",)

    def __check_init__(self) -> None:
        if not 1 <= self.batches <= MOST_KEPT:
            raise InputError(
                f"workflow.batches = {show(self.batches)}: a whole number in 1..{MOST_KEPT} is "
                "needed; workflow Accumulate keeps all batches"
            )

    def init(self, data: Data) -> tuple[Any, ...]:
        """The real batch, and empty ones of the same shape in the places still unused."""
        return (data.real, *(data.real.scale(0.0),) * (self.batches - 1))

    def step(self, data: Data, memory: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """Drop the oldest batch, add a synthetic one, train on all that are kept."""
        kept = (data.synthetic(), *memory[:-1])
        corpus = kept[0]
        for batch in kept[1:]:  # newest first: two empty batches never meet, which would be 0 / 0
            corpus = corpus.merge(batch)
        return corpus, kept
