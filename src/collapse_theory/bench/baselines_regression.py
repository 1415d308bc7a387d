"""Least squares as a competent user writes it in NumPy; see :mod:`collapse_theory.bench.baselines`.

Features and noise are standard normal, the true coefficients are 0; the number a chain is its
excess risk.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collapse_theory.bench.baselines import Walk
from collapse_theory.bench.measuring import Vector
from collapse_theory.exact.ols import replace_risk


def fresh_replace(
    rng: np.random.Generator, chains: int, generations: int, *, n: int, d: int
) -> Walk:
    """New rows in every generation, fitted alone."""
    w: Any = np.zeros((chains, d))
    for _ in range(generations):
        w = np.linalg.solve(*_batch(rng, w, n))[..., 0]
        yield (w**2).sum(1)


def fresh_accumulate(
    rng: np.random.Generator, chains: int, generations: int, *, n: int, d: int
) -> Walk:
    """New rows in every generation; Gram matrices and moments are summed, then solved."""
    w = np.zeros((chains, d))
    gram: Any = 0.0
    moment: Any = 0.0
    for _ in range(generations):
        g, b = _batch(rng, w, n)
        gram, moment = gram + g, moment + b
        w = np.linalg.solve(gram, moment)[..., 0]
        yield (w**2).sum(1)


def fixed_replace(
    rng: np.random.Generator, chains: int, generations: int, *, n: int, d: int
) -> Walk:
    """One design for all, reduced to the root of its Gram matrix."""
    inverse, typical = _design(rng, n, d)
    w = np.zeros((chains, d))
    for _ in range(generations):
        w = w + rng.standard_normal((chains, d)) @ inverse
        yield (w**2).sum(1) * typical


def fixed_accumulate(
    rng: np.random.Generator, chains: int, generations: int, *, n: int, d: int
) -> Walk:
    """As above; the fit to t equal batches is the mean of the t fits."""
    inverse, typical = _design(rng, n, d)
    w, total = np.zeros((chains, d)), np.zeros((chains, d))
    for t in range(1, generations + 1):
        total += w + rng.standard_normal((chains, d)) @ inverse
        w = total / t
        yield (w**2).sum(1) * typical


def _batch(rng: np.random.Generator, w: Vector, n: int) -> tuple[Vector, Vector]:
    """Gram matrices and moments of new rows labelled by w, one data set a chain."""
    x = rng.standard_normal((len(w), n, w.shape[1]))
    y = np.einsum("cnd,cd->cn", x, w) + rng.standard_normal((len(w), n))
    xt = x.transpose(0, 2, 1)
    return xt @ x, xt @ y[..., None]


def _design(rng: np.random.Generator, n: int, d: int) -> tuple[Vector, float]:
    """L^-1 of a design's Gram matrix L L', and its typical risk over the expected one, inverted.

    Ours draws a design a chain, the baseline has one for all, which is faster. Given the design the
    mean risk is a known multiple of tr (L L')^-1 = |L^-1|^2, whose mean over designs is d / (n - d
    - 1): so scaled, the baseline's mean has the same expectation as ours.
    """
    x = rng.standard_normal((n, d))
    inverse = np.linalg.inv(np.linalg.cholesky(x.T @ x))
    return inverse, float(replace_risk([n], d, 1)[0] / (inverse**2).sum())
