"""Gram matrices of Gaussian rows, given the error of the least-squares fit to them.

The whitened error v tilts the law of W = X'X: it is Wishart(n + 1, (I + vv')^-1), so its root is
t T with T Bartlett's triangle and t the lower-triangular root of (I + vv')^-1.

References:
    derived
"""

from __future__ import annotations

import itertools

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


def tilted(
    v: Float[Array, " d"], log_diag: Float[Array, " d"], below: tuple[Array, ...]
) -> tuple[tuple[Array, ...], ...]:
    """The root A = t T of the Gram matrix of white rows whose error is v, and below it A'v.

    T is Bartlett's triangle, t the lower-triangular root of (I + vv')^-1, formed without
    cancellation: sqrt(after / tail) on the diagonal and -v_i p_j below it, p = t'v.
    """
    d, one = len(v), jnp.ones((), v.dtype)
    tail = [one]
    for x in v[::-1]:
        tail.insert(0, tail[0] + x * x)
    mean = [jnp.sqrt(a) * jnp.sqrt(b) for a, b in itertools.pairwise(tail)]  # products overflow
    diag = jnp.exp(log_diag)
    rows, total = [], [0 * one] * d
    for i in range(d):
        row = [*below[i * (i - 1) // 2 : i * (i + 1) // 2], diag[i]]
        shrink, part = tail[i + 1] / mean[i], v[i] / mean[i]
        rows.append(tuple(x * shrink - v[i] * y for x, y in zip(row, total, strict=False)))
        total = [y + x * part for x, y in zip(row, total, strict=False)] + total[i + 1 :]
    return (*rows, tuple(total))


def tilted_rows(
    v: Float[Array, " d"], log_diag: Float[Array, " d"], below: Float[Array, "d d"]
) -> tuple[Float[Array, "d d"], Float[Array, " d"]]:
    """As :func:`tilted`, in many dimensions."""
    tail = 1 + jnp.cumsum((v * v)[::-1])[::-1]
    after = jnp.append(tail[1:], jnp.ones((1,), v.dtype))
    mean = jnp.sqrt(tail) * jnp.sqrt(after)
    triangle = below + jnp.diag(jnp.exp(log_diag))

    def row(total: Array, at: tuple[Array, ...]) -> tuple[Array, Array]:
        numbers, shrink, part, x = at
        return total + part * numbers, shrink * numbers - x * total

    total, root = lax.scan(row, jnp.zeros_like(v), (triangle, after / mean, v / mean, v))
    return root, total
