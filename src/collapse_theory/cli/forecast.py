"""``collapse forecast``: what recursive training would do to a column of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from collapse_theory.cli.options import Count, Flag, Json

if TYPE_CHECKING:
    from collapse_theory.forecasting import Forecast, Vanishing

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
        as_json: Print JSON instead of text.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import print_json, stdout
    from collapse_theory.cli.session import begin

    begin(cache=not no_cache)
    from collapse_theory import forecasting
    from collapse_theory.config.reading import workflow_of

    found = forecasting.forecast(
        forecasting.read_column(data, column, unit),
        family=family, workflow=workflow_of(workflow), n=n, generations=generations,
        chains=chains, seed=seed,
    )  # fmt: skip
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
        "vanishing": [vars(v) for v in f.vanishing],
        "remedies": f.remedies,
    }


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
        out += [f"{k}: {v:.1%} of the variance of the rows is left" for k, v in f.remedies.items()]
        return out
    out.append(f"diversity halves: {_date(f.halved_rows, horizon)}")
    out += [_vanishing(v, horizon) for v in f.vanishing]
    rarest = f.vanishing[0].count
    out += [
        f"{k}: a category of {_rows(rarest)} is lost in {v:.1%} of the futures"
        for k, v in f.remedies.items()
    ]
    return out


def _vanishing(v: Vanishing, horizon: int) -> str:
    more = f" and {len(v.labels) - NAMED:,} more" if len(v.labels) > NAMED else ""
    return (
        f"{', '.join(map(repr, v.labels[:NAMED]))}{more} ({_rows(v.count)}"
        f"{' each' if len(v.labels) > 1 else ''}): half are lost {_date(v.median, horizon)}; "
        f"{v.lost:.1%} ± {v.se:.1%} by the end"
    )


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _date(generation: int | None, horizon: int) -> str:
    return f"not within {horizon} generations" if generation is None else f"at {generation}"
