"""Experiments to TOML."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from collapse_theory.errors import InputError, show
from collapse_theory.experiment import Experiment
from collapse_theory.generators.faithful import Faithful


def to_table(experiment: Experiment) -> dict[str, Any]:
    """The experiment as numbers, strings, lists and dicts, in the layout of the file.

    Raises:
        InputError: a field holds something that TOML cannot.
    """
    e = experiment
    table: dict[str, Any] = {"n": plain(e.n, "n")}
    if e.n_real is not None:
        table["n_real"] = plain(e.n_real, "n_real")
    table |= {"generations": e.generations, "observables": [o.name for o in e.observables]}
    if e.route != "auto":
        table["route"] = e.route
    table["family"] = member_table(e.family, "family")
    table["truth"] = member_table(e.truth, "truth")
    table["workflow"] = member_table(e.workflow, "workflow")
    if not isinstance(e.generator, Faithful):
        table["generator"] = member_table(e.generator, "generator")
    return table


def member_table(member: Any, key: str) -> dict[str, Any]:
    """A member as the table ``[key]`` of the file: its name, but for the truth, and its fields.

    Raises:
        InputError: it is no dataclass, or a field holds something that TOML cannot.
    """
    name = {} if key == "truth" else {"name": type(member).__name__}
    return name | _fields(member, key)


def to_toml(experiment: Experiment) -> str:
    """The experiment as the text of a TOML file; read back, it is an equal experiment.

    Args:
        experiment: made of members of the package.

    Raises:
        InputError: a field holds something that TOML cannot.
    """
    table = to_table(experiment)
    tables = {k: v for k, v in table.items() if isinstance(v, dict)}
    lines = [_line(k, v) for k, v in table.items() if k not in tables]
    for name, inner in tables.items():
        lines += _section(name, inner)
    return "\n".join(lines) + "\n"


def _section(name: str, table: dict[str, Any]) -> list[str]:
    """A table, and after it the tables inside it."""
    inner = {k: v for k, v in table.items() if isinstance(v, dict)}
    lines = ["", f"[{name}]", *(_line(k, v) for k, v in table.items() if k not in inner)]
    return lines + [line for k, v in inner.items() for line in _section(f"{name}.{k}", v)]


def _fields(member: Any, key: str) -> dict[str, Any]:
    if not dataclasses.is_dataclass(member):
        raise InputError(f"{key} = {show(member)}: only dataclasses can be written as TOML")
    values = {f.name: getattr(member, f.name) for f in dataclasses.fields(member) if f.init}
    return {k: plain(v, f"{key}.{k}") for k, v in values.items() if v is not None}


def plain(value: Any, key: str) -> Any:
    """The value as TOML knows it: tuples and arrays as lists, NumPy's numbers as Python's,
    dataclasses as tables.

    Raises:
        InputError: it holds something that TOML cannot.
    """
    if isinstance(value, list | tuple):
        return [plain(v, f"{key}[{i}]") for i, v in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields(value, key)
    listed = getattr(value, "tolist", None)  # NumPy and JAX, scalars too
    if listed is not None:
        return plain(listed(), key)
    if isinstance(value, bool | int | float | str):
        return value
    raise InputError(f"{key} = {show(value)}: {type(value).__name__} cannot be written as TOML")


def _line(key: str, value: Any) -> str:
    return f"{key if re.fullmatch('[A-Za-z0-9_-]+', key) else _string(key)} = {_literal(value)}"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return _string(value) if isinstance(value, str) else repr(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
