"""A theorem as an object: a prediction with its kind, domain, source and cases to run it on."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from collapse_theory.experiment import Experiment
from collapse_theory.generators.faithful import Faithful
from collapse_theory.observables.base import Observable

Formula = Callable[[Experiment], Any]
Condition = Callable[[Experiment], bool]


class Kind(enum.Enum):
    """What sort of statement it is."""

    EXACT = "exact"
    LIMIT = "limit"
    ASYMPTOTIC = "asymptotic"
    UPPER = "upper bound"
    LOWER = "lower bound"
    RATE = "rate"
    ALMOST_SURE = "almost sure"


class Status(enum.Enum):
    """The three verdicts."""

    CONSISTENT = "consistent"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"

    def contradicts(self, expected: Status) -> bool:
        """Whether one says refuted and the other does not; inconclusive contradicts nothing."""
        if self is Status.INCONCLUSIVE:
            return False
        return (self is Status.REFUTED) != (expected is Status.REFUTED)


@dataclass(frozen=True)
class Source:
    """Where a statement comes from.

    ``key``: entry of references.bib, or None for the project's own; ``read``: whether the statement
    itself was seen in the paper's text; otherwise it was derived, and the paper is named for its
    subject only.
    """

    key: str | None
    read: bool = False

    @property
    def provenance(self) -> str:
        """``read`` or ``derived``."""
        return "read" if self.read else "derived"


@dataclass(frozen=True)
class Case:
    """An experiment to judge the theorem on, and the verdict it should get.

    Args:
        experiment: covered by the theorem; its observables are not looked at.
        expected: consistent, unless the statement is known to fail there or cannot be seen.
    """

    experiment: Experiment
    expected: Status = Status.CONSISTENT


class Statement(Protocol):
    """What a verdict needs to know of a statement that is held against random draws."""

    @property
    def name(self) -> str:
        """Its id."""

    @property
    def statement(self) -> str:
        """In words, LaTeX inside ``$``."""

    @property
    def kind(self) -> Kind:
        """What sort of statement it is."""

    @property
    def source(self) -> Source:
        """Paper and provenance."""

    @property
    def observable(self) -> Observable:
        """What it is about."""

    @property
    def order(self) -> float | None:
        """Of the relative error, for asymptotic statements."""

    @property
    def planted(self) -> Callable[[Any], Any]:
        """An error that its test must refute."""

    @property
    def finite_kurtosis(self) -> Callable[[Any], bool]:
        """Whether the observable has a fourth moment there."""

    def predict(self, experiment: Any) -> NDArray[np.float64]:
        """The value, or the bound; NaN where the statement is silent."""


@dataclass(frozen=True)
class Theorem:
    """A statement that can be run.

    Args:
        name: its id.
        statement: the docstring of the formula, LaTeX inside ``$``.
        kind: exact identity, bound, asymptotic, ...
        observable: what it is about.
        source: paper and provenance.
        family, workflow, generator: the classes it covers.
        formula: ``formula(experiment)`` gives the value at generations 1..T, shape (T,); NaN where
            it is silent.
        where: further conditions on the experiment.
        cases: where it is judged.
        planted: an error that its test must refute.
        finite_kurtosis: whether the observable has a fourth moment there; without one its variance,
            as chains show it, is not believed, and no standard error is.
        order: for asymptotic statements, the relative error is O(n ** -order).
    """

    name: str
    statement: str
    kind: Kind
    observable: Observable
    source: Source
    family: tuple[type, ...]
    workflow: tuple[type, ...]
    formula: Formula
    generator: tuple[type, ...] = (Faithful,)
    where: Condition = lambda experiment: True
    cases: tuple[Case, ...] = ()
    planted: Callable[[Any], Any] = lambda values: 1.05 * values
    order: float | None = None
    finite_kurtosis: Condition = lambda experiment: True

    def covers(self, experiment: Experiment) -> bool:
        """Whether the statement speaks about this experiment."""
        e = experiment
        return (
            isinstance(e.family, self.family)
            and isinstance(e.workflow, self.workflow)
            and isinstance(e.generator, self.generator)
            and self.observable.supports(e.family)
            and self.where(e)
        )

    def applies(self, experiment: Experiment) -> bool:
        """Whether it covers the experiment and is not known to be false.

        What its own cases refute is kept as a warning: judged there, and offered nowhere else.
        """
        false = self.cases and all(c.expected is Status.REFUTED for c in self.cases)
        return not false and self.covers(experiment)

    def predict(self, experiment: Experiment) -> NDArray[np.float64]:
        """The value, or the bound, at generations 1..T; NaN where the statement is silent."""
        values = np.asarray(self.formula(experiment), float)
        return np.broadcast_to(values, (experiment.generations,))


def theorem(
    name: str,
    *,
    observable: Observable,
    kind: Kind,
    source: Source,
    family: type | tuple[type, ...],
    workflow: type | tuple[type, ...],
    **conditions: Any,
) -> Callable[[Formula], Theorem]:
    """Decorator: turn ``formula(experiment) -> (T,)`` into a :class:`Theorem`.

    Its docstring is the statement. ``formula`` gives an array (T,), in the unit of the observable,
    NaN where it is silent.

    Args:
        name: the id, ``source.part``.
        observable: what the statement is about.
        kind: exact identity, bound, asymptotic, ...
        source: paper and provenance.
        family: the class or classes that it covers.
        workflow: the same.
        conditions: the other fields of :class:`Theorem`: generator, where, cases, planted, order,
            finite_kurtosis.

    Example:
        >>> import collapse_theory as ct
        >>> variance = ct.theorem_named("replace.var_moments.mean").observable
        >>> @ct.theorem(
        ...     "mine.kept", observable=variance, kind=ct.Kind.EXACT, source=ct.Source(None),
        ...     family=ct.Gaussian, workflow=ct.Replace, where=lambda e: e.family.ddof == 1,
        ... )
        ... def kept(e):
        ...     "The mean variance stays."
        ...     return [e.truth.var] * e.generations
        >>> e = ct.Experiment(family=ct.Gaussian(), workflow=ct.Replace(), n=9, generations=3)
        >>> kept.covers(e), kept.predict(e)
        (True, array([1., 1., 1.]))
    """
    several = ("family", "workflow", "generator")
    given = {"family": family, "workflow": workflow, **conditions}
    given |= {k: _tuple(given[k]) for k in several if k in given}
    given["cases"] = tuple(
        c if isinstance(c, Case) else Case(c) for c in _tuple(given.get("cases", ()))
    )

    def wrap(formula: Formula) -> Theorem:
        statement = inspect.cleandoc(formula.__doc__ or "")
        return Theorem(
            name=name, statement=statement, kind=kind, observable=observable, source=source,
            formula=formula, **given,
        )  # fmt: skip

    return wrap


def _tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)
