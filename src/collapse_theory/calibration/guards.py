"""Rules that say whether a standard error may be believed: how often each is wrong, what it costs.

A verdict is wrong when a true mean is refuted at a generation that the rule believed. The cost is
the share of sound generations that a rule does not believe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.calibration.blocks import Values, blocks, moments_by_block, with_the_next
from collapse_theory.calibration.rates import Rate
from collapse_theory.calibration.traps import Trap
from collapse_theory.judging import ALPHA, ROUNDING, critical, deviation, standard_error
from collapse_theory.moments import Moments
from collapse_theory.result import TAIL_LIMIT, kurtosis, skewness, trusted

SOUND = 3 * ALPHA
"""False alarms of one generation's test up to which its standard errors are sound: those of a
generation are not where the 95 % interval of the rate lies above it."""

AS_LONG = 50  # generations up to which a trap is given its whole budget

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Evidence:
    """What rules may look at; arrays (blocks, generations).

    Args:
        moments: of each block.
        largest: share of the second moment that the farthest chain carries.
        share: share of the sum of absolute deviations that the farthest chain carries.
        halves: difference of the means of both halves, in its own standard errors.
        tail: Hill's estimate of the tail index from the sqrt(chains) largest deviations.
        has_kurtosis: whether theory knows a finite fourth moment.
    """

    moments: Moments
    largest: Any
    share: Any
    halves: Any
    tail: Any
    has_kurtosis: bool


Guard = Callable[[Evidence], Any]


def _kurtosis(limit: float) -> Guard:
    def believes(e: Evidence) -> Any:
        enough = np.sqrt(kurtosis(e.moments) / e.moments.n) <= limit
        return enough & e.has_kurtosis

    return believes


def _skewness(limit: float) -> Guard:
    def believes(e: Evidence) -> Any:
        enough = np.abs(skewness(e.moments)) / np.sqrt(e.moments.n) <= limit
        return enough & e.has_kurtosis

    return believes


def _relative(limit: float) -> Guard:
    def believes(e: Evidence) -> Any:
        m = e.moments
        return (np.sqrt(m.m2) <= limit * m.n * np.abs(m.mean)) & e.has_kurtosis

    return believes


IN_USE = "kurtosis, 0.1"
GUARDS: Mapping[str, Guard] = {
    IN_USE: lambda e: trusted(e.moments) & e.has_kurtosis,
    "kurtosis, 0.1, without theory": lambda e: trusted(e.moments),
    "kurtosis, 0.05": _kurtosis(TAIL_LIMIT / 2),
    "kurtosis, 0.2": _kurtosis(2 * TAIL_LIMIT),
    "kurtosis, 0.3": _kurtosis(3 * TAIL_LIMIT),
    "skewness, 0.05": _skewness(TAIL_LIMIT / 2),
    "skewness, 0.1": _skewness(TAIL_LIMIT),
    "farthest chain in the second moment, 0.1": lambda e: (e.largest <= 0.1) & e.has_kurtosis,
    "farthest chain in the second moment, 0.03": lambda e: (e.largest <= 0.03) & e.has_kurtosis,
    "farthest chain in the sum, 0.01": lambda e: (e.share <= 0.01) & e.has_kurtosis,
    "standard error of the mean, 5 %": _relative(0.05),
    "halves agree, z = 3": lambda e: (np.abs(e.halves) <= 3) & e.has_kurtosis,
    "tail index, 2": lambda e: (e.tail >= 2) & e.has_kurtosis,
    "tail index, 4": lambda e: (e.tail >= 4) & e.has_kurtosis,
    "kurtosis, 0.1, and tail index, 3": lambda e: (
        trusted(e.moments) & (e.tail >= 3) & e.has_kurtosis
    ),
    "none": lambda e: np.ones_like(e.largest, bool),
}


@dataclass(frozen=True)
class GuardRow:
    """What a rule does on a trap with so many chains.

    Args:
        guard: its name.
        trap: where.
        chains: of each verdict.
        has_kurtosis: whether theory knows a finite fourth moment there; else no verdict is given.
        wrong: refutations by one run; the statement is true.
        confirmed: by two, each and the next one.
        able: verdicts that believed some generation, and could have been wrong.
        sound: believed generations among those whose standard errors are sound.
        unsound: believed generations among the others.
    """

    guard: str
    trap: str
    chains: int
    has_kurtosis: bool
    wrong: Rate
    confirmed: Rate
    able: int
    sound: Rate
    unsound: Rate


def evidence(values: Values, has_kurtosis: bool = True) -> Evidence:
    """Of blocks of chains, (blocks, chains, generations)."""
    m = moments_by_block(values)
    far = np.abs(values - m.mean[:, None])
    top = far.max(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = np.where(m.m2 > 0, top**2 / m.m2, 0)
        share = np.where(m.m2 > 0, top / far.sum(1), 0)
    halves = _halves(values)
    return Evidence(m, largest, share, halves, _tail_index(far), has_kurtosis)


def guard(
    where: Sequence[Trap],
    *,
    chains: Sequence[int],
    budget: int,
    most: int = 1000,
    seed: int = 0,
    rules: Mapping[str, Guard] = GUARDS,
) -> tuple[GuardRow, ...]:
    """Try rules on traps, all of them on the same draws.

    Args:
        where: the traps.
        chains: of a verdict; several numbers are tried in turn.
        budget: chains in all that each trap is given for each of these numbers; fewer where there
            are more than 50 generations.
        most: verdicts at most, for each trap and number of chains.
        seed: of the first trap; each has its own.
        rules: by name.
    """
    found: list[GuardRow] = []
    for i, trap in enumerate(where):
        total = int(budget * min(1, AS_LONG / trap.experiment.generations))
        for some in chains:
            count = min(most, max(1, total // some))
            found += _try(trap, some, count, seed + i, rules)
    return tuple(found)


def refuted(trap: Trap, moments: Moments, believes: Mask) -> Mask:
    """Whether each block's verdict is a refutation, by the tests of :func:`judging.judge`.

    Args:
        trap: where.
        moments: arrays (blocks, generations).
        believes: what a rule says of each generation; none counts after the first that it doubts.
    """
    use = np.logical_and.accumulate(believes, 1)
    counts = use.sum(1)
    limits = {int(c): critical(trap.theorem.kind, max(1, int(c))) for c in np.unique(counts)}
    limit = np.array([limits[int(c)] for c in counts])
    found: Mask = ((np.abs(_deviation(trap, moments)) > limit[:, None]) & use).any(1)
    return found


def _deviation(trap: Trap, moments: Moments) -> Any:
    se = standard_error(trap.theorem, moments, trap.predicted, ROUNDING["float64"])
    return deviation(trap.theorem, moments, trap.predicted, se)


def _try(
    trap: Trap, chains: int, count: int, seed: int, rules: Mapping[str, Guard]
) -> list[GuardRow]:
    """Every rule on the same blocks; which generations are sound is read off all of them."""
    at, z = trap.generations - 1, []
    wrong: dict[str, list[Mask]] = {name: [] for name in rules}
    believed: dict[str, list[Mask]] = {name: [] for name in rules}
    seeds = range(seed, seed + 1)
    for values in blocks(trap.experiment, chains=chains, count=count, seeds=seeds, keep=at):
        seen = evidence(values[..., 0], trap.has_kurtosis)
        z.append(np.abs(_deviation(trap, seen.moments)))
        for name, rule in rules.items():
            says = rule(seen)
            wrong[name].append(refuted(trap, seen.moments, says))
            believed[name].append(np.logical_and.accumulate(says, 1))
    alone = (np.concatenate(z) > critical(trap.theorem.kind, 1)).sum(0)
    lower = np.array([Rate(int(k), count).interval[0] for k in alone])
    sound = (lower <= SOUND) & trap.has_kurtosis
    out = []
    for name, parts in believed.items():
        said = np.concatenate(parts)
        rates = [Rate(int(said[:, s].sum()), said[:, s].size) for s in (sound, ~sound)]
        able = int(said.any(1).sum())
        once = np.concatenate(wrong[name])
        one, two = Rate(int(once.sum()), count), Rate(int(with_the_next(once).sum()), count)
        row = (name, trap.name, chains, trap.has_kurtosis, one, two, able)
        out.append(GuardRow(*row, *rates))
    return out


def _halves(values: Values) -> Any:
    middle = values.shape[1] // 2
    a, b = (moments_by_block(part) for part in (values[:, :middle], values[:, middle:]))
    variance = a.m2 / a.n**2 + b.m2 / b.n**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, (a.mean - b.mean) / np.sqrt(variance), 0)


def _tail_index(far: Values) -> Any:
    """Hill's estimate for each block and generation; infinite where there is no spread."""
    k = int(np.sqrt(far.shape[1]))
    top = np.partition(far, far.shape[1] - k - 1, axis=1)[:, -k - 1 :]
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.sort(top, axis=1))
        slope = logs[:, 1:].mean(1) - logs[:, 0]
        return np.where(slope > 0, 1 / slope, np.inf)


__all__ = ["GUARDS", "IN_USE", "Evidence", "GuardRow", "evidence", "guard", "refuted"]
