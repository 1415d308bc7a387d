"""``collapse bench``: how fast this machine is at it, beside NumPy and a ceiling."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from collapse_theory.cli.options import Count, Dtype, Flag, Json
from collapse_theory.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from collapse_theory.bench.case import AbstractCase, Row, Settings

LEAST = 5  # rounds, for quartiles to mean anything
List = Annotated[bool, Parameter(name="--list", negative="", show_default=False)]
All = Annotated[bool, Parameter(name="--all", negative="", show_default=False)]
MARKS = {True: "pass", False: "short", None: ""}
COLUMNS = {
    "speed": ("ours", "NumPy", "ceiling", "ours/NumPy", "quartiles", "target", "ours/ceiling",
              "target ", "", "cores", "NumPy's"),
    "scaling": ("cost", "reference", "unit", "ratio", "quartiles", "at most", "", "cores"),
    "process": ("seconds", "cores"),
}  # fmt: skip


def bench(
    *cases: Annotated[str, Parameter(name="CASE")],
    listed: List = False,
    everything: All = False,
    repeats: Count | None = None,
    smoke: Flag = False,
    dtype: Dtype = "float32",
    as_json: Json = False,
    out: Path | None = None,
    strict: Flag = False,
    no_cache: Flag = False,
) -> int:
    """Measure this machine: ours, NumPy and a ceiling in turn.

    Args:
        cases: Cases or groups; all that do not take minutes if none is given.
        listed: Name the cases, and run nothing.
        everything: All cases, those that take minutes too.
        repeats: Rounds after a warm-up, 5 or more; 5 if left out, 1 with --smoke.
        smoke: Tiny sizes, to see that everything runs; nothing is judged.
        dtype: Precision of our chains.
        as_json: Print JSON instead of tables.
        out: Write the JSON to this file, too.
        strict: Leave with 1 when a target is missed.
        no_cache: Do not keep compiled programs for the next run.
    """
    rounds = _rounds(repeats, smoke)
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out = {str(out)!r}: there is no folder {str(out.parent)!r}")
    _one_core()
    from collapse_theory.cli.session import begin

    begin(cache=not no_cache)
    from collapse_theory.bench import case, machine, suite

    what = suite.chosen(cases, everything=everything)
    if listed:
        _print_list(what if cases else suite.cases(), as_json)
        return 0
    notes = [note for note in (machine.busy(),) if note]
    here = machine.machine()
    settings = case.Settings(rounds, smoke, dtype, here["platform"])
    report = {"machine": here, "settings": _told(settings), "notes": notes, "cases": []}
    rows: list[Row] = []
    try:
        _run(what, settings, rows)
    finally:  # what is finished is worth printing, whatever stopped the rest
        if rows:
            _print(report | {"cases": [r.as_dict() for r in rows]}, rows, as_json, out)
    return 1 if strict and any(r.passed is False for r in rows) else 0


def _rounds(repeats: int | None, smoke: bool) -> int:
    least = 1 if smoke else LEAST
    if repeats is not None and repeats < least:
        more = "" if smoke else "; --smoke takes fewer"
        raise InputError(f"--repeats = {repeats}: a whole number >= {least} is needed{more}")
    return repeats or least


def _one_core() -> None:
    """NumPy's baselines have one core; read when NumPy is imported."""
    from collapse_theory.bench import ONE_THREAD

    for name in ONE_THREAD:
        os.environ[name] = "1"


def _told(settings: Settings) -> dict[str, Any]:
    return {k: getattr(settings, k) for k in ("repeats", "smoke", "dtype")}


def _run(what: Sequence[AbstractCase], settings: Settings, rows: list[Row]) -> None:
    from collapse_theory.bench import suite
    from collapse_theory.cli.console import progress_bar

    with progress_bar() as progress:
        for row in suite.run(what, settings, progress):
            rows.append(row)


def _print(report: dict[str, Any], rows: list[Row], as_json: bool, out: Path | None) -> None:
    import json

    from collapse_theory.cli.console import plain, print_json, stdout

    if out is not None:
        try:
            out.write_text(json.dumps(plain(report), indent=1, allow_nan=False) + "\n")
        except OSError as e:
            raise InputError(f"--out = {str(out)!r}: {e.strerror or e}") from e
    if as_json:
        print_json(report)
        return
    console = stdout()
    here = report["machine"]
    console.print(
        f"{here['cpu']}, {here['cores']} cores; {here['device']}; JAX {here['jax']}, NumPy "
        f"{here['numpy']}; {report['settings']['dtype']}, {report['settings']['repeats']} rounds"
    )
    for group in COLUMNS:
        some = [r for r in rows if r.group == group]
        if some:
            console.print(table(group, some))
    for note in _notes(report["notes"], rows):
        console.print(note)


def table(group: str, rows: Sequence[Row]) -> Table:
    """The rows of one group."""
    from rich import box
    from rich.table import Table

    out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    out.add_column("case", no_wrap=True)
    for heading in COLUMNS[group]:
        out.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        out.add_row(row.name, *_cells(row))
    return out


def _cells(row: Row) -> tuple[str, ...]:
    """Numbers in the order of COLUMNS."""
    if row.group == "process":
        return _short(row.ours), _short(row.cores_ours)
    ratio = row.ratio
    shown = ("", "") if ratio is None else (_short(ratio.median), _quartiles(ratio.low, ratio.high))
    if row.group == "scaling":
        reference = _short(row.baseline)
        target, mark = _short(row.target), MARKS[row.passed]
        return _short(row.ours), reference, row.unit, *shown, target, mark, _short(row.cores_ours)
    return (
        *map(_short, (row.ours, row.baseline, row.ceiling)),
        *shown,
        *map(_short, (row.target, row.ceiling_ratio, row.ceiling_target)),
        MARKS[row.passed],
        *map(_short, (row.cores_ours, row.cores_baseline)),
    )


def _short(value: float | None) -> str:
    return "" if value is None else format(value, ".3g")


def _quartiles(low: float, high: float) -> str:
    return f"{low:.3g}-{high:.3g}"


def _notes(general: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """What a reader should know, and the ceiling that has no column."""
    cuda = [
        f"{r.name}: {r.cuda_ratio:.2f} of the CUDA kernel, {r.cuda:.3g} a second"
        for r in rows
        if r.cuda is not None and r.cuda_ratio is not None
    ]
    return [*general, *cuda, *(f"{r.name}: {note}" for r in rows for note in r.notes)]


def _print_list(cases: Sequence[AbstractCase], as_json: bool) -> None:
    from collapse_theory.cli.console import print_json, stdout

    if as_json:
        columns = ("name", "group", "about", "target", "by_default")
        print_json({"cases": [{k: getattr(c, k) for k in columns} for c in cases]})
        return
    from rich import box
    from rich.table import Table

    out = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("case", "group", "target", "what"):
        out.add_column(heading, no_wrap=heading != "what")
    for c in cases:
        asked = "" if c.by_default else " (when asked for)"
        out.add_row(c.name, c.group, _short(c.target), c.about + asked)
    stdout().print(out)
