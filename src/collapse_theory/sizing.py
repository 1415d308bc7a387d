"""How many chains a verdict takes, read off standard errors and tails, never off the agreement."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from collapse_theory.catalogue.base import Theorem
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.judging import Verdict, judge
from collapse_theory.result import TAIL_LIMIT, Result, kurtosis, simulate

UNSEEN = 2.0  # by which heavy tails outgrow the kurtosis that a pilot shows


def chains_needed(
    theorem: Theorem,
    experiment: Experiment,
    relative: float = 0.01,
    *,
    pilot: int = 1 << 14,
    seed: int = 0,
) -> int:
    """How many chains let a verdict see a relative deviation of this size with 99.9 % power.

    A pilot run gives the variance; where it cannot be believed the answer is a lower bound.

    Args:
        theorem: what is to be judged.
        experiment: on what.
        relative: the deviation, in (0, 1).
        pilot: chains of the pilot run.
        seed: of the pilot run.

    Raises:
        InputError: the theorem does not cover the experiment, or relative is not in (0, 1).
    """
    if not 0 < relative < 1:
        raise InputError(f"relative = {relative}: a number in (0, 1) is needed")
    if not theorem.covers(replace(experiment, observables=(theorem.observable,))):
        raise InputError(f"{theorem.name} does not cover this experiment")
    run = simulate(replace(experiment, observables=(theorem.observable,)), chains=pilot, seed=seed)
    return _to_decide(_judged(theorem, experiment, run), relative)


def chains_for(
    theorem: Theorem, experiment: Experiment, pilot: Result, relative: float, most: int
) -> int:
    """Chains that a verdict takes, as far as a pilot run shows.

    As many as let the generations trusted by now show a deviation of this size, or as let every
    generation be trusted: more only where that is allowed, else they would be spent for nothing.

    Args:
        theorem: what is to be judged.
        experiment: on what.
        pilot: a run of it.
        relative: the deviation.
        most: chains that are allowed.
    """
    verdict = _judged(theorem, experiment, pilot)
    trusting = _to_be_trusted(verdict)
    return max(_to_decide(verdict, relative), trusting if trusting <= most else 1)


def _judged(theorem: Theorem, experiment: Experiment, run: Result) -> Verdict:
    column = run.column(theorem.observable)
    return judge(theorem, experiment, column, dtype=run.facts["dtype"])


def _to_decide(verdict: Verdict, relative: float) -> int:
    if not np.isfinite(verdict.detectable):
        return verdict.chains
    return max(2, math.ceil(verdict.chains * (verdict.detectable / relative) ** 2))


def _to_be_trusted(verdict: Verdict) -> int:
    theorem = verdict.theorem
    if theorem.observable.binary or not theorem.finite_kurtosis(verdict.experiment):
        return 1
    tails = kurtosis(verdict.moments)[np.isfinite(verdict.predicted)]
    return math.ceil(UNSEEN * float(tails.max(initial=0)) / TAIL_LIMIT**2)


__all__ = ["chains_for", "chains_needed"]
