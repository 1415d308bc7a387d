"""Does simulation agree at the answer: the limit is kept just inside and lost just outside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.placement import Plan
from collapse_theory.planning.base import Advice, Limit
from collapse_theory.planning.curves import exact
from collapse_theory.result import simulate

SURE = 3.0  # standard errors
PILOT = 1 << 14
AIM = 5.0  # standard errors that the true distance should measure
MOST = 1 << 27
UNGUIDED = 1 << 20


@dataclass(frozen=True)
class Certificate:
    """What simulation says of an advice.

    Attributes:
        inside, outside: by how many standard errors the worst generation keeps the limit, and the
            last one loses it; None where there is no outside to check.
        chains: of each of the two.
    """

    inside: float
    outside: float | None
    chains: int

    @property
    def holds(self) -> bool:
        """Whether both are beyond three standard errors."""
        return self.inside > SURE and (self.outside is None or self.outside > SURE)


def certify(
    advice: Advice, *, chains: int | None = None, seed: int = 0, plan: Plan | None = None
) -> Certificate:
    """Simulate just inside and just outside the limit of an advice.

    Args:
        advice: of :func:`plan`.
        chains: how many; if left out, as many as put the exact values five standard errors from
            the limit, by a pilot run, at most 1.3e8.
        seed: any whole number.
        plan: dtype, devices, progress.

    Raises:
        InputError: the advice has no limit to check.
    """
    limit = advice.limit
    if limit is None:
        raise InputError(f"{advice.name} has no limit that simulation could check")
    pair = [e for e in (limit.inside, limit.outside) if e is not None]
    chains = chains or max(_needed(limit, e, seed) for e in pair)
    margins = [_margin(limit, e, chains, seed, plan) for e in pair]
    outside = -float(margins[1][-1]) if len(pair) > 1 else None
    return Certificate(float(np.nanmin(margins[0])), outside, chains)


def _margin(
    limit: Limit, e: Experiment, chains: int, seed: int, plan: Plan | None
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Distance to the limit, positive where it is kept, in standard errors, by generation."""
    run = simulate(replace(e, observables=(limit.observable,)), chains=chains, seed=seed, plan=plan)
    gap = limit.value - run.mean(limit.observable)
    sign = 1.0 if limit.below else -1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        z: np.ndarray[tuple[int], np.dtype[np.float64]] = sign * gap / run.se(limit.observable)
    return z


def _needed(limit: Limit, e: Experiment, seed: int) -> int:
    found = exact(e, limit.observable)
    if found is None:  # the advice rests on a bound
        return UNGUIDED
    pilot = simulate(replace(e, observables=(limit.observable,)), chains=PILOT, seed=seed)
    gap = np.abs(found[1] - limit.value)
    worst = float((pilot.variance(limit.observable) / np.maximum(gap, 1e-300) ** 2)[-1])
    return int(np.clip(AIM**2 * worst, PILOT, MOST))
