"""Gamma and chi-square variables of a shape known before the run.

From one normal each and no rejection loop.

With z standard normal, log(G / a) for G ~ Gamma(a) is the quantile map applied to z: a smooth
function, and for a >= 4.5 a polynomial of degree 9, 13 or 21 reproduces it to 1e-9 on |z| <= 6.7.
Smaller shapes are lifted exactly by G(a) = G(a + 1) U^(1/a). Everything stays on the log scale,
where nothing underflows.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.polynomial import chebyshev
from scipy import special

from collapse_theory.sampling.counter import horner, normal_from_bits, uniform_from_bits

REACH = 6.7  # |z| stays below 6.67 (below 6.34 where one word made it)
SMALLEST_SHAPE = 4.5
TOLERANCE = 1e-9
LARGE_SHAPE = 1e5  # beyond it the library's inverse loses digits in the tails (5e-3 in z at 1e7)
DEGREES = (9, 13, 21)  # few, because each degree is a program of its own


def gamma_table(shapes: np.ndarray) -> dict[str, np.ndarray]:
    """What :func:`log_gamma_variate` needs for each of the shapes.

    Arrays with leading axis len(shapes). ``quantile``: coefficients of log(G(a') / a') in z,
    highest power first; ``log_shape``: log a'; ``lift``: the exponents 1/a, 1/(a+1), ... that bring
    a' = a + k back to a. Shape 0 gives G = 0.
    """
    shapes = np.atleast_1d(np.asarray(shapes, float))
    steps = np.where(shapes > 0, np.ceil(np.maximum(SMALLEST_SHAPE - shapes, 0)), 0).astype(int)
    most = int(steps.max())
    lift = np.zeros((len(shapes), most))
    for row, (a, k) in enumerate(zip(shapes, steps, strict=True)):
        lift[row, :k] = 1 / (a + np.arange(k))
    lifted = np.where(shapes > 0, shapes + steps, SMALLEST_SHAPE)
    degree = max(_degree(a) for a in np.unique(lifted))
    quantile = np.stack([_log_quantile(a, degree)[0] for a in lifted])
    log_shape = np.where(shapes > 0, np.log(lifted), -np.inf)
    return {"quantile": quantile, "log_shape": log_shape, "lift": lift}


def log_gamma_variate(bits: Sequence[Array] | Array, table: dict[str, Array]) -> Float[Array, "*s"]:
    """Log G, G ~ Gamma(a) with unit scale, from random words; ``table`` is one row of gamma_table.

    ``bits``: words_needed(table) words, uint32 of shape s. One row of the table serves one shape
    parameter for all of s; rows stacked along s serve one each. Error of the quantile map: 1e-9 in
    log G (float64), 8e-7 at most and 3e-8 root mean square (float32). -inf where the shape is 0.
    """
    z = normal_from_bits(bits[0], table["quantile"].dtype.type)
    return log_gamma_of_normal(z, bits[1:], table)


def log_gamma_of_normal(
    z: Float[Array, "*s"], lifts: Sequence[Array] | Array, table: dict[str, Array]
) -> Float[Array, "*s"]:
    """:func:`log_gamma_variate` of a standard normal that is there already.

    ``lifts``: the other words, uint32, words_needed(table) - 1 of shape s.
    """
    dtype = table["quantile"].dtype.type
    log_g = horner_rows(table["quantile"], z) + table["log_shape"]
    for i in range(table["lift"].shape[-1]):
        log_g = log_g + table["lift"][..., i] * jnp.log(uniform_from_bits(lifts[i], dtype))
    return log_g


def words_needed(table: dict[str, Array]) -> int:
    """How many random words a variate takes: one, and one for each lift."""
    return 1 + int(table["lift"].shape[-1])


def horner_rows(coefficients: Array, x: Array) -> Array:
    """Polynomials whose coefficients lie along the last axis, highest power first, at x."""
    return horner([coefficients[..., i] for i in range(coefficients.shape[-1])], x)


def _degree(shape: float) -> int:
    return next((d for d in DEGREES if _log_quantile(shape, d)[1] < TOLERANCE), DEGREES[-1])


@functools.lru_cache(maxsize=4096)
def _log_quantile(shape: float, degree: int) -> tuple[Any, float]:
    """Coefficients of the fit, highest power first.

    With its largest error at 200 points between the nodes.
    """
    nodes = np.cos(np.pi * (np.arange(200) + 0.5) / 200) * REACH
    fit = chebyshev.chebfit(nodes / REACH, _exact(shape, nodes), degree)
    check = np.linspace(-REACH, REACH, 200)
    error = np.abs(chebyshev.chebval(check / REACH, fit) - _exact(shape, check)).max()
    power = chebyshev.cheb2poly(fit)
    power = np.pad(power, (0, degree + 1 - len(power))) / REACH ** np.arange(degree + 1)
    return power[::-1], float(error)


def _exact(shape: float, z: np.ndarray) -> np.ndarray:
    if shape > LARGE_SHAPE:
        return _expansion(shape, z)
    low = special.gammaincinv(shape, special.ndtr(z))
    high = special.gammainccinv(shape, special.ndtr(-z))  # each tail from its own end
    log_ratio: np.ndarray = np.log(np.where(z < 0, low, high) / shape)
    return log_ratio


def _expansion(shape: float, z: np.ndarray) -> np.ndarray:
    """Cornish and Fisher's expansion of the quantile of log(G / a).

    Error below 1e-12 for a > 1e5.
    """
    sd = np.sqrt(special.polygamma(1, shape))
    g1, g2, g3 = (special.polygamma(k - 1, shape) / sd**k for k in (3, 4, 5))
    w = z + g1 * (z**2 - 1) / 6 + g2 * (z**3 - 3 * z) / 24 - g1**2 * (2 * z**3 - 5 * z) / 36
    w = w + g3 * (z**4 - 6 * z**2 + 3) / 120 - g1 * g2 * (z**4 - 5 * z**2 + 2) / 24
    w = w + g1**3 * (12 * z**4 - 53 * z**2 + 17) / 324
    return np.asarray(special.digamma(shape) - np.log(shape) + sd * w)
