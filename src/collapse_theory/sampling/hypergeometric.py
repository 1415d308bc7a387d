"""Hypergeometric counts by inversion: draws without replacement from a population of whole rows.

The probabilities are built outwards from the mode by their exact ratios and are scaled by their
sum, so no factorial is needed; the number of terms is fixed by the sample size alone (Hoeffding's
bound leaves 2**-34 outside), so every chain does the same work, about 7 sqrt(m) steps, whatever the
number of marked rows. A count is then read off from the far end of one side of the mode, where sums
and uniforms are small and keep their relative precision.

References:
    devroye1986nonuniform
"""

from __future__ import annotations

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from collapse_theory.sampling.counter import midpoint, signed, words
from collapse_theory.sampling.counts import threshold

MOST_ROWS = 1 << 30  # in float64; float32 knows whole numbers up to 2**24 only
OUTSIDE = 34 * math.log(2)  # - log of the probability of a count beyond the steps


class HypergeometricPlan(eqx.Module):
    """Sizes of a sample and its population; made by :func:`hypergeometric_plan`.

    Attributes:
        population: how many rows there are, N.
        sample: how many are drawn, m.
        steps: how far from the mode counts are looked for.
    """

    population: Float[Array | np.ndarray, ""]
    sample: Float[Array | np.ndarray, ""]
    steps: int = eqx.field(static=True)


def hypergeometric_plan(population: int, sample: int) -> HypergeometricPlan:
    """The plan of samples of a size from a population of another.

    Args:
        population: N, at most 2**24 for use in float32 and 2**30 in float64.
        sample: m, in [0, N].
    """
    if not 0 <= sample <= population <= MOST_ROWS:
        raise ValueError(f"need 0 <= sample <= population <= 2**30; got {sample!r}, {population!r}")
    # a count deviates from its mean as one of the rows left behind does, and the mode by at most 1
    fewer = min(sample, population - sample)
    steps = min(fewer, math.ceil(math.sqrt(fewer * OUTSIDE / 2)) + 2)
    return HypergeometricPlan(np.array(float(population)), np.array(float(sample)), steps)


def _weights(start: Array, marked: Array, sample: Array, population: Array, steps: int) -> Array:
    """Probabilities of start + 1, start + 2, ... and of start - 1, ..., over that of start.

    (steps, 2); 0 beyond the support.
    """
    others = population - marked - sample

    def ratio(j: Array) -> Array:
        above, below = start + j, start - j
        up = (marked - above) / (above + 1) * ((sample - above) / (others + above + 1))
        down = below / (marked - below + 1) * ((others + below) / (sample - below + 1))
        return jnp.stack([up, down])

    def outwards(weight: Array, j: Array) -> tuple[Array, Array]:
        weight = weight * jnp.maximum(ratio(j), 0)
        return weight, weight

    j = jnp.arange(steps, dtype=start.dtype)
    weights: Array = lax.scan(outwards, jnp.ones(2, start.dtype), j)[1]
    return weights


def _steps_taken(u: Array, weights: Float[Array, " steps"], first: Array) -> Array:
    """How many steps outwards, with probabilities in proportion to ``first`` (none), weights."""
    goal = u * (first + weights.sum())

    def inwards(carry: tuple[Array, Array], weight: Array) -> tuple[tuple[Array, Array], None]:
        tail, taken = carry
        tail = tail + weight
        return (tail, taken + (goal < tail)), None

    zero = jnp.zeros_like(u)
    (_, taken), _ = lax.scan(inwards, (zero, zero), weights, reverse=True)
    return taken


def _draw(key: Any, turn: Any, marked: Array, left: tuple[Array, Array], steps: int) -> Array:
    """One count; ``left``: the size of the sample and of the population."""
    sample, population = left
    mode = jnp.floor((sample + 1) * ((marked + 1) / (population + 2)))
    start = jnp.clip(
        mode, jnp.maximum(0, sample + marked - population), jnp.minimum(sample, marked)
    )
    if not steps:
        return start
    up, down = _weights(start, marked, sample, population, steps).T
    above, below = 1 + up.sum(), down.sum()
    first, second = words(key, 0, turn)
    descend = signed(first) < threshold(below / (above + below))
    u = midpoint(second, start.dtype.type)
    taken = _steps_taken(u, jnp.where(descend, down, up), jnp.where(descend, 0, 1))
    return jnp.where(descend, start - jnp.maximum(taken, 1), start + taken)


def hypergeometric(
    key: Any, marked: Float[Array, ""], plan: HypergeometricPlan
) -> Float[Array, ""]:
    """How many marked rows a sample without replacement holds.

    Exact in law up to rounding: words resolve probabilities to 2**-32, the counts left out have
    probability 2**-33, and probabilities d steps from the mode have relative error eps sqrt(d).

    Args:
        key: randomness.
        marked: how many rows of the population are marked, a whole number in [0, N]; NaN gives NaN.
        plan: from :func:`hypergeometric_plan`.

    Returns:
        A whole number in the type of ``marked``.
    """
    left = jnp.asarray(plan.sample, marked.dtype), jnp.asarray(plan.population, marked.dtype)
    return _draw(key, 0, marked, left, plan.steps) + 0 * marked


def multivariate_hypergeometric(
    key: Any, marked: Float[Array, " k"], plan: HypergeometricPlan
) -> Float[Array, " k"]:
    """How many rows of each of K kinds a sample without replacement holds.

    Kind by kind, each from what is left: K times the work of :func:`hypergeometric`, whose accuracy
    it has.

    Args:
        key: randomness.
        marked: how many rows of the population are of each kind, with sum N.
        plan: from :func:`hypergeometric_plan`.

    Returns:
        Whole numbers in the type of ``marked``, with sum m.
    """

    def kind(left: tuple[Array, Array], kind: tuple[Array, Array]) -> Any:
        turn, rows = kind
        count = _draw(key, turn, rows, left, plan.steps)
        return (left[0] - count, left[1] - rows), count

    dtype = marked.dtype
    left = jnp.asarray(plan.sample, dtype), jnp.asarray(plan.population, dtype)
    turns = jnp.arange(marked.shape[0], dtype=jnp.uint32)
    counts: Array = lax.scan(kind, left, (turns, marked))[1]
    return counts + 0 * marked


__all__ = [
    "HypergeometricPlan", "hypergeometric", "hypergeometric_plan", "multivariate_hypergeometric",
]  # fmt: skip
