"""Batches of rows and their fits in NumPy, float64: what the trials of this folder share.

Arrays lead with the axis of replicates: x (count, n, d), y (count, n), weights (count, d).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

Array = Any  # of floats; the shapes are in the docstring
Generator = np.random.Generator


def design(rng: Generator, count: int, n: int, spectrum: ArrayLike) -> Array:
    """Gaussian rows with a diagonal covariance."""
    scale = np.sqrt(np.asarray(spectrum, float))
    x: Array = rng.standard_normal((count, n, scale.size)) * scale
    return x


def labels(rng: Generator, x: Array, weights: Array, noise: Any) -> Array:
    """X w + noise e."""
    y: Array = apply(x, weights) + noise * rng.standard_normal(x.shape[:2])
    return y


def apply(x: Array, weights: Array) -> Array:
    """X w for each replicate."""
    out: Array = np.matmul(x, weights[..., None])[..., 0]
    return out


def transposed(x: Array, y: Array) -> Array:
    """X' y for each replicate."""
    return apply(x.swapaxes(-1, -2), y)


def least_squares(x: Array, y: Array) -> Array:
    """The least-squares solution; the one of least norm where there are fewer rows than columns."""
    if x.shape[1] >= x.shape[2]:
        return _solve(np.matmul(x.swapaxes(-1, -2), x), transposed(x, y))
    return transposed(x, _solve(np.matmul(x, x.swapaxes(-1, -2)), y))


def ridge(x: Array, y: Array, penalty: float) -> Array:
    """(x'x + n penalty)^-1 x'y, from whichever Gram matrix is smaller."""
    n, d = x.shape[1:]
    if n >= d:
        gram = np.matmul(x.swapaxes(-1, -2), x) + n * penalty * np.eye(d)
        return _solve(gram, transposed(x, y))
    return transposed(x, _solve(np.matmul(x, x.swapaxes(-1, -2)) + n * penalty * np.eye(n), y))


def replace_chain(
    rng: Generator, true: Array, n: int, noise: float, fits: int, *, fixed: bool
) -> Array:
    """Least squares on its own labels, (count, fits, d): one isotropic design, or new ones."""
    (count, d), w, out = true.shape, true, []
    x = design(rng, count, n, np.ones(d))
    for _ in range(fits):
        w = least_squares(x, labels(rng, x, w, noise))
        x = x if fixed else design(rng, count, n, np.ones(d))
        out.append(w)
    return np.stack(out, 1)


def squared_norm(u: Array) -> Array:
    """Sum of squares along the last axis."""
    out: Array = (u**2).sum(-1)
    return out


def _solve(a: Array, b: Array) -> Array:
    return np.linalg.solve(a, b[..., None])[..., 0]
