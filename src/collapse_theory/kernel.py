"""All generations of a block of chains in the registers of a GPU, for chains of a few numbers.

A scan over generations keeps its chains in memory and launches its kernels anew in each; here one
kernel owns a block of chains from the first generation to the last, and writes eight numbers an
observable and generation. It runs the very code of :mod:`collapse_theory.recursion` on the same
random words: the chains are those of the scan, to float rounding. What the code of a family or a
workflow asks of it beyond plain arithmetic on scalars (arrays in a chain's state, loops, gathers)
it cannot do, and then the scan serves.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array, Float

from collapse_theory.moments import PowerSums
from collapse_theory.sampling.counter import Address
from collapse_theory.unit import advanced, carried, chain_ids, opened, opening_sums

BLOCK = 1024  # chains of a block: eight a thread
WARPS = 4
FIELDS = 8  # of an observable and generation: those of PowerSums


class Row:
    """An array of the setup inside the kernel: it can be indexed, and its numbers used.

    Kernels have no vectors of odd lengths: ``row[i]`` is a smaller one, ``row[..., i]`` a number.
    """

    def __init__(self, ref: Any, shape: tuple[int, ...], offset: Any = 0) -> None:
        self.shape, self.dtype = shape, ref.dtype
        self._ref, self._offset = ref, offset

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple):  # (..., i)
            return self._ref[self._offset + index[-1]]
        rest = self.shape[1:]
        row = Row(self._ref, rest, self._offset + index * math.prod(rest))
        return row if rest else self._ref[row._offset]


def unit_sums(
    join: Any,
    arrays: Any,
    where: tuple[Array, Array, Array],
    *,
    unit: int,
    size: tuple[int, int],
    interpret: bool = False,
) -> PowerSums:
    """Power sums of a unit of chains: leaves (T, observables).

    Args:
        join: makes a setup of its arrays.
        arrays: the arrays of a setup.
        where: the key of the run and the id of the first chain, two words each,
            and how many chains of the unit count.
        unit: chains, a multiple of BLOCK.
        size: how many generations and observables.
        interpret: run without a GPU, for tests.
    """
    leaves, tree = jax.tree.flatten(arrays)
    flat = [_padded(a) for a in leaves]
    shapes = [a.shape for a in leaves]
    generations, observables = size
    rows, columns = _power(generations), _power(FIELDS * observables)
    root, origin, count = where
    inputs = [root, origin, count.reshape(1), *flat]
    shape: Any = jax.ShapeDtypeStruct  # it carries no types
    call = pl.pallas_call(
        functools.partial(_block, lambda a: join(jax.tree.unflatten(tree, a)), shapes),
        grid=(unit // BLOCK,),
        out_shape=shape((unit // BLOCK, rows, columns), jnp.float32),
        in_specs=[pl.BlockSpec(a.shape, lambda i: (0,)) for a in inputs],
        out_specs=pl.BlockSpec((1, rows, columns), lambda i: (i, 0, 0)),
        compiler_params=triton.CompilerParams(num_warps=WARPS),
        interpret=interpret,
    )
    used = call(*inputs)[:, :generations, : FIELDS * observables]
    return _merged(used.reshape(-1, generations, observables, FIELDS))


def _power(n: int) -> int:
    return 1 << max(0, n - 1).bit_length()


def _padded(a: Array) -> Array:
    return jnp.pad(a.reshape(-1), (0, _power(a.size) - a.size))


def _block(join: Any, shapes: Any, root: Any, origin: Any, count: Any, *refs: Any) -> None:
    """One block: its chains' keys, generation 1, and the loop over the others."""
    *leaves, out = refs
    setup = join([Row(r, s) if s else r[0] for r, s in zip(leaves, shapes, strict=True)])
    place = jnp.uint32(BLOCK) * pl.program_id(0).astype(jnp.uint32)
    place = place + lax.iota(jnp.uint32, BLOCK)
    valid = place < count[0]
    keys, state, values = opened(setup, Address(root[0], root[1]), chain_ids(origin, place))
    first = opening_sums(values, valid)
    _write(out, 0, first)

    def generation(t: Array, carry: Any) -> Any:
        state, sums = advanced(setup, keys, (t + 1).astype(jnp.uint32), carry, valid)
        _write(out, t, sums)
        return carried(state, sums)

    lax.fori_loop(1, setup.generations, generation, carried(state, first))


def _write(out: Any, t: Any, sums: list[PowerSums]) -> None:
    for j, s in enumerate(sums):
        for k, value in enumerate((s.finite, s.nonfinite, s.pivot, s.scale, *s.sums)):
            out[0, t, FIELDS * j + k] = value


def _merged(blocks: Float[Array, "blocks generations observables fields"]) -> PowerSums:
    """Sums of all blocks about one pivot, from sums of each about its own."""
    finite, nonfinite, pivots, scales, *sums = jnp.moveaxis(blocks, -1, 0)
    total = jnp.maximum(finite.sum(0), 1)
    pivot = (finite * pivots).sum(0) / total
    scale = jnp.sqrt((finite * scales * scales).sum(0) / total)
    scale = jnp.where(scale > 0, scale, 1)
    r, c = scales / scale[None], (pivots - pivot[None]) / scale[None]
    s1, s2, s3, s4 = sums
    n = finite
    about = (
        r * s1 + c * n,
        r**2 * s2 + 2 * r * c * s1 + c**2 * n,
        r**3 * s3 + 3 * r**2 * c * s2 + 3 * r * c**2 * s1 + c**3 * n,
        r**4 * s4 + 4 * r**3 * c * s3 + 6 * r**2 * c**2 * s2 + 4 * r * c**3 * s1 + c**4 * n,
    )
    one, two, three, four = (a.sum(0) for a in about)
    return PowerSums(finite.sum(0), nonfinite.sum(0), pivot, scale, (one, two, three, four))
