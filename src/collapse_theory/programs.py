"""Compiled programs: a whole unit of chains, all generations, moments on the way.

The only place of ``jit``. A program is compiled once for each shape: every number of
an experiment, sizes included, is an argument.
"""

from __future__ import annotations

import dataclasses
import functools
import warnings
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax import lax
from jaxtyping import Array, Bool

from collapse_theory.moments import Moments, PowerSums, to_moments
from collapse_theory.recursion import Setup
from collapse_theory.sampling.counter import chain_key
from collapse_theory.unit import advanced, carried, chain_ids, opened, opening_sums, stepped

# XLA uses half of a register of 512 bits unless told (`benchmarks/operations.py` has the prices)
OPTIONS: dict[str, dict[str, Any]] = {"cpu": {"xla_cpu_prefer_vector_width": 512}}


def unit_sums(
    platform: str, static: Any, arrays: Any, where: tuple[Array, Array, Array], unit: int
) -> PowerSums:
    """Power sums of a unit: leaves (T, observables).

    On a GPU by one kernel where the chains fit its registers, elsewhere by a scan.

    Args:
        platform: of the device that holds the arrays.
        static: from :func:`setup_static`.
        arrays: from :func:`setup_arrays`.
        where: root key of the run; low and high word of the first chain's id, (2,); how many chains
            of the unit count.
        unit: chains.
    """
    if platform == "gpu" and _in_registers(
        _Trial((static, _shapes(arrays), unit), (arrays, where))
    ):
        sums: PowerSums = _kernel(static, unit)(arrays, _words_of(where))
        return sums
    return scanned(platform, static, arrays, where, unit)


def scanned(
    platform: str, static: Any, arrays: Any, where: tuple[Array, Array, Array], unit: int
) -> PowerSums:
    """Power sums of a unit by a scan over generations.

    Generation 1 is a program of its own: fused with what consumes it, the generator of its random
    bits would be copied, and compiled, into every consumer.
    """
    root, origin, count = where
    ids, valid = unit_ids(unit, origin, count)
    first, later = compiled(_first, platform), compiled(_later, platform)
    sums: PowerSums = later(static, arrays, *first(static, arrays, root, ids), valid)
    return sums


@functools.partial(jax.jit, static_argnums=0)
def unit_keys(unit: int, root: Array, origin: Array) -> Any:
    """The keys of the chains of a unit."""
    return chain_key(root, *chain_ids(origin, lax.iota(jnp.uint32, unit)))


@functools.partial(jax.jit, static_argnums=0)
def unit_ids(unit: int, origin: Array, count: Array) -> tuple[tuple[Array, Array], Array]:
    """Ids of a unit, and which of them count."""
    place = lax.iota(jnp.uint32, unit)
    return chain_ids(origin, place), place < count


@dataclasses.dataclass(frozen=True)
class _Trial:
    """What decides whether the kernel serves, and numbers to try it on."""

    key: Any
    numbers: Any = dataclasses.field(compare=False)


@functools.cache
def _in_registers(trial: _Trial) -> bool:
    """Whether the kernel compiles, and agrees with the scan on the first unit."""
    (static, shapes, unit), (arrays, where) = trial.key, trial.numbers
    if any(dtype == "float64" for _, dtype in shapes):
        return False  # twice the registers, and a fraction of the speed
    try:
        small = to_moments(_kernel(static, unit)(arrays, _words_of(where)))
    except Exception:  # whatever the code of a family does that a kernel cannot
        return False
    same = agree(small, to_moments(scanned("gpu", static, arrays, where, unit)))
    if not same:
        warnings.warn("the GPU kernel disagrees with the scan: the scan is used", stacklevel=2)
    return same


def agree(a: Moments, b: Moments) -> bool:
    """Whether two runs of the same chains differ by no more than rounding."""
    sd = np.sqrt(b.m2 / np.maximum(b.n, 1))
    close = np.abs(a.mean - b.mean) <= 1e-4 * sd + 1e-6 * np.abs(b.mean)
    return bool(close.all() and (np.abs(a.n - b.n) <= 1e-4 * b.n).all())


def _words_of(where: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
    return jr.key_data(where[0]), *where[1:]


@functools.cache
def _kernel(static: Any, unit: int) -> Any:
    from collapse_theory import kernel  # only where there is a GPU: its compiler takes a while

    bare = jax.tree.unflatten(*static)
    size = bare.generations, len(bare.observables)
    join = functools.partial(_join, static)
    return jax.jit(functools.partial(kernel.unit_sums, join, unit=unit, size=size))


def unit_paths(
    platform: str, static: Any, arrays: Any, root: Array, ids: tuple[Any, Any]
) -> tuple[Any, Any]:
    """Fits and values of every chain at every generation: leaves (unit, T, ...)."""
    opening = compiled(_first, platform)(static, arrays, root, ids)
    paths: tuple[Any, Any] = compiled(_walk, platform)(static, arrays, *opening)
    return paths


def unit_values(
    platform: str, static: Any, arrays: Any, root: Array, ids: tuple[Any, Any]
) -> tuple[Array, ...]:
    """Values of every chain at every generation: one (unit, T) for each observable."""
    opening = compiled(_first, platform)(static, arrays, root, ids)
    values: tuple[Array, ...] = compiled(_walk_values, platform)(static, arrays, *opening)
    return values


@functools.cache
def compiled(program: Any, platform: str) -> Any:
    """The program, compiled for a platform at its first call; its first argument is static."""
    return jax.jit(program, static_argnums=0, compiler_options=OPTIONS.get(platform))


def setup_arrays(setup: Setup) -> Any:
    """The traced half of a setup."""
    return eqx.filter(setup, eqx.is_array)


def shape_of(setup: Setup) -> Any:
    """What programs are compiled for, hashable: setups that agree in it share theirs."""
    return setup_static(setup), _shapes(setup_arrays(setup))


def _shapes(arrays: Any) -> Any:
    return tuple((a.shape, str(a.dtype)) for a in jax.tree.leaves(arrays))


def setup_static(setup: Setup) -> Any:
    """The static half of a setup: hashable, so that one shape compiles once."""
    leaves, tree = jax.tree.flatten(eqx.filter(setup, eqx.is_array, inverse=True))
    return tree, tuple(leaves)


def _join(static: Any, arrays: Any) -> Setup:
    tree, leaves = static
    joined: Setup = eqx.combine(jax.tree.unflatten(tree, leaves), arrays)
    return joined


def _first(
    static: Any, arrays: Any, root: Array, ids: tuple[Array, Array]
) -> tuple[Array, Any, Any]:
    return opened(_join(static, arrays), root, ids)


def unit_opened(static: Any, arrays: Any, root: Array, ids: Any, valid: Array) -> Any:
    """Generation 1 of a unit: what the next one needs, and power sums, leaves (observables,)."""
    _, state, values = opened(_join(static, arrays), root, ids)
    sums = opening_sums(values, valid)
    return carried(state, sums), _across(sums)


def unit_generation(
    static: Any, arrays: Any, keys: Array, t: Array, carry: Any, valid: Array
) -> Any:
    """Generation t >= 2 of a unit, in the same form."""
    state, sums = advanced(_join(static, arrays), keys, t, carry, valid)
    return carried(state, sums), _across(sums)


def _across(sums: Any) -> PowerSums:
    """Observables along the last axis."""
    whole: PowerSums = jax.tree.map(lambda *a: jnp.stack(a), *sums)
    return whole


def _later(
    static: Any, arrays: Any, keys: Array, state: Any, values: Any, valid: Bool[Array, " unit"]
) -> PowerSums:
    setup = _join(static, arrays)
    first = opening_sums(values, valid)

    def generation(carry: Any, t: Array) -> Any:
        state, sums = advanced(setup, keys, t, carry, valid)
        return carried(state, sums), sums

    return _stacked(first, lax.scan(generation, carried(state, first), _times(setup))[1])


def _stacked(first: Any, rest: Any) -> PowerSums:
    """Generation 1 before the others, and observables along the second axis."""
    whole = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, rest)
    sums: PowerSums = jax.tree.map(lambda *a: jnp.stack(a, 1), *whole)
    return sums


def _times(setup: Setup) -> Array:
    return jnp.arange(2, setup.generations + 1, dtype=jnp.uint32)


def _walk(static: Any, arrays: Any, keys: Array, state: Any, values: Any) -> tuple[Any, Any]:
    setup = _join(static, arrays)

    def generation(state: Any, t: Array) -> Any:
        state, values = stepped(setup, keys, t, state)
        return state, (state.theta, values)

    rest = lax.scan(generation, state, _times(setup))[1]
    whole = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), (state.theta, values), rest)
    paths: tuple[Any, Any] = jax.tree.map(lambda a: jnp.moveaxis(a, 0, 1), whole)
    return paths


def _walk_values(static: Any, arrays: Any, keys: Array, state: Any, values: Any) -> Any:
    return _walk(static, arrays, keys, state, values)[1]  # the fits are never stored
