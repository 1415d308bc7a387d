"""The values a sweep gives to a key: lists, ranges, members; read from files and from Python."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from collapse_theory.config import find_class, member_table, plain
from collapse_theory.config.fields import member_fields, suggestion
from collapse_theory.errors import InputError, show
from collapse_theory.families.base import AbstractFamily
from collapse_theory.generators.base import AbstractGenerator
from collapse_theory.workflows.base import AbstractWorkflow

ROOMS = ("family", "truth", "workflow", "generator")
KINDS = {"family": AbstractFamily, "workflow": AbstractWorkflow, "generator": AbstractGenerator}
SIZES = ("n", "n_real")
SHARED = ("generations", "observables")
RANGE = ("from", "to", "steps", "scale")
SCALES = ("linear", "log")
DIGITS = 12  # significant digits of a range, so that every machine makes the same numbers
LONGEST = 100_000  # steps of a range


def read_parameters(given: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The values of each path as plain lists, ranges written out.

    Raises:
        InputError: a path is unknown or given twice, or its values are no list and no range.
    """
    flat = list(_flat(given))
    for path, _ in flat:
        _check_path(path)
    paths = [path for path, _ in flat]
    for path in paths:
        room = path.partition(".")[0]
        if paths.count(path) > 1 or (path != room and room in paths):
            twice = path if paths.count(path) > 1 else room
            raise InputError(f"sweep.{path}: {twice!r} is swept as well; give one of them")
    if not paths:
        raise InputError("sweep names no key: give a list to at least one, as in n = [10, 100]")
    named = {p: v for p, v in flat if p.endswith(".name")}
    return {p: _values(p, v, _whole(p, base, named)) for p, v in flat}


def label(value: Any) -> str:
    """A value in words: a name as it is, a table as ``Name(key=value)``, a list as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        name = str(value.get("name", ""))
        fields = ", ".join(f"{k}={label(v)}" for k, v in value.items() if k != "name")
        return f"{name}({fields})" if fields and name else name or fields
    return json.dumps(value, default=str)


def coordinate(values: list[Any]) -> np.ndarray:
    """The values along config: numbers where all are numbers, else strings. Shape (config,)."""
    if all(isinstance(v, bool) for v in values):
        return np.asarray(values, bool)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        whole = all(isinstance(v, int) and abs(v) < 2**63 for v in values)
        return np.asarray(values, np.int64 if whole else np.float64)
    # strings of any length: those of a fixed one have no specification in zarr 3
    return np.asarray([label(v) for v in values], dtype=object)


def _flat(given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Paths and values; TOML reads a dotted path without quotes as a table in a table."""
    for key, value in given.items():
        if key in ROOMS and isinstance(value, Mapping):
            yield from ((f"{key}.{inner}", v) for inner, v in value.items())
        else:
            yield key, value


def _check_path(path: str) -> None:
    room, dot, key = path.partition(".")
    if room in SHARED:
        raise InputError(
            f"sweep.{path}: all configs of a sweep share their {room}; make a sweep for each"
        )
    allowed = ("n", "n_real", "route", *ROOMS)
    if room not in allowed or (dot and (room not in ROOMS or not key or "." in key)):
        near = suggestion(room, allowed) if room not in allowed else ""
        raise InputError(
            f"sweep.{path} is unknown{near}; allowed are n, n_real, route, {', '.join(ROOMS)}, and "
            "keys of these tables, as in 'truth.var'"
        )


def _whole(path: str, base: Mapping[str, Any], named: Mapping[str, Any]) -> bool:
    """Whether the key takes whole numbers in any of the classes that the sweep names."""
    room, _, key = path.partition(".")
    if room in SIZES:
        return True
    owner = "family" if room == "truth" else room
    table = base.get(owner)
    names = [table.get("name")] if isinstance(table, Mapping) else []
    swept = named.get(f"{owner}.name", ())
    names += list(swept) if isinstance(swept, list | tuple) else []
    for name in names:
        # what is not there is refused when the config is built
        with contextlib.suppress(InputError, AttributeError, KeyError):
            cls = find_class(KINDS[owner], str(name), owner)
            if member_fields(cls.truth_type if room == "truth" else cls)[key][0] is int:
                return True
    return False


def _values(path: str, given: Any, whole: bool) -> list[Any]:
    key = f"sweep.{path}"
    if isinstance(given, Mapping):
        return _range(given, key, whole)
    listed = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(listed, list | tuple):
        raise InputError(f"{key} = {show(given)}: a list or {{from, to, steps, scale}} is needed")
    if not listed:
        raise InputError(f"{key} is an empty list: at least one value is needed")
    return [_plain(v, f"{key}[{i}]", path) for i, v in enumerate(listed)]


def _plain(value: Any, key: str, path: str) -> Any:
    if isinstance(value, Mapping):
        return {str(k): plain(v, f"{key}.{k}") for k, v in value.items()}
    if path in ROOMS and dataclasses.is_dataclass(value):
        return member_table(value, path)
    return plain(value, key)


def _range(given: Mapping[str, Any], key: str, whole: bool) -> list[Any]:
    for k in given:
        if k not in RANGE:
            raise InputError(f"{key}.{k} is unknown{suggestion(k, RANGE)}; a range takes from, to, "
                             "steps, scale")  # fmt: skip
    first, last = (_number(given, end, key) for end in ("from", "to"))
    steps, scale = given.get("steps"), given.get("scale", SCALES[0])
    if isinstance(steps, bool) or not isinstance(steps, int) or not 2 <= steps <= LONGEST:
        raise InputError(f"{key}.steps = {show(steps)}: a whole number in 2..{LONGEST} is needed")
    if scale not in SCALES:
        raise InputError(f"{key}.scale = {show(scale)}: allowed are 'linear' and 'log'")
    if scale == "log" and not (first > 0 and last > 0):
        raise InputError(f"{key}: a range with scale = 'log' needs from > 0 and to > 0")
    points = (np.geomspace if scale == "log" else np.linspace)(first, last, steps).tolist()
    if whole:
        return list(dict.fromkeys(round(x) for x in points))
    return [first, *(float(f"{x:.{DIGITS}g}") for x in points[1:-1]), last]


def _number(given: Mapping[str, Any], end: str, key: str) -> float:
    if end not in given:
        raise InputError(f"{key}.{end} is missing: a range needs from, to and steps")
    value = given[end]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or abs(value) > 1e300:
        raise InputError(f"{key}.{end} = {show(value)}: a finite number is needed")
    return float(value)
