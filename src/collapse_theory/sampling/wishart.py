"""Wishart matrices by Bartlett's triangle, and the triangular algebra that goes with it.

Everything works on triangular roots and never on the matrices themselves: a root keeps twice the
digits, and its columns may be kept on the log scale. Loops run over the dimension, which is static
and small; each pass is plain arithmetic on whole rows, or on single numbers, so that ``vmap`` over
chains stays fast.

References:
    bartlett1933
"""

from __future__ import annotations

import functools
import itertools
from typing import Any

import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.custom_batching import custom_vmap
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float

from collapse_theory.sampling.counter import IMPL, Address, normal_from_bits, normal_pair, words
from collapse_theory.sampling.gamma import gamma_table, log_gamma_of_normal, words_needed

LOG2 = float(np.log(2))
MANY = 128
"""More numbers than that are not made one by one: each is a program of its own."""
SMALL, WRITTEN_OUT = 12, 32
"""Up to these dimensions factorisations, and products and solutions, are written out; beyond them
the library is called."""


def normals(key: Any, stream: int, count: int, dtype: Any) -> tuple[Array, ...]:
    """Standard normals of one of several streams under a key, each a scalar; error as
    ``normal_pair``.
    """
    if isinstance(key, Address):
        pairs = (normal_pair(key, stream, i, dtype) for i in range(-(-count // 2)))
        return tuple(itertools.chain(*pairs))[:count]
    made: tuple[Array, ...] = _numbers(stream, count, dtype)(jr.key_data(key))
    return made


@functools.cache
def _numbers(stream: int, count: int, dtype: Any) -> Any:
    """:func:`normals` of the words of a key; under ``vmap`` the chains lie along the last axis.

    There loops over them vectorise, where loops over the numbers of a chain are too short.
    """
    low = np.arange(-(-count // 2), dtype=np.uint32)

    @custom_vmap
    def numbers(data: Array) -> tuple[Array, ...]:
        key = jr.wrap_key_data(data, impl=IMPL)
        first, second = normal_pair(key, stream, low, dtype)
        return (*first, *second)[:count]

    @numbers.def_vmap
    def _(size: int, batched: list[bool], data: Array) -> Any:
        keys = jr.wrap_key_data(data, impl=IMPL)[None]
        first, second = normal_pair(keys, stream, low[:, None], dtype)
        return (*first, *second)[:count], (True,) * count

    return numbers


def normal_row(key: Any, stream: int, count: int, dtype: Any) -> Float[Array, " count"]:
    """As :func:`normals`, in an array."""
    if count <= MANY:
        return jnp.stack(normals(key, stream, count, dtype))
    low = np.arange(-(-count // 2), dtype=np.uint32)
    return normal_from_bits(jnp.concatenate(words(key, stream, low))[:count], dtype)


def bartlett_table(dof: np.ndarray, d: int) -> dict[str, np.ndarray]:
    """What :func:`bartlett` needs for each number of degrees of freedom: axes (len(dof), d, ...).

    Column j holds chi-square with ``dof - j`` degrees of freedom; columns with none left are zero.
    """
    left = np.maximum(np.asarray(dof, float)[:, None] - np.arange(d), 0)
    flat = gamma_table(left.ravel() / 2)
    return {name: a.reshape(len(left), d, *a.shape[1:]) for name, a in flat.items()}


def bartlett(
    key: Array, stream: int, table: dict[str, Array]
) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """The lower-triangular A with A A' ~ Wishart(I, dof), exactly in law, for any dof >= 0.

    Args:
        key: randomness.
        stream: streams of the key from this one on, one and one a lift, are used up.
        table: one row of :func:`bartlett_table`, in the dtype of the result.

    Returns:
        The log of the diagonal (-inf in the columns that fewer rows than dimensions leave empty),
        and the part below the diagonal, zero elsewhere. Error: that of the gamma variate, 1e-9 in
        the log (float64), 3e-8 rms (float32).
    """
    d, dtype = table["log_shape"].shape[-1], table["log_shape"].dtype.type
    z = normal_row(key, stream, d * (d + 1) // 2, dtype)
    log_diag = log_chi(z[:d], key, stream + 1, table)
    return log_diag, jnp.where(jnp.isfinite(log_diag)[None, :], strictly_lower(z[d:], d), 0)


def strictly_lower(z: Float[Array, " k"], d: int) -> Float[Array, "d d"]:
    """The d (d - 1) / 2 numbers below the diagonal of a matrix, in some fixed order.

    Rows i and k - i of the triangle, k = d or d - 1, fill one line of a rectangle: the matrix is
    two masks, where placing row by row would take a pass a row.
    """
    width = d - 1 + d % 2
    lines = z.reshape(d // 2, width)
    bottom = jnp.pad(lines, [(d - d // 2, 0), (0, d - width)])
    top = jnp.pad(lines[::-1, ::-1], [(d % 2, d - d // 2 - d % 2), (0, d - width)])
    row, column = np.indices((d, d))
    halves = jnp.where(row < d - d // 2, top, bottom)
    return jnp.where(column < row, halves, 0)


def bartlett_numbers(
    key: Array, stream: int, table: dict[str, Array]
) -> tuple[Float[Array, " d"], tuple[Array, ...]]:
    """As :func:`bartlett` for dof >= d: the numbers below the diagonal, row by row."""
    d, dtype = table["log_shape"].shape[-1], table["log_shape"].dtype.type
    z = normals(key, stream, d * (d + 1) // 2, dtype)
    return log_chi(jnp.stack(z[:d]), key, stream + 1, table), z[d:]


def log_chi(
    z: Float[Array, " d"], key: Array, stream: int, table: dict[str, Array]
) -> Float[Array, " d"]:
    """Logs of the roots of chi-square variates made of normals, one for each row of the table.

    Streams of the key from ``stream`` on, one a lift, are used up.
    """
    low = np.arange(len(z), dtype=np.uint32)
    lifts = [words(key, stream + i, low)[0] for i in range(words_needed(table) - 1)]
    return (log_gamma_of_normal(z, lifts, table) + LOG2) / 2


def lower_factor(rows: Float[Array, "r k"], pivots: int) -> Float[Array, "r p"]:
    """L with L = rows Q', Q having orthonormal rows that span the first ``pivots`` rows.

    With r = pivots it is the lower-triangular root: L L' = rows rows'. Further rows are expressed
    in the same basis (the right-hand side of a least-squares problem). Modified Gram-Schmidt: L is
    exact for rows perturbed by rounding, so its error is that of an orthogonal factorisation. A
    dependent row gives a zero (or rounding-sized) pivot, never a NaN. In many dimensions the
    library's factorisation.
    """
    if pivots > SMALL:
        upper = jnp.linalg.qr(rows.T, mode="r")[:pivots]
        upper = jnp.pad(upper, [(0, pivots - len(upper)), (0, 0)])
        return (upper * jnp.where(jnp.diagonal(upper) < 0, -1, 1)[:, None].astype(rows.dtype)).T
    columns = []
    for j in range(pivots):
        head, rest = rows[0], rows[1:]
        norm = jnp.sqrt((head * head).sum())
        axis = head / jnp.where(norm > 0, norm, 1)
        along = (rest * axis[None]).sum(-1)
        rows = rest - along[:, None] * axis[None]
        columns.append(jnp.concatenate([jnp.zeros(j, head.dtype), norm[None], along]))
    return jnp.stack(columns, -1)


def lower_product(a: Float[Array, "d d"], b: Float[Array, "d k"]) -> Float[Array, "d k"]:
    """A b, written out: small matrix products under ``vmap`` are slow library calls."""
    if len(b) > WRITTEN_OUT:
        return a @ b
    return sum((a[:, k, None] * b[k][None] for k in range(1, len(b))), a[:, 0, None] * b[0][None])


def solve_lower(root: Float[Array, "d d"], b: Float[Array, "d k"]) -> Float[Array, "d k"]:
    """Root^-1 b by forward substitution."""
    if len(b) > WRITTEN_OUT:
        return solve_triangular(root, b, lower=True)
    found = []
    for j in range(len(b)):
        x = b[0] / root[j, j]
        b = b[1:] - root[j + 1 :, j, None] * x[None]
        found.append(x)
    return jnp.stack(found)


def solve_transposed(root: Float[Array, "d d"], b: Float[Array, " d"]) -> Float[Array, " d"]:
    """Root'^-1 b by back substitution."""
    if len(b) > WRITTEN_OUT:
        return solve_triangular(root, b, trans=1, lower=True)
    found = []
    for j in reversed(range(len(b))):
        x = b[j] / root[j, j]
        b = b[:j] - root[j, :j] * x
        found.append(x)
    return jnp.stack(found[::-1])
