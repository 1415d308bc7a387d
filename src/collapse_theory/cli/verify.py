"""``collapse verify``: judge theorems, print the table, leave with its verdict."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from collapse_theory.cli.options import Count, Dtype, Flag, Json
from collapse_theory.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from collapse_theory.verdicts import Found

COLOURS = {"consistent": "green", "refuted": "magenta", "inconclusive": "yellow"}
SYMBOLS = {"consistent": "✓", "refuted": "✗", "inconclusive": "?"}
STACKED = "theorem, case"
WORDS = ("theorem", "kind", "case", STACKED)
WIDE, MEDIUM = (
    150,
    110,
)  # characters from which a table has all columns, and from which it has costs
ASCII_SYMBOLS = {"consistent": "+", "refuted": "x", "inconclusive": "?"}


def verify(
    *ids: Annotated[str, Parameter(name="ID")],
    quick: Flag = False,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    full: Flag = False,
    chains: Count | None = None,
    seed: int = 0,
    as_json: Json = False,
    experiment: Path | None = None,
    strict: Flag = False,
    devices: str = "1",
    dtype: Dtype | None = None,
    save: Path | None = None,
    no_cache: Flag = False,
) -> int:
    """Judge theorems against simulation, each on its own cases.

    Args:
        ids: Theorem ids, or their part before the dot; all theorems if none is given.
        quick: Deviations of 3 % are seen, in the part of the catalogue that few simulations
            judge (the default).
        every: Deviations of 3 % are seen, in every theorem.
        full: Deviations of 1 % are seen, in every theorem and case.
        chains: Exactly so many chains for each experiment, instead of as many as are needed.
        seed: Seed of all simulations.
        as_json: Print JSON instead of a table.
        experiment: A TOML file: judge every theorem that covers this experiment instead.
        strict: Leave with 1 also when a verdict is inconclusive and another was expected, or when
            a theorem's planted error is seen on none of its cases.
        devices: How many devices to use, or "all".
        dtype: Precision of the chains; float64 if left out.
        save: Keep every run in this folder when it is finished: stopped, the same command goes on
            from there.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import progress_bar
    from collapse_theory.cli.session import begin, make_plan

    if quick + every + full > 1:
        raise InputError("--quick, --all and --full exclude each other")
    level = "full" if full else "all" if every else "quick"
    if ids and experiment is not None:
        raise InputError("give theorem ids or --experiment, not both")
    begun = time.perf_counter()
    begin(cache=not no_cache, devices=devices)
    from collapse_theory.config import load_experiment
    from collapse_theory.errors import Failed, Interrupted
    from collapse_theory.verdicts import judge_all, planted

    what = ids if experiment is None else load_experiment(experiment)
    plan = make_plan(devices, dtype)
    try:
        with progress_bar() as progress:
            verdicts = judge_all(
                what,
                level=level,
                chains=chains,
                seed=seed,
                plan=plan,
                progress=progress,
                store=save,
            )
    except (Interrupted, Failed) as stop:  # what is finished is worth printing
        if stop.verdicts:
            _print(stop.verdicts, as_json, begun)
        if save is not None and isinstance(stop, Interrupted):
            print(
                f"collapse: finished runs are kept in {save}; the same command goes on",
                file=sys.stderr,
            )
        raise
    _print(verdicts, as_json, begun)
    wrong = any(v.status.contradicts(v.expected) for v in verdicts)
    short = any(undecided(v) for v in verdicts) or not all(planted(verdicts).values())
    return 1 if wrong or (strict and short) else 0


def _print(verdicts: Sequence[Found], as_json: bool, begun: float) -> None:
    from collapse_theory.cli.console import print_json, stdout

    if as_json:
        print_json({"verdicts": [row(v) for v in verdicts]})
        return
    console = stdout()
    console.print(table(verdicts, console.width, plain=console.options.ascii_only))
    for line in closing(verdicts, time.perf_counter() - begun):
        console.print(line)


def undecided(verdict: Found) -> bool:
    """Whether a verdict fails to reach the one expected, without contradicting it."""
    from collapse_theory.catalogue.base import Status

    return not verdict.as_expected and verdict.status is Status.INCONCLUSIVE


def row(verdict: Found) -> dict[str, Any]:
    """A verdict for JSON."""
    from dataclasses import replace

    from collapse_theory.calculating import Check
    from collapse_theory.catalogue.trial import Replicates
    from collapse_theory.config import to_table

    v = verdict
    if isinstance(v, Check):
        return {
            "theorem": v.theorem.name,
            "numbers": v.numbers,
            "status": v.status.value,
            "expected": v.expected.value,
            "reason": v.reason,
            "gap": v.gap,
            "order": v.order,
            "seconds": v.seconds,
            "planted_seen": v.planted_seen,
        }
    found = {
        "status": v.status.value,
        "expected": v.expected.value,
        "reason": v.reason,
        "detectable": v.detectable,
        "max_abs_z": v.max_abs_z,
        "trusted_until": v.trusted_until,
        "chains": v.chains,
        "seconds": v.seconds,
        "planted_seen": v.planted_seen,
    }
    e = v.experiment
    if isinstance(e, Replicates):
        return {"theorem": v.theorem.name, "numbers": e.numbers, **found}
    measured = e if e.observables else replace(e, observables=(v.theorem.observable,))
    return {"theorem": v.theorem.name, "experiment": to_table(measured), **found}


def table(verdicts: Sequence[Found], width: int, *, plain: bool = False) -> Table:
    """The verdicts by paper, within a width; ``plain`` avoids what ASCII lacks."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from collapse_theory.bibliography import label

    out = Table(box=box.ASCII if plain else box.SIMPLE_HEAD, pad_edge=False)
    headings = _headings(width)
    for heading in headings:
        words, numeric = heading in WORDS, heading not in (*WORDS, "verdict")
        justify: Literal["left", "right"] = "right" if numeric else "left"
        out.add_column(heading, justify=justify, no_wrap=not words, overflow="fold")
    papers: dict[str | None, list[Found]] = {}
    for v in verdicts:
        papers.setdefault(v.theorem.source.key, []).append(v)
    for key, group in papers.items():
        out.add_row(Text(label(key), style="bold"))
        for i, v in enumerate(group):
            again = i > 0 and group[i - 1].theorem is v.theorem
            if not again and STACKED in headings:
                out.add_row(f"  {v.theorem.name} ({v.theorem.kind.value})")
            cells = _cells(v, again, plain)
            out.add_row(*(cells[h] for h in headings))
        out.add_section()
    return out


def _headings(width: int) -> tuple[str, ...]:
    """The columns that fit: narrow tables stack theorem and case, the narrowest leave out costs."""
    words = WORDS[:-1] if width >= WIDE else WORDS[-1:]
    costs = ("chains", "seconds") if width >= MEDIUM else ()
    return (*words, "verdict", "max|z|", "detectable", "trusted t", *costs)


def _cells(v: Found, again: bool, plain: bool) -> dict[str, Any]:
    from rich.padding import Padding

    from collapse_theory.cli.console import number

    name = "" if again else f"  {v.theorem.name}"
    kind = "" if again else v.theorem.kind.value
    return {
        "theorem": name,
        "kind": kind,
        "case": v.case,
        STACKED: Padding(v.case, (0, 0, 0, 4)),
        "verdict": _mark(v, plain),
        "seconds": number(v.seconds, ".1f"),
    } | _evidence(v)


def _evidence(v: Found) -> dict[str, str]:
    from collapse_theory.calculating import Check
    from collapse_theory.cli.console import number

    if isinstance(v, Check):  # no chains: how finely both sides were compared
        seen = f"{v.theorem.error:.0e}" if v.order is None else f"order {v.order:.2g}"
        return {"max|z|": "computed", "detectable": seen, "trusted t": "", "chains": ""}
    return {
        "max|z|": number(v.max_abs_z, ".1f"),
        "detectable": number(v.detectable, ".2%"),
        "trusted t": f"{v.trusted_until}/{v.experiment.generations}",
        "chains": f"{v.chains:,}",
    }


def _mark(v: Found, plain: bool) -> Text:
    from rich.text import Text

    word = v.status.value
    text = Text(f"{(ASCII_SYMBOLS if plain else SYMBOLS)[word]} {word}", style=COLOURS[word])
    if not v.as_expected:
        text.append(" (!)", style="bold red" if v.status.contradicts(v.expected) else "")
    return text


def closing(verdicts: Sequence[Found], seconds: float) -> list[str]:
    """What did not come as expected, each with its reason, and a line of counts."""
    from collapse_theory.verdicts import planted

    lines = [
        f"(!) {v.theorem.name} on {v.case}: {v.status.value}, expected "
        f"{v.expected.value}: {v.reason}"
        for v in verdicts
        if not v.as_expected
    ]
    seen = planted(verdicts)
    if seen:
        unseen = [name for name, sees in seen.items() if not sees]
        names = f"; not in {', '.join(unseen)}" if unseen else ""
        lines.append(f"planted errors: seen in {sum(seen.values())} of {len(seen)} theorems{names}")
    counts = Counter(v.status.value for v in verdicts)
    split = ", ".join(f"{counts[word]} {word}" for word in COLOURS if counts[word])
    theorems = len({v.theorem.name for v in verdicts})
    wrong = sum(v.status.contradicts(v.expected) for v in verdicts)
    lines.append(
        f"{theorems} theorems on {len(verdicts)} cases: {split}; {wrong} against expectation; "
        f"{seconds:.1f} s"
    )
    return lines
