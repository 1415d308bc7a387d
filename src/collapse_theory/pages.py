"""The catalogue as pages: every statement with its verdicts, generated from its docstring.

Markdown with LaTeX inside ``$``; links are relative, figures lie beside the pages.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from collapse_theory import discovery
from collapse_theory.bibliography import OWN, bibtex, label
from collapse_theory.calculating import Check
from collapse_theory.catalogue.base import Theorem
from collapse_theory.catalogue.claims import Claim
from collapse_theory.catalogue.errata import Erratum
from collapse_theory.coverage import coverage
from collapse_theory.diagnostics import definitions
from collapse_theory.figures import prediction
from collapse_theory.judging import Verdict
from collapse_theory.templating import markdown
from collapse_theory.verdicts import Found, planted


def write(folder: Path, verdicts: Sequence[Found]) -> int:
    """Write the catalogue's pages into a folder, which is made; returns how many.

    Pages of the same name are replaced, nothing else is touched.

    Args:
        folder: where to.
        verdicts: what ``collapse verify`` finds; what has no verdict gets no page.
    """
    groups: dict[str, list[Found]] = {}
    for v in verdicts:
        groups.setdefault(v.theorem.name, []).append(v)
    statements = folder / "statements"
    statements.mkdir(parents=True, exist_ok=True)
    for name, group in groups.items():
        page = markdown("statement", **_statement(group, statements))
        (statements / f"{name}.md").write_text(page, "utf-8")
    pages = {
        "index": _index(groups), "workflows": _workflows(groups), "errata": _errata(groups),
        "claims": _claims(groups), "definitions": _definitions(groups),
        "coverage": vars(coverage()),
    }  # fmt: skip
    for name, content in pages.items():
        (folder / f"{name}.md").write_text(markdown(name, **content), "utf-8")
    return len(groups) + len(pages)


def _statement(group: list[Found], folder: Path) -> dict[str, Any]:
    what = group[0].theorem
    source = what.source
    covers: list[tuple[str, str]] = []
    if isinstance(what, Theorem):
        parts = {"family": what.family, "workflow": what.workflow, "generator": what.generator}
        covers = [(k, ", ".join(c.__name__ for c in v)) for k, v in parts.items()]
    judged = "by computing both sides" if isinstance(group[0], Check) else "against simulation"
    return {
        "name": what.name, "statement": _on_one_line(what.statement), "kind": what.kind.value,
        "observable": what.observable.statement if isinstance(what, Theorem) else None,
        "covers": covers, "how": judged, "rows": [_row(v) for v in group],
        "source": f"{label(source.key) if source.key else OWN}, {source.provenance}",
        "bibtex": bibtex(source.key) if source.key else None,
        "figures": [_figure(v, i, folder) for i, v in enumerate(group) if isinstance(v, Verdict)],
    }  # fmt: skip


def _on_one_line(statement: str) -> str:
    """Each formula on one line: Markdown takes a line that begins with + or - for a list."""
    return re.sub(r"\$[^$]+\$", lambda formula: " ".join(formula[0].split()), statement)


def _row(v: Found) -> dict[str, str]:
    planted = {True: "seen", False: "not seen", None: ""}[v.planted_seen]
    row = {
        "case": v.case.replace("|", "/"), "status": v.status.value, "expected": v.expected.value,
        "planted": planted,
    }  # fmt: skip
    if isinstance(v, Check):
        order = "" if v.order is None else f", order {v.order:.2g}"
        return row | {"deviation": f"{v.gap:.1e}{order}", "detectable": f"{v.theorem.error:.0e}"}
    return row | {"deviation": f"max z {v.max_abs_z:.1f}", "detectable": f"{v.detectable:.2%}"}


def _figure(v: Verdict, i: int, folder: Path) -> dict[str, str]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 3.2), layout="constrained")
    prediction(figure.subplots(), v)
    file = f"{v.theorem.name}-{i}.svg"
    with mpl.rc_context({"svg.hashsalt": "collapse_theory"}):  # the same bytes every time
        figure.savefig(folder / file, metadata={"Date": None})
    return {"file": file, "axis": "by generation" if isinstance(v.theorem, Theorem) else ""}


def _verdict(group: list[Found]) -> str:
    words = Counter(v.status.value + ("" if v.as_expected else " (not expected)") for v in group)
    return ", ".join(f"{word} ({n})" if n > 1 else word for word, n in words.items())


def _index(groups: dict[str, list[Found]]) -> dict[str, Any]:
    papers: dict[str, list[dict[str, str]]] = {}
    for name, group in groups.items():
        what = group[0].theorem
        member = {"name": name, "kind": what.kind.value, "verdict": _verdict(group)}
        papers.setdefault(label(what.source.key), []).append(member)
    every = [v for group in groups.values() for v in group]
    counts = Counter(v.status.value for v in every)
    seen = planted(every)
    found = coverage()
    judged = {*found.simulated, *found.computed}
    return {
        "papers": sorted(papers.items()), "count": len(groups), "cases": len(every),
        "counts": ", ".join(f"{n} {word}" for word, n in counts.items()),
        "wrong": sum(not v.as_expected for v in every),
        "seen": sum(seen.values()), "tried": len(seen),
        "judged": len(judged),
        "listed": len(judged) + len(found.missing) + len(set(found.not_executable) - judged),
    }  # fmt: skip


def _workflows(groups: dict[str, list[Found]]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for name, group in groups.items():
        what = group[0].theorem
        if isinstance(what, Theorem):
            for workflow in what.workflow:
                found.setdefault(workflow.__name__, []).append(name)
    return {"workflows": sorted(found.items())}


def _errata(groups: dict[str, list[Found]]) -> dict[str, Any]:
    def rows(e: Erratum) -> list[dict[str, str]]:
        return [
            row | {"part": part}
            for part, ids in (("as stated", (e.fails,)), ("holds", e.holds))
            for row in _verdicts(ids, groups)
        ]

    return {"errata": [vars(e) | {"rows": rows(e)} for e in discovery.members(Erratum)]}


def _claims(groups: dict[str, list[Found]]) -> dict[str, Any]:
    found = discovery.members(Claim)
    return {"claims": [vars(c) | {"rows": _verdicts(c.decides, groups)} for c in found]}


def _definitions(groups: dict[str, list[Found]]) -> dict[str, Any]:
    found = [vars(d) | {"rows": _verdicts(d.theory, groups)} for d in definitions()]
    return {"definitions": found, "paper": label("schaeffer2025")}


def _verdicts(ids: Sequence[str], groups: dict[str, list[Found]]) -> list[dict[str, str]]:
    """Of the statements named ``id`` or ``id.part``."""
    return [
        {"name": name, "verdict": _verdict(group)}
        for start in ids
        for name, group in groups.items()
        if name == start or name.startswith(f"{start}.")
    ]


__all__ = ["write"]
