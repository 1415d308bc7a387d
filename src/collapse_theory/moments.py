"""Streaming moments to the fourth order.

On the device: sums of powers about a pivot, for each unit of chains. On the host: float64, merged
in the order of the units, so that a result does not depend on chunks or devices.

References:
    pebay2008
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import NDArray

NOISE = 64  # relative error of a sum of squares, in units of rounding


class PowerSums(NamedTuple):
    """Sums of ((x - pivot) / scale)^k, k = 1..4, over the finite values of a unit of chains.

    Fields: ``finite`` and ``nonfinite`` count the values of either sort.
    """

    finite: Array
    nonfinite: Array
    pivot: Array
    scale: Array
    sums: tuple[Array, Array, Array, Array]


def power_sums(x: Array, valid: Array, pivot: Array, scale: Array) -> PowerSums:
    """Sums over x (chains,) about a pivot, in units of scale (scalars), where valid.

    The four sums are kept apart, not stacked: stacking would break the fusion with what computes x.
    """
    use = valid & jnp.isfinite(x)
    d = jnp.where(use, (x - pivot) * (1 / scale), 0)
    d2 = d * d
    sums = (d.sum(), d2.sum(), (d2 * d).sum(), (d2 * d2).sum())
    count = use.astype(x.dtype).sum()  # exact below 2^24 chains, and faster than integers
    return PowerSums(count, valid.astype(x.dtype).sum() - count, pivot, scale, sums)


def two_pass(x: Array, valid: Array) -> PowerSums:
    """The same where there is no earlier mean to pivot on."""
    top = jnp.where(valid & jnp.isfinite(x), jnp.abs(x), 0).max()
    rough = power_sums(x, valid, jnp.zeros((), x.dtype), jnp.where(top > 0, top, 1))
    return power_sums(x, valid, *recentre(rough))


def recentre(unit: PowerSums) -> tuple[Array, Array]:
    """Pivot and scale for the next generation: this one's mean and standard deviation.

    A spread that is no more than rounding keeps the scale: of values that are all equal it would
    shrink without end, and the first to differ would overflow.
    """
    n = jnp.maximum(unit.finite, 1)
    first, second = unit.sums[0] / n, unit.sums[1] / n
    variance = second - first * first
    noise = NOISE * float(np.finfo(second.dtype).eps) * second
    spread = jnp.sqrt(jnp.where(variance > noise, variance, 1))
    return unit.pivot + first * unit.scale, spread * unit.scale


class Moments(NamedTuple):
    """Count, mean and central sums of powers 2..4 of the finite values, and how many were not
    finite.

    Arrays of float64, shape (generations, observables). ``merge`` is associative to rounding.
    """

    n: NDArray[np.float64]
    mean: NDArray[np.float64]
    m2: NDArray[np.float64]
    m3: NDArray[np.float64]
    m4: NDArray[np.float64]
    nonfinite: NDArray[np.float64]

    def merge(self, other: Moments) -> Moments:
        """Moments of both samples together."""
        na, nb = self.n, other.n
        n = na + nb
        safe = np.maximum(n, 1)
        d = np.where((na > 0) & (nb > 0), other.mean - self.mean, 0)
        wa, wb = na / safe, nb / safe
        mean = np.where(na > 0, self.mean, other.mean) + np.where(na > 0, d * wb, 0)
        m2 = self.m2 + other.m2 + d**2 * na * wb
        m3 = (
            self.m3 + other.m3 + d**3 * na * wb * (wa - wb) + 3 * d * (wa * other.m2 - wb * self.m2)
        )
        m4 = (
            self.m4 + other.m4 + d**4 * na * wb * (wa**2 - wa * wb + wb**2)
            + 6 * d**2 * (wa**2 * other.m2 + wb**2 * self.m2)
            + 4 * d * (wa * other.m3 - wb * self.m3)
        )  # fmt: skip
        return Moments(n, mean, m2, m3, m4, self.nonfinite + other.nonfinite)


class Tally(NamedTuple):
    """What a run has merged of its whole units: it can go on from there, to the same bits.

    Fields: ``chains``, how many from the run's first one on; their ``moments``.
    """

    chains: int
    moments: Moments


def to_moments(sums: PowerSums) -> Moments:
    """Host moments of a unit; arrays of ``sums`` are (generations, observables)."""
    n, bad, scale, pivot = (
        np.asarray(a, np.float64) for a in (sums.finite, sums.nonfinite, sums.scale, sums.pivot)
    )
    safe = np.maximum(n, 1)
    a1, a2, a3, a4 = (np.asarray(s, np.float64) / safe for s in sums.sums)
    m2 = np.maximum(a2 - a1**2, 0) * n * scale**2
    spread = m2 > 0  # where there is none, what is left of the others is rounding
    m3 = np.where(spread, a3 - 3 * a1 * a2 + 2 * a1**3, 0) * n * scale**3
    fourth = np.maximum(a4 - 4 * a1 * a3 + 6 * a1**2 * a2 - 3 * a1**4, 0)
    m4 = np.where(spread, fourth, 0) * n * scale**4
    return Moments(n, pivot + a1 * scale, m2, m3, m4, bad)


def moments_of(values: NDArray[np.float64]) -> Moments:
    """Moments over the first axis of host values, (count, ...), in two passes."""
    finite = np.isfinite(values)
    n = finite.sum(0).astype(np.float64)
    mean = np.where(finite, values, 0).sum(0) / np.maximum(n, 1)
    d = np.where(finite, values, mean) - mean
    d2 = d * d  # products: powers take many times as long
    return Moments(n, mean, d2.sum(0), (d2 * d).sum(0), (d2 * d2).sum(0), len(values) - n)
