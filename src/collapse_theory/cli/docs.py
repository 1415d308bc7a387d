"""``collapse docs build``: the catalogue as pages, with the verdicts of this run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from collapse_theory.cli.options import Flag
from collapse_theory.errors import InputError


def docs(
    action: Annotated[Literal["build"], Parameter(name="ACTION")],
    /,
    *,
    out: Path = Path("docs/catalogue"),
    level: Literal["quick", "all", "full"] = "all",
    seed: int = 0,
    no_cache: Flag = False,
) -> int:
    """Judge the catalogue and write a page for each statement, an index, errata and coverage.

    Args:
        action: build.
        out: The folder to write to; it is made if it does not exist.
        level: What to judge: "quick" a part, "all" every statement on one case, "full" on all.
        seed: Seed of all simulations.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import progress_bar
    from collapse_theory.cli.session import begin

    if out.exists() and not out.is_dir():
        raise InputError(f"--out = {out}: this is a file; name a folder")
    begin(cache=not no_cache)
    from collapse_theory import pages
    from collapse_theory.verdicts import judge_all

    with progress_bar() as progress:
        found = judge_all(level=level, seed=seed, progress=progress)
    try:
        count = pages.write(out, found)
    except OSError as e:
        raise InputError(f"--out = {out}: {e.strerror or e}; name a folder to write to") from e
    print(f"{count} pages in {out}; begin with {out / 'index.md'}")
    return 0
