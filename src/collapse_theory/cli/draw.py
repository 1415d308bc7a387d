"""``collapse draw``: single chains of an experiment, their laws, and who feeds whom."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from collapse_theory.cli.options import Count, ExperimentFile
from collapse_theory.errors import InputError

Subject = Literal["paths", "ridges", "simplex", "provenance"]


def draw(
    subject: Subject,
    file: ExperimentFile,
    out: Annotated[Path, Parameter(name="OUT")],
    /,
    *,
    observable: str | None = None,
    chains: Count | None = None,
    seed: int = 0,
) -> int:
    """Draw an experiment into a .png, .svg or .pdf file.

    Means with theory are drawn by ``collapse simulate --plot``.

    Args:
        subject: "paths" of an observable along single chains; "ridges", its law over chains by
            generation; "simplex", the way of a law over three symbols; "provenance", the share of
            each training set that came from each fit.
        file: The experiment.
        out: The figure.
        observable: Of paths and ridges; the first one that the file names if left out.
        chains: How many; 20 paths, 2,000 chains under ridges and 5 on the simplex if left out.
        seed: Any whole number.
    """
    from collapse_theory.cli.drawing import check_figure_file, save_figure
    from collapse_theory.cli.session import begin

    check_figure_file(out, "OUT")
    begin(cache=True)
    from matplotlib.figure import Figure

    from collapse_theory import figures
    from collapse_theory.config import load_experiment

    e = load_experiment(file)
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    ax = figure.subplots()
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
    save_figure(figure, out, "OUT")
    return 0
