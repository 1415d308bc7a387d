"""Accumulate."""

from __future__ import annotations

from typing import Any

from collapse_theory.workflows.base import AbstractWorkflow, Data


class Accumulate(AbstractWorkflow):
    """Each fit sees all data so far: the real batch and every synthetic one."""

    synonyms = ("augment",)

    def init(self, data: Data) -> Any:
        """The pool starts with the real batch."""
        return data.real

    def step(self, data: Data, memory: Any) -> tuple[Any, Any]:
        """Add a synthetic batch to the pool and train on it."""
        pool = memory.merge(data.synthetic())
        return pool, pool
