"""``collapse simulate``: run an experiment file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from collapse_theory.cli.options import Count, Dtype, ExperimentFile, Flag, Json

if TYPE_CHECKING:
    from rich.table import Table

    from collapse_theory.result import Result

CHAINS = 10_000


def simulate(
    file: ExperimentFile,
    /,
    *,
    chains: Count = CHAINS,
    seed: int = 0,
    route: Literal["auto", "law", "raw"] | None = None,
    dtype: Dtype | None = None,
    devices: str = "1",
    distributed: str | None = None,
    save: Path | None = None,
    force: Flag = False,
    plot: Path | None = None,
    as_json: Json = False,
    no_cache: Flag = False,
) -> int:
    """Run the chains of an experiment and print the moments of its observables.

    Args:
        file: The experiment.
        chains: How many independent chains.
        seed: Any whole number; the same seed gives the same chains everywhere.
        route: How data are drawn; the file's own choice if left out.
        dtype: Precision of the chains; float64 if left out.
        devices: How many devices to use, or "all" (of each process, where there are several).
        distributed: This process is one of several that share the chains: "auto" under Slurm or
            Open MPI, else HOST:PORT,RANK/COUNT. Only rank 0 prints and saves.
        save: Keep the run in this folder (zarr) as it goes. Run again, it goes on where it was
            stopped; with more chains than the folder holds, only these are run.
        force: Start over: remove the run that is in the folder.
        plot: Draw the observables with theory beside them: a .png, .svg or .pdf file.
        as_json: Print JSON instead of tables.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import print_json, progress_bar, stdout
    from collapse_theory.cli.distributed import joined
    from collapse_theory.cli.drawing import check_figure_file
    from collapse_theory.cli.session import begin, make_plan

    if plot is not None:
        check_figure_file(plot, "--plot")
    begin(cache=not no_cache, devices=devices)
    from collapse_theory import result as results
    from collapse_theory.config import load_experiment

    experiment = load_experiment(file)
    with joined(distributed) as speaks, progress_bar() as progress:
        if force and save is not None and speaks:
            from collapse_theory.resuming import remove

            remove(save)
        plan = make_plan(devices, dtype, progress if speaks else None)
        try:
            result = results.simulate(
                experiment, chains=chains, seed=seed, plan=plan, route=route, store=save
            )
        except KeyboardInterrupt:
            if save is not None and speaks:
                _say_how_to_go_on(save)
            raise
    if not speaks:
        return 0
    if plot is not None:
        draw(result, plot)
    if as_json:
        print_json(document(result))
    else:
        console = stdout()
        console.print(table(result))
        console.print(f"{result.chains:,} chains, seed {result.seed}; '-' marks what is not finite")
    return 0


def _say_how_to_go_on(save: Path) -> None:
    print(
        f"collapse: what was finished is kept beside {save}; the same command goes on from there",
        file=sys.stderr,
    )


def document(result: Result) -> dict[str, Any]:
    """A result for JSON."""
    from collapse_theory.config import to_table

    columns = ("mean", "se", "variance", "trusted", "nonfinite")
    told = ("versions", "device", "dtype", "data")
    facts = {k: result.facts[k] for k in told if k in result.facts}
    return {
        "experiment": to_table(result.experiment),
        "chains": result.chains,
        "seed": result.seed,
        "generations": result.generations,
        "observables": {o: {c: getattr(result, c)(o) for c in columns} for o in result.names},
        "provenance": {**facts, "seed": result.seed},
    }


def table(result: Result) -> Table:
    """Moments of each observable at some of the generations."""
    from rich import box
    from rich.table import Table

    from collapse_theory.cli.console import number, some_generations

    out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    out.add_column("observable", no_wrap=True)
    for heading in ("generation", "mean", "SE", "variance", "trusted", "not finite"):
        out.add_column(heading, justify="right", no_wrap=True)
    for name in result.names:
        mean, se, variance = result.mean(name), result.se(name), result.variance(name)
        trusted, nonfinite = result.trusted(name), result.nonfinite(name)
        for t in some_generations(result.experiment.generations):
            i = t - 1
            numbers = (number(mean[i], ".6g"), number(se[i], ".2g"), number(variance[i]))
            belief = "yes" if trusted[i] else "no"
            out.add_row(name if t == 1 else "", str(t), *numbers, belief, str(nonfinite[i]))
        out.add_section()
    return out


def draw(result: Result, path: Path) -> None:
    """One panel for each observable; the file is the same for the same result.

    Raises:
        InputError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    from collapse_theory.cli.drawing import save_figure
    from collapse_theory.figures import error_growth

    figure = Figure(figsize=(7, 4 * len(result.names)), layout="constrained")
    panels = figure.subplots(len(result.names), squeeze=False)[:, 0]
    for ax, name in zip(panels, result.names, strict=True):
        error_growth(ax, result, name)
    save_figure(figure, path, "--plot")
