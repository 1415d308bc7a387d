"""The way in: every question about a situation."""

from __future__ import annotations

import functools
from typing import Any

from collapse_theory import discovery
from collapse_theory.errors import InputError
from collapse_theory.planning.base import Advice, Question, Situation


@functools.cache
def questions() -> tuple[Question, ...]:
    """All questions, in the order of their files."""
    return discovery.members(Question)


def plan(family: Any, *, real: int, **wishes: Any) -> list[Advice]:
    """How much synthetic data, which weight, which loop: one advice for each question that arises.

    Args:
        family: the model and its estimator.
        real: rows of real data.
        wishes: the other fields of :class:`Situation`: truth, fixed, synthetic, generations,
            inflation, l1, diversity, all_alive, tail_recall, budget, generator, verifier, wrong.

    Raises:
        InputError: a value is out of range, or no question has an exact answer.

    Example:
        >>> import collapse_theory as ct
        >>> most = ct.plan(ct.Categorical(), real=100, inflation=1.31)[0]
        >>> most.name, most.value, most.unit
        ('max_synthetic', 84, 'rows')
    """
    situation = Situation(family=family, real=real, **wishes)
    found = [a for q in questions() if (a := q.ask(situation)) is not None]
    if not found:
        raise InputError(
            f"no exact theory answers for {type(family).__name__}: simulate it, or name a target "
            "(inflation, l1, diversity, all_alive, tail_recall, budget)"
        )
    return found
