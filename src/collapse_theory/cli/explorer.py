"""``collapse explorer``: a page whose sliders move the exact curves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from collapse_theory.cli.options import Count, Flag


def explorer(
    out: Annotated[Path, Parameter(name="OUT.html")],
    /,
    *,
    chains: Count = 20_000,
    seed: int = 0,
    no_cache: Flag = False,
) -> int:
    """Write one HTML file that shows how errors grow, for any sizes, loop and family.

    It loads nothing from elsewhere.

    Args:
        out: The file.
        chains: Of the simulated bands at one setting.
        seed: Of the bands.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.session import begin

    begin(cache=not no_cache)
    from collapse_theory.explorer import write_explorer

    print(write_explorer(out, chains=chains, seed=seed))
    return 0
