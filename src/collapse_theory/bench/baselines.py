"""What a competent user writes in NumPy: float64, one core, all chains in one array.

Each function walks the generations and yields one number a chain; :func:`record` keeps their mean.
Truths are standard: mean 0, variance 1, uniform symbols.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np

from collapse_theory.bench.measuring import Outcome, Vector

Walk = Iterator[Vector]
Pair = tuple[Vector, Vector]


def record(walk: Walk) -> Outcome:
    """One mean a generation; returned are the last, and its standard error."""
    means = []
    for values in walk:
        means.append(values.mean())
    return Outcome(float(means[-1]), float(values.std(ddof=1) / np.sqrt(len(values))))


def gaussian_statistic(rng: np.random.Generator, chains: int, generations: int, *, n: int) -> Walk:
    """Replace, from the laws of mean and variance; squared error of the mean."""
    mean, var = np.zeros(chains), np.ones(chains)
    for _ in range(generations):
        mean = mean + np.sqrt(var / n) * rng.standard_normal(chains)
        var = var * rng.chisquare(n - 1, chains) / (n - 1)
        yield mean**2


def gaussian_rows(rng: np.random.Generator, chains: int, generations: int, *, n: int) -> Walk:
    """Replace, from rows; squared error of the mean."""
    mean, var = np.zeros(chains), np.ones(chains)
    for _ in range(generations):
        x = mean[:, None] + np.sqrt(var)[:, None] * rng.standard_normal((chains, n))
        mean, var = x.mean(1), x.var(1, ddof=1)
        yield mean**2


def gaussian_nd_rows(
    rng: np.random.Generator, chains: int, generations: int, *, n: int, d: int
) -> Walk:
    """Replace in d dimensions, from rows; squared length of the error of the mean."""
    mean, root = np.zeros((chains, d)), np.broadcast_to(np.eye(d), (chains, d, d))
    for _ in range(generations):
        x = mean[:, None] + rng.standard_normal((chains, n, d)) @ root.transpose(0, 2, 1)
        mean = x.mean(1)
        x = x - mean[:, None]
        root = np.linalg.cholesky(x.transpose(0, 2, 1) @ x / (n - 1))
        yield (mean**2).sum(1)


def gaussian_mix_fixed(rng: np.random.Generator, chains: int, generations: int, *, n: int) -> Walk:
    """The first real batch and a synthetic one, from statistics; squared error of the mean."""
    real = _batch(rng, np.zeros(chains), np.ones(chains), n)
    pool = [real]
    for _ in range(generations):
        mean, var = _pooled(pool, n)
        yield mean**2
        pool = [real, _batch(rng, mean, var, n)]


def gaussian_window(
    rng: np.random.Generator, chains: int, generations: int, *, n: int, batches: int
) -> Walk:
    """The last few batches, from statistics; squared error of the mean."""
    kept = deque([_batch(rng, np.zeros(chains), np.ones(chains), n)], maxlen=batches)
    for _ in range(generations):
        mean, var = _pooled(list(kept), n)
        yield mean**2
        kept.append(_batch(rng, mean, var, n))


def symbols(rng: np.random.Generator, chains: int, generations: int, *, n: int, k: int) -> Walk:
    """Replace over k symbols, by the generator's own multinomial; chance that two draws differ."""
    p = np.full((chains, k), 1 / k)
    for _ in range(generations):
        p = rng.multinomial(n, p) / n
        yield 1 - (p**2).sum(1)


def bernoulli(rng: np.random.Generator, chains: int, generations: int, *, n: int) -> Walk:
    """Replace of a coin; squared error of its probability."""
    p = np.full(chains, 0.5)
    for _ in range(generations):
        p = rng.binomial(n, p) / n
        yield (p - 0.5) ** 2


def _batch(rng: np.random.Generator, mean: Vector, var: Vector, n: int) -> Pair:
    """Mean and sum of squares of n rows."""
    draw = mean + np.sqrt(var / n) * rng.standard_normal(len(mean))
    return draw, var * rng.chisquare(n - 1, len(mean))


def _pooled(batches: list[Pair], n: int) -> Pair:
    """Mean and variance of batches of n rows each, by Chan's formula."""
    mean, squares = batches[0]
    rows = n
    for other, more in batches[1:]:
        shift = other - mean
        mean = mean + shift * (n / (rows + n))
        squares = squares + more + shift**2 * (rows * n / (rows + n))
        rows += n
    return mean, squares / (rows - 1)
