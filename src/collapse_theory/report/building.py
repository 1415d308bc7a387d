"""One HTML file of verdicts: what it says, collected from the verdicts and from nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from collapse_theory import calculating, discovery, judging, templating
from collapse_theory.bibliography import OWN, bibtex, label
from collapse_theory.calculating import Check
from collapse_theory.catalogue.base import Status, Theorem
from collapse_theory.catalogue.errata import Erratum
from collapse_theory.errors import InputError
from collapse_theory.judging import Verdict
from collapse_theory.ladder import RUNGS
from collapse_theory.placement import Plan
from collapse_theory.report import wording
from collapse_theory.report.figure_markup import figure
from collapse_theory.report.mathematics import anchor, paragraphs
from collapse_theory.result import TAIL_LIMIT, provenance_facts
from collapse_theory.verdicts import Found, planted
from collapse_theory.verification import LEVELS

SUFFIXES = (".html", ".htm")


def write_report(
    path: str | Path, verdicts: Sequence[Found], *, seed: int = 0, level: str = "all"
) -> Path:
    """Write verdicts as one HTML file that loads nothing from elsewhere; a file there is replaced.

    The same verdicts give the same bytes on one machine.

    Args:
        path: the file; its name ends in .html.
        verdicts: what ``judge_all``, ``verify``, ``try_all`` and ``check_all`` find, in any order.
        seed: the one they were found with, for the record and the commands that reproduce them.
        level: the level they were found with, for the same.

    Returns:
        The path.

    Raises:
        InputError: there are no verdicts, the level is unknown, or the file cannot be written.
    """
    if level not in LEVELS:
        raise InputError(f"level = {level!r}: allowed are {', '.join(LEVELS)}")
    if not verdicts:
        raise InputError("verdicts is empty: a report needs at least one")
    target = check_target(path)
    page = _render(verdicts, seed, level)
    try:
        target.write_text(page, "utf-8")
    except OSError as e:
        raise InputError(f"{str(target)!r} cannot be written: {e.strerror or e}") from e
    return target


def check_target(path: str | Path) -> Path:
    """Make sure that a report can be written here; nothing is left behind, nothing changed.

    Raises:
        InputError: the name does not end in .html, there is no such folder, or it is not writable.
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise InputError(f"{str(target)!r}: the name of a report must end in {SUFFIXES[0]}")
    if not target.parent.is_dir():
        raise InputError(f"{str(target)!r}: there is no folder {str(target.parent)!r}")
    new = not target.exists()
    try:
        with target.open("ab"):  # the one test that all file systems and users answer truly
            pass
        if new:
            target.unlink()
    except OSError as e:
        raise InputError(f"{str(target)!r} cannot be written: {e.strerror or e}") from e
    return target


def _render(verdicts: Sequence[Found], seed: int, level: str) -> str:
    groups: dict[str, list[Found]] = {}
    for v in sorted(verdicts, key=lambda v: _paper_order(v.theorem.source.key)):
        groups.setdefault(v.theorem.name, []).append(v)
    options = {"full": " --full"}.get(level, "") + (f" --seed {seed}" if seed else "")
    sections = [_section(group, groups, i, options) for i, group in enumerate(groups.values())]
    papers: dict[str, list[dict[str, Any]]] = {}
    for section in sections:
        papers.setdefault(section["paper"], []).append(section)
    flows = {row["workflow"] for s in sections for row in s["cases"]} - {wording.NONE}
    return templating.html(
        "report",
        style=Markup(templating.text("report.css")),
        script=Markup(templating.text("report.js")),
        papers=papers,
        workflows=sorted(flows),
        none=wording.NONE,
        summary=_summary(groups),
        method=_method(verdicts, level),
        facts=_facts(verdicts, seed, level),
    )


def _paper_order(key: str | None) -> tuple[bool, str]:
    """By author and year, the project's own last."""
    return label(key) == OWN, label(key).lower()


def _section(
    group: list[Found], groups: dict[str, list[Found]], index: int, options: str
) -> dict[str, Any]:
    what = group[0].theorem
    source = what.source
    cases = zip(group, wording.case_names(group), strict=True)
    conditions: list[tuple[str, str]] = []
    if isinstance(what, Theorem):
        parts = {"family": what.family, "workflow": what.workflow, "generator": what.generator}
        conditions = [(word, wording.short(classes)) for word, classes in parts.items()]
        about = f"{what.observable.name}: {what.observable.statement}"
        conditions.insert(0, ("observable", about))
    return {
        "name": what.name, "breaking": wording.breaking(what.name), "id": anchor(what.name),
        "paper": label(source.key),
        "kind": what.kind.value, "judged": wording.judged(group[0]), "conditions": conditions,
        "paragraphs": paragraphs(what.statement, groups), "erratum": _erratum(group, groups),
        "command": f"collapse verify {what.name}{options}",
        "provenance": _provenance(what), "bibtex": bibtex(source.key) if source.key else None,
        "axis": "generation" if isinstance(what, Theorem) else "value",
        "cases": [_case(v, case, f"f{index}-{i}") for i, (v, case) in enumerate(cases)],
    }  # fmt: skip


def _provenance(what: Any) -> str:
    if what.source.key is None:
        return "derived: the statement is this project's own"
    if what.source.read:
        return "read: the statement was seen in the paper's text"
    return "derived: the paper is named for its subject, the statement was not read in it"


def _case(v: Found, case: str, name: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "case": case, "reason": v.reason, "workflow": wording.workflow(v),
        "workflow_breaking": wording.breaking(wording.workflow(v)),
        "planted": wording.PLANTED[v.planted_seen], "evidence": wording.evidence(v),
        "figure": None, "curve": [], "note": "", "length": 0,
    }  # fmt: skip
    row |= wording.verdict_cell(v)
    if isinstance(v, Check):
        return row
    title = f"Statement and simulation: {v.theorem.name}, {case}"
    drawn = figure(v, name, title, wording.alternative(v))
    return row | {
        "note": wording.ladder(v), "curve": wording.curve(v), "length": len(v.observed),
        "figure": drawn,
    }  # fmt: skip


def _erratum(group: list[Found], groups: dict[str, list[Found]]) -> dict[str, Any] | None:
    """Why a statement should be refuted, and what holds instead; None where it should not be."""
    expected = [v.expected is Status.REFUTED for v in group]
    if not any(expected):
        return None
    name = group[0].theorem.name
    known = [e for e in discovery.members(Erratum) if e.fails == name]
    starts = [start for e in known for start in e.holds]
    holds = [n for n in groups for s in starts if n == s or n.startswith(f"{s}.")]
    return {
        "everywhere": all(expected),
        "claims": [e.claim for e in known],
        "holds": [(n, anchor(n)) for n in dict.fromkeys(holds)],
    }


def _summary(groups: dict[str, list[Found]]) -> dict[str, Any]:
    every = [v for group in groups.values() for v in group]
    counts = Counter(v.status for v in every)
    seen = planted(every)
    expected = Counter(v.status for v in every if v.as_expected)
    return {
        "statements": len(groups), "cases": len(every),
        "counts": [(s.value, wording.SYMBOLS[s], counts[s], expected[s]) for s in Status],
        "against": sum(v.status.contradicts(v.expected) for v in every),
        "short": sum(
            not v.as_expected and not v.status.contradicts(v.expected) for v in every
        ),
        "seen": sum(seen.values()), "tried": len(seen),
    }  # fmt: skip


def _method(verdicts: Sequence[Found], level: str) -> dict[str, Any]:
    """The numbers by which verdicts are reached, from where they are used."""
    return {
        "alpha": f"{judging.ALPHA:g}", "power": f"{judging.POWER:.1%}",
        "asked": "1%" if level == "full" else f"{judging.ASKED:.0%}", "tail": f"{TAIL_LIMIT:g}",
        "rungs": f"{', '.join(str(r) for r in RUNGS[:-1])} and {RUNGS[-1]}",
        "enough": f"{calculating.ENOUGH:.0%}", "little": f"{calculating.TOO_LITTLE:.0%}",
        "expected_alarms": f"{judging.ALPHA * sum(isinstance(v, Verdict) for v in verdicts):.2g}",
        "judged": sum(isinstance(v, Verdict) for v in verdicts),
        "computed": sum(isinstance(v, Check) for v in verdicts),
    }  # fmt: skip


def _facts(verdicts: Sequence[Found], seed: int, level: str) -> list[tuple[str, str]]:
    """Versions, device, precision and seed; no host or user name."""
    facts = provenance_facts(Plan(), "")
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    dtypes = sorted({v.dtype for v in verdicts if isinstance(v, Verdict)})
    return [
        ("versions", versions),
        ("device", " ".join(dict.fromkeys((facts["platform"], facts["device"])))),
        ("precision of the chains", ", ".join(dtypes) or "float64"),
        ("seed", str(seed)),
        ("level", level),
    ]


__all__ = ["check_target", "write_report"]
