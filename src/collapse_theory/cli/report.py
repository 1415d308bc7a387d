"""``collapse report``: verdicts as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from collapse_theory.cli.options import Flag


def report(
    out: Annotated[Path, Parameter(name="OUT.html")],
    /,
    *ids: Annotated[str, Parameter(name="ID")],
    level: Literal["quick", "all", "full"] = "all",
    seed: int = 0,
    no_cache: Flag = False,
) -> int:
    """Judge theorems and write one HTML file with every verdict, its numbers and its figure.

    The file loads nothing from elsewhere.

    Args:
        out: The file to write; its name ends in .html, and a file there is replaced.
        ids: Theorem ids, or their part before the dot, each on all of its cases; if none is given,
            the catalogue, as far as the level goes.
        level: "quick" a part of the catalogue, "all" every statement on one case, "full" on all of
            them, with deviations of 1 % seen instead of 3 %.
        seed: Seed of all simulations.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import progress_bar
    from collapse_theory.cli.session import begin
    from collapse_theory.report import check_target, write_report

    check_target(out)  # before the work, not after it
    begin(cache=not no_cache)
    from collapse_theory.verdicts import judge_all

    with progress_bar() as progress:
        found = judge_all(ids, level=level, seed=seed, progress=progress)
    write_report(out, found, seed=seed, level=level)
    statements = len({v.theorem.name for v in found})
    print(f"{statements} statements on {len(found)} cases in {out}")
    return 1 if any(v.status.contradicts(v.expected) for v in found) else 0
