"""Statements about one fit, or about a loop that is no experiment, judged on NumPy replicates."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.catalogue.base import Kind, Source, Status
from collapse_theory.catalogue.calculation import Numbers, in_words
from collapse_theory.observables.base import Observable

Draws = Callable[..., Any]


@dataclass(frozen=True)
class Replicates:
    """The numbers of a trial and how many values one replicate gives; stands for an experiment."""

    numbers: Numbers
    generations: int

    def __str__(self) -> str:
        return in_words(self.numbers)


@dataclass(frozen=True)
class Trial:
    """A statement about the mean of what independent replicates give.

    Args:
        name: its id.
        statement: the docstring of ``stated``, LaTeX inside ``$``.
        kind: exact identity, bound, asymptotic, ...
        source: paper and provenance.
        stated: ``stated(**numbers)``: the value or bound, shape (k,) or a scalar.
        draws: ``draws(rng, count, **numbers)``: shape (count, k), independent rows, from data and
            fits in float64; nothing of the statement may enter.
        cases: the numbers it is judged on; an asymptotic statement has a ``size`` among them, which
            is multiplied along a ladder.
        chunk: how many replicates are drawn at once.
        most: how many are drawn at most.
        binary: whether draws are 0 or 1, so that they are judged by the exact binomial law.
        order: for asymptotic statements, the relative error is O(size ** -order).
        planted: an error in what is stated that the verdict must see.
        expected: the verdict it should get.
        finite_kurtosis: whether the draws have a fourth moment; without one no standard error is
            believed.
    """

    name: str
    statement: str
    kind: Kind
    source: Source
    stated: Callable[..., Any]
    draws: Draws
    cases: tuple[Numbers, ...]
    chunk: int = 1 << 12
    most: int = 1 << 20
    binary: bool = False
    order: float | None = None
    planted: Callable[[Any], Any] = lambda values: 1.05 * values
    expected: Status = Status.CONSISTENT
    finite_kurtosis: Callable[[Any], bool] = lambda replicates: True

    @property
    def observable(self) -> Observable:
        """Stands for what is averaged."""
        return Observable("value", "what the statement is about", binary=self.binary)

    def predict(self, experiment: Replicates) -> NDArray[np.float64]:
        """The stated values, shape (k,)."""
        return np.atleast_1d(np.asarray(self.stated(**experiment.numbers), float))


def trial(
    name: str, *, kind: Kind, source: Source, draws: Draws, cases: tuple[Numbers, ...],
    **more: Any,
) -> Callable[[Callable[..., Any]], Trial]:  # fmt: skip
    """Decorator: turn ``stated(**numbers)`` into a :class:`Trial`.

    Its docstring is the statement.

    Args:
        name: the id, ``source.part``.
        kind: exact identity, bound, asymptotic, ...
        source: paper and provenance.
        draws: ``draws(rng, count, **numbers)``: independent rows, shape (count, k).
        cases: the numbers that it is judged on, one dict for each case.
        more: the other fields of :class:`Trial`.
    """

    def wrap(stated: Callable[..., Any]) -> Trial:
        statement = inspect.cleandoc(stated.__doc__ or "")
        return Trial(
            name=name, statement=statement, kind=kind, source=source, stated=stated, draws=draws,
            cases=cases, **more,
        )  # fmt: skip

    return wrap
