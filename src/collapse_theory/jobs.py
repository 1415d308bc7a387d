"""What is to be simulated to judge theorems: jobs, and which of them tell most."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from collapse_theory import discovery
from collapse_theory.catalogue.base import Case, Kind, Status, Theorem
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.ladder import RUNGS, rung
from collapse_theory.placement import Plan
from collapse_theory.programs import shape_of


def theorems() -> tuple[Theorem, ...]:
    """Every theorem of the package, in the order of its files."""
    return discovery.members(Theorem)


def theorem_named(name: str) -> Theorem:
    """The theorem with this id.

    Args:
        name: ``source.part``, as ``collapse list theorems`` prints it.

    Raises:
        InputError: no such id.
    """
    return discovery.named(Theorem, name)


@dataclass(frozen=True)
class Job:
    """A theorem on a case; asymptotic statements need a ladder of experiments, the others one."""

    theorem: Theorem
    case: Case

    @property
    def experiments(self) -> tuple[Experiment, ...]:
        """What is simulated."""
        bare = replace(self.case.experiment, observables=())
        if self.theorem.kind is Kind.ASYMPTOTIC:
            return tuple(rung(bare, factor) for factor in RUNGS)
        return (bare,)

    @property
    def first_chains(self) -> tuple[int, ...]:
        """Rungs run on chains of their own: the extrapolation takes their errors as independent."""
        return tuple(i << 40 for i in range(len(self.experiments)))


def jobs_for(what: Experiment | Sequence[str | Theorem] | None, brief: bool) -> list[Job]:
    """Theorems on cases: those that cover an experiment, those named, or all.

    If brief, the first case of each and those that should not come out consistent.

    Raises:
        InputError: an unknown id, or nothing covers the experiment.
    """
    if isinstance(what, Experiment):
        covering = [t for t in theorems() if t.applies(what)]
        if not covering:
            raise InputError("no theorem of the package covers this experiment")
        return [Job(t, Case(what)) for t in covering]
    if isinstance(what, str):
        what = [what]
    chosen = (
        theorems()
        if what is None
        else [t if isinstance(t, Theorem) else theorem_named(t) for t in what]
    )
    return [
        Job(t, case)
        for t in chosen
        for i, case in enumerate(t.cases)
        if not brief or i == 0 or case.expected is not Status.CONSISTENT
    ]


def most_telling(jobs: list[Job], programs: int, plan: Plan) -> list[Job]:
    """The jobs that so many compiled programs do, in the order they came.

    A job of several programs counts for a part of each: a ladder whose sizes share none is dear.
    """
    shapes = [{shape(e, plan.resolve_dtype()) for e in job.experiments} for job in jobs]
    telling: dict[Any, tuple[bool, float]] = {}
    for job, used in zip(jobs, shapes, strict=True):
        for key in used:
            special, count = telling.get(key, (False, 0.0))
            special |= job.case.expected is not Status.CONSISTENT
            telling[key] = special, count + 1 / len(used)
    chosen = set(sorted(telling, key=lambda key: telling[key], reverse=True)[:programs])
    return [job for job, used in zip(jobs, shapes, strict=True) if used <= chosen]


@functools.lru_cache(maxsize=4096)  # tracing a step takes tens of milliseconds
def shape(experiment: Experiment, dtype: Any) -> Any:
    """Experiments of one shape share a compiled program."""
    return shape_of(experiment.setup(dtype))


__all__ = ["Job", "jobs_for", "most_telling", "shape", "theorem_named", "theorems"]
