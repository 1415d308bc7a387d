"""The engine: units of chains over devices and processes, moments merged on the host.

A unit is a fixed number of chains, set by the experiment and the kind of device alone, and
everything is run in whole units by one and the same program. A chain is a function of (seed, chain
id), a unit's moments are merged in the order of the ids: results are the same, bit for bit, for any
chunk, any number of devices and any number of processes.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jaxtyping import Array

from collapse_theory import stepwise
from collapse_theory.errors import InputError
from collapse_theory.moments import Moments, PowerSums, Tally, to_moments
from collapse_theory.placement import Plan, cores, wide
from collapse_theory.programs import (
    setup_arrays,
    setup_static,
    unit_paths,
    unit_sums,
    unit_values,
)
from collapse_theory.recursion import Setup
from collapse_theory.routes import Law
from collapse_theory.sampling.counter import seed_key
from collapse_theory.stepwise import Journal, Pages, is_stepwise

LARGEST_UNIT = {"cpu": 1 << 15}  # chains; enough to drown the cost of a launch
LARGEST_UNIT_ELSEWHERE = 1 << 22
SMALLEST_UNIT = 16  # a batch of one is compiled to scalar code, whose last bits differ
UNIT_BYTES = {"cpu": 1 << 22}  # beyond it the arrays of a unit fall out of the cache
UNIT_BYTES_ELSEWHERE = 1 << 32
MOST_BYTES = 1 << 35
"""Of a unit, as estimated: what no machine should be asked for unawares."""
BLOCK_BYTES = 1 << 27  # of values that are handed over chain by chain

ONE_AT_A_TIME = threading.Lock()
"""Held by programs that call the linear-algebra library, products of matrices included.

On a CPU two of them at once may wait for threads of one pool, and for each other, for ever: seen on
two busy cores with JAX 0.10.2, all threads idle.
"""


def run_moments(setup: Setup, seed: int, chains: range, plan: Plan) -> Moments:
    """Moments of every observable at every generation over these chain ids.

    Arrays (T, observables). Where JAX runs in several processes, all of them must make this call;
    they share the units, and each returns the moments of all.
    """
    return tally_moments(setup, seed, chains, plan)[0]


def tally_moments(
    setup: Setup,
    seed: int,
    chains: range,
    plan: Plan,
    before: Tally | None = None,
    keep: Callable[[Tally], None] | None = None,
    pages: Pages | None = None,
) -> tuple[Moments, Tally | None]:
    """As :func:`run_moments`, going on from a tally of the same run.

    ``keep`` is called with the tally after every whole unit; ``pages`` hold the states of units
    that are run generation by generation. The result is the same, bit for bit,
    wherever the run was cut, as long as units are of one size: on one kind of device.

    Returns:
        The moments of all chains, and the tally of the whole units among them.
    """
    devices = plan.resolve_devices()
    if plan.chunk is not None and plan.chunk < 1:
        raise InputError(f"plan.chunk = {plan.chunk}: a whole number >= 1 is needed")
    unit = unit_size(setup, devices[0].platform)
    several = 1 if is_stepwise(setup) else 3  # a unit that is trained fills its device
    ahead = len(devices) * -(-(plan.chunk or several * unit) // unit)
    latest = [before]

    def note(tally: Tally) -> None:
        latest[0] = tally
        if keep is not None:
            keep(tally)

    for most in dict.fromkeys((ahead, 1)):  # where memory runs out, one unit at a time
        try:
            return _tallied(setup, seed, chains, plan, most, latest[0], note, pages)
        except (jax.errors.JaxRuntimeError, MemoryError) as e:
            full = isinstance(e, MemoryError) or "RESOURCE_EXHAUSTED" in str(e)
            if not full or (most > 1 and jax.process_count() == 1):
                if full:
                    continue
                raise
            raise InputError(
                f"memory: {unit:,} chains at a time do not fit; fewer rows (n), or fewer features "
                "or symbols, need less, and so does the route 'law' where it serves"
            ) from e
    raise AssertionError("unreachable")


def _tallied(
    setup: Setup,
    seed: int,
    chains: range,
    plan: Plan,
    ahead: int,
    before: Tally | None,
    keep: Callable[[Tally], None],
    pages: Pages | None,
) -> tuple[Moments, Tally | None]:
    devices = plan.resolve_devices()
    unit = unit_size(setup, devices[0].platform)
    journal = Journal(pages, functools.partial(_tell, plan, setup.generations, chains, unit))
    where = seed_key(int(seed)), unit, devices, ahead, journal
    tally, done = before, before.chains if before else 0
    total = before.moments if before else None
    rest = range(chains.start + done, chains.stop)
    for sums in _everybodys(_in_flight(setup, rest, *where), ahead):
        if done >= len(chains):
            break  # a process that had no unit left sent an empty one
        moments = to_moments(sums)
        total = moments if total is None else total.merge(moments)
        whole, done = done + unit <= len(chains), min(done + unit, len(chains))
        if whole:
            tally = Tally(done, total)
            keep(tally)
        if plan.progress is not None:
            plan.progress(done, len(chains))
    assert total is not None
    return total, tally


def run_paths(setup: Setup, seed: int, ids: np.ndarray) -> tuple[Any, Any]:
    """Whole paths of these chains: (fits, values) with leading axes (chains, T).

    Values are by observable last.
    """
    platform = jax.local_devices()[0].platform
    unit = unit_size(setup, platform)
    root, ids = seed_key(int(seed)), np.asarray(ids, np.uint64)
    static, arrays = setup_static(setup), setup_arrays(setup)
    parts = []
    for i in range(0, len(ids), unit):
        some = ids[i : i + unit]
        count = len(some)
        whole = unit_paths(platform, static, arrays, root, _split_ids(np.resize(some, unit)))
        parts.append(jax.tree.map(lambda a, n=count: np.asarray(a[:n]), whole))
    paths: tuple[Any, Any] = jax.tree.map(lambda *a: np.concatenate(a), *parts)
    return paths


def run_values(setup: Setup, seed: int, chains: range) -> Iterator[np.ndarray]:
    """Values of these chains, block by block: (block, T, observables).

    Blocks are as large as `BLOCK_BYTES` allows, so that memory does not grow with the chains. The
    chains are those of :func:`run_moments` to rounding.
    """
    platform = jax.local_devices()[0].platform
    root, static, arrays = seed_key(int(seed)), setup_static(setup), setup_arrays(setup)
    bytes_each = 8 * setup.generations * len(setup.observables)
    room = max(SMALLEST_UNIT, min(BLOCK_BYTES // bytes_each, unit_size(setup, platform)))
    width = min(room, max(SMALLEST_UNIT, len(chains)))
    for first in range(chains.start, chains.stop, width):
        ids = np.arange(first, min(first + width, chains.stop), dtype=np.uint64)
        whole = unit_values(platform, static, arrays, root, _split_ids(np.resize(ids, width)))
        yield np.stack([np.asarray(v[: len(ids)], np.float64) for v in whole], -1)


def unit_size(setup: Setup, platform: str) -> int:
    """Chains in a unit: a power of two, fixed by the bytes of a chain and the kind of device.

    Raises:
        InputError: the smallest unit needs more than `MOST_BYTES`.
    """
    largest, each = LARGEST_UNIT.get(platform, LARGEST_UNIT_ELSEWHERE), _bytes_per_chain(setup)
    smallest, bytes_there = SMALLEST_UNIT, UNIT_BYTES.get(platform, UNIT_BYTES_ELSEWHERE)
    if is_stepwise(setup):
        largest = min(largest, stepwise.LARGEST_UNIT)
        smallest, bytes_there = stepwise.SMALLEST_UNIT, stepwise.UNIT_BYTES
    if smallest * each > MOST_BYTES:
        raise InputError(
            f"a chain needs {each / 1e9:.3g} GB, and {smallest} are run side by side: "
            f"{MOST_BYTES // smallest / 1e9:.3g} GB each are allowed; take fewer rows (n), "
            "generations, symbols or dimensions, or route = 'law', which stores no rows"
        )
    room = bytes_there // each
    return max(smallest, min(largest, 1 << max(0, room.bit_length() - 1)))


def _bytes_per_chain(setup: Setup) -> int:
    rows = 0 if isinstance(setup.route, Law) else 64 * setup.synthetic.capacity
    return setup.state_bytes + rows + 64


def _tell(
    plan: Plan, generations: int, chains: range, unit: int, first: int, done: int, words: str
) -> None:
    """Pass on that so many generations of a unit are done."""
    if plan.progress is not None and done < generations:
        plan.progress(
            min(first - chains.start + unit * done // generations, len(chains)), len(chains)
        )
    if plan.report is not None:
        plan.report(words)


def _in_flight(
    setup: Setup,
    chains: range,
    root: Array,
    unit: int,
    devices: list[Any],
    ahead: int,
    journal: Journal,
) -> Iterator[PowerSums]:
    """This process's units in the order of their ids: every P-th of P processes.

    At most ``ahead`` of them are under way beyond the one being read, each in a thread of its own:
    XLA for CPUs runs one program after the other where one thread asks for all of them.
    """
    static, arrays = setup_static(setup), setup_arrays(setup)
    rank, stride = jax.process_index() * unit, jax.process_count() * unit
    bits = wide()

    def run(first: int, device: Any) -> PowerSums:
        origin = np.stack(_split_ids(np.asarray(first, np.uint64)))
        count = np.uint32(min(max(chains.stop - first, 0), unit))
        waits = setup.calls_library and device.platform == "cpu"
        alone = ONE_AT_A_TIME if waits else contextlib.nullcontext()
        with alone, jax.enable_x64(bits):  # a setting that a thread does not inherit
            here, where = jax.device_put((arrays, (root, origin, count)), device)
            platform = device.platform
            if is_stepwise(setup):
                sums = stepwise.unit_sums(platform, static, here, where, unit, journal)
            else:
                sums = unit_sums(platform, static, here, where, unit)
            ready: PowerSums = jax.tree.map(np.asarray, sums)  # waits for them
        return ready

    pool = ThreadPoolExecutor(max(1, min(ahead, cores())))
    try:
        waiting: deque[Future[PowerSums]] = deque()
        for i, share in enumerate(range(chains.start, chains.stop, stride)):
            waiting.append(pool.submit(run, share + rank, devices[i % len(devices)]))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # after an error or Ctrl-C no more begins
        pool.shutdown(wait=False, cancel_futures=True)


def _everybodys(mine: Iterator[PowerSums], ahead: int) -> Iterator[PowerSums]:
    """All processes' units in the order of their ids, by gathering ``ahead`` of each at a time."""
    if jax.process_count() == 1:
        yield from mine
        return
    from jax.experimental import multihost_utils

    while some := list(itertools.islice(mine, ahead)):
        here = jax.tree.map(lambda *a: np.stack(a), *some)  # (units, T, observables)
        every = multihost_utils.process_allgather(here)  # (processes, units, T, observables)
        for i, rank in itertools.product(range(len(some)), range(jax.process_count())):
            yield jax.tree.map(lambda a, at=(rank, i): a[at], every)


def _split_ids(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (ids & np.uint64(0xFFFFFFFF)).astype(np.uint32), (ids >> np.uint64(32)).astype(np.uint32)
