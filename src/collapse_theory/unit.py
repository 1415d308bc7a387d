"""A unit of chains side by side: their ids, generation 1, and the step to the next one.

What a scan over generations (:mod:`collapse_theory.programs`) and a kernel that holds its chains in
registers (:mod:`collapse_theory.kernel`) have in common.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, UInt32

from collapse_theory.moments import PowerSums, power_sums, recentre, two_pass
from collapse_theory.recursion import Setup, start, step
from collapse_theory.sampling.counter import chain_key


def chain_ids(origin: Any, place: UInt32[Array, " unit"]) -> tuple[Array, Array]:
    """Low and high words of the ids of the chains at these places after the first one's."""
    low = origin[0] + place
    return low, origin[1] + (low < place).astype(jnp.uint32)  # the carry


def opened(setup: Setup, root: Any, ids: tuple[Array, Array]) -> tuple[Any, Any, Any]:
    """Keys of the chains, and their states and values at generation 1."""
    keys = chain_key(root, *ids)
    return keys, *jax.vmap(functools.partial(start, setup))(keys)


def opening_sums(values: Any, valid: Bool[Array, " unit"]) -> list[PowerSums]:
    """Power sums of generation 1, observable by observable."""
    return [two_pass(v, valid) for v in values]


def carried(state: Any, sums: list[PowerSums]) -> tuple[Any, Any]:
    """What the next generation needs: the states, and the centres for its sums."""
    return state, [recentre(s) for s in sums]


def advanced(
    setup: Setup, keys: Any, t: UInt32[Array, ""], carry: tuple[Any, Any], valid: Array
) -> tuple[Any, list[PowerSums]]:
    """States and power sums at generation t >= 2."""
    state, centres = carry
    state, values = stepped(setup, keys, t, state)
    sums = [power_sums(v, valid, *c) for v, c in zip(values, centres, strict=True)]
    return state, sums


def stepped(setup: Setup, keys: Any, t: UInt32[Array, ""], state: Any) -> tuple[Any, Any]:
    """States and values at generation t >= 2."""
    return jax.vmap(lambda k, s: step(setup, k, t, s))(keys, state)
