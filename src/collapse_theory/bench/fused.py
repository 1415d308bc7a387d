"""The ceiling: the Gaussian replace chain as one loop, written by hand for this law and no other.

Per chain and generation one Threefry block, two normals, and the quantile of a chi-square as a
polynomial of the second. It keeps no moments on the way, knows no families and no workflows.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array
from numpy.polynomial import Chebyshev, Polynomial
from scipy import special

from collapse_theory.bench.measuring import Outcome, Side
from collapse_theory.programs import compiled
from collapse_theory.sampling.counter import horner, threefry2x32

DEGREE = 9
REACH = 6.5  # of a normal made from 23 bits


def root_quantile(dof: int) -> list[np.float32]:
    """Coefficients, highest power first, of the cube root of (chi-square / dof) in a normal."""

    def exact(z: np.ndarray) -> np.ndarray:
        low = special.gammaincinv(dof / 2, special.ndtr(z))
        high = special.gammainccinv(dof / 2, special.ndtr(-z))  # each tail from its own end
        root: np.ndarray = np.cbrt(2 * np.where(z < 0, low, high) / dof)
        return root

    fit = Chebyshev.interpolate(exact, DEGREE, domain=[-REACH, REACH])
    return [np.float32(c) for c in fit.convert(kind=Polynomial).coef[::-1]]


def fused_side(chains: int, n: int, generations: int) -> Side:
    """The loop as a contender, on the first device."""
    platform = jax.local_devices()[0].platform
    loop = compiled(_replace, platform)

    def run(seed: int) -> Outcome:
        mean, se = loop((chains, n, generations), jnp.uint32(seed))
        return Outcome(float(mean), float(se))

    return Side(run, chains * generations)


def _replace(shape: tuple[int, int, int], seed: Array) -> tuple[Array, Array]:
    """Mean over chains of the squared error of the last mean, with its standard error."""
    chains, n, generations = shape
    coefficients = root_quantile(n - 1)
    ids = lax.iota(jnp.uint32, chains)

    def generation(t: Any, state: tuple[Array, Array]) -> tuple[Array, Array]:
        mean, sd = state
        counter = jnp.full_like(ids, t.astype(jnp.uint32))
        a, b = map(_normal, threefry2x32(seed, jnp.uint32(0), ids, counter))
        root = horner(coefficients, b)
        return mean + sd * a * np.float32(n**-0.5), sd * root * jnp.sqrt(root)

    begin = (jnp.zeros(chains, jnp.float32), jnp.ones(chains, jnp.float32))
    mean, _ = lax.fori_loop(0, generations, generation, begin)
    squared = mean * mean
    return squared.mean(), squared.std() / np.float32(np.sqrt(chains))


def _normal(bits: Array) -> Array:
    """The quantile of a midpoint of 2**23 equal parts."""
    index = lax.bitcast_convert_type(bits >> 9, jnp.int32).astype(jnp.float32)
    x = (index + np.float32(0.5)) * np.float32(2.0**-22) - 1
    return np.float32(np.sqrt(2)) * lax.erf_inv(x)
