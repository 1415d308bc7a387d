"""Weighted sums over the columns of a design, and the inverse of their Gram matrix.

Under ``vmap`` a product with a thin matrix is a loop of length d inside, and an inverse a call of
the library for each chain. Up to `WRITTEN_OUT` coefficients both are written number by number:
loops over rows and over chains, which vectorise.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

WRITTEN_OUT = 4

Columns = Float[Array, "d n"]
Triangle = list[list[Array]]


def predictor(x: Columns, w: Float[Array, " d"]) -> Float[Array, " n"]:
    """The linear predictor of every row, x'w."""
    if len(x) > WRITTEN_OUT:
        return w @ x
    eta = w[0] * x[0]
    for i in range(1, len(x)):
        eta = eta + w[i] * x[i]
    return eta


def total(x: Columns, worth: Float[Array, " n"]) -> Float[Array, " d"]:
    """Sum of the rows, each times its worth."""
    if len(x) > WRITTEN_OUT:
        return x @ worth
    return jnp.stack([(worth * x[i]).sum() for i in range(len(x))])


def leverage(x: Columns, inverse: Float[Array, "d d"]) -> Float[Array, " n"]:
    """Of every row, x' inverse x; the matrix is symmetric."""
    if len(x) > WRITTEN_OUT:
        return ((inverse @ x) * x).sum(0)
    out = jnp.zeros_like(x[0])
    for i in range(len(x)):
        for j in range(i + 1):
            out = out + inverse[i, j] * (1 if i == j else 2) * x[i] * x[j]
    return out


def inverse_gram(
    x: Columns, worth: Float[Array, " n"], faint: Float[Array, ""]
) -> Float[Array, "d d"]:
    """Inverse of the weighted Gram matrix with ``faint`` > 0 added to its diagonal.

    Relative error: a few ulps times the condition.
    """
    d = len(x)
    if d > WRITTEN_OUT:
        dense: Array = jnp.linalg.inv((worth[None] * x) @ x.T + faint * jnp.eye(d, dtype=x.dtype))
        return dense
    gram = [[(worth * x[i] * x[j]).sum() for j in range(i + 1)] for i in range(d)]
    for i in range(d):
        gram[i][i] = gram[i][i] + faint
    return _inverse(gram, faint)


def _inverse(a: Triangle, least: Array) -> Float[Array, "d d"]:
    """Of L D L' = a symmetric matrix, given by its lower triangle.

    No number of D is below ``least`` where no eigenvalue is: rounding may not make it so.
    """
    d = len(a)
    low = [[jnp.ones_like(least)] * d for _ in range(d)]  # L, and then what undoes it
    scale: list[Array] = []
    for j in range(d):
        pivot = a[j][j]
        for k in range(j):
            pivot = pivot - low[j][k] ** 2 * scale[k]
        scale.append(jnp.maximum(pivot, least))
        for i in range(j + 1, d):
            entry = a[i][j]
            for k in range(j):
                entry = entry - low[i][k] * low[j][k] * scale[k]
            low[i][j] = entry / scale[j]
    for j in range(d):
        for i in range(j + 1, d):
            entry = -low[i][j]
            for k in range(j + 1, i):
                entry = entry - low[i][k] * low[k][j]
            low[i][j] = entry
    return jnp.stack([jnp.stack([_entry(low, scale, i, j) for j in range(d)]) for i in range(d)])


def _entry(undo: Triangle, scale: list[Array], i: int, j: int) -> Array:
    entry = jnp.zeros_like(scale[0])
    for k in range(max(i, j), len(scale)):
        entry = entry + undo[k][i] * undo[k][j] / scale[k]
    return entry
