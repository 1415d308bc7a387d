"""How often true theorems are refuted, and false ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from collapse_theory.calibration.blocks import blocks, moments_by_block, row
from collapse_theory.calibration.rates import Rate
from collapse_theory.catalogue.base import Status, Theorem
from collapse_theory.experiment import describe
from collapse_theory.judging import Verdict, judge

SEEDS = 10  # runs with seeds of their own, each cut into blocks
MULTIPLES = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
ANY = float("inf")  # the deviation asked for: whether a run is long enough is not the question here


@dataclass(frozen=True)
class Alarms:
    """Verdicts on a true theorem.

    Args:
        theorem: its id.
        case: the experiment in a few words.
        observable: its name.
        chains: of each verdict.
        refuted: refutations, among the verdicts that believed some generation.
        silent: how many believed none, and could not refute.
        believed: mean share of the generations whose standard error was believed.
    """

    theorem: str
    case: str
    observable: str
    chains: int
    refuted: Rate
    silent: int
    believed: float


@dataclass(frozen=True)
class Power:
    """Verdicts on a theorem whose prediction was moved.

    Args:
        theorem: its id.
        chains: of each verdict.
        multiple: the relative error planted, in units of what the verdict says it can detect.
        refuted: how many were refuted, errors of both signs together.
    """

    theorem: str
    chains: int
    multiple: float
    refuted: Rate


def false_alarms(
    theorems: Sequence[Theorem], *, replicates: int, chains: int, seed: int = 0
) -> tuple[Alarms, ...]:
    """How often each theorem is refuted on its first case, by independent verdicts.

    Args:
        theorems: true ones.
        replicates: verdicts on each, a multiple of 10.
        chains: of each verdict.
        seed: the first of those used.
    """
    found = []
    for i, theorem in enumerate(theorems):
        verdicts = list(_verdicts(theorem, replicates, chains, _seeds(seed, i)))
        able = [v for v in verdicts if np.isfinite(v.detectable)]
        rate = Rate(sum(v.status is Status.REFUTED for v in able), len(able))
        silent = len(verdicts) - len(able)
        believed = float(np.mean([v.trusted.mean() for v in verdicts]))
        name, case = theorem.observable.name, describe(theorem.cases[0].experiment)
        found.append(Alarms(theorem.name, case, name, chains, rate, silent, believed))
    return tuple(found)


def power(
    theorems: Sequence[Theorem],
    *,
    replicates: int,
    chains: int,
    seed: int = 0,
    multiples: Sequence[float] = MULTIPLES,
) -> tuple[Power, ...]:
    """How often a planted relative error is refuted, by its size.

    Only verdicts that believe some generation are asked: the others claim to detect nothing.

    Args:
        theorems: true ones.
        replicates: verdicts on each, a multiple of 10; each is tried with errors of both signs.
        chains: of each verdict.
        seed: the first of those used.
        multiples: sizes of the error, in units of the verdict's own ``detectable``.
    """
    found = []
    for i, theorem in enumerate(theorems):
        verdicts = list(_verdicts(theorem, replicates, chains, _seeds(seed, i)))
        able = [v for v in verdicts if np.isfinite(v.detectable)]
        for m in multiples:
            seen = [_planted(v, sign * m) for v in able for sign in (1, -1)]
            found.append(Power(theorem.name, chains, m, Rate(sum(seen), len(seen))))
    return tuple(found)


def _seeds(seed: int, i: int) -> range:
    """Those of the i-th theorem: none is used twice, so that all verdicts are independent."""
    return range(seed + i * SEEDS, seed + (i + 1) * SEEDS)


def _verdicts(theorem: Theorem, count: int, chains: int, seeds: range) -> Iterator[Verdict]:
    bare = replace(theorem.cases[0].experiment, observables=())
    predicted = theorem.predict(bare)
    measured = replace(bare, observables=(theorem.observable,))
    for values in blocks(measured, chains=chains, count=count, seeds=seeds):
        moments = moments_by_block(values[..., 0])
        for i in range(len(values)):
            yield judge(theorem, bare, row(moments, i), predicted=predicted, asked=ANY)


def _planted(verdict: Verdict, multiple: float) -> bool:
    """Whether the same draws refute the prediction with a relative error of this size."""
    wrong = verdict.predicted * (1 + multiple * verdict.detectable)
    again = judge(verdict.theorem, verdict.experiment, verdict.moments, predicted=wrong, asked=ANY)
    return again.status is Status.REFUTED


__all__ = ["MULTIPLES", "Alarms", "Power", "false_alarms", "power"]
