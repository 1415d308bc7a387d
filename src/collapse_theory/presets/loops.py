"""One model under several loops: curves by generation with bands over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from collapse_theory.result import Result

LEVEL = 0.95

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """An observable by generation, of one model under one loop.

    Attributes:
        model: "transformer" or "counts".
        loop: which data each fit sees, in words.
        observable: its name.
        mean: over seeds, shape (T,); NaN where a seed's value is not finite.
        half: half the width of the band that holds the mean with probability 95 %, by Student's t
            over seeds; NaN of a single seed.
        seeds: how many.
        theory: what is known of it, shape (T,); None where there is no theorem.
    """

    model: str
    loop: str
    observable: str
    mean: Array
    half: Array
    seeds: int
    theory: Array | None = None

    @property
    def low(self) -> Array:
        """Lower end of the band."""
        return self.mean - self.half

    @property
    def high(self) -> Array:
        """Upper end of the band."""
        return self.mean + self.half


def curves_of(
    model: str, loop: str, result: Result, theory: dict[str, Array] | None = None
) -> list[Curve]:
    """The curves of all observables of a result; chains are seeds."""
    found = []
    wide = stats.t.ppf((1 + LEVEL) / 2, result.chains - 1) if result.chains > 1 else np.nan
    for name in result.names:
        whole = result.nonfinite(name) == 0
        mean = np.where(whole, result.mean(name), np.nan)
        half = wide * np.where(whole, result.se(name), np.nan)
        known = (theory or {}).get(name)
        found.append(Curve(model, loop, name, mean, half, result.chains, known))
    return found


def apart(worse: Curve, better: Sequence[Curve]) -> bool:
    """Whether at the last generation the band of one curve lies above those of all others."""
    return all(bool(worse.low[-1] > c.high[-1]) for c in better)
