"""Multinomial counts without a rejection loop: one virtual sorted sample, cut into blocks.

The counts of K symbols are the differences of how many of n uniforms lie below each of the K
cumulative probabilities. Here all but a few of the uniforms are order statistics, built from the
top: with Gamma(R) totals of R spacings each, A blocks end at every R-th of them, and inside a block
the other R - 1 are independent and uniform. The block ends are drawn once a chain and shared; a
boundary finds its block by comparison with all of them (comparing is cheap, looking up is not), and
counts inside that block alone, by the search of :mod:`sampling.counts`, whose words are a function
of the block. So all boundaries see one sample and the joint law is exact. The n + 1 - A R uniforms
left over are drawn outright and compared with every boundary.

Positions are whole numbers below 2**31: sums of them are exact in any order, so a symbol of
probability 0 has equal boundaries on its sides and never occurs, and small probabilities are not
swallowed by the sum before them, in float32 either.

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
from jaxtyping import Array, Float, Int, UInt32

from collapse_theory.sampling.counter import signed, words
from collapse_theory.sampling.counts import LEAF, TreePlan, count_in_node, tree_plan
from collapse_theory.sampling.distinct import on_distinct
from collapse_theory.sampling.gamma import gamma_table, log_gamma_variate, words_needed

BLOCK_WORDS, LOOSE_WORDS, DITHER = 64, 128, 129  # high words of the counters, beyond the tree's
SPAN = 0.97 * 2.0**31  # the sum of all probabilities, before each is rounded to a whole number
MOST_BLOCKS = 128
WIDTHS = (64, 128, 256, 1024, 4096)
AT_ONCE = 16  # numbers compared with a boundary in one pass over the boundaries


class MultinomialPlan(eqx.Module):
    """What :func:`multinomial` needs to know about n and K.

    Made by :func:`multinomial_plan` with a leading axis over sizes; ``jax.tree.map(lambda a: a[i],
    plan)`` is the row of one size.

    Attributes:
        n: the number of draws.
        spacings: how many spacings a block has, R; 0 if there are too few draws for blocks.
        loose: how many uniforms are outside the blocks.
        gamma: the row of :func:`gamma_table` for shape R, a dict of arrays.
        tree: the row of :func:`tree_plan` for the R - 1 uniforms inside a block.
        blocks: how many blocks, A, or 0.
        slots: the most loose uniforms of any size.
        widths: so many symbols alive, or fewer, take less work.
    """

    n: Int[Array | np.ndarray, "*sizes"]
    spacings: Int[Array | np.ndarray, "*sizes"]
    loose: Int[Array | np.ndarray, "*sizes"]
    gamma: dict[str, Any]
    tree: TreePlan
    blocks: int = eqx.field(static=True)
    slots: int = eqx.field(static=True)
    widths: tuple[int, ...] = eqx.field(static=True)


def multinomial_plan(sizes: Sequence[int], symbols: int) -> MultinomialPlan:
    """The plan of multinomials of the given sizes, as NumPy arrays with a leading axis over sizes.

    Args:
        sizes: numbers of draws, each in [0, 2**30]; one, or one for each generation.
        symbols: how many symbols there are, K; it decides about speed only.

    Returns:
        The plan; its shapes are those of the largest need, smaller ones are masked.
    """
    n = np.asarray(tree_plan(sizes).n, np.int64)  # refuses bad sizes
    blocks = min((0, *range(2, MOST_BLOCKS)), key=lambda a: _cost(int(n.max()), symbols, a))
    spacings = (n + 1) // blocks if blocks else 0 * n
    loose = np.where(spacings > 0, n + 1 - blocks * spacings, n)
    tree = tree_plan([max(int(r) - 1, 0) for r in spacings])
    # without a tree's rounding the count below an edge is one of whole numbers: the same in any
    # program
    widths = () if tree.gain.shape[-1] else tuple(w for w in WIDTHS if 3 * w <= symbols)
    return MultinomialPlan(
        n=n.astype(np.int32),
        spacings=spacings.astype(np.int32),
        loose=loose.astype(np.int32),
        gamma=gamma_table(spacings),
        tree=tree,
        blocks=blocks,
        slots=int(loose.max()),
        widths=widths,
    )


def _cost(n: int, symbols: int, blocks: int) -> float:
    """Nanoseconds of a chain on one core, from timings of the parts (AVX-512, 2.7 GHz)."""
    spacings = (n + 1) // blocks if blocks else 0
    loose = n + 1 - blocks * spacings if spacings else n
    inside, levels = max(spacings - 1, 0), 0
    while inside > LEAF:
        inside, levels = (inside - 1) // 2, levels + 1
    boundary = 0.04 * (loose + blocks) + 5 * levels + 0.45 * inside + (5 if blocks else 0)
    shared = 150 + (8 if spacings > 4 else 20) * blocks if blocks else 0
    return symbols * boundary + shared + 2 * loose


def _running(x: Int[Array, " k"]) -> Int[Array, " k"]:
    def add(total: Array, x: Array) -> tuple[Array, Array]:
        return total + x, total + x

    sums: Array = lax.scan(add, jnp.zeros_like(x[0]), x)[1]
    return sums


def _shifted(x: Int[Array, " k"]) -> Int[Array, " k"]:
    return jnp.concatenate([jnp.zeros_like(x[:1]), x[:-1]])


def _edges(masses: Int[Array, " k"], *, ranked: bool) -> list[Int[Array, "rows columns"]]:
    """Cumulative sums, down the columns of a square of symbols, one column after the other.

    The last entry is the sum of all. In this order a sum takes two short loops over long vectors.
    If ``ranked``, also how many masses are positive up to each, in the same loop: in one of its own
    the masses, random word and all, would be computed once more for each use.
    """
    rows = max(1, round(masses.shape[0] ** 0.5))
    square = jnp.pad(masses, (0, -masses.shape[0] % rows)).reshape(rows, -1)

    def add(sums: list[Array], row: Array) -> tuple[list[Array], list[Array]]:
        terms = [row, (row > 0).astype(jnp.int32)]
        sums = [s + x for s, x in zip(sums, terms, strict=False)]
        return sums, sums

    none = [jnp.zeros_like(square[0])] * (1 + ranked)
    _, sums = lax.scan(add, none, square)
    return [s + _shifted(_running(s[-1]))[None] for s in sums]


def _whole_numbers(key: Any, probs: Float[Array, " k"], whole: Array) -> Int[Array, " k"]:
    """Numbers with sum near SPAN in proportion to the probabilities, rounded down after a dither.

    The dither, one for all, makes the mean of each exact: without it 1e-9 would be off by a tenth.
    """
    digits = signed(words(key, DITHER, 0)[0] >> 10).astype(probs.dtype)
    # x / x, because XLA for CPUs computes what ends in a division once and stores it; the generator
    # of the word it would copy into the rounding of each symbol. Rounding keeps it below 1.
    dither = digits * 2.0**-22 * whole / whole
    return (probs * (SPAN / whole) + dither).astype(jnp.int32)


def scaled(word: UInt32[Array, "*s"], total: Int[Array, ""]) -> Int[Array, "*s"]:
    """floor(word * total / 2**32), by halves of 16 bits."""
    low = jnp.uint32(0xFFFF)
    t = total.astype(jnp.uint32)
    middle = (word >> 16) * (t & low) + ((word & low) * (t & low) >> 16)
    carry = (word & low) * (t >> 16) + (middle & low)
    return signed((word >> 16) * (t >> 16) + (middle >> 16) + (carry >> 16))


def _number_below(
    edges: Int[Array, " k"], start: Int[Array, " k"], parts: Sequence[Int[Array, "parts width"]]
) -> Int[Array, " k"]:
    """``start`` and how many of the other numbers are less than each edge.

    In a loop of more than one pass, what goes in is stored. Otherwise XLA for CPUs compiles what it
    came from, random words and all, into each of its uses: everything was ten times slower.
    """

    def one_pass(i: Array, count: Array) -> Array:
        for part in parts:
            numbers = lax.dynamic_index_in_dim(part, i, 0, keepdims=False)
            for j in range(numbers.shape[0]):
                count = count + jnp.where(numbers[j] < edges, 1, 0)
        return count

    end: Array = lax.fori_loop(0, parts[0].shape[0], one_pass, start)
    return end


def _passes(size: int, most: int) -> tuple[int, int]:
    """A shape for so many numbers: at least two passes of at most so many."""
    parts = max(2, -(-size // most))
    return parts, -(-size // parts)


def _ends(key: Any, total: Int[Array, ""], row: MultinomialPlan, dtype: Any) -> Int[Array, " a"]:
    """Where the blocks end, but for the last, which ends at ``total``."""
    numbers = lax.iota(jnp.uint32, row.blocks)
    pairs = -(-(words_needed(row.gamma) + 1) // 2)
    bits = [w for i in range(pairs) for w in words(key, BLOCK_WORDS + i, numbers)]
    table = {name: jnp.asarray(a, dtype) for name, a in row.gamma.items()}
    widths = jnp.exp(log_gamma_variate(bits, table))
    scale = total.astype(dtype) / widths.sum()
    # float32's whole numbers near 2**31 are multiples of 2**7: the rest is drawn
    digits = signed(bits[-1] >> 25) if dtype == jnp.float32 else jnp.zeros_like(numbers, jnp.int32)

    def add(end: Array, block: tuple[Array, Array]) -> tuple[Array, Array]:
        end = end + block[0]
        return end, (end * scale).astype(jnp.int32) + block[1]

    ends: Array = lax.scan(add, jnp.zeros((), dtype), (widths, digits))[1]
    return jnp.minimum(ends, total)[:-1]


def _in_blocks(
    key: Any, edges: Int[Array, " k"], ends: Int[Array, " a"], row: MultinomialPlan, dtype: Any
) -> Int[Array, " k"]:
    """How many of the A R - 1 order statistics lie below each edge."""
    total = edges[-1]
    parts, width = _passes(row.blocks - 1, 2 * AT_ONCE)
    spare = parts * width - row.blocks + 1
    padded = jnp.pad(ends, (0, spare), constant_values=np.iinfo(np.int32).max)
    zero = jnp.zeros(edges.shape, jnp.int32)
    block = _number_below(edges, zero, [padded.reshape(parts, width)])
    low, high = jnp.pad(ends, (1, 0)), jnp.append(ends, total)
    low, high = (a.at[block].get(mode="promise_in_bounds") for a in (low, high))
    inner = (edges - low).astype(dtype) / jnp.maximum(high - low, 1).astype(dtype)
    inside = count_in_node(key, jnp.clip(inner, 0, 1), block.astype(jnp.uint32), row.tree)
    return jnp.asarray(row.spacings) * block + inside


def _count(
    dtype: Any, edges: Int[Array, " k"], key: Any, ends: Int[Array, " a"], row: MultinomialPlan
) -> Int[Array, " k"]:
    """How many of the n uniforms lie below each edge; the last edge is the total."""
    count = jnp.zeros(edges.shape, jnp.int32)
    if row.blocks:
        count = _in_blocks(key, edges, ends, row, dtype)
    if row.slots:
        shape = _passes((row.slots + 1) // 2, AT_ONCE // 2)
        numbers = lax.iota(jnp.uint32, shape[0] * shape[1]).reshape(shape)
        loose = [
            jnp.where(2 * signed(numbers) + i < row.loose, scaled(word, edges[-1]), edges[-1])
            for i, word in enumerate(words(key, LOOSE_WORDS, numbers))
        ]
        count = _number_below(edges, count, loose)
    return jnp.where(edges < edges[-1], count, row.n)


def multinomial(
    key: Any, probs: Float[Array, " k"], row: MultinomialPlan, *, nested: bool = False
) -> Float[Array, " k"]:
    """How often each of K symbols occurs in n draws, jointly.

    A symbol of probability 0 never occurs and the counts sum to n, whatever the rounding. Exact in
    law up to rounding: each probability has relative error 3 eps and, whatever its place, an
    absolute one of 2**-31 that is drawn anew, with mean 0, for each key; the 32 bits of the words
    and the quantiles of block ends (3e-8 root mean square in float32) and medians
    (:func:`count_below`) move a boundary by less than that, relative to its block.

    Args:
        key: randomness; one key is one sample.
        probs: probabilities; divided by their sum. NaN, or a sum of 0, gives NaN.
        row: one row of :func:`multinomial_plan`.
        nested: whether there are batches of batches; the same bits, without the shorter work on
            batches that have lost most of many symbols.

    Returns:
        Whole numbers in the type of probs; in float32 those beyond 2**24 are rounded.
    """
    whole = probs.sum()
    masses = _whole_numbers(key, probs, whole)
    thins = not nested and bool(row.widths)
    edges, *rank = _edges(masses, ranked=thins)
    dtype = probs.dtype.type
    ends = _ends(key, edges[-1, -1], row, dtype) if row.blocks else jnp.zeros(0, jnp.int32)
    below, sample = functools.partial(_count, dtype), (key, ends, row)
    if thins:
        count = on_distinct(below, edges, rank[0], sample, row.widths)
    else:
        count = below(edges.reshape(-1), *sample).reshape(edges.shape)

    def difference(count: Array) -> Array:
        return count - jnp.concatenate([_shifted(count[-1])[None], count[:-1]])

    # a loop stores what goes in (see _number_below); the first pass does nothing
    counts = lax.fori_loop(0, 2, lambda i, x: jnp.where(i == 0, x, difference(x)), count)
    answer = counts.reshape(-1)[: probs.shape[0]].astype(probs.dtype)
    return jnp.where(whole > 0, answer, jnp.nan)


__all__ = ["MultinomialPlan", "multinomial", "multinomial_plan"]
