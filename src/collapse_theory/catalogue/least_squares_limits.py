"""Least squares on kept or growing data: limits and bounds of exact sums."""

from __future__ import annotations

import numpy as np
from scipy import special

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact.gaussian_pooling import universal_two
from collapse_theory.exact.ols import accumulate_limit_fresh, replace_risk

OURS = Source(None)


@calculation(
    "ols.accumulate_fresh_limit", kind=Kind.LIMIT, source=OURS, error=1e-8,
    cases=({"d": 4, "n": 9}, {"d": 10, "n": 100}),
)  # fmt: skip
def accumulate_limit(d: int, n: int) -> Sides:
    r"""$E_\infty = -\frac{\sigma^2d}{d+1}\Big[\psi\big(1-\frac{d+1}n\big)+\gamma\Big]$: with a
    fresh design in each generation and all rows kept, $\pi^2/6$ is the supremum of the inflation,
    not its value.

    $\sigma=1.1$. Held against the sum of two million terms and the integral of the others.
    """
    i, noise = np.arange(1.0, 2_000_001), 1.1
    tail = noise**2 * d / n / (i[-1] + 0.5)
    return Sides(
        accumulate_limit_fresh(n, d, noise),
        noise**2 * d * (1 / (i * (i * n - d - 1))).sum() + tail,
    )


@calculation(
    "ols.accumulate_fresh_limit.inflation", kind=Kind.UPPER, source=OURS, error=1e-12,
    cases=({"d": 4}, {"d": 30}), planted=lambda values: values / 2,
)  # fmt: skip
def inflation(d: int) -> Sides:
    r"""$E_\infty/E_1 < \frac{\pi^2}6$, and it falls from there to 1 as the rows of a generation
    fall to d + 1.

    Held against the limit for sizes from d + 2 to 1000 d.
    """
    sizes = np.unique(np.geomspace(d + 2, 1000 * d, 30).astype(int))
    found = [accumulate_limit_fresh(int(n), d, 1) / (d / (n - d - 1)) for n in sizes]
    return Sides(np.full(sizes.size, np.pi**2 / 6), found)


@calculation(
    "xu2025.sample_growth", kind=Kind.ASYMPTOTIC, source=Source("xu2025"), order=1.0,
    cases=({"d": 5, "s": 2.0, "sizes": (100, 200, 400, 800, 1600)},),
)  # fmt: skip
def sample_growth(d: int, s: float, sizes: tuple[int, ...]) -> Sides:
    r"""$E_\infty \to \frac{\sigma^2d}{n_1}\zeta(s)$ for $n_t = n_1t^s$ as $n_1$ grows: replace
    stays bounded if and only if samples grow faster than linearly, $s>1$.

    Least squares. Held against the exact sum of 200,000 generations and the integral of the others.
    """
    t = np.arange(1.0, 200_001)
    found = []
    for first in sizes:
        total = replace_risk(np.round(first * t**s).tolist(), d, 1.0)[-1]
        found.append(total + d / first * (t[-1] + 0.5) ** (1 - s) / (s - 1))
    return Sides(d * special.zeta(s) / np.asarray(sizes), found, sizes)


@calculation(
    "ols.accumulate_universal_bound", kind=Kind.UPPER, source=OURS, error=1e-12,
    cases=({"seed": 0},), planted=lambda values: values / 2.5,
)  # fmt: skip
def universal_bound(seed: int) -> Sides:
    r"""$\sum_i\frac{n_i}{N_i^2} \le \frac2{n_1}$ for every sequence of block sizes: to leading
    order in the rows, keeping all data never costs more than a factor of two.

    The supremum is that of one row at a time. Held against that sequence, equal and growing blocks,
    and 50 random ones.
    """
    rng = np.random.default_rng(seed)
    schedules = [[200] + [1] * 20_000, [50] * 3000, [20 * 2**i for i in range(20)]]
    schedules += [[40, *rng.integers(1, 200, 300).tolist()] for _ in range(50)]
    return Sides([2 / s[0] for s in schedules], [universal_two(s)[-1] for s in schedules])
