"""Run trials: replicates in NumPy until standard errors are small enough, and a verdict."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from collapse_theory import discovery
from collapse_theory.catalogue.base import Kind
from collapse_theory.catalogue.trial import Replicates, Trial
from collapse_theory.checkpoint import Checkpoint, recorded
from collapse_theory.confirming import confirmed
from collapse_theory.judging import Verdict, judge
from collapse_theory.ladder import RUNGS, judge_ladder
from collapse_theory.moments import Moments, Tally, moments_of
from collapse_theory.planting import planted_seen
from collapse_theory.revision import versions

ASKED = {"quick": 0.03, "all": 0.03, "full": 0.01}
MARGIN = 1.1  # more replicates than the standard errors so far say are needed
WORKERS = 2


def trials() -> tuple[Trial, ...]:
    """Every trial of the package, in the order of its files."""
    return discovery.members(Trial)


def try_all(
    names: Sequence[str] | None = None,
    *,
    level: str = "all",
    seed: int = 0,
    store: Path | None = None,
) -> Iterator[Verdict]:
    """Judge trials on their cases, in turn as they are finished.

    Args:
        names: ids, each judged on all of its cases; if left out, the level says what is judged.
        level: "quick": nothing, unless named; "all": the first case of each; "full": all cases, to
            deviations of 1 % instead of 3 %.
        seed: of all draws.
        store: a folder for what is drawn: judged again by the same version, it is read.

    Raises:
        InputError: an unknown name.
    """
    every = () if level == "quick" else trials()
    chosen = every if names is None else [discovery.named(Trial, n) for n in names]
    brief = names is None and level != "full"
    todo = [(t, numbers) for t in chosen for numbers in t.cases[: 1 if brief else None]]
    with ThreadPoolExecutor(WORKERS) as pool:
        yield from pool.map(
            lambda job: attempt(*job, asked=ASKED[level], seed=seed, store=store), todo
        )


def attempt(
    what: Trial,
    numbers: dict[str, Any],
    *,
    asked: float = ASKED["quick"],
    seed: int = 0,
    store: Path | None = None,
) -> Verdict:
    """A verdict on one case; asymptotic statements on a ladder of sizes.

    What is refuted is tried once more, on replicates of their own.
    """
    begun = time.perf_counter()
    once, fresh = _Draws(seed, False, store), _Draws(seed, True, store)
    first = _judged(what, numbers, asked, once)
    found = confirmed(first, lambda: _judged(what, numbers, asked, fresh))
    return replace(found, planted_seen=planted_seen(found), seconds=time.perf_counter() - begun)


@dataclass(frozen=True)
class _Draws:
    """Which replicates: the seed of all, whether they are to confirm, where they are kept."""

    seed: int
    again: bool
    store: Path | None

    def generator(self, what: Trial, numbers: dict[str, Any]) -> np.random.Generator:
        """Of its own for each trial, numbers and try."""
        words = [self.seed, zlib.crc32(f"{what.name} {numbers}".encode())]
        return np.random.default_rng([*words, 1] if self.again else words)

    def record(self, what: Trial, numbers: dict[str, Any], asked: float) -> Checkpoint | None:
        """Where the moments are kept; None without a store."""
        if self.store is None:
            return None
        about = {"trial": what.name, "numbers": str(numbers), "asked": asked, "seed": self.seed}
        return recorded(self.store, about | {"again": self.again, "versions": versions()})


def _judged(what: Trial, numbers: dict[str, Any], asked: float, draws: _Draws) -> Verdict:
    if what.kind is not Kind.ASYMPTOTIC:
        return _rung(what, numbers, asked, draws)
    ladder = [{**numbers, "size": numbers["size"] * factor} for factor in RUNGS]
    rungs = [_rung(what, n, asked, draws) for n in ladder]
    return judge_ladder(what, rungs, RUNGS, asked=asked, expected=what.expected)


def _rung(what: Trial, numbers: dict[str, Any], asked: float, draws: _Draws) -> Verdict:
    rng = draws.generator(what, numbers)
    run = Replicates(numbers, len(what.predict(Replicates(numbers, 0))))

    def draw() -> Moments:
        rows = np.asarray(what.draws(rng, what.chunk, **numbers), float)
        if not np.isfinite(rows).all():
            raise ValueError(f"{what.name}: replicates must be finite")
        return moments_of(rows.reshape(what.chunk, run.generations))

    def verdict(moments: Moments) -> Verdict:
        return judge(what, run, moments, asked=asked, expected=what.expected)

    record = draws.record(what, numbers, asked)
    kept = record.read() if record else None
    if kept is not None:
        return verdict(kept.moments)
    moments = draw()
    found = verdict(moments)
    while found.chains < what.most and not _enough(found, asked):
        needed = MARGIN * found.chains * (found.detectable / asked) ** 2
        more = min(max(needed, 1.5 * found.chains), 2.0 * found.chains, what.most) - found.chains
        for _ in range(max(1, math.ceil(more / what.chunk))):
            moments = moments.merge(draw())
        found = verdict(moments)
    if record:
        record.keep(Tally(found.chains, moments))
    return found


def _enough(found: Verdict, asked: float) -> bool:
    """Decided by standard errors and tails alone, never by agreement."""
    return bool(found.detectable <= asked and found.trusted.all())


__all__ = ["attempt", "trials", "try_all"]
