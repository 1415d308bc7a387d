"""How the cost grows with the sizes: ours against ours at a reference size, in turn.

All are of the Gaussian under Replace. A ratio is of costs and must not exceed its target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from collapse_theory.bench.case import AbstractCase, Row, Settings
from collapse_theory.bench.children import child
from collapse_theory.bench.law import SMOKE_CHAINS, ours_side
from collapse_theory.bench.measuring import Calls, alternate, spread
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.observables.parameters import mean_squared_error, variance
from collapse_theory.workflows.replace import Replace

Seconds = NDArray[np.float64]
COST = "ns per chain-generation"
ACCELERATED = 64  # times the chains, where a unit has so many more


class Size(NamedTuple):
    """Of a run. Chains are powers of two: a part of a unit costs as much as a whole one."""

    n: int = 100
    chains: int = 1 << 18
    generations: int = 100


STANDARD = Size()


@dataclass(frozen=True)
class Growth(AbstractCase):
    """The time of a chain-generation at several sizes over that at a reference size.

    Attributes:
        varied: which of the sizes.
        reference: its value for the reference.
        values: its other values.
        base: the sizes that do not change.
        target: what the ratio may be at most.
    """

    name: str
    about: str
    varied: str
    reference: int
    values: tuple[int, ...]
    base: Size = STANDARD
    target: float = 1.2
    group: ClassVar[str] = "scaling"

    def run(self, settings: Settings) -> list[Row]:
        """A row for each size but the reference."""
        sides = {}
        for value in (self.reference, *self.values):
            size = fitted(self.base._replace(**{self.varied: value}), settings)
            what = (gaussian(size.n, size.generations), size.chains)
            sides[f"{self.name} {self.varied}={getattr(size, self.varied):,}"] = ours_side(
                what, settings
            )
        calls = alternate(sides, settings.repeats)
        (_, reference), *others = calls.items()
        return [self._row(name, c, reference, settings) for name, c in others]

    def _row(self, name: str, calls: Calls, reference: Calls, settings: Settings) -> Row:
        ratio = spread(calls.cost / reference.cost)
        return Row(
            name=name,
            group=self.group,
            unit=COST,
            ours=float(np.median(calls.cost)),
            baseline=float(np.median(reference.cost)),
            ratio=ratio,
            target=self.target,
            passed=None if settings.smoke else ratio.median <= self.target,
            cores_ours=float(np.median(calls.cores)),
            cores_baseline=float(np.median(reference.cores)),
        )


@dataclass(frozen=True)
class Memory(AbstractCase):
    """Peak memory of a process with a hundred times the chains over that of another."""

    name: str = "memory"
    about: str = "peak memory of a process with 1e8 chains over one with 1e6"
    target: float = 1.1
    group: ClassVar[str] = "scaling"

    def run(self, settings: Settings) -> list[Row]:
        """One row; each process runs once."""
        few, many = (10_000, 100_000) if settings.smoke else (10**6, 10**8)
        few_mib, many_mib = (child("memory", c, 2, settings.dtype)["mib"] for c in (few, many))
        ratio = spread([many_mib / few_mib])
        passed = None if settings.smoke else ratio.median <= self.target
        return [
            Row(f"{self.name} chains={many:,}", self.group, "MiB", many_mib, few_mib, ratio=ratio,
                target=self.target, passed=passed)
        ]  # fmt: skip


@dataclass(frozen=True)
class Devices(AbstractCase):
    """Several devices over one: seconds, and moments that must have the same bits."""

    name: str = "devices"
    about: str = "seconds on 2, 4 and 8 devices over one (a CPU is split); moments to the same bits"
    target: float | None = None
    group: ClassVar[str] = "scaling"

    def run(self, settings: Settings) -> list[Row]:
        """A row for each number of devices but one."""
        size = fitted(Size(chains=1 << 19), settings)
        found = child("devices", size.chains, size.generations, settings.dtype, settings.repeats)
        one, *others = found["seconds"].items()
        return [self._row(count, np.asarray(taken), np.asarray(one[1]), found["equal"][count])
                for count, taken in others]  # fmt: skip

    def _row(self, count: str, taken: Seconds, one: Seconds, equal: bool) -> Row:
        note = "moments: the same bits" if equal else "MOMENTS DIFFER"
        return Row(f"{self.name} {count}", self.group, "s", float(np.median(taken)),
                   float(np.median(one)), ratio=spread(taken / one), passed=equal,
                   notes=(note,))  # fmt: skip


def scaling_cases() -> list[AbstractCase]:
    """All of the group."""
    return [
        Growth("flat-in-n", "time at n = 10, 1e4, 1e6, 1e8 over n = 100", "n", 100,
               (10, 10**4, 10**6, 10**8)),
        Growth("linear-in-chains", "time a chain at 2^20 and 2^23 chains over 2^17", "chains",
               1 << 17, (1 << 20, 1 << 23), Size(generations=30)),
        Growth("linear-in-generations", "time a generation at T = 100 and 1000 over T = 10",
               "generations", 10, (100, 1000), Size(chains=1 << 17)),
        Memory(),
        Devices(),
    ]  # fmt: skip


def gaussian(n: int, generations: int) -> Experiment:
    """The experiment of the group."""
    return Experiment(
        family=Gaussian(),
        workflow=Replace(),
        n=n,
        generations=generations,
        observables=(mean_squared_error, variance),
    )


def fitted(size: Size, settings: Settings) -> Size:
    """The size for this machine, or a tiny one."""
    if settings.smoke:
        small = size.chains // (1 << 17)
        return size._replace(
            chains=SMOKE_CHAINS * max(1, small), generations=2 + size.generations // 100
        )
    more = 1 if settings.platform == "cpu" else ACCELERATED
    return size._replace(chains=size.chains * more)
