"""The engine: units of chains over devices, moments as the generations advance.

A unit is a fixed number of chains, set by the experiment and the kind of device alone, and
everything is run in whole units by one and the same program. A chain is a function of (seed, chain
id), a unit's moments are merged in the order of the ids: results are the same, bit for bit, for any
chunk and any number of devices.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, UInt32

from collapse_theory.errors import InputError
from collapse_theory.moments import Moments, PowerSums, power_sums, recentre, to_moments
from collapse_theory.recursion import Setup, start, step
from collapse_theory.sampling.counter import chain_key, seed_key

LARGEST_UNIT = {"cpu": 1 << 15}  # chains; enough to drown the cost of a launch
LARGEST_UNIT_ELSEWHERE = 1 << 20
SMALLEST_UNIT = 16  # a batch of one is compiled to scalar code, whose last bits differ
UNIT_BYTES = {"cpu": 1 << 26}
UNIT_BYTES_ELSEWHERE = 1 << 32

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """Where to run and in what pieces; models never hear of it.

    Args:
        chunk: chains under way on a device before their moments are read; rounded up to whole
            units.
        devices: how many devices to use, or "all".
        dtype: "float32" or "float64"; float64 where JAX has it switched on, if left out.
        progress: called with (chains done, chains in all) after each chunk.
    """

    chunk: int | None = None
    devices: int | str = 1
    dtype: str | None = None
    progress: Progress | None = None

    def resolve_dtype(self) -> np.dtype[Any]:
        """The dtype of the chains.

        Raises:
            InputError: float64 was asked for and JAX runs without it.
        """
        wide = bool(jax.config.read("jax_enable_x64"))  # type: ignore[no-untyped-call]  # JAX's gap
        name = self.dtype or ("float64" if wide else "float32")
        if name not in ("float32", "float64"):
            raise InputError(f"plan.dtype = {name!r}: allowed are 'float32' and 'float64'")
        if name == "float64" and not wide:
            raise InputError(
                "plan.dtype = 'float64' needs jax.config.update('jax_enable_x64', True) first"
            )
        return np.dtype(name)

    def resolve_devices(self) -> list[Any]:
        """The devices to use.

        Raises:
            InputError: more were asked for than there are.
        """
        there: list[Any] = jax.local_devices()
        count = len(there) if self.devices == "all" else self.devices
        if not isinstance(count, int) or not 1 <= count <= len(there):
            raise InputError(
                f"plan.devices = {self.devices!r}: allowed are 'all' and 1..{len(there)}"
            )
        return there[:count]


def run_moments(setup: Setup, seed: int, chains: range, plan: Plan) -> Moments:
    """Moments of every observable at every generation over these chain ids.

    Arrays (T, observables).
    """
    root = _root(seed)
    devices = plan.resolve_devices()
    if plan.chunk is not None and plan.chunk < 1:
        raise InputError(f"plan.chunk = {plan.chunk}: a whole number >= 1 is needed")
    unit = unit_size(setup, devices[0].platform)
    ahead = len(devices) * -(-(plan.chunk or 2 * unit) // unit)
    total, done = None, 0
    for ids, sums in _in_flight(setup, root, chains, unit, devices, ahead):
        moments = to_moments(sums)
        total = moments if total is None else total.merge(moments)
        done += len(ids)
        if plan.progress is not None:
            plan.progress(done, len(chains))
    assert total is not None
    return total


def run_paths(setup: Setup, seed: int, ids: np.ndarray) -> tuple[Any, Any]:
    """Whole paths of these chains: (fits, values) with leading axes (chains, T).

    Values are by observable last.
    """
    unit = unit_size(setup, jax.local_devices()[0].platform)
    root, ids = _root(seed), np.asarray(ids, np.uint64)
    static, arrays = setup_static(setup), setup_arrays(setup)
    parts = []
    for i in range(0, len(ids), unit):
        some = ids[i : i + unit]
        count = len(some)
        keys, *opening = _first(static, arrays, root, *_split_ids(np.resize(some, unit)))
        paths = _walk(static, arrays, keys, *opening)
        parts.append(jax.tree.map(lambda a, n=count: np.asarray(a[:n]), paths))
    whole: tuple[Any, Any] = jax.tree.map(lambda *a: np.concatenate(a), *parts)
    return whole


def unit_size(setup: Setup, platform: str) -> int:
    """Chains in a unit: a power of two, fixed by the bytes of a chain and the kind of device."""
    largest = LARGEST_UNIT.get(platform, LARGEST_UNIT_ELSEWHERE)
    room = UNIT_BYTES.get(platform, UNIT_BYTES_ELSEWHERE) // _bytes_per_chain(setup)
    return max(SMALLEST_UNIT, min(largest, 1 << max(0, room.bit_length() - 1)))


def _root(seed: int) -> Array:
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise InputError(f"seed = {seed!r}: a whole number in [0, 2**63) is needed")
    return seed_key(int(seed))


def _bytes_per_chain(setup: Setup) -> int:
    state, values = jax.eval_shape(lambda k: start(setup, k), seed_key(0))
    size = sum(x.size * x.dtype.itemsize for x in jax.tree.leaves((state, values)))
    rows = 0 if type(setup.route).__name__ == "Law" else 64 * setup.synthetic.capacity
    return int(size + rows + 64)


def _in_flight(
    setup: Setup, root: Array, chains: range, unit: int, devices: list[Any], ahead: int
) -> Iterator[tuple[range, PowerSums]]:
    """Units in the order of their ids.

    At most ``ahead`` of them are under way beyond the one being read.
    """
    static, arrays = setup_static(setup), setup_arrays(setup)
    waiting: list[tuple[range, PowerSums]] = []
    for i, first in enumerate(range(chains.start, chains.stop, unit)):
        ids = np.arange(first, first + unit, dtype=np.uint64)
        here = (arrays, root, *_split_ids(ids), ids < chains.stop)
        sums = _unit(static, *jax.device_put(here, devices[i % len(devices)]))
        waiting.append((range(first, min(first + unit, chains.stop)), sums))
        if len(waiting) > ahead:
            yield waiting.pop(0)
    yield from waiting


def _split_ids(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (ids & np.uint64(0xFFFFFFFF)).astype(np.uint32), (ids >> np.uint64(32)).astype(np.uint32)


def setup_arrays(setup: Setup) -> Any:
    """The traced half of a setup."""
    return eqx.filter(setup, eqx.is_array)


def setup_static(setup: Setup) -> Any:
    """The static half of a setup: hashable, so that one shape compiles once."""
    leaves, tree = jax.tree.flatten(eqx.filter(setup, eqx.is_array, inverse=True))
    return tree, tuple(leaves)


def _join(static: Any, arrays: Any) -> Setup:
    tree, leaves = static
    joined: Setup = eqx.combine(jax.tree.unflatten(tree, leaves), arrays)
    return joined


def _unit(
    static: Any, arrays: Any, root: Array, low: Array, high: Array, valid: Array
) -> PowerSums:
    """Power sums of a unit: leaves (T, observables).

    Generation 1 is a program of its own: fused with what consumes it, the generator of its random
    bits would be copied, and compiled, into every consumer.
    """
    sums: PowerSums = _later(static, arrays, *_first(static, arrays, root, low, high), valid)
    return sums


@functools.partial(jax.jit, static_argnums=0)
def _first(
    static: Any, arrays: Any, root: Array, low: UInt32[Array, " unit"], high: UInt32[Array, " unit"]
) -> tuple[Array, Any, Any]:
    """Keys of the chains, and their states and values at generation 1."""
    setup = _join(static, arrays)
    keys = jax.vmap(functools.partial(chain_key, root))(low, high)
    return keys, *jax.vmap(functools.partial(start, setup))(keys)


@functools.partial(jax.jit, static_argnums=0)
def _later(
    static: Any, arrays: Any, keys: Array, state: Any, values: Any, valid: Bool[Array, " unit"]
) -> PowerSums:
    setup = _join(static, arrays)
    first = [_two_pass(v, valid) for v in values]

    def generation(carry: Any, t: Array) -> Any:
        state, centres = carry
        state, values = jax.vmap(lambda k, s: step(setup, k, t, s))(keys, state)
        sums = [power_sums(v, valid, *c) for v, c in zip(values, centres, strict=True)]
        return (state, [recentre(s) for s in sums]), sums

    carry = (state, [recentre(s) for s in first])
    return _stacked(first, lax.scan(generation, carry, _times(setup))[1])


def _two_pass(values: Float[Array, " unit"], valid: Array) -> PowerSums:
    """Power sums where there is no earlier mean to pivot on."""
    one = jnp.ones((), values.dtype)
    return power_sums(values, valid, *recentre(power_sums(values, valid, 0 * one, one)))


def _stacked(first: Any, rest: Any) -> PowerSums:
    """Generation 1 before the others, and observables along the second axis."""
    whole = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, rest)
    sums: PowerSums = jax.tree.map(lambda *a: jnp.stack(a, 1), *whole)
    return sums


def _times(setup: Setup) -> Array:
    return jnp.arange(2, setup.generations + 1, dtype=jnp.uint32)


@functools.partial(jax.jit, static_argnums=0)
def _walk(static: Any, arrays: Any, keys: Array, state: Any, values: Any) -> tuple[Any, Any]:
    """Fits and values of every chain at every generation: leaves (unit, T, ...)."""
    setup = _join(static, arrays)

    def generation(state: Any, t: Array) -> Any:
        state, values = jax.vmap(lambda k, s: step(setup, k, t, s))(keys, state)
        return state, (state.theta, values)

    rest = lax.scan(generation, state, _times(setup))[1]
    whole = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), (state.theta, values), rest)
    paths: tuple[Any, Any] = jax.tree.map(lambda a: jnp.moveaxis(a, 0, 1), whole)
    return paths
