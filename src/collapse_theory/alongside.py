"""Theory beside a trained family: that of the family it follows when its training ends.

What is proved for counts is proved for a trained softmax only as far as its training finds the
frequencies. So no theorem is said to cover it; its run is held against the theorems about the
counts, and a verdict says how large a deviation would have been seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from collapse_theory import discovery
from collapse_theory.catalogue.base import Kind, Theorem
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.families.base import counterpart
from collapse_theory.judging import Verdict, judge
from collapse_theory.planting import planted_seen
from collapse_theory.result import Result

ASKED = 0.05  # relative deviation that a verdict of "consistent" must be able to see


def experiment_alongside(experiment: Experiment) -> Experiment | None:
    """The experiment of the family that a trained one follows, with the same observables.

    None where there is no such family, and no theorem speaks.

    Args:
        experiment: of a trained family.

    Example:
        >>> import collapse_theory as ct
        >>> e = ct.Experiment(family=ct.Softmax(), workflow=ct.Replace(), n=10, generations=3)
        >>> ct.experiment_alongside(e).family
        Categorical()
    """
    family = counterpart(experiment.family)
    return None if family is None else replace(experiment, family=family, route="auto")


def judge_alongside(result: Result, *, asked: float = ASKED) -> list[Verdict]:
    """Hold a run against every theorem about the family that it follows, on its own observables.

    Asymptotic statements, which need a ladder of sizes, and those known to be false are left out.

    Args:
        result: a run of a trained family.
        asked: the relative deviation that "consistent" must be able to exclude.

    Raises:
        InputError: no family is followed.
    """
    beside = experiment_alongside(result.experiment)
    if beside is None:
        name = type(result.experiment.family).__name__
        raise InputError(f"no theorem: no family of the package is followed by {name}")
    return list(_judged(result, replace(beside, observables=()), asked))


def _judged(result: Result, bare: Experiment, asked: float) -> Iterator[Verdict]:
    for theorem in discovery.members(Theorem):
        measured = theorem.observable.name in result.names
        if measured and theorem.kind is not Kind.ASYMPTOTIC and theorem.applies(bare):
            verdict = judge(
                theorem, bare, result.column(theorem.observable), asked=asked,
                dtype=result.facts["dtype"],
            )  # fmt: skip
            yield replace(verdict, experiment=result.experiment, planted_seen=planted_seen(verdict))


__all__ = ["ASKED", "experiment_alongside", "judge_alongside"]
