"""``collapse calibrate``: how often verdicts are wrong, what they see, what standard errors are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from collapse_theory.cli.options import Flag, Json
from collapse_theory.errors import InputError

if TYPE_CHECKING:
    import rich.table

    from collapse_theory.calibration import Calibration, Rate
    from collapse_theory.calibration.tables import Table


def calibrate(
    *,
    quick: Flag = False,
    full: Flag = False,
    as_json: Json = False,
    out: Path | None = None,
    seed: int = 0,
    no_cache: Flag = False,
) -> int:
    """Measure the rates that verdicts declare, over many independent runs.

    Refuted true theorems, planted errors by their size, the guard against heavy tails beside other
    rules, and standard errors against the scatter of means.

    Args:
        quick: Under a minute (the default).
        full: Some minutes: all theorems, traps and observables.
        as_json: Print JSON instead of tables.
        out: A Markdown file to write, with every table; a file there is replaced.
        seed: The first seed of those used.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import print_json, progress_bar
    from collapse_theory.cli.session import begin
    from collapse_theory.placement import check_run

    if quick and full:
        raise InputError("--quick and --full exclude each other")
    if out is not None and (out.suffix != ".md" or not out.parent.is_dir()):
        raise InputError(f"--out = {out}: name a file that ends in .md, in a folder that exists")
    check_run(1, seed)
    begin(cache=not no_cache)
    from collapse_theory import calibration
    from collapse_theory.calibration import page

    with progress_bar() as progress:
        found = calibration.calibrate("full" if full else "quick", seed=seed, progress=progress)
    if out is not None:
        page.write(out, found)
    if as_json:
        print_json(document(found))
    else:
        _print(found)
    return 1 if found.violations else 0


def document(found: Calibration) -> dict[str, Any]:
    """What was measured, for JSON."""
    return {
        "level": found.level,
        "seed": found.seed,
        "refuted": _rate(found.refuted),
        "refuted_twice": _rate(found.confirmed),
        "seen": _rate(found.seen(1.0)),
        "seen_twice": _rate(found.seen_twice(1.0)),
        "wrong": _rate(found.wrong),
        "wrong_twice": _rate(found.wrong_twice),
        "violations": list(found.violations),
        **{
            name: [_row(x) for x in getattr(found, name)]
            for name in ("alarms", "power", "guards", "spreads")
        },
    }


def _row(measured: Any) -> dict[str, Any]:
    from collapse_theory.calibration import Rate

    return {k: _rate(v) if isinstance(v, Rate) else v for k, v in vars(measured).items()}


def _rate(rate: Rate) -> dict[str, Any]:
    return {"count": rate.count, "of": rate.of, "interval": list(rate.interval)}


def _print(found: Calibration) -> None:
    from collapse_theory.calibration.tables import tables
    from collapse_theory.cli.console import stdout

    console = stdout()
    for table in tables(found).values():
        console.print(_drawn(table))
    counts = {
        "true statements refuted": (found.refuted, found.confirmed),
        "planted errors seen": (found.seen(1.0), found.seen_twice(1.0)),
        "wrong verdicts on traps": (found.wrong, found.wrong_twice),
    }
    for words, (once, twice) in counts.items():
        console.print(
            f"{words}: {once.count} of {once.of} by one run, {twice.count} of {twice.of} confirmed"
        )
    for line in found.violations:
        console.print(f"NOT KEPT: {line}")


def _drawn(table: Table) -> rich.table.Table:
    from rich import box
    from rich.table import Table as Drawn

    out = Drawn(title=table.title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for i, heading in enumerate(table.headings):
        out.add_column(heading, justify="left" if i == 0 else "right")
    for row in table.rows:
        out.add_row(*row)
    return out
