"""``collapse draw``: chains of an experiment, who feeds whom, and verdicts on statements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from collapse_theory.cli.options import Count
from collapse_theory.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from collapse_theory.judging import Verdict

Subject = Literal[
    "paths", "ridges", "simplex", "provenance", "prediction", "ratio", "slack", "ladder"
]
VERDICTS = ("prediction", "ratio", "slack", "ladder")


def draw(
    subject: Subject,
    what: Annotated[str, Parameter(name="WHAT")],
    out: Annotated[Path, Parameter(name="OUT")],
    /,
    *,
    observable: str | None = None,
    theorem: str | None = None,
    case: Count = 1,
    generation: Count | None = None,
    chains: Count | None = None,
    seed: int = 0,
) -> int:
    """Draw an experiment, or a verdict on a statement, into a .png, .svg or .pdf file.

    Means of an experiment with theory are drawn by ``collapse simulate --plot``.

    Args:
        subject: Of an experiment: "paths" of an observable along single chains; "ridges", its law
            over chains by generation; "simplex", the way of a law over three symbols; "provenance",
            the share of each training set that came from each fit. Of a statement: "prediction",
            what it says and what was seen; "ratio", the one over the other; "slack", how far a
            bound is from what was seen; "ladder", how the gap of an asymptotic statement closes as
            the sizes grow.
        what: The experiment, a .toml file; for a statement its id, to judge it on its own case, or
            an experiment and --theorem.
        out: The figure.
        observable: Of paths and ridges; the first one that the file names if left out.
        theorem: The id of the statement that is judged on the experiment.
        case: Which of the statement's own cases, from 1.
        generation: Of a ladder; where the gap stands out most if left out.
        chains: How many; 20 paths, 2,000 chains under ridges, 5 on the simplex, and as many under a
            verdict as it needs, if left out.
        seed: Any whole number.
    """
    from collapse_theory.cli.drawing import check_figure_file, save_figure
    from collapse_theory.cli.session import begin

    check_figure_file(out, "OUT")
    begin(cache=True)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    ax = figure.subplots()
    if subject in VERDICTS:
        _draw_verdict(ax, subject, _judged(what, theorem, case, chains, seed), generation)
    else:
        _draw_experiment(ax, subject, what, observable, chains, seed)
    save_figure(figure, out, "OUT")
    return 0


def _draw_experiment(
    ax: Axes, subject: Subject, file: str, observable: str | None, chains: int | None, seed: int
) -> None:
    from collapse_theory import figures
    from collapse_theory.config import load_experiment

    e = load_experiment(Path(file))
    many = {} if chains is None else {"chains": chains}
    if subject == "provenance":
        figures.provenance(ax, e)
    elif subject == "simplex":
        figures.simplex(ax, e, seed=seed, **many)
    else:
        named = [observable] if observable else [o.name for o in e.observables[:1]]
        if not named:
            raise InputError("observables is empty: name one in the file, or with --observable")
        function = figures.sample_paths if subject == "paths" else figures.ridges
        function(ax, e, named[0], seed=seed, **many)


def _judged(what: str, theorem: str | None, case: int, chains: int | None, seed: int) -> Verdict:
    from collapse_theory.config import load_experiment
    from collapse_theory.verdicts import judge_case

    if not what.lower().endswith(".toml"):
        if theorem is not None:
            raise InputError(f"--theorem goes with an experiment: {what!r} does not end in .toml")
        return judge_case(what, case, chains=chains, seed=seed)
    e = load_experiment(Path(what))
    if theorem is None:
        raise InputError("--theorem is needed: 'collapse predict' names those that cover the file")
    return judge_case(theorem, experiment=e, chains=chains, seed=seed)


def _draw_verdict(ax: Axes, subject: Subject, verdict: Verdict, generation: int | None) -> None:
    from collapse_theory import figures

    if subject == "ladder":
        figures.ladder(ax, verdict, generation=generation)
    else:
        getattr(figures, subject)(ax, verdict)
    ax.set_title(f"{verdict.theorem.name}\n{verdict.case}", fontsize="medium")
