"""``collapse diagnose``: under which definitions an experiment collapses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from collapse_theory.cli.options import Count, Dtype, ExperimentFile, Flag, Json

if TYPE_CHECKING:
    from collapse_theory.diagnostics.base import Diagnosis

CHAINS = 10_000
WIDEST = len("not applicable")


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
        as_json: Print JSON instead of text.
        no_cache: Do not keep compiled programs for the next run.
    """
    from rich.padding import Padding

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
    for head, basis in map(lines, found):
        console.print(head, style="bold")
        console.print(Padding(basis, (0, 0, 0, WIDEST + 2)))
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


def lines(d: Diagnosis) -> tuple[str, str]:
    """The answer, and what it rests on."""
    from collapse_theory.cli.console import number

    since = "" if d.onset is None else f", since generation {d.onset}"
    head = f"{d.answer.value:<{WIDEST}}  {d.definition.title}{since}"
    if d.at is None:
        return head, "; ".join(filter(None, (d.statistic, d.why)))
    value = f"{number(d.value)} ± {number(d.se, '.2g')} at generation {d.at}"
    return head, "; ".join(
        filter(None, (f"{d.statistic}: {value}", f"collapse if {d.threshold}", d.why))
    )
