"""``collapse forecast``: what recursive training would do to a column of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from collapse_theory.cli.options import Count, Flag, Json

if TYPE_CHECKING:
    from collapse_theory.forecasting import Forecast, Remedy, Vanishing

NAMED = 6  # categories of one count that are listed


def forecast(
    data: Annotated[Path, Parameter(name="DATA")],
    /,
    *,
    column: str | None = None,
    unit: Literal["word", "character"] = "word",
    family: str = "auto",
    workflow: str = "Replace",
    n: Count | None = None,
    generations: Count = 50,
    chains: Count = 2000,
    seed: int = 0,
    plot: Path | None = None,
    as_json: Json = False,
    no_cache: Flag = False,
) -> int:
    """Say when variance halves, which categories vanish and when, and what would keep them.

    The column stays on this machine.

    Args:
        data: A .csv, .tsv or .parquet table, or a .txt or .md text.
        column: Which column of a table; not needed where there is one.
        unit: Of a text.
        family: "auto" (the nearest), gaussian, exponential, gamma, poisson or categorical.
        workflow: The loop, by name, or as TOML: '{name = "Window", batches = 3}'.
        n: Rows drawn from each fit; as many as the column has if left out.
        generations: How far to look; generation 1 is the fit to the column itself.
        chains: How many independent futures are simulated.
        seed: Any whole number.
        plot: Draw what is left by generation, and under each remedy: a .png, .svg or .pdf file.
        as_json: Print JSON instead of text.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import print_json, stdout
    from collapse_theory.cli.drawing import check_figure_file
    from collapse_theory.cli.session import begin

    if plot is not None:
        check_figure_file(plot, "--plot")
    begin(cache=not no_cache)
    from collapse_theory import forecasting
    from collapse_theory.config.reading import workflow_of

    found = forecasting.forecast(
        forecasting.read_column(data, column, unit),
        family=family, workflow=workflow_of(workflow), n=n, generations=generations,
        chains=chains, seed=seed,
    )  # fmt: skip
    if plot is not None:
        draw(found, plot)
    if as_json:
        print_json(document(found))
        return 0
    for line in lines(found):
        stdout().print(line)
    return 0


def document(f: Forecast) -> dict[str, Any]:
    """A forecast for JSON; null dates lie beyond the horizon."""
    return {
        "column": f.column.name,
        "rows": f.column.rows,
        "missing": f.column.missing,
        "family": type(f.fitted.family).__name__,
        "truth": vars(f.fitted.truth) if f.column.categories is None else None,
        "distance": f.fitted.distance,
        "warning": f.fitted.warning,
        "n": f.experiment.n,
        "generations": f.experiment.generations,
        "chains": f.chains,
        "variance_halved": {"fit": f.halved_fit, "rows": f.halved_rows},
        "kept_rows": f.kept_rows,
        "vanishing": [vars(v) for v in f.vanishing],
        "remedies": [vars(r) | {"below_half": r.date} for r in f.remedies],
    }


def draw(f: Forecast, path: Path) -> None:
    """The same forecast gives the same file.

    Raises:
        InputError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    from collapse_theory import figures
    from collapse_theory.cli.drawing import save_figure

    figure = Figure(figsize=(8, 4.8), layout="constrained")
    figures.forecast(figure.subplots(), f)
    save_figure(figure, path, "--plot")


def lines(f: Forecast) -> list[str]:
    """A forecast for people."""
    e, family = f.experiment, type(f.fitted.family).__name__
    left_out = f", {f.column.missing:,} without a value left out" if f.column.missing else ""
    out = [
        f"{f.column.name}: {f.column.rows:,} rows{left_out}; {family} fits it to within "
        f"{f.fitted.distance:.3f}; {e.n:,} rows from each fit, {e.generations} generations, "
        f"{f.chains:,} futures"
    ]
    out += [f"warning: {f.fitted.warning}"] if f.fitted.warning else []
    horizon = e.generations
    if f.column.categories is None:
        out.append(f"variance halves: {_date(f.halved_rows, horizon)} if the rows are drawn again")
        out.append(f"variance halves: {_date(f.halved_fit, horizon)} if {family} is fitted again")
        return out + [_remedy(r, "{:.1%} of the variance of the rows is left", horizon)
                      for r in f.remedies]  # fmt: skip
    out.append(f"diversity halves: {_date(f.halved_rows, horizon)}")
    out += [_vanishing(v, horizon) for v in f.vanishing]
    rarest = f"a category of {_rows(f.vanishing[0].count)} is there in {{:.1%}} of the futures"
    return out + [_remedy(r, rarest, horizon) for r in f.remedies]


def _remedy(r: Remedy, words: str, horizon: int) -> str:
    since = ", from generation 2 on" if r.fresh else ""
    date = "never below half" if r.date is None else f"below half since {r.date}"
    return f"{r.name}{since}: {words.format(r.kept[-1])} at {horizon}, {date}"


def _vanishing(v: Vanishing, horizon: int) -> str:
    more = f" and {len(v.labels) - NAMED:,} more" if len(v.labels) > NAMED else ""
    return (
        f"{', '.join(map(repr, v.labels[:NAMED]))}{more} ({_rows(v.count)}"
        f"{' each' if len(v.labels) > 1 else ''}): a tenth of the futures have lost it "
        f"{_date(v.early, horizon)}, half {_date(v.median, horizon)}; "
        f"{v.lost:.1%} ± {v.se:.1%} by the end"
    )


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _date(generation: int | None, horizon: int) -> str:
    return f"not within {horizon} generations" if generation is None else f"at {generation}"
