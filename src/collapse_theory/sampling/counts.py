"""Binomial counts without a rejection loop: a search in a virtual sorted sample.

A count with success probability p is the number of n uniforms below p. The n uniforms are never
drawn: the median of an odd number of them is Beta(m, m), the rest splits into two halves of equal
size, uniform on either side of it, and only the half that holds the boundary matters. An even
number first gives up one uniform, so the sizes met on the way down depend on n alone: every chain
does the same work, O(log n) a boundary. The median of a node is a function of key and node: all
boundaries see one sample, hence their counts have the exact joint law. For many boundaries see
:mod:`sampling.multinomial`.

References:
    devroye1986nonuniform
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int, UInt32
from numpy.polynomial import Polynomial, chebyshev
from scipy import special

from collapse_theory.errors import InputError
from collapse_theory.sampling.counter import horner, normal_from_bits, signed, words

LEAF = 31  # at most so many uniforms are drawn one by one: a level costs as much as 10 of them
PER_BLOCK = 3  # uniforms from the two words of a block
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
        leaf: which of the last uniforms exist, block of words by block.
    """

    n: Int[Array | np.ndarray, "*sizes"]
    extra: Bool[Array | np.ndarray, "*sizes depth"]
    gain: Int[Array | np.ndarray, "*sizes depth"]
    centre: Float[Array | np.ndarray, "*sizes depth"]
    odd: Float[Array | np.ndarray, "*sizes depth terms"]
    leaf: Bool[Array | np.ndarray, "*sizes blocks three"]


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

    Raises:
        InputError: a size beyond it.
    """
    if not sizes or not all(0 <= n <= 2**30 for n in sizes):
        bad = next((n for n in sizes if not 0 <= n <= 2**30), "nothing")
        raise InputError(f"n = {bad}: whole numbers in [0, 2**30] are needed")
    paths = [_levels(int(n)) for n in sizes]
    shape = len(paths), max(len(split) for split, _ in paths)
    blocks = 2 * max(-(-leaf // (2 * PER_BLOCK)) for _, leaf in paths)  # even: read in two halves
    last = np.arange(blocks * PER_BLOCK) < np.array([[leaf] for _, leaf in paths])
    plan = TreePlan(
        n=np.array(sizes, np.int32),
        extra=np.zeros(shape, bool),
        gain=np.zeros(shape, np.int32),
        centre=np.ones(shape),
        odd=np.zeros((*shape, TERMS)),
        leaf=last.reshape(len(paths), blocks, PER_BLOCK),
    )
    for row, (split, _) in enumerate(paths):
        for level, n in enumerate(split, start=shape[1] - len(split)):
            m = (n + 1) // 2
            at = row, level
            plan.extra[at], plan.gain[at] = n % 2 == 0, m
            plan.centre[at], plan.odd[at] = 0.5, _median_quantile(m)
    return plan


def threshold(t: Float[Array, "*s"]) -> Int[Array, "*s"]:
    """The number of 32-bit words below t, floor(2**32 t), for t in [0, 1]; 1 counts as just below.

    As an int32, less 2**31: compare it with a word read by :func:`signed`. Comparing words and not
    floats keeps 2**-32 of resolution in float32, at any t.
    """
    upper = t >= 0.5
    part = jnp.minimum(jnp.where(upper, t - 0.5, t), 0.5 - np.finfo(t.dtype).epsneg)
    bits: Array = (part * 2.0**32).astype(jnp.int32)  # to int32: the fast conversion
    return bits + jnp.where(upper, 0, -(1 << 31)).astype(jnp.int32)


def _turn(t: Array, place: Array) -> tuple[Array, Array]:
    """Read the last turn off the sign of t (negative: right) and go to that child."""
    return jnp.abs(t), 2 * place + (t < 0).astype(jnp.uint32)


def _search(
    key: Any, t: Float[Array, " k"], place: UInt32[Array, " k"], row: TreePlan
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
        at_turn, count, place = carry
        height, extra, centre, odd = level
        t, place = _turn(at_turn, place)
        first, second = words(key, height, place)
        w = normal_from_bits(first, t.dtype.type) * (1 / SCALE)
        offset = w * horner([odd[i] for i in range(TERMS)], w * w)
        gap = (t - centre) - offset  # t - 1/2 is exact near the median
        right = gap > 0
        inner = jnp.where(right, gap, t) / jnp.where(right, 1 - centre - offset, centre + offset)
        inner = jnp.where(t < 1, inner, t)  # division is not exact on every device
        below = extra & ((signed(second) < threshold(t)) | (t >= 1))
        return (jnp.where(right, -inner, inner), count + below, place), None

    depth = row.gain.shape[-1]
    heights = jnp.arange(depth, 0, -1, dtype=jnp.uint32)
    centre, odd = jnp.asarray(row.centre, t.dtype), jnp.asarray(row.odd, t.dtype)
    levels = heights, jnp.asarray(row.extra), centre, odd
    start = t, jnp.zeros(t.shape, jnp.int32), place
    (at_turn, count, place), _ = lax.scan(split, start, levels)
    t, place = _turn(at_turn, place)
    for level in range(depth):
        right = (place >> jnp.uint32(depth - 1 - level)) & jnp.uint32(1) == 1
        count = count + jnp.where(right, row.gain[level], 0)
    return t, count, place


def _leaf(
    key: Any, t: Float[Array, " k"], place: UInt32[Array, " k"], row: TreePlan
) -> Int[Array, " k"]:
    """How many uniforms of the leaf at each place lie below t.

    Three uniforms from two words: 16 bits of their own and the last 16 in common. Each is uniform
    on 32 bits; two of them are independent up to 2**-34 in any probability.
    """
    bound, top = threshold(t), jnp.uint32(0xFFFF0000)

    def half(count: Array, part: tuple[Array, Array]) -> tuple[Array, None]:
        numbers, there = part
        for block in range(numbers.shape[0]):
            first, second = words(key, numbers[block], place)
            common = first & jnp.uint32(0xFFFF)
            for j, own in enumerate((first & top, second & top, second << 16)):
                below = signed(own | common) < bound
                count = count + jnp.where(there[block, j] & below, 1, 0)
        return count, None

    # Two passes, because what goes into a loop is stored: otherwise XLA for CPUs may compile what t
    # came from into each of its uses. More passes are slower, too.
    numbers = FIRST_LEAF + jnp.arange(row.leaf.shape[-2], dtype=jnp.uint32)
    parts = numbers.reshape(2, -1), jnp.asarray(row.leaf).reshape(2, -1, PER_BLOCK)
    inside, _ = lax.scan(half, jnp.zeros(t.shape, jnp.int32), parts)
    return jnp.where(t < 1, inside, jnp.asarray(row.leaf).sum(dtype=jnp.int32))


def count_in_node(
    key: Any, boundaries: Float[Array, " k"], place: UInt32[Array, " k"], row: TreePlan
) -> Int[Array, " k"]:
    """As :func:`count_below`, for boundaries in [0, 1], each in the sample of its own place.

    Args:
        key: randomness; its counters from 1 to FIRST_LEAF + LEAF are used.
        boundaries: NaN gives any count.
        place: which sample, less than 2**31 / n.
        row: one row of :func:`tree_plan`: the size of every one of the samples.

    Returns:
        Whole numbers.
    """
    inner, count, leaf = _search(key, boundaries, place, row)
    return count + _leaf(key, inner, leaf, row)


def count_below(key: Any, boundaries: Float[Array, " k"], row: TreePlan) -> Float[Array, " k"]:
    """How many of n independent uniforms on (0, 1) fall below each boundary, jointly.

    Equal boundaries give equal counts, counts are monotone in the boundary, and boundaries <= 0 or
    >= 1 give 0 or n. Exact in law up to rounding: words resolve probabilities to 2**-32, the last
    uniforms are independent in pairs up to 2**-34, and the quantile of a median, as a part of its
    node's interval, is within 3e-11 in float64; in float32 within 1e-7, and 1e-4 in tails of 1e-7.

    Args:
        key: randomness; one key is one sample.
        boundaries: any order; NaN gives NaN.
        row: one row of :func:`tree_plan`.

    Returns:
        Whole numbers in the type of the boundaries; in float32 those beyond 2**24 are rounded.

    References:
        devroye1986nonuniform
    """
    start = jnp.zeros(boundaries.shape, jnp.uint32)
    count = count_in_node(key, jnp.clip(boundaries, 0, 1), start, row)
    return count.astype(boundaries.dtype) + 0 * boundaries  # a NaN stays one


def binomial(key: Any, p: Float[Array, ""], row: TreePlan) -> Float[Array, ""]:
    """The number of successes in n trials of probability p; accuracy as :func:`count_below`.

    Args:
        key: randomness.
        p: probability of success; below 0 or above 1 it counts as 0 or 1.
        row: one row of :func:`tree_plan`.

    Returns:
        A whole number in the type of p.
    """
    return count_below(key, p[None], row)[0]


__all__ = [
    "TreePlan", "binomial", "count_below", "count_in_node", "threshold", "tree_plan",
]  # fmt: skip
