"""One chain, pure: the whole mathematics of recursive fitting. No jit and no vmap here."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr
from jaxtyping import Array, Float, PyTree, UInt32

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError, RouteError
from collapse_theory.families.base import Size, begin, draw_tables, failed
from collapse_theory.observables.base import Observable, Snapshot
from collapse_theory.routes import BEGIN, TRAIN, AbstractRoute, ChainData, Raw
from collapse_theory.sampling.counter import at

MOST_STORED = 10**8
"""Rows of a batch that are drawn one by one: 16 chains of them take 100 GB and more."""


class Schedule(eqx.Module):
    """Sizes by generation with the samplers' constants.

    One row if the size is constant, else one each.
    """

    n: Float[Array, rows]
    tables: PyTree[Array]
    capacity: int = eqx.field(static=True)

    def at(self, generation: Array) -> Size:
        """The size of a generation."""
        if self.n.shape[0] == 1:
            return Size(self.n[0], self.capacity, jax.tree.map(lambda a: a[0], self.tables))
        row = generation.astype(jnp.int32) - 1
        return Size(self.n[row], self.capacity, jax.tree.map(lambda a: a[row], self.tables))


class Setup(eqx.Module):
    """An experiment made ready: numbers as arrays of one dtype, everything else static."""

    family: Any
    workflow: Any
    generator: Any
    truth: PyTree[Array]
    real: Schedule
    synthetic: Schedule
    route: AbstractRoute
    observables: tuple[Observable, ...] = eqx.field(static=True)
    generations: int = eqx.field(static=True)
    growth: float = eqx.field(static=True, default=0.0)
    calls_library: bool = eqx.field(static=True, default=False)
    state_bytes: int = eqx.field(static=True, default=0)


class State(NamedTuple):
    """What a chain carries from one generation to the next."""

    truth: Any
    first: Any
    theta: Any
    memory: Any
    totals: tuple[Array, ...]


def start(setup: Setup, key: Array) -> tuple[State, tuple[Array, ...]]:
    """Generation 1: the first fit, on real data. Returns the state and one scalar an observable."""
    one = jnp.ones((), jnp.uint32)
    truth = begin(setup.family, at(key, one, BEGIN), setup.truth, setup.real.at(one))
    data = ChainData(setup, key, one, truth, truth)
    real = data.fresh()
    theta = setup.route.fit(setup.family, real, at(key, one, TRAIN), None)
    memory = setup.workflow.init(_opening(setup, real, truth))
    state = State(truth, theta, theta, memory, tuple(jnp.zeros(()) for _ in setup.observables))
    return _measure(setup, state)


def step(
    setup: Setup, key: Array, generation: UInt32[Array, ""], state: State
) -> tuple[State, tuple[Array, ...]]:
    """Generation t >= 2: draw, train, measure."""
    data = ChainData(setup, key, generation, state.theta, state.truth)
    corpus, memory = setup.workflow.step(data, state.memory)
    theta = setup.route.fit(setup.family, corpus, at(key, generation, TRAIN), state.theta)
    return _measure(setup, state._replace(theta=theta, memory=memory))


def _measure(setup: Setup, state: State) -> tuple[State, tuple[Array, ...]]:
    snapshot = Snapshot(state.truth, state.first, state.theta)
    lost, values, totals = failed(state.theta), [], []
    for observable, total in zip(setup.observables, state.totals, strict=True):
        value = observable(setup.family, snapshot)
        if lost is not None:
            value = jnp.where(lost, jnp.nan, value)
        if observable.cumulative:
            value = total = total.astype(value.dtype) + value
        values.append(value)
        totals.append(total)
    return state._replace(totals=tuple(totals)), tuple(values)


class _Opening:
    """The data of ``init``: the first real batch and the truth, with room to grow where rows are
    stored.
    """

    def __init__(self, real: Any, truth: Any) -> None:
        self._real, self._truth = real, truth

    @property
    def real(self) -> Any:
        return self._real

    @property
    def truth(self) -> Any:
        return self._truth()


def _opening(setup: Setup, real: Any, truth: Any) -> _Opening:
    # in units of the opening's own capacity: a step may add more rows than the opening has
    # a step is traced even where there is one generation only
    room = 1 + math.ceil(setup.growth * max(setup.generations - 1, 1))

    def pool() -> Any:
        models = setup.route.pool(setup.family, truth)
        return models.reserve(room) if setup.growth else models

    return _Opening(real.reserve(room) if setup.growth else real, pool)


def prepare(experiment: Any, route: AbstractRoute, dtype: Any) -> Setup:
    """The experiment as arrays of ``dtype``, with the samplers' tables.

    Raises:
        RouteError: the route cannot serve the workflow.
        InputError: the workflow's memory changes shape from one generation to the next.
    """
    e = experiment

    def cast(tree: Any) -> Any:
        return jax.tree.map(lambda x: _as_array(x, dtype), tree)

    setup = Setup(
        family=cast(e.family),
        workflow=cast(e.workflow),
        generator=cast(e.generator),
        truth=cast(e.family.model(e.truth)),
        real=_schedule(e, e.real_sizes, route, dtype),
        synthetic=_schedule(e, e.sizes, route, dtype),
        route=route,
        observables=e.observables,
        generations=e.generations,
    )
    growth = _growth_of(setup)
    if growth is not None:
        setup = dataclasses.replace(setup, growth=growth)
        traced = _traced(setup)
        return dataclasses.replace(
            setup, calls_library=traced.calls_library, state_bytes=traced.state_bytes
        )
    raise InputError(
        f"workflow {type(e.workflow).__name__}: the memory changes shape between generations; "
        "keep one corpus of fixed capacity, or one that starts from data.real and merges into it; "
        "on route = 'raw' batches of one size (n_real = n) keep their shape; models that are kept, "
        "the truth among them, must be of one kind: the family's own"
    )


def _as_array(x: Any, dtype: Any) -> Any:
    if isinstance(x, float):
        return jnp.asarray(x, dtype)
    if isinstance(x, jax.Array | np.ndarray) and jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.asarray(x, dtype)
    return x


def _schedule(experiment: Any, sizes: np.ndarray, route: AbstractRoute, dtype: Any) -> Schedule:
    # a static number compiles anew for each value: only those who look at it get it
    keeps_a_design = begin.dispatch(type(experiment.family)) is not begin.dispatch(object)
    capacity = int(sizes.max()) if isinstance(route, Raw) or keeps_a_design else 0
    if isinstance(route, Raw) and capacity > MOST_STORED:
        raise RouteError(
            f"n = {capacity}: route = 'raw' stores rows, at most {MOST_STORED:,} of a batch; take "
            "fewer, or a workflow and family that route = 'law' serves"
        )
    rows = sizes[:1] if (sizes == sizes[0]).all() else sizes
    tables = draw_tables(experiment.family, experiment.truth, rows)
    cast = jax.tree.map(lambda a: _as_array(jnp.asarray(a), dtype), tables)
    return Schedule(jnp.asarray(rows, dtype), cast, capacity)


def _growth_of(setup: Setup) -> float | None:
    """By how much the memory grows in a step: 0 where its shape is kept, None where that fails."""
    first = _traced(setup)
    if eqx.tree_equal(first.before, first.after):
        return 0.0
    growth = _growth(first.before, first.after)
    if growth > 0:
        grown = _traced(dataclasses.replace(setup, growth=growth))
        if eqx.tree_equal(grown.before, grown.after):
            return growth
    return None


class Traced(NamedTuple):
    """What tracing shows without running.

    Fields: the memory ``before`` and ``after`` a step, as shapes; ``calls_library``, whether a
    chain calls the linear-algebra library; ``state_bytes`` of a chain and its values.
    """

    before: Any
    after: Any
    calls_library: bool
    state_bytes: int


def _traced(setup: Setup) -> Traced:

    def shape(x: Any) -> Any:
        struct: Any = jax.ShapeDtypeStruct  # JAX's gap: untyped
        return struct(x.shape, x.dtype) if eqx.is_array(x) else x

    leaves, tree = jax.tree.flatten(jax.tree.map(shape, setup))
    wide = bool(jax.config.read("jax_enable_x64"))  # type: ignore[no-untyped-call]  # JAX's gap
    return _trace(tree, tuple(leaves), wide)


@functools.lru_cache(maxsize=256)  # tracing takes longer than many a run
def _trace(tree: Any, leaves: tuple[Any, ...], wide: bool) -> Traced:
    from collapse_theory.sampling.counter import seed_key

    def two(key: Array, setup: Setup) -> tuple[Any, Any, Any]:
        state, first = start(setup, key)
        after, second = step(setup, key, jnp.full((), 2, jnp.uint32), state)
        return (state, first), after.memory, second

    jaxpr, (opening, after, _), _ = eqx.filter_make_jaxpr(two)(
        seed_key(0), jax.tree.unflatten(tree, leaves)
    )
    arrays = [x for x in jax.tree.leaves(opening) if hasattr(x, "dtype")]
    size = sum(x.size * x.dtype.itemsize for x in arrays)
    return Traced(opening[0].memory, after, _calls(jaxpr.jaxpr), size)


# products of matrices too: their tasks wait for threads like those of a factorisation
LIBRARY = {
    "cholesky", "dot_general", "eig", "eigh", "geqrf", "householder_product", "lu", "qr", "schur",
    "svd", "triangular_solve", "tridiagonal",
}  # fmt: skip


def _calls(jaxpr: Jaxpr) -> bool:
    """Whether a primitive that the linear-algebra library computes is anywhere inside."""
    for equation in jaxpr.eqns:
        inner = jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: isinstance(x, Jaxpr | ClosedJaxpr)
        )
        programs = [x for x in inner if isinstance(x, Jaxpr | ClosedJaxpr)]
        if equation.primitive.name in LIBRARY or any(
            _calls(x.jaxpr if isinstance(x, ClosedJaxpr) else x) for x in programs
        ):
            return True
    return False


def _growth(before: Any, after: Any) -> float:
    """By how much of its capacity a stored corpus grows in a step; <= 0 where none does."""
    old, new = (_stored(memory) for memory in (before, after))
    return max((b.capacity / a.capacity - 1 for a, b in zip(old, new, strict=False)), default=0.0)


def _stored(memory: Any) -> list[Items]:
    leaves = jax.tree.leaves(memory, is_leaf=lambda x: isinstance(x, Items))
    return [x for x in leaves if isinstance(x, Items)]


__all__ = ["RouteError", "Schedule", "Setup", "State", "prepare", "start", "step"]
