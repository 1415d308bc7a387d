"""Poisson counts with a mean of their own in every chain, exact for every mean.

Arrivals of rate 1: the K-th comes at X ~ Gamma(K). If it comes after the mean M, the K - 1 before
it are uniform on (0, X), so the count is Binomial(K - 1, M / X); if not, K have come and time M - X
is left. With K a few standard deviations above the typical mean, nearly every chain needs one
round.

References:
    ahrens1974computer
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int
from numpy.polynomial import chebyshev
from scipy import special

from collapse_theory.sampling.counter import horner, normal_from_bits, words
from collapse_theory.sampling.counts import TreePlan, binomial, tree_plan

TERMS = 12  # coefficients of the cube root of a gamma quantile
SCALE = 6.5  # beyond every normal that one word gives
FEWEST = 32  # arrivals; fewer are less normal and need more terms


class PoissonPlan(eqx.Module):
    """A number K of arrivals, the law of the time of the K-th, and the split of those before it.

    Attributes:
        arrivals: K.
        cube_root: (Gamma(K) / K)**(1/3) as a polynomial in z / SCALE, z a standard normal, highest
            power first.
        tree: the row of :func:`tree_plan` for K - 1.
    """

    arrivals: Int[Array | np.ndarray, ""]
    cube_root: Float[Array | np.ndarray, " terms"]
    tree: TreePlan


def poisson_plan(typical_mean: float) -> PoissonPlan:
    """The plan for means around a typical one; any mean is exact, about mean / K rounds are made.

    Args:
        typical_mean: where most means lie, in [0, 1e9]; at this mean one round in 1e7 fails.
    """
    if not 0 <= typical_mean <= 1e9:
        raise ValueError(f"typical_mean must lie in [0, 1e9]; got {typical_mean!r}")
    k = max(FEWEST, int(typical_mean + 5.5 * typical_mean**0.5 + 8))
    w = np.cos(np.pi * (np.arange(400) + 0.5) / 400)
    tail = special.ndtr(-SCALE * abs(w))
    x = np.where(w < 0, special.gammaincinv(k, tail), special.gammainccinv(k, tail))
    fit = chebyshev.cheb2poly(chebyshev.chebfit(w, np.cbrt(x / k), TERMS - 1))
    row = jax.tree.map(lambda a: a[0], tree_plan((k - 1,)))
    return PoissonPlan(np.array(k, np.int32), fit[::-1].copy(), row)


def poisson(key: Array, mean: Float[Array, ""], plan: PoissonPlan) -> Float[Array, ""]:
    """A Poisson count.

    Exact in law up to rounding: the quantile of an arrival time has relative error 2e-10 in
    float64 and 5e-7 in float32 (1e-3 beyond tails of 1e-7); the rest is :func:`count_below`.

    Args:
        key: randomness.
        mean: 0 or less gives 0; infinity and NaN give NaN.
        plan: from :func:`poisson_plan`; a mean far above its own costs rounds, to every chain.

    Returns:
        A whole number in the type of the mean; in float32 one beyond 2**24 is rounded.
    """
    dtype = mean.dtype
    cube_root = jnp.asarray(plan.cube_root, dtype)
    arrivals = jnp.asarray(plan.arrivals, dtype)
    State = tuple[Array, Array, Array, Array]

    def arrival(turn: Array) -> Array:
        z = normal_from_bits(words(key, 0, turn)[0], dtype.type)
        root = horner([cube_root[i] for i in range(TERMS)], z * (1 / SCALE))
        return arrivals * root * root * root

    def pass_by(state: State) -> State:
        left, count, x, turn = state
        return left - x, count + arrivals, arrival(turn + 1), turn + 1

    start = jnp.where(jnp.isfinite(mean), mean, jnp.full_like(mean, jnp.nan))
    first = jnp.zeros((), jnp.uint32)
    left, count, x, _ = lax.while_loop(
        lambda s: s[0] >= s[2], pass_by, (start, jnp.zeros_like(mean), arrival(first), first)
    )
    return count + binomial(key, left / x, plan.tree)


__all__ = ["PoissonPlan", "poisson", "poisson_plan"]
