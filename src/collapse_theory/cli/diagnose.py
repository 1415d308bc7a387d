"""``collapse diagnose``: under which definitions an experiment collapses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collapse_theory.cli.options import Count, Dtype, ExperimentFile, Flag, Json

if TYPE_CHECKING:
    from rich.table import Table

    from collapse_theory.diagnostics.base import Diagnosis

CHAINS = 10_000


def diagnose(
    file: ExperimentFile,
    /,
    *,
    chains: Count = CHAINS,
    seed: int = 0,
    risk: str | None = None,
    dtype: Dtype | None = None,
    as_json: Json = False,
    no_cache: Flag = False,
) -> int:
    """Ask every definition of model collapse about an experiment.

    Args:
        file: The experiment; the observables it names are not needed.
        chains: How many independent chains, at least 64; up to 4,096 more at twice and 8
            times the rows, which scaling laws need.
        seed: Any whole number; the same seed gives the same answers.
        risk: The observable that says how bad a fit is; if left out, the excess risk, the squared
            2-Wasserstein distance or the squared parameter error, the first the family has.
        dtype: Precision of the chains; float64 if left out.
        as_json: Print JSON instead of a table.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import print_json, progress_bar, stdout
    from collapse_theory.cli.session import begin, make_plan

    begin(cache=not no_cache)
    from collapse_theory.config import load_experiment
    from collapse_theory.diagnostics.judging import examine

    experiment = load_experiment(file)
    with progress_bar() as progress:
        plan = make_plan("1", dtype, progress)
        found = examine(experiment, chains=chains, seed=seed, risk=risk, plan=plan)
    if as_json:
        print_json({"chains": chains, "seed": seed, "diagnoses": [row(d) for d in found]})
        return 0
    console = stdout()
    console.print(table(found))
    console.print(f"{chains:,} chains, seed {seed}; each answer is a test at 1 % in one direction")
    return 0


def row(d: Diagnosis) -> dict[str, Any]:
    """A diagnosis for JSON."""
    facts = ("statistic", "threshold", "value", "se", "at", "onset", "why")
    return {
        "definition": d.definition.name,
        "title": d.definition.title,
        "number": d.definition.number,
        "answer": d.answer.value,
        **{f: getattr(d, f) for f in facts},
    }


def table(found: list[Diagnosis]) -> Table:
    """A row for each definition."""
    from rich import box
    from rich.table import Table

    from collapse_theory.cli.console import number

    out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("definition", "collapse?"):
        out.add_column(heading)
    out.add_column("value", justify="right", no_wrap=True)
    out.add_column("SE", justify="right", no_wrap=True)
    out.add_column("means collapse if", no_wrap=True)
    for heading in ("judged at", "since"):
        out.add_column(heading, justify="right", no_wrap=True)
    out.add_column("measured")
    for d in found:
        dates = ("-" if t is None else str(t) for t in (d.at, d.onset))
        measured = "; ".join(filter(None, (d.statistic, d.why)))
        out.add_row(
            d.definition.title, d.answer.value, number(d.value), number(d.se, ".2g"),
            d.threshold, *dates, measured,
        )  # fmt: skip
    return out
