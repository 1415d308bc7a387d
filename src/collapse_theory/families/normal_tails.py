"""What is measured on the tails of a normal law, shared by the families of such laws."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float
from scipy.special import ndtri

TAIL_MASS = 0.05  # of the truth, both tails together, as for symbols
IMPLAUSIBLE = 1e-4  # of the truth, both tails together
NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)
TAIL_POINTS = ndtri(TAIL_MASS / 2 * (NODES + 1) / 2)  # equal shares of the lower tail, weighted


def tail_recall(shift: Float[Array, ""], log_ratio: Float[Array, ""]) -> Float[Array, ""]:
    r"""How much of the true tails the fit covers: $\int_A \min(p, q) / p(A)$.

    A is the outermost 5 % of the truth p. Absolute error below 0.02 (8 nodes a tail).

    Args:
        shift: (fitted mean - true mean) / true standard deviation.
        log_ratio: log of fitted over true standard deviation.
    """
    z = jnp.asarray(np.stack([TAIL_POINTS, -TAIL_POINTS]), shift.dtype)
    log_density = (z**2 - ((z - shift) * jnp.exp(-log_ratio)) ** 2) / 2 - log_ratio
    return (jnp.exp(jnp.minimum(log_density, 0)) @ jnp.asarray(WEIGHTS, shift.dtype)).mean() / 2


def implausible_mass(shift: Float[Array, ""], log_ratio: Float[Array, ""]) -> Float[Array, ""]:
    """Mass of the fit beyond the true tails of 1/20,000 on either side; rounding error only."""
    edge = float(ndtri(IMPLAUSIBLE / 2))
    ends = jnp.stack([edge - shift, edge + shift]) * jnp.exp(-log_ratio)
    return ndtr(ends).sum()
