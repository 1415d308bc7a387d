"""How often true theorems are refuted, and false ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from collapse_theory.calibration.blocks import blocks, moments_by_block, row, with_the_next
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
        refuted: refutations by one run, among those that believed some generation.
        confirmed: refutations by two runs, each and the next one.
        silent: how many believed none, and could not refute.
        believed: mean share of the generations whose standard error was believed.
    """

    theorem: str
    case: str
    observable: str
    chains: int
    refuted: Rate
    confirmed: Rate
    silent: int
    believed: float


@dataclass(frozen=True)
class Power:
    """Verdicts on a theorem whose prediction was moved.

    Args:
        theorem: its id.
        chains: of each verdict.
        multiple: the relative error planted, in units of what the verdict says it can detect.
        refuted: how many were refuted by one run, errors of both signs together.
        confirmed: how many by two, of the pairs that both believed some generation.
    """

    theorem: str
    chains: int
    multiple: float
    refuted: Rate
    confirmed: Rate


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
        able = sum(map(_able, verdicts))
        wrong = np.array([v.status is Status.REFUTED for v in verdicts])
        rates = Rate(int(wrong.sum()), able), Rate(int(with_the_next(wrong).sum()), able)
        silent = len(verdicts) - able
        believed = float(np.mean([v.trusted.mean() for v in verdicts]))
        name, case = theorem.observable.name, describe(theorem.cases[0].experiment)
        found.append(Alarms(theorem.name, case, name, chains, *rates, silent, believed))
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
        pairs = zip(verdicts, [*verdicts[1:], *verdicts[:1]], strict=True)
        able = [(v, after) for v, after in pairs if _able(v)]
        for m in multiples:
            seen = [_planted(v, after, sign * m) for v, after in able for sign in (1, -1)]
            first = Rate(sum(one for one, _ in seen), len(seen))
            both = [two for _, two in seen if two is not None]
            found.append(Power(theorem.name, chains, m, first, Rate(sum(both), len(both))))
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


def _able(verdict: Verdict) -> bool:
    """Whether it believed some generation, so that it could refute."""
    return bool(np.isfinite(verdict.detectable))


def _planted(verdict: Verdict, after: Verdict, multiple: float) -> tuple[bool, bool | None]:
    """Whether the draws refute a prediction with a relative error of this size, and whether those
    of another run do, too: None where they believe no generation.
    """
    wrong = verdict.predicted * (1 + multiple * verdict.detectable)

    def refutes(v: Verdict) -> bool:
        again = judge(v.theorem, v.experiment, v.moments, predicted=wrong, asked=ANY)
        return again.status is Status.REFUTED

    first = refutes(verdict)
    return first, (first and refutes(after)) if _able(after) else None


__all__ = ["MULTIPLES", "Alarms", "Power", "false_alarms", "power"]
