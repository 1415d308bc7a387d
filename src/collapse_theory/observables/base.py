"""Observables: what is measured on a chain at each generation.

An observable is a generic function of a snapshot, with one method a family; either side's file may
register one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from collapse_theory.errors import InputError

Theta = TypeVar("Theta")


class Snapshot(NamedTuple, Generic[Theta]):
    """What an observable may look at, each a model of the family.

    Args:
        truth: the true model.
        first: the fit of generation 1, on real data.
        fit: the fit of this generation.
    """

    truth: Theta
    first: Theta
    fit: Theta


Measure = Callable[[Any, Snapshot[Any]], Any]
M = TypeVar("M", bound=Measure)


class Observable:
    """A named measurement, a scalar for each chain and generation.

    Args:
        name: how it is asked for, in plain words.
        statement: one sentence, with unit, for lists and pages.
        binary: values are 0 or 1, so that judgements may be exact binomial tests.
        cumulative: the value reported at t is the sum of the values at generations 1..t.
    """

    def __init__(
        self, name: str, statement: str, *, binary: bool = False, cumulative: bool = False
    ) -> None:
        self.name, self.statement = name, statement
        self.binary, self.cumulative = binary, cumulative
        self._measure = functools.singledispatch(self._unsupported)

    def register(self, *families: type) -> Callable[[M], M]:
        """Decorator: ``f(family, snapshot) -> scalar`` measures it for these families."""

        def add(f: M) -> M:
            for family in families:
                self._measure.register(family)(f)
            return f

        return add

    def supports(self, family: Any) -> bool:
        """Whether some method covers the family."""
        return self._measure.dispatch(type(family)) is not self._measure.dispatch(object)

    def __call__(self, family: Any, snapshot: Snapshot[Any]) -> Any:
        """The value of one chain at one generation; 0-dimensional array."""
        return self._measure(family, snapshot)

    def at_truth(self, family: Any, truth: Any) -> float:
        """The value of the true model itself; ``truth`` as a user writes it."""
        model = family.model(truth)
        return float(self(family, Snapshot(model, model, model)))

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return (find_observable, (self.name,))

    def _unsupported(self, family: Any, snapshot: Snapshot[Any]) -> Any:
        raise InputError(f"observable {self.name!r} is not defined for {type(family).__name__}")


def find_observable(name: str) -> Observable:
    """The observable of this name in the package.

    Raises:
        InputError: no such name; the message lists them.
    """
    from collapse_theory import discovery  # the walk needs the finished package

    return discovery.named(Observable, name)
