"""Running a sweep: config after config into its store, skipping what is there."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from collapse_theory.errors import InputError
from collapse_theory.placement import Plan, check_run
from collapse_theory.programs import shape_of
from collapse_theory.result import Result, provenance_facts, route_taken, simulate
from collapse_theory.resuming import is_held, locked
from collapse_theory.sweeps import storage
from collapse_theory.sweeps.definition import Sweep
from collapse_theory.sweeps.writing import Writer

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
    config under way; called again, it goes on. Called with more chains, it adds what is missing.
    Processes with different shards may fill one store, and start, at the same time.

    Args:
        what: the sweep.
        out: its store, a zarr folder, made if it is not there.
        chains: how many independent chains of each config, at least: a store may hold more.
        seed: any whole number in [0, 2**63).
        shard: (i, n), 1 <= i <= n: only configs with index % n == i - 1.
        plan: where to run; ``progress`` is called with (configs done, configs of the shard).

    Returns:
        The store as a Dataset with dimensions (config, generation, observable), and a coordinate
        along config for each swept path. ``done`` says which configs have been run.

    Raises:
        InputError: a value is out of range, ``out`` holds something else, another sweep or this
            one with another seed or dtype, or another process is filling the same shard.

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
    attributes = storage.identity(what, seed=seed, dtype=plan.resolve_dtype().name) | {
        "facts": _facts(plan)
    }
    with alone(out, shard):
        folder = storage.ensure(out, what, attributes)
        writer = Writer(folder)
        writer.check(what)
        todo = [c for c in mine if min(writer.chains(c), writer.shown(c)) < chains]
        _tell(plan, len(mine) - len(todo), len(mine))
        failed: list[str] = []
        for count, config in enumerate(todo, len(mine) - len(todo) + 1):
            begun = _begun(what, config, seed, plan, writer)
            try:
                found = _run(what, config, chains, seed, plan, begun)
            except Exception as e:  # of a user's family, too: the other configs go on
                failed.append(f"{what.describe(config)}: {_told(e)}")
            else:
                writer.write(config, found)
            _tell(plan, count, len(mine))
    if failed:
        raise InputError(
            f"sweep, {failed[0]}; {len(failed)} of {len(mine)} configs failed, the others are in "
            f"{out}"
        )
    return storage.open_dataset(folder)


def _begun(what: Sweep, config: int, seed: int, plan: Plan, writer: Writer) -> Result | None:
    """What the store has of a config."""
    chains = writer.chains(config)
    if not chains:
        return None
    moments, tally = writer.restored(config)
    e = what.experiments[config]
    facts = provenance_facts(plan, route_taken(e, e.setup(plan.resolve_dtype())))
    quiet = replace(plan, progress=None)
    return Result(e, seed, chains, moments, facts, quiet, 0, tally)


@contextmanager
def alone(out: str | Path, shard: tuple[int, int]) -> Iterator[None]:
    """Keep others from the configs of a shard, as long as all cut the sweep into as many shards.

    Raises:
        InputError: another process fills this shard, or has cut the sweep in another way.
    """
    target = Path(os.path.abspath(out))
    with locked(target.with_name(f"{target.name}.{shard[0]}-of-{shard[1]}")):
        for lock in target.parent.glob(f".{glob.escape(target.name)}.*-of-*.lock"):
            if not lock.name.endswith(f"-of-{shard[1]}.lock") and is_held(lock):
                raise InputError(
                    f"{out}: another process fills it in another number of shards: give all "
                    "processes the same"
                )
        yield


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


def _run(
    what: Sweep, config: int, chains: int, seed: int, plan: Plan, begun: Result | None
) -> Result:
    quiet = replace(plan, progress=None)  # it counts configs, not chains
    if begun is not None:
        return begun.extend(chains - begun.chains) if begun.chains < chains else begun
    return simulate(what.experiments[config], chains=chains, seed=seed, plan=quiet)


def _told(e: Exception) -> str:
    """An error in one line; its type where it is not one of ours."""
    text = " ".join(str(e).split())
    return text if isinstance(e, InputError) else f"{type(e).__name__}: {text}"


def _tell(plan: Plan, done: int, total: int) -> None:
    if plan.progress is not None:
        plan.progress(done, total)


def _facts(plan: Plan) -> str:
    facts = provenance_facts(plan, "")
    del facts["route"]  # of a config, not of the sweep
    return json.dumps(facts, sort_keys=True)
