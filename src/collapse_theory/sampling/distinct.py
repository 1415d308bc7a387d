"""Work on the distinct ones among many sorted numbers, where a whole batch of chains has few.

Code without branches treats lost symbols like living ones. A batch can branch: the most distinct
numbers that any of its chains has decide how many are worked on. Which branch is taken changes no
bit of the result as long as a number's answer depends on the number alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Int

Square = Int[Array, "rows columns"]


def on_distinct(
    answer: Callable[..., Array],
    numbers: Square,
    rank: Square,
    arguments: tuple[Any, ...],
    widths: tuple[int, ...],
) -> Square:
    """``answer(numbers, *arguments)``, computed once for equal numbers where that saves work.

    Under ``vmap`` only, and for one batch axis: without, or where more numbers than the largest
    width are distinct, all of them are worked on.

    Args:
        answer: of a vector of numbers; 0 for the number 0. It is told the largest one last.
        numbers: >= 0, rising down the columns, one column after the other.
        rank: how many distinct positive numbers are not above each.
        arguments: arrays that answer needs; they are not closed over.
        widths: rising numbers of distinct ones to prepare for.
    """

    @custom_vmap
    def everywhere(numbers: Array, rank: Array, arguments: tuple[Any, ...]) -> Array:
        return answer(numbers.reshape(-1), *arguments).reshape(numbers.shape)

    @everywhere.def_vmap
    def _(size: int, batched: Any, numbers: Array, rank: Array, arguments: Any) -> Any:
        axes = jax.tree.map(lambda b: 0 if b else None, tuple(batched))

        def batch(one: Any) -> Any:
            return lambda *operands: jax.vmap(one, axes, axis_size=size)(*operands)

        some = [batch(functools.partial(_from_distinct, answer, w)) for w in widths]
        most = rank[..., -1, -1].max()
        which = (most > jnp.array(widths)).sum()
        branches = [*some, batch(lambda n, r, a: answer(n.reshape(-1), *a).reshape(n.shape))]
        return lax.switch(which, branches, numbers, rank, arguments), True

    counts: Array = everywhere(numbers, rank, arguments)
    return counts


def _from_distinct(
    answer: Callable[..., Array], width: int, numbers: Array, rank: Array, arguments: Any
) -> Array:
    rows, columns = numbers.shape
    wanted = 1 + lax.iota(jnp.int32, width)
    column = (rank[-1][None] < wanted[:, None]).sum(1, dtype=jnp.int32)
    column = jnp.minimum(column, columns - 1)  # where there are fewer: the largest
    flat, row = rank.reshape(-1), jnp.zeros_like(wanted)
    for step in (1 << i for i in reversed(range((rows - 1).bit_length()))):
        probe = row + (step - 1)
        above = flat.at[jnp.minimum(probe, rows - 1) * columns + column].get(
            mode="promise_in_bounds"
        )
        row = row + jnp.where((probe < rows) & (above < wanted), step, 0)
    place = jnp.minimum(row, rows - 1) * columns + column
    distinct = numbers.reshape(-1).at[place].get(mode="promise_in_bounds")
    answers = answer(jnp.append(distinct, numbers[-1, -1]), *arguments)
    found = answers.at[jnp.maximum(rank - 1, 0)].get(mode="promise_in_bounds")
    return jnp.where(rank > 0, found, 0)


__all__ = ["on_distinct"]
