"""``collapse sweep``: run an experiment over lists of its keys."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from collapse_theory.cli.options import Count, Dtype, Flag, Json
from collapse_theory.cli.simulate import CHAINS
from collapse_theory.errors import InputError, show

if TYPE_CHECKING:
    import xarray
    from rich.table import Table

    from collapse_theory.placement import Plan
    from collapse_theory.sweeps import Cost, Sweep

ROWS = 40  # configs in a table at most
SweepFile = Annotated[Path, Parameter(name="SWEEP.toml")]


def sweep(
    file: SweepFile,
    /,
    *,
    out: Path | None = None,
    chains: Count = CHAINS,
    seed: int = 0,
    shard: str = "1/1",
    devices: str = "1",
    dtype: Dtype | None = None,
    dry_run: Flag = False,
    as_json: Json = False,
    force: Flag = False,
    no_cache: Flag = False,
) -> int:
    """Run an experiment over lists of its keys; run again, go on where it stopped.

    Args:
        file: An experiment with a table [sweep] that lists the values of some of its keys.
        out: The folder to fill (zarr); the file's name with .zarr, here, if left out.
        chains: How many independent chains of each config.
        seed: Any whole number; all configs have the same.
        shard: i/n: only every n-th config from the i-th on. Shards share a folder.
        devices: How many devices to use, or "all".
        dtype: Precision of the chains; float64 if left out.
        dry_run: Say how much there is to do, and do nothing.
        as_json: Print JSON instead of tables.
        force: Start over: remove the sweep that is in the folder.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.session import begin, make_plan

    part = read_shard(shard)
    if force and part[1] > 1:
        raise InputError("--force and --shard: a shard would remove what others wrote; use one")
    begin(cache=not no_cache, devices=devices)
    from collapse_theory import sweeps

    what, plan = sweeps.load_sweep(file), make_plan(devices, dtype)
    folder = Path(f"{file.stem}.zarr") if out is None else out
    if dry_run:
        cost = sweeps.estimate(what, chains=chains, shard=part, plan=plan)
        _print_cost(cost, what, part, as_json)
        return 0
    if force:
        sweeps.remove(folder)
    run = {"out": folder, "chains": chains, "seed": seed, "shard": part}
    data = _run(what, plan, run)
    _print(data, what, run, as_json)
    return 0


def read_shard(text: str) -> tuple[int, int]:
    """The numbers of ``i/n``.

    Raises:
        InputError: it is not that, or not 1 <= i <= n.
    """
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise InputError(f"--shard = {show(text)}: i/n with 1 <= i <= n is needed, as in 1/4")
    return int(found[1]), int(found[2])


def _run(what: Sweep, plan: Plan, run: dict[str, Any]) -> xarray.Dataset:
    from dataclasses import replace

    from collapse_theory import sweeps
    from collapse_theory.cli.console import progress_bar

    try:
        with progress_bar() as progress:
            return sweeps.sweep(what, plan=replace(plan, progress=progress), **run)
    except KeyboardInterrupt:
        done = sweeps.finished(run["out"])
        print(
            f"collapse: {done} of {len(what)} configs are kept in {run['out']}; the same command "
            "goes on from there",
            file=sys.stderr,
        )
        raise


def _print(data: xarray.Dataset, what: Sweep, run: dict[str, Any], as_json: bool) -> None:
    from collapse_theory.cli.console import print_json, stdout

    if as_json:
        print_json(document(data, what, run))
        return
    console = stdout()
    done = [i for i, there in enumerate(data["done"].values.tolist()) if there]
    console.print(table(data, what, done, plain=console.options.ascii_only))
    if len(done) > ROWS:
        console.print(f"{len(done) - ROWS} more configs are in {run['out']}")
    console.print(
        f"generation {data.sizes['generation']}, {run['chains']:,} chains, seed {run['seed']}; "
        "'-' marks what is not finite"
    )
    console.print(f"{len(done)} of {len(what)} configs are in {run['out']}")


def document(data: xarray.Dataset, what: Sweep, run: dict[str, Any]) -> dict[str, Any]:
    """A sweep for JSON; lists have one entry for each config, null where it is not done."""
    done = data["done"].values
    last = data.isel(generation=-1)

    def column(variable: str, name: str) -> list[Any]:
        values = last[variable].sel(observable=name).values.tolist()
        return [v if there else None for v, there in zip(values, done, strict=True)]

    names = data["observable"].values.tolist()
    columns = ("mean", "se", "trusted", "nonfinite")
    return {
        "store": str(run["out"]),
        "configs": len(what),
        "done": int(done.sum()),
        "shard": "/".join(map(str, run["shard"])),
        "seed": run["seed"],
        "chains": run["chains"],
        "parameters": {p: [point[p] for point in what.points] for p in what.parameters},
        "generation": data.sizes["generation"],
        "observables": {o: {c: column(c, o) for c in columns} for o in names},
    }


def table(data: xarray.Dataset, what: Sweep, done: list[int], *, plain: bool = False) -> Table:
    """The configs that are done at the last generation; the first and the last of very many."""
    from rich import box
    from rich.table import Table

    from collapse_theory.cli.console import number
    from collapse_theory.sweeps.definition import show_label

    out = Table(box=box.ASCII if plain else box.SIMPLE_HEAD, pad_edge=False)
    names = data["observable"].values.tolist()
    for heading in ("config", *what.parameters, *(h for o in names for h in (o, "trusted"))):
        out.add_column(heading, justify="right")
    shown = done if len(done) <= ROWS else done[: ROWS // 2] + done[-ROWS // 2 :]
    last = data.isel(generation=-1, config=shown)
    means, errors, trusted = (last[k].values for k in ("mean", "se", "trusted"))
    for row, config in enumerate(shown):
        cells = [show_label(v) for v in what.points[config].values()]
        for i in range(len(names)):
            mean, se = number(means[row, i], ".5g"), number(errors[row, i], ".2g")
            cells += [f"{mean} {'+-' if plain else '±'} {se}", "yes" if trusted[row, i] else "no"]
        out.add_row(str(config), *cells)
        if len(done) > ROWS and row == ROWS // 2 - 1:
            out.add_row("...")
    return out


def _print_cost(cost: Cost, what: Sweep, shard: tuple[int, int], as_json: bool) -> None:
    from dataclasses import asdict

    from collapse_theory.cli.console import print_json, stdout

    if as_json:
        text = "/".join(map(str, shard))
        print_json({"configs": len(what), "shard": text, **asdict(cost)})
        return
    console = stdout()
    if shard[1] > 1:
        console.print(f"shard {shard[0]}/{shard[1]} of {len(what):,} configs:")
    console.print(f"{cost.to_run:,} configs, {cost.chain_generations:,} chain-generations")
    console.print(f"{cost.programs:,} distinct programs to compile")
    console.print(f"{cost.megabytes:,.3g} MB of numbers in the store, before compression")
    console.print("nothing was run")
