"""The reference's pages: one for each room, an entry for each public name, and all statements."""

from __future__ import annotations

import importlib
import inspect
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from docstrings import rst

import collapse_theory
from collapse_theory import discovery
from collapse_theory.bibliography import OWN, label
from collapse_theory.catalogue.base import Theorem
from collapse_theory.catalogue.calculation import Calculation
from collapse_theory.catalogue.errata import Erratum
from collapse_theory.catalogue.trial import Trial
from collapse_theory.diagnostics import Definition
from collapse_theory.families.base import AbstractFamily
from collapse_theory.generators.base import AbstractGenerator
from collapse_theory.observables.base import Observable
from collapse_theory.workflows.base import AbstractWorkflow

MEMBERS = {
    "families": AbstractFamily,
    "generators": AbstractGenerator,
    "workflows": AbstractWorkflow,
}


def pages() -> dict[str, str]:
    """Text by file name."""
    entries: dict[str, list[str]] = defaultdict(list)
    for module, names in collapse_theory._HOMES.items():
        entries[module.split(".")[0]] += [f"collapse_theory.{name}" for name in names]
    for room, base in MEMBERS.items():
        entries[room] += _unlisted(base)
    entries["observables"] += []
    found = {f"{room}.rst": _room(room, entries[room]) for room in sorted(entries)}
    index = _page("Reference", ["Public names, by room; every one is ``collapse_theory.NAME``."])
    toctree = [".. toctree::", "", *(f"   {file.removesuffix('.rst')}" for file in found), ""]
    statements = {"statements.rst": _statements(), "errata.rst": _errata()}
    return {"index.rst": index + "\n".join(toctree), **found, **statements}


def _unlisted(base: type) -> list[str]:
    """Members without a name at the top, and the truths of families, by where they live."""
    classes = list(discovery.classes(base))
    if base is AbstractFamily:
        classes += dict.fromkeys(c.truth_type for c in classes)
    return [f"{c.__module__}.{c.__name__}" for c in classes if c.__name__ not in vars_at_top()]


def vars_at_top() -> set[str]:
    """The public names."""
    return set(collapse_theory.__all__)


def _room(room: str, entries: list[str]) -> str:
    doc = inspect.getdoc(importlib.import_module(f"collapse_theory.{room}")) or ""
    parts = [rst(doc.split("\n\nReferences:")[0])]
    parts += ["\n".join(_directive(path)) for path in dict.fromkeys(entries)]
    return _page(room, [*parts, *_table(room)])


def _directive(path: str) -> Iterator[str]:
    module, _, name = path.rpartition(".")
    value = getattr(importlib.import_module(module), name)
    if not isinstance(value, type):
        yield f".. autofunction:: {path}"
        return
    yield f".. autoclass:: {path}"
    concrete = issubclass(value, tuple(MEMBERS.values())) and not inspect.isabstract(value)
    if not concrete:  # a family's methods are those of its base
        yield "   :members:"
    if papers := sorted(
        {label(t.source.key) for t in discovery.members(Theorem) if _about(t, value)}
    ):
        yield f"\n   Statements about it, read in or named for: {'; '.join(papers)}."


def _about(theorem: Theorem, value: type) -> bool:
    return value in (*theorem.family, *theorem.workflow, *theorem.generator)


def _table(room: str) -> list[str]:
    """What a room holds besides classes and functions, by name."""
    if room == "observables":
        found = {o.name: o.statement for o in discovery.members(Observable)}
    elif room == "diagnostics":
        found = {d.name: d.statement for d in discovery.members(Definition)}
    else:
        return []
    title = "By name"
    return [f"{title}\n{'-' * len(title)}", *(_term(f"``{k}``", v) for k, v in found.items())]


def _statements() -> str:
    every = [s for kind in (Theorem, Calculation, Trial) for s in discovery.members(kind)]
    papers: dict[str, list[Any]] = defaultdict(list)
    for s in every:
        papers[label(s.source.key) if s.source.key else OWN].append(s)
    parts = [f"{len(every)} statements; whether each was read in the paper or derived is said."]
    for paper, members in sorted(papers.items()):
        parts.append(f"{paper}\n{'-' * len(paper)}")
        for s in members:
            about = f"``{s.name}`` ({s.kind.value}, {s.source.provenance})"
            parts.append(_term(about, s.statement))
    return _page("Statements", parts)


def _errata() -> str:
    parts = ["What fails as printed, as quoted or as it is often repeated, and what holds instead."]
    for e in discovery.members(Erratum):
        where = "Read in the paper." if e.read else "Not read in the paper's own text."
        holds = ", ".join(f"``{name}``" for name in e.holds)
        body = f"{e.claim} {where}\n\nRefuted: ``{e.fails}``. Holds: {holds}."
        parts.append(f"{e.name}\n{'-' * len(e.name)}\n\n{rst(body)}")
    return _page("Errata", parts)


def _term(head: str, text: str) -> str:
    """An entry of a definition list."""
    body = rst(inspect.cleandoc(text)).splitlines()
    return "\n".join([head, *(f"   {line}".rstrip() for line in body)])


def _page(title: str, parts: list[str]) -> str:
    return "\n\n".join([f"{title}\n{'=' * len(title)}", *parts]) + "\n\n"
