"""TOML to experiments; every fault is one line that names the key and what is allowed."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from collapse_theory import discovery
from collapse_theory.config.fields import (
    built,
    check_keys,
    construct,
    frozen,
    same_name,
    subtable,
    suggestion,
)
from collapse_theory.errors import InputError, show
from collapse_theory.experiment import Experiment
from collapse_theory.families.base import AbstractFamily
from collapse_theory.generators.base import AbstractGenerator
from collapse_theory.observables.base import Observable
from collapse_theory.workflows.base import AbstractWorkflow

NEEDED = ("n", "generations", "family", "workflow")
LARGEST = 1 << 24  # bytes of a file
DEEPEST = 16  # lists and tables in each other; 3 are needed
LONGEST_KEY = 64  # dots; 1 is needed
OPTIONAL = ("observables", "n_real", "route", "truth", "generator")


def load_experiment(path: str | Path) -> Experiment:
    """Read an experiment from a TOML file.

    Args:
        path: the file; docs/cli.md has the keys.

    Raises:
        InputError: the file is missing, is not TOML, or describes no experiment.
    """
    return experiment_from_table(read_table(path))


def read_table(path: str | Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        InputError: the file is missing or is not TOML.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)  # no more: the file may have no end
        if len(content) > LARGEST:
            raise InputError(f"{path}: larger than {LARGEST:,} bytes, which no experiment needs")
        text = content.decode()
    except OSError as e:
        raise InputError(f"{path}: {e.strerror or e}") from e
    except UnicodeDecodeError as e:
        raise InputError(f"{path}: not TOML: byte {e.start} is not UTF-8") from e
    except ValueError as e:
        if isinstance(e, InputError):
            raise
        raise InputError(f"{show(str(path))}: not the name of a file") from e
    return parsed(text.removeprefix("\ufeff"), f"{path}: not TOML")  # some editors begin with it


def parsed(text: str, fault: str) -> dict[str, Any]:
    """Text as TOML.

    Raises:
        InputError: it is not TOML, is nested deeper than `DEEPEST`, or holds a whole number of more
            than 64 bits; the message begins with ``fault``.
    """
    pieces = re.split(r"[=,\[\]{}\n]", text)
    if max(piece.count(".") for piece in pieces) > LONGEST_KEY:  # read in quadratic time
        raise InputError(f"{fault}: a key has more than {LONGEST_KEY} dots")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{fault}: nested deeper than {DEEPEST}") from None
    except ValueError as e:  # TOMLDecodeError is one; so is a number of thousands of digits
        raise InputError(f"{fault}: {e}") from e
    level: list[Any] = [table]
    for _ in range(DEEPEST + 1):
        inner = [v for v in level if isinstance(v, dict | list)]
        level = [v for i in inner for v in (i.values() if isinstance(i, dict) else i)]
        if any(isinstance(v, int) and not -(2**63) <= v < 2**63 for v in level):
            raise InputError(f"{fault}: a whole number has more than 64 bits")
    if level:
        raise InputError(f"{fault}: nested deeper than {DEEPEST}")
    return table


def experiment_from_table(table: dict[str, Any]) -> Experiment:
    """An experiment from parsed TOML.

    Raises:
        InputError: a key is unknown or missing, or a value is not allowed.
    """
    check_keys(table, NEEDED, (*NEEDED, *OPTIONAL), "", "an experiment")
    family = _member(table, "family", AbstractFamily)
    given = {k: frozen(v) for k, v in table.items() if k in ("n", "generations", "n_real", "route")}
    if "generator" in table:
        given["generator"] = _member(table, "generator", AbstractGenerator)
    made: Experiment = construct(
        "experiment",
        Experiment,
        family=family,
        truth=built(family.truth_type, subtable(table.get("truth", {}), "truth"), "truth"),
        workflow=_member(table, "workflow", AbstractWorkflow),
        observables=tuple(_observables(table.get("observables", []), family)),
        **given,
    )
    return made


def family_and_truth(family: str, truth: str = "") -> tuple[Any, Any]:
    """A family and a truth for it, each as written on a command line.

    Args:
        family: a name, or a TOML table with one.
        truth: a TOML table, or nothing.

    Raises:
        InputError: either is not TOML, or not what is allowed.
    """
    made = _member({"family": _inline(_named(family), "family")}, "family", AbstractFamily)
    return made, built(made.truth_type, _inline(truth or "{}", "truth"), "truth")


def workflow_of(text: str) -> Any:
    """A workflow as written on a command line: a name, or a TOML table with one.

    Raises:
        InputError: it is not TOML, or not what is allowed.
    """
    return _member({"workflow": _inline(_named(text), "workflow")}, "workflow", AbstractWorkflow)


def generator_of(text: str) -> Any:
    """A generator as written on a command line: a name, or a TOML table with one.

    Raises:
        InputError: it is not TOML, or not what is allowed.
    """
    return _member(
        {"generator": _inline(_named(text), "generator")}, "generator", AbstractGenerator
    )


def _named(text: str) -> str:
    return text if text.lstrip().startswith("{") else "{name = " + json.dumps(text) + "}"


def _inline(text: str, key: str) -> dict[str, Any]:
    found = parsed(f"table = {text}", f"{key} = {show(text)}: not TOML, such as {{key = 1}}")
    if set(found) != {"table"}:  # more lines than one
        raise InputError(f"{key} = {show(text)}: one table is needed, such as {{key = 1}}")
    return subtable(found["table"], key)


def find_class(base: Any, name: str, key: str) -> Any:
    """The concrete class below ``base`` of this name or synonym.

    The package's own are looked up first, then a user's own that have been defined in this process.

    Raises:
        InputError: there is none; the message lists the package's.
    """
    own: tuple[type, ...] = discovery.classes(base)
    cls: type
    for cls in (*own, *reversed(list(_descendants(base)))):
        synonyms: tuple[str, ...] = getattr(cls, "synonyms", ())
        if any(same_name(name, s) for s in (cls.__name__, *synonyms)):
            return cls
    names = [c.__name__ for c in own]
    raise InputError(
        f"{key} = {show(name)} is unknown{suggestion(name, names)}; allowed are {', '.join(names)}"
    )


def _member(table: dict[str, Any], key: str, base: Any) -> Any:
    inner = dict(subtable(table[key], key))
    if "name" not in inner:
        raise InputError(f"{key}.name is missing: it says which {key}")
    name = inner.pop("name")
    if not isinstance(name, str):
        raise InputError(f"{key}.name = {show(name)}: a string is needed")
    return built(find_class(base, name, f"{key}.name"), inner, key)


def _observables(names: Any, family: AbstractFamily[Any]) -> Iterator[Observable]:
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise InputError(f"observables = {show(names)}: a list of names is needed")
    known = {o.name: o for o in discovery.members(Observable)}
    for name in names:
        if name not in known:
            allowed = [o.name for o in known.values() if o.supports(family)]
            raise InputError(
                f"observables: {show(name)} is unknown{suggestion(name, allowed)}; "
                f"{type(family).__name__} has {', '.join(allowed)}"
            )
        yield known[name]  # the experiment itself refuses those that the family does not have


def _descendants(base: Any) -> Iterator[type]:
    cls: type
    for cls in base.__subclasses__():
        if cls.__qualname__ != base.__qualname__:  # a copy of its parent, made by equinox
            if not getattr(cls, "__abstractmethods__", None):
                yield cls
            yield from _descendants(cls)
