"""Timing: several contenders in turn, and the ratio of their rates within each round.

What disturbs a machine lasts longer than one call, so both terms of a ratio feel it alike.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]


class Outcome(NamedTuple):
    """What a call found at the last generation: a mean over chains and its standard error.

    ``seconds`` where the contender has its own clock (a kernel's, without the start of a process).
    """

    mean: float
    se: float
    seconds: float | None = None


@dataclass(frozen=True)
class Side:
    """A contender: ``run(seed)`` does ``work`` chain-generations."""

    run: Callable[[int], Outcome]
    work: float


@dataclass(frozen=True)
class Calls:
    """The calls of one side, one a round: wall seconds, CPU seconds over wall seconds, findings."""

    work: float
    seconds: Vector
    cores: Vector
    mean: Vector
    se: Vector

    @property
    def rate(self) -> Vector:
        """Chain-generations per second."""
        return self.work / self.seconds

    @property
    def cost(self) -> Vector:
        """Nanoseconds per chain-generation."""
        return 1e9 * self.seconds / self.work


class Spread(NamedTuple):
    """Median and quartiles over rounds."""

    median: float
    low: float
    high: float


def alternate(sides: Mapping[str, Side], repeats: int) -> dict[str, Calls]:
    """One warm-up of every side, then rounds in which each has its turn; a seed a round."""
    for side in sides.values():
        side.run(0)
    rows: dict[str, list[tuple[float, float, Outcome]]] = {name: [] for name in sides}
    for seed in range(1, repeats + 1):
        for name, side in sides.items():
            rows[name].append(_timed(side, seed))
    return {name: _calls(sides[name].work, rows[name]) for name in sides}


def spread(values: ArrayLike) -> Spread:
    """Median and quartiles."""
    low, median, high = np.percentile(np.asarray(values, float), (25, 50, 75))
    return Spread(float(median), float(low), float(high))


def gap(a: Calls, b: Calls) -> float:
    """How far the findings of two sides differ, all rounds together, in standard errors."""
    rounds = len(a.mean)
    error = np.sqrt((a.se**2).sum() + (b.se**2).sum()) / rounds
    return float((a.mean.mean() - b.mean.mean()) / error) if error > 0 else 0.0


def own_cpu() -> float:
    """CPU seconds of this process, all its threads."""
    return time.process_time()


def children_cpu() -> float:
    """CPU seconds of the processes it has waited for."""
    used = os.times()
    return used.children_user + used.children_system


def _timed(side: Side, seed: int) -> tuple[float, float, Outcome]:
    cpu, begun = own_cpu(), time.perf_counter()
    outcome = side.run(seed)
    wall = time.perf_counter() - begun
    return outcome.seconds or wall, (own_cpu() - cpu) / wall, outcome


def _calls(work: float, rows: list[tuple[float, float, Outcome]]) -> Calls:
    columns = zip(*((s, c, o.mean, o.se) for s, c, o in rows), strict=True)
    return Calls(work, *(np.asarray(x, float) for x in columns))
