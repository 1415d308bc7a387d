"""Running a sweep: config after config into its store, skipping what is there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from collapse_theory.engine import Plan, check_run
from collapse_theory.errors import InputError
from collapse_theory.programs import shape_of
from collapse_theory.result import provenance_facts, simulate
from collapse_theory.sweeps import storage
from collapse_theory.sweeps.definition import Sweep

if TYPE_CHECKING:
    import xarray

WHOLE = (1, 1)


def sweep(
    what: Sweep,
    *,
    out: str | Path,
    chains: int,
    seed: int,
    shard: tuple[int, int] = WHOLE,
    plan: Plan | None = None,
) -> xarray.Dataset:
    """Run the configs of a sweep that its store lacks.

    All configs have the same seed, hence the same random numbers: each equals
    ``simulate(experiment, chains=chains, seed=seed)`` bit for bit, and their differences have
    smaller errors than those of independent runs would have. A run that was stopped loses the
    config under way; called again, it goes on. Processes with different shards may fill one
    store, and start, at the same time.

    Args:
        what: the sweep.
        out: its store, a zarr folder, made if it is not there.
        chains: how many independent chains of each config.
        seed: any whole number in [0, 2**63).
        shard: (i, n), 1 <= i <= n: only configs with index % n == i - 1.
        plan: where to run; ``progress`` is called with (configs done, configs of the shard).

    Returns:
        The store as a Dataset with dimensions (config, generation, observable), and a coordinate
        along config for each swept path. ``done`` says which configs have been run.

    Raises:
        InputError: a value is out of range, or ``out`` holds something else, another sweep or
            this one with another seed, number of chains or dtype.

    Example:
        >>> import tempfile
        >>> import collapse_theory as ct
        >>> base = ct.Experiment(
        ...     family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3,
        ...     observables=("mean_squared_error",),
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     what = ct.Sweep(base, {"n": [10, 20]})
        ...     table = ct.sweep(what, out=f"{folder}/s.zarr", chains=256, seed=0).load()
        >>> table["mean"].sel(observable="mean_squared_error").round(2).values
        array([[0.11, 0.21, 0.3 ],
               [0.06, 0.11, 0.15]])
    """
    plan = plan or Plan()
    check_run(chains, seed)  # before the store is made: a wrong number must not leave one behind
    mine = shard_of(len(what), shard)
    plan.resolve_devices()
    attributes = storage.identity(
        what, chains=chains, seed=seed, dtype=plan.resolve_dtype().name
    ) | {"facts": _facts(plan)}
    folder = storage.ensure(out, what, attributes)
    writer = storage.Writer(folder)
    writer.check(what)
    marked = writer.finished()[mine.start :: mine.step]
    # what was damaged is run again
    done = [bool(d) and writer.whole(i) for i, d in zip(mine, marked, strict=True)]
    count = sum(done)
    _tell(plan, count, len(mine))
    for config, there in zip(mine, done, strict=True):
        if not there:
            writer.write(config, _run(what, config, chains, seed, plan))
            count += 1
            _tell(plan, count, len(mine))
    return storage.open_dataset(folder)


def shard_of(configs: int, shard: tuple[int, int]) -> range:
    """The configs of shard (i, n).

    Raises:
        InputError: not 1 <= i <= n.
    """
    i, n = shard
    if not 1 <= i <= n:
        raise InputError(f"shard = {i}/{n}: i/n with 1 <= i <= n is needed")
    return range(i - 1, configs, n)


@dataclass(frozen=True)
class Cost:
    """What a run of a sweep takes, found without running it.

    Attributes:
        to_run: configs of the shard.
        chain_generations: fits in all.
        megabytes: numbers in the whole store before compression, 1 MB = 1e6 bytes.
        programs: distinct programs to compile.
    """

    to_run: int
    chain_generations: int
    megabytes: float
    programs: int


def estimate(
    what: Sweep, *, chains: int, shard: tuple[int, int] = WHOLE, plan: Plan | None = None
) -> Cost:
    """What :func:`sweep` would take; draws no random number and writes nothing.

    Raises:
        InputError: a value is out of range, or a config cannot be run.
    """
    check_run(chains, 0)
    mine, dtype = shard_of(len(what), shard), (plan or Plan()).resolve_dtype()
    programs = {_program(what, config, dtype) for config in mine}
    one = what.experiments[0]
    cell = sum(np.dtype(d).itemsize for d, _ in storage.FILLS.values())
    size = len(what) * one.generations * len(one.observables) * cell
    return Cost(len(mine), len(mine) * chains * one.generations, size / 1e6, len(programs))


def _program(what: Sweep, config: int, dtype: Any) -> Any:
    try:
        return shape_of(what.experiments[config].setup(dtype))
    except InputError as e:
        raise InputError(f"sweep, {what.describe(config)}: {e}") from e


def _run(what: Sweep, config: int, chains: int, seed: int, plan: Plan) -> Any:
    quiet = replace(plan, progress=None)  # it counts configs, not chains
    try:
        return simulate(what.experiments[config], chains=chains, seed=seed, plan=quiet)
    except InputError as e:
        raise InputError(f"sweep, {what.describe(config)}: {e}") from e


def _tell(plan: Plan, done: int, total: int) -> None:
    if plan.progress is not None:
        plan.progress(done, total)


def _facts(plan: Plan) -> str:
    facts = provenance_facts(plan, "")
    del facts["route"]  # of a config, not of the sweep
    return json.dumps(facts, sort_keys=True)
