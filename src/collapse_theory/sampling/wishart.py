"""Wishart matrices by Bartlett's triangle, and the triangular algebra that goes with it.

Everything works on triangular roots and never on the matrices themselves: a root keeps twice the
digits, and its columns may be kept on the log scale. Loops run over the dimension, which is static
and small; each pass is plain arithmetic on whole rows, so that ``vmap`` over chains stays fast.

References:
    bartlett1933
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from collapse_theory.sampling.counter import normal_from_bits
from collapse_theory.sampling.gamma import gamma_table, log_gamma_variate, words_needed

LOG2 = float(np.log(2))


def bartlett_table(dof: np.ndarray, d: int) -> dict[str, np.ndarray]:
    """What :func:`bartlett` needs for each number of degrees of freedom: axes (len(dof), d, ...).

    Column j holds chi-square with ``dof - j`` degrees of freedom; columns with none left are zero.
    """
    left = np.maximum(np.asarray(dof, float)[:, None] - np.arange(d), 0)
    flat = gamma_table(left.ravel() / 2)
    return {name: a.reshape(len(left), d, *a.shape[1:]) for name, a in flat.items()}


def bartlett_words(table: dict[str, Array]) -> int:
    """How many random words :func:`bartlett` takes."""
    d = table["log_shape"].shape[-1]
    return words_needed(table) * d + d * (d - 1) // 2


def bartlett(
    bits: UInt32[Array, " w"], table: dict[str, Array]
) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """The lower-triangular A with A A' ~ Wishart(I, dof), exactly in law, for any dof >= 0.

    Args:
        bits: bartlett_words(table) random words.
        table: one row of :func:`bartlett_table`, in the dtype of the result.

    Returns:
        The log of the diagonal (-inf in the columns that fewer rows than dimensions leave empty),
        and the part below the diagonal, zero elsewhere. Error: that of the gamma variate, 1e-9 in
        the log (float64), 3e-8 rms (float32).
    """
    dtype = table["log_shape"].dtype.type
    d, count = table["log_shape"].shape[-1], words_needed(table)
    log_diag = (log_gamma_variate(bits[: count * d].reshape(count, d), table) + LOG2) / 2
    z = normal_from_bits(bits[count * d :], dtype)
    rows = [
        jnp.concatenate([z[i * (i - 1) // 2 : i * (i + 1) // 2], jnp.zeros(d - i, dtype)])
        for i in range(d)
    ]
    return log_diag, jnp.where(jnp.isfinite(log_diag)[None, :], jnp.stack(rows), 0)


def lower_factor(rows: Float[Array, "r k"], pivots: int) -> Float[Array, "r p"]:
    """L with L = rows Q', Q having orthonormal rows that span the first ``pivots`` rows.

    With r = pivots it is the lower-triangular root: L L' = rows rows'. Further rows are expressed
    in the same basis (the right-hand side of a least-squares problem). Modified Gram-Schmidt: L is
    exact for rows perturbed by rounding, so its error is that of an orthogonal factorisation. A
    dependent row gives a zero (or rounding-sized) pivot, never a NaN.
    """
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
    return sum((a[:, k, None] * b[k][None] for k in range(1, len(b))), a[:, 0, None] * b[0][None])


def solve_lower(root: Float[Array, "d d"], b: Float[Array, "d k"]) -> Float[Array, "d k"]:
    """Root^-1 b by forward substitution."""
    found = []
    for j in range(len(b)):
        x = b[0] / root[j, j]
        b = b[1:] - root[j + 1 :, j, None] * x[None]
        found.append(x)
    return jnp.stack(found)


def solve_transposed(root: Float[Array, "d d"], b: Float[Array, " d"]) -> Float[Array, " d"]:
    """Root'^-1 b by back substitution."""
    found = []
    for j in reversed(range(len(b))):
        x = b[j] / root[j, j]
        b = b[:j] - root[j, :j] * x
        found.append(x)
    return jnp.stack(found[::-1])
