"""A situation, what one may ask about it, and an answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.generators.faithful import Faithful
from collapse_theory.observables.base import Observable

GENERATIONS = 50


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What somebody has, and what they want to keep.

    Args:
        family: the model and its estimator.
        truth: the true parameters; the family's defaults if left out.
        real: rows of real data, N.
        fixed: whether it is one corpus for ever; else N new rows come in each generation.
        synthetic: rows drawn from each fit, where the question needs a number; N if left out.
        generations: the horizon T of answers that do not hold for ever.
        inflation: largest risk allowed, over that of the first fit, which sees real data only; > 1.
        l1: largest mean l1 distance allowed between a fit over symbols and the first fit.
        diversity: smallest share to be kept of the true Gini index, or of the true variance where
            a generator changes it, in (0, 1).
        all_alive: smallest probability that no symbol is lost, in (0, 1).
        tail_recall: smallest mean share of the rarest symbols, those that hold at most 5 % of the
            mass, to be kept, in (0, 1).
        budget: synthetic rows of all generations together, at least one for each.
        generator: how synthetic rows leave a fit; faithfully if left out.
        verifier: chances in [0, 1] that a verifier keeps a right row, and a wrong one.
        wrong: share of the synthetic rows that are wrong before a verifier sees them, in (0, 1).

    Raises:
        InputError: a value is out of range.
    """

    family: Any
    truth: Any = None
    real: int
    fixed: bool = True
    synthetic: int | None = None
    generations: int = GENERATIONS
    inflation: float | None = None
    l1: float | None = None
    diversity: float | None = None
    all_alive: float | None = None
    tail_recall: float | None = None
    budget: int | None = None
    generator: Any = field(default_factory=Faithful)
    verifier: tuple[float, float] | None = None
    wrong: float | None = None

    def __post_init__(self) -> None:
        if self.truth is None:
            object.__setattr__(self, "truth", self.family.truth_type())
        steps = self.generations - 1 if isinstance(self.generations, int) else 1
        for name, least in (("real", 1), ("synthetic", 1), ("generations", 2), ("budget", steps)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise InputError(f"{name} = {value!r}: a whole number >= {least} is needed")
        _in_range("inflation", self.inflation, 1.0, math.inf)
        _in_range("l1", self.l1, 0.0, 2.0)
        _in_range("diversity", self.diversity, 0.0, 1.0)
        for name in ("all_alive", "tail_recall", "wrong"):
            _in_range(name, getattr(self, name), 0.0, 1.0)
        if self.verifier is not None:
            _check_verifier(self.verifier)
        self.generator.check(self.family)

    @property
    def rows(self) -> int:
        """Synthetic rows, N if none were named."""
        return self.real if self.synthetic is None else self.synthetic

    @property
    def target(self) -> float:
        """The inflation; where none is asked for, none counts as kept."""
        return math.inf if self.inflation is None else self.inflation

    @property
    def faithful(self) -> bool:
        """Whether synthetic rows follow the fits they come from."""
        return type(self.generator) is Faithful

    def experiment(
        self, workflow: Any, n: int | tuple[int, ...], generations: int | None = None
    ) -> Experiment:
        """The situation with a loop and so many synthetic rows."""
        return Experiment(
            family=self.family,
            truth=self.truth,
            workflow=workflow,
            n=n,
            n_real=self.real,
            generations=self.generations if generations is None else generations,
            generator=self.generator,
        )


def _in_range(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low < value < high:
        raise InputError(f"{name} = {value}: a number above {low:g} and below {high:g} is needed")


def _check_verifier(chances: tuple[float, float]) -> None:
    if len(chances) != 2 or not all(0 <= c <= 1 for c in chances) or not sum(chances):
        raise InputError(
            f"verifier = {chances}: two chances in [0, 1] are needed, to keep a right row and a "
            "wrong one, not both 0"
        )


@dataclass(frozen=True)
class Limit:
    """A claim that simulation can check: one experiment keeps the limit, the next does not.

    Attributes:
        observable: what is limited, in the mean over chains, at every generation.
        value: the limit.
        below: whether it must stay below, else above.
        inside, outside: experiments that do and do not keep it.
    """

    observable: Observable
    value: float
    below: bool
    inside: Experiment
    outside: Experiment | None = None


@dataclass(frozen=True, kw_only=True)
class Advice:
    """An answer.

    Attributes:
        name: id of the question.
        value: the answer: a number, inf where there is no limit, None where nothing serves; a name
            where one is asked for.
        unit: of the value.
        words: the answer in a sentence.
        theory: ids of the statements it rests on.
        holds: for how long, and how surely: "exact, for ever", "exact, 50 generations",
            "sufficient".
        conditions: when it is true.
        changes: what would change it.
        table: further values, by name.
        limit: what simulation can check.
    """

    name: str
    value: float | str | None
    unit: str
    words: str
    theory: tuple[str, ...]
    holds: str
    conditions: str
    changes: str
    table: dict[str, float] = field(default_factory=dict)
    limit: Limit | None = None


@dataclass(frozen=True)
class Question:
    """What one may ask: ``ask(situation)`` gives an advice, or None where it does not arise."""

    name: str
    ask: Callable[[Situation], Advice | None]


def question(name: str) -> Callable[[Callable[[Situation], Advice | None]], Question]:
    """Decorator: a function from a situation to an advice becomes a question.

    Args:
        name: its id.
    """

    def wrap(ask: Callable[[Situation], Advice | None]) -> Question:
        return Question(name, ask)

    return wrap
