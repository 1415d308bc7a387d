"""``collapse list`` and ``collapse show``: what the package holds."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from collapse_theory.cli.options import Flag, Json
from collapse_theory.errors import InputError

if TYPE_CHECKING:
    from collapse_theory.catalogue.base import Source, Theorem
    from collapse_theory.catalogue.calculation import Calculation
    from collapse_theory.catalogue.trial import Trial
    from collapse_theory.diagnostics import Definition
    from collapse_theory.observables.base import Observable

Subject = Literal["families", "workflows", "generators", "observables", "theorems", "definitions"]


def list_members(subject: Subject, /, *, coverage: Flag = False, as_json: Json = False) -> int:
    """List the members of one kind.

    Args:
        subject: Which kind.
        coverage: Of theorems: which of the field's results are judged, and how.
        as_json: Print JSON instead of a table.
    """
    from collapse_theory.cli.console import print_json, stdout

    if coverage:
        return _coverage(subject, as_json)
    rows = [_row(m) for m in everything()[subject]]
    if as_json:
        print_json({subject: rows})
        return 0
    from rich.padding import Padding

    console = stdout()
    for row in rows:
        notes = [row[k] for k in ("kind", "observable") if k in row]
        notes += [f["name"] + ("" if f["required"] else "?") for f in row.get("fields", ())]
        console.print(f"{row['name']}  {', '.join(notes)}".rstrip(), style="bold")
        console.print(Padding(row["summary"], (0, 0, 0, 4)))
    return 0


def _coverage(subject: str, as_json: bool) -> int:
    from collapse_theory.cli.console import print_json, stdout
    from collapse_theory.coverage import coverage

    if subject != "theorems":
        raise InputError(f"--coverage is about theorems, not {subject}")
    found = vars(coverage())
    if as_json:
        print_json({"coverage": found})
        return 0
    for group, ids in found.items():
        stdout().print(f"{group.replace('_', ' ')}: {len(ids)}", style="bold")
        for name in ids:
            reason = f": {ids[name]}" if isinstance(ids, dict) else ""
            stdout().print(f"    {name}{reason}", soft_wrap=True)
    return 0


def show(name: Annotated[str, Parameter(name="ID")], /) -> int:
    """Show a theorem, family, workflow, generator, observable or definition of collapse.

    Args:
        name: Its id or name, as listed, or a synonym of it.
    """
    from collapse_theory.cli.console import stdout
    from collapse_theory.config.fields import same_name, suggestion

    known = {n: m for rooms in everything().values() for m in rooms for n in _names(m)}
    found = {id(m): m for n, m in known.items() if same_name(n, name)}
    if not found:
        near = suggestion(name, known)
        raise InputError(
            f"nothing is named {name!r}{near}; 'collapse list KIND' names what there is"
        )
    for member in found.values():
        stdout().print("\n".join(_page(member)), soft_wrap=True)
    return 0


def everything() -> dict[str, tuple[Any, ...]]:
    """All members of the package, by kind."""
    from collapse_theory import discovery
    from collapse_theory.catalogue.base import Theorem
    from collapse_theory.catalogue.calculation import Calculation
    from collapse_theory.catalogue.trial import Trial
    from collapse_theory.diagnostics import definitions
    from collapse_theory.families.base import AbstractFamily
    from collapse_theory.generators.base import AbstractGenerator
    from collapse_theory.observables.base import Observable
    from collapse_theory.workflows.base import AbstractWorkflow

    bases: dict[str, Any] = {
        "families": AbstractFamily,
        "workflows": AbstractWorkflow,
        "generators": AbstractGenerator,
    }
    found: dict[str, tuple[Any, ...]] = {k: discovery.classes(b) for k, b in bases.items()}
    found["observables"] = discovery.members(Observable)
    theorems: tuple[Any, ...] = (
        *discovery.members(Theorem), *discovery.members(Calculation), *discovery.members(Trial),
    )  # fmt: skip
    return found | {"theorems": theorems, "definitions": definitions()}


def fields_of(cls: type) -> list[dict[str, Any]]:
    """Name, type in words, whether required, and default of each field of a class."""
    from collapse_theory.config import plain
    from collapse_theory.config.fields import hint_words, member_fields, required

    def default(field: Any) -> Any:
        value = None if required(field) else field.default
        return plain(value, field.name) if dataclasses.is_dataclass(value) else value

    return [
        {
            "name": name,
            "type": hint_words(hint),
            "required": required(field),
            "default": default(field),
        }
        for name, (hint, field) in member_fields(cls).items()
    ]


def _names(member: Any) -> tuple[str, ...]:
    if isinstance(member, type):
        return (member.__name__, *getattr(member, "synonyms", ()))
    return (member.name,)


def _row(member: Any) -> dict[str, Any]:
    if isinstance(member, type):
        summary = _summary(member.__doc__)
        return {"name": member.__name__, "fields": fields_of(member), "summary": summary}
    row = {"name": member.name, "summary": _summary(member.statement)}
    kind = getattr(member, "kind", None)  # theorems have one
    about = getattr(member, "observable", None)  # calculations have none
    return row | (
        {"kind": kind.value, "observable": about.name if about else "computed"} if kind else {}
    )


def _summary(text: str | None) -> str:
    return inspect.cleandoc(text or "").split("\n\n")[0].replace("\n", " ")


def _page(member: Any) -> list[str]:
    if isinstance(member, type):
        return _class_page(member)
    from collapse_theory.catalogue.calculation import Calculation
    from collapse_theory.catalogue.trial import Trial
    from collapse_theory.diagnostics import Definition

    if isinstance(member, Calculation):
        return _calculation_page(member)
    if isinstance(member, Trial):
        return _trial_page(member)
    if isinstance(member, Definition):
        return _definition_page(member)
    return _theorem_page(member) if getattr(member, "kind", None) else _observable_page(member)


def _class_page(cls: type) -> list[str]:
    lines = [cls.__name__, "", inspect.cleandoc(cls.__doc__ or ""), ""]
    if synonyms := getattr(cls, "synonyms", ()):
        lines += [f"also called: {', '.join(synonyms)}", ""]
    lines += _keys("keys", cls)
    if truth := getattr(cls, "truth_type", None):
        lines += [*_keys("keys of [truth]", truth), _summary(truth.__doc__), ""]
    return [*lines, f"source: {cls.__module__}"]


def _keys(heading: str, cls: type) -> list[str]:
    rows = fields_of(cls)
    if not rows:
        return [f"{heading}: none", ""]
    lines = [f"{heading}:"]
    for f in rows:
        rest = "required" if f["required"] else f"default {f['default']!r}"
        lines.append(f"  {f['name']}: {f['type']}, {rest}")
    return [*lines, ""]


def _observable_page(observable: Observable) -> list[str]:
    families = everything()["families"]  # a bare instance will do: methods go by its class alone
    has = [c.__name__ for c in families if observable.supports(object.__new__(c))]
    kind = (
        "0 or 1" if observable.binary else "a sum over generations" if observable.cumulative else ""
    )
    return [
        f"{observable.name}", "", observable.statement, *([f"values: {kind}"] if kind else []),
        f"families: {', '.join(has)}",
    ]  # fmt: skip


def _trial_page(t: Trial) -> list[str]:
    return [
        t.name, "", t.statement, "",
        f"kind: {t.kind.value}" + (f", relative error O(size^-{t.order:g})" if t.order else ""),
        "judged on replicates in NumPy",
        "cases:", *_number_cases(t), "", *_citation(t.source), "",
        f"value and replicates ({t.stated.__module__}):", inspect.getsource(t.stated).rstrip(), "",
        inspect.getsource(t.draws).rstrip(),
    ]  # fmt: skip


def _definition_page(d: Definition) -> list[str]:
    return [
        f"{d.name}: {d.title}", "", d.statement, "",
        *([f"theory: {', '.join(d.theory)}", ""] if d.theory else []),
        f"measurement ({d.measure.__module__}):", inspect.getsource(d.measure).rstrip(),
    ]  # fmt: skip


def _number_cases(c: Calculation | Trial) -> list[str]:
    return [
        f"  {', '.join(f'{k}={v}' for k, v in numbers.items())}: expected {c.expected.value}"
        for numbers in c.cases
    ]


def _calculation_page(c: Calculation) -> list[str]:
    order = f", relative gap O(size^-{c.order:g})" if c.order else f", to {c.error:.0e}"
    return [
        c.name, "", c.statement, "", f"kind: {c.kind.value}{order}", "judged by computation",
        "cases:", *_number_cases(c), "", *_citation(c.source), "",
        f"both sides ({c.sides.__module__}):", inspect.getsource(c.sides).rstrip(),
    ]  # fmt: skip


def _citation(source: Source) -> list[str]:
    from collapse_theory.bibliography import bibtex

    entry = bibtex(source.key) if source.key else None
    line = f"citation: {source.key or 'the project itself'}, {source.provenance}"
    return [line, *([entry] if entry else [])]


def _theorem_page(t: Theorem) -> list[str]:
    from collapse_theory.experiment import describe

    covers = {"family": t.family, "workflow": t.workflow, "generator": t.generator}
    cases = [f"  {describe(c.experiment)}: expected {c.expected.value}" for c in t.cases]
    return [
        t.name, "", t.statement, "",
        f"kind: {t.kind.value}" + (f", relative error O(n^-{t.order:g})" if t.order else ""),
        f"observable: {t.observable.name}, {t.observable.statement}",
        *(f"{k}: {', '.join(c.__name__ for c in v)}" for k, v in covers.items()),
        "cases:", *cases, "",
        *_citation(t.source), "",
        f"formula and conditions ({t.formula.__module__}):",
        inspect.getsource(t.formula).rstrip(),
    ]  # fmt: skip
