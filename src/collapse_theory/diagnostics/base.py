"""A definition of collapse as an object, and what it answers."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collapse_theory.diagnostics.evidence import Evidence

Curves = NDArray[np.float64]
"""(1 + groups, T): a statistic by generation, first from all chains, then without each group."""


class Answer(enum.Enum):
    """What a definition says of an experiment."""

    YES = "yes"
    NO = "no"
    UNDECIDED = "undecided"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Measurement:
    """A statistic by generation and the condition under which it means collapse.

    Args:
        statistic: what it is, in a few words.
        threshold: when it means collapse, in a few words.
        value: its curves.
        margins: curves that are all positive where the statistic means collapse; at one that is
            significantly not, it does not.
        trusted: (T,), where its standard errors may be believed; everywhere if left out.
        ever: one generation is enough; else the last one decides.
    """

    statistic: str
    threshold: str
    value: Curves
    margins: tuple[Curves, ...]
    trusted: NDArray[np.bool_] | None = None
    ever: bool = False


@dataclass(frozen=True)
class Settled:
    """An answer that needs no test, and why."""

    answer: Answer
    why: str


Finding = Settled | list[Measurement]


@dataclass(frozen=True)
class Definition:
    """A definition of collapse.

    Args:
        name: its id.
        title: as it is called in the literature.
        number: its place among the eight of schaeffer2025; None for the others.
        measure: from evidence to measurements, any of which is enough, or to an answer that needs
            none.
        theory: ids of statements that say what to expect.
        statement: when it calls an experiment collapsed.
    """

    name: str
    title: str
    number: int | None
    measure: Callable[[Evidence], Finding]
    theory: tuple[str, ...]
    statement: str


@dataclass(frozen=True)
class Diagnosis:
    """What a definition says of an experiment.

    Attributes:
        definition: which one.
        answer: yes, no, undecided or not applicable.
        statistic: what was measured; with ``threshold``, when it means collapse.
        value: at generation ``at``, with its standard error ``se``; nan where nothing was measured.
        at: the generation judged: the last whose standard error may be believed.
        onset: the first of three generations in a row that each pass the test; None if there are
            none. It is a date, not a test: its false alarms add up over generations.
        why: a sentence, where the numbers do not speak for themselves.
    """

    definition: Definition
    answer: Answer
    statistic: str = ""
    threshold: str = ""
    value: float = np.nan
    se: float = np.nan
    at: int | None = None
    onset: int | None = None
    why: str = ""


def definition(
    name: str, title: str, *, number: int | None = None, theory: tuple[str, ...] = ()
) -> Callable[[Callable[[Evidence], Finding]], Definition]:
    """Decorator: a function from evidence to a finding becomes a definition.

    Its docstring is the statement.

    Args:
        name: its id.
        title: as it is called in the literature.
        number: its place among the eight of schaeffer2025; None for the others.
        theory: ids of statements that say what to expect.
    """

    def wrap(measure: Callable[[Evidence], Finding]) -> Definition:
        text = " ".join((measure.__doc__ or "").split())
        return Definition(name, title, number, measure, theory, text)

    return wrap
