"""Binomial and multinomial counts without a rejection loop: a search in a virtual sorted sample.

A count with success probability p is the number of n uniforms below p; a multinomial is the same
question at the cumulative probabilities. The n uniforms are never drawn: the median of an odd
number of them is Beta(m, m), the rest splits into two halves of equal size, uniform on either side
of it, and only the half that holds the boundary matters. An even number first gives up one uniform,
so the sizes met on the way down depend on n alone: every chain does the same work, O(log n) a
boundary. The median of a node is a function of key and node: all boundaries see one sample, hence
their counts have the exact joint law.

References:
    devroye1986nonuniform
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, UInt32
from numpy.polynomial import Polynomial, chebyshev
from scipy import special

from collapse_theory.sampling.counter import horner, normal_from_bits, words

LEAF = 31  # at most so many uniforms are drawn one by one: a level costs as much as 16 of them
TERMS = 8  # coefficients of the quantile of a median
SCALE = 6.5  # beyond every normal that one word gives
FIRST_LEAF = 32  # high words of the counters: the height of a node, or this and more in the leaf


class TreePlan(eqx.Module):
    """What the search needs to know about n: sizes, and the law of the median, level by level.

    Made by :func:`tree_plan` with a leading axis over sizes; ``jax.tree.map(lambda a: a[i], plan)``
    is the row of one size. Levels that a size does not need come first and change nothing: the
    counts are those of a plan for this size alone.

    Attributes:
        n: the number of uniforms.
        extra: whether the node gives up a uniform before it is split.
        gain: uniforms known to lie below a boundary right of the median: the median and one half.
        centre: 1/2, or 1 on unused levels: then everything lies left and nothing is rescaled.
        odd: the median minus 1/2 is w times this polynomial in w**2, highest power first,
            with w a standard normal / SCALE.
        leaf: which of the last uniforms exist.
    """

    n: Int[Array | np.ndarray, "*sizes"]
    extra: Bool[Array | np.ndarray, "*sizes depth"]
    gain: Int[Array | np.ndarray, "*sizes depth"]
    centre: Float[Array | np.ndarray, "*sizes depth"]
    odd: Float[Array | np.ndarray, "*sizes depth terms"]
    leaf: Bool[Array | np.ndarray, "*sizes leaf"]


@functools.cache
def _median_quantile(m: int) -> tuple[float, ...]:
    """Coefficients of (X - 1/2) / w in w**2; X is the Beta(m, m) quantile of the normal SCALE w."""
    w = np.cos(np.pi * (np.arange(400) + 0.5) / 800)
    x = 0.5 - special.betaincinv(m, m, special.ndtr(-SCALE * w))
    fit = chebyshev.chebfit(2 * w**2 - 1, x / w, TERMS - 1, w=w)
    powers = Polynomial(chebyshev.cheb2poly(fit))(Polynomial([-1, 2])).coef
    return tuple(powers[::-1].tolist())


def _levels(n: int) -> tuple[list[int], int]:
    """The sizes of the nodes that are split, from the root down, and the size of the leaf."""
    sizes = []
    while n > LEAF:
        sizes.append(n)
        n = (n - 1) // 2
    return sizes, n


def tree_plan(sizes: Sequence[int]) -> TreePlan:
    """The plan of samples of the given sizes, as NumPy arrays with a leading axis over sizes.

    Args:
        sizes: numbers of uniforms, each in [0, 2**30]; one, or one for each generation.

    Returns:
        The plan; its depth and leaf are those of the largest need, smaller ones are masked.
    """
    if not sizes or not all(0 <= n <= 2**30 for n in sizes):
        raise ValueError(f"sizes must be integers in [0, 2**30], at least one; got {sizes!r}")
    paths = [_levels(int(n)) for n in sizes]
    shape = len(paths), max(len(split) for split, _ in paths)
    plan = TreePlan(
        n=np.array(sizes, np.int32),
        extra=np.zeros(shape, bool),
        gain=np.zeros(shape, np.int32),
        centre=np.ones(shape),
        odd=np.zeros((*shape, TERMS)),
        leaf=np.arange(max(leaf for _, leaf in paths)) < np.array([[leaf] for _, leaf in paths]),
    )
    for row, (split, _) in enumerate(paths):
        for level, n in enumerate(split, start=shape[1] - len(split)):
            m = (n + 1) // 2
            at = row, level
            plan.extra[at], plan.gain[at] = n % 2 == 0, m
            plan.centre[at], plan.odd[at] = 0.5, _median_quantile(m)
    return plan


def _threshold(t: Float[Array, " k"]) -> UInt32[Array, " k"]:
    """The number of 32-bit words below t, floor(2**32 t), for t in [0, 1]; 1 counts as just below.

    Comparing words and not floats keeps 2**-32 of resolution in float32, at any t.
    """
    upper = t >= 0.5
    part = jnp.minimum(jnp.where(upper, t - 0.5, t), 0.5 - np.finfo(t.dtype).epsneg)
    bits = (part * 2.0**32).astype(jnp.int32).astype(jnp.uint32)  # int32: the fast conversion
    return bits + jnp.where(upper, jnp.uint32(1 << 31), jnp.uint32(0))


def _turn(t: Array, place: Array) -> tuple[Array, Array]:
    """Read the last turn off the sign of t (negative: right) and go to that child."""
    return jnp.abs(t), 2 * place + (t < 0).astype(jnp.uint32)


def _search(
    key: Array, t: Float[Array, " k"], row: TreePlan
) -> tuple[Float[Array, " k"], Int[Array, " k"], UInt32[Array, " k"]]:
    """Descend to the leaves: the boundary within its leaf's interval, the count so far, the place.

    The boundary is kept relative to the node's interval: small ones keep their relative precision,
    and the map is monotone, so counts are monotone in the boundary also after rounding. A turn to
    the right is its sign until the next level: so one output of a level needs the median, and the
    compiler, which computes outputs apart, computes the median once.
    """
    Carry = tuple[Array, Array, Array]
    Level = tuple[Array, Array, Array, Array]

    def split(carry: Carry, level: Level) -> tuple[Carry, None]:
        signed, count, place = carry
        height, extra, centre, odd = level
        t, place = _turn(signed, place)
        first, second = words(key, height, place)
        w = normal_from_bits(first, t.dtype.type) * (1 / SCALE)
        offset = w * horner([odd[i] for i in range(TERMS)], w * w)
        gap = (t - centre) - offset  # t - 1/2 is exact near the median
        right = gap > 0
        inner = jnp.where(right, gap, t) / jnp.where(right, 1 - centre - offset, centre + offset)
        inner = jnp.where(t < 1, inner, t)  # division is not exact on every device
        below = extra & ((second < _threshold(t)) | (t >= 1))
        return (jnp.where(right, -inner, inner), count + below, place), None

    depth = row.gain.shape[-1]
    heights = jnp.arange(depth, 0, -1, dtype=jnp.uint32)
    centre, odd = jnp.asarray(row.centre, t.dtype), jnp.asarray(row.odd, t.dtype)
    levels = heights, jnp.asarray(row.extra), centre, odd
    start = t, jnp.zeros(t.shape, jnp.int32), jnp.zeros(t.shape, jnp.uint32)
    (signed, count, place), _ = lax.scan(split, start, levels)
    t, place = _turn(signed, place)
    for level in range(depth):
        right = (place >> jnp.uint32(depth - 1 - level)) & jnp.uint32(1) == 1
        count = count + jnp.where(right, row.gain[level], 0)
    return t, count, place


def count_below(key: Array, boundaries: Float[Array, " k"], row: TreePlan) -> Float[Array, " k"]:
    """How many of n independent uniforms on (0, 1) fall below each boundary, jointly.

    Equal boundaries give equal counts, counts are monotone in the boundary, and boundaries <= 0 or
    >= 1 give 0 or n. Exact in law up to rounding: words resolve probabilities to 2**-32, and the
    quantile of a median, as a part of its node's interval, is within 3e-11 in float64; in float32
    within 1e-7, and 1e-4 in tails of 1e-7.

    Args:
        key: randomness; one key is one sample.
        boundaries: any order; NaN gives NaN.
        row: one row of :func:`tree_plan`.

    Returns:
        Whole numbers in the type of the boundaries; in float32 those beyond 2**24 are rounded.

    References:
        devroye1986nonuniform
    """
    inner, count, place = _search(key, jnp.clip(boundaries, 0, 1), row)
    below = _threshold(inner)
    size = row.leaf.shape[-1]
    inside = jnp.zeros_like(count)
    for block in range((size + 1) // 2):
        pair = words(key, FIRST_LEAF + block, place)
        for j, word in enumerate(pair[: size - 2 * block], start=2 * block):
            inside = inside + jnp.where(row.leaf[j] & (word < below), 1, 0)
    every = jnp.asarray(row.leaf).sum(dtype=jnp.int32)
    count = count + jnp.where(inner < 1, inside, every)
    return count.astype(inner.dtype) + 0 * inner  # a NaN stays one


def _stored(function: Callable[[Array], Array], x: Array) -> Array:
    """``function(x)``, of the shape of x, by a loop that does nothing the first time.

    The state of a loop is stored. Otherwise XLA for CPUs compiles what x came from into each of its
    uses, here shifted copies and a prefix sum: the whole sampler was five times slower.
    """
    end: Array = lax.fori_loop(0, 2, lambda i, x: jnp.where(i == 0, x, function(x)), x)
    return end


def binomial(key: Array, p: Float[Array, ""], row: TreePlan) -> Float[Array, ""]:
    """The number of successes in n trials of probability p; accuracy as :func:`count_below`.

    Args:
        key: randomness.
        p: probability of success; below 0 or above 1 it counts as 0 or 1.
        row: one row of :func:`tree_plan`.

    Returns:
        A whole number in the type of p.
    """
    return count_below(key, p[None], row)[0]


def _divided_by_last(x: Array) -> Array:
    whole = (x == x[-1]) & (x > 0)  # 1 exactly, also where division is not exact
    return jnp.where(whole, jnp.ones_like(x), x / x[-1])


def multinomial(key: Array, probs: Float[Array, " k"], row: TreePlan) -> Float[Array, " k"]:
    """How often each of K symbols occurs in n draws; accuracy as :func:`count_below`.

    A symbol of probability 0 never occurs and the counts sum to n, whatever the rounding.

    Args:
        key: randomness.
        probs: probabilities; divided by their sum. NaN, or a sum of 0, gives NaN.
        row: one row of :func:`tree_plan`.

    Returns:
        Whole numbers in the type of probs.
    """
    # A parallel prefix sum may move by an ulp across a zero; the running maximum may not.
    edges = lax.cummax(jnp.where(probs == 0, jnp.zeros_like(probs), jnp.cumsum(probs)))
    edges = _stored(_divided_by_last, edges)
    below = count_below(key, edges[:-1], row)
    counts = _stored(lambda x: x - jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]]), below)
    last = jnp.asarray(row.n, probs.dtype) - counts.sum()
    return jnp.concatenate([counts, last[None]])


__all__ = ["TreePlan", "binomial", "count_below", "multinomial", "tree_plan"]
