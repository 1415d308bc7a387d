"""Members are found because they are there: a walk of the package, no list to edit."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from typing import Any, TypeVar

from collapse_theory.errors import InputError

T = TypeVar("T")
ROOMS = (
    "families",
    "generators",
    "workflows",
    "observables",
    "catalogue",
    "diagnostics",
    "planning",
)


@functools.cache
def _modules() -> tuple[Any, ...]:
    found = []
    for room in ROOMS:
        package = importlib.import_module(f"collapse_theory.{room}")
        for info in pkgutil.iter_modules(package.__path__, f"collapse_theory.{room}."):
            found.append(importlib.import_module(info.name))
    return tuple(found)


@functools.cache
def members(kind: type[T]) -> tuple[T, ...]:
    """The package's objects of this type, in the order of their files."""
    seen: dict[int, Any] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, kind):
                seen.setdefault(id(value), value)
    return tuple(seen.values())


@functools.cache
def classes(base: type[T]) -> tuple[type[T], ...]:
    """The package's concrete classes below ``base``, in the order of their files.

    Without those whose attribute ``listed`` is False.
    """
    seen: dict[str, Any] = {}
    for module in _modules():
        for value in vars(module).values():
            concrete = isinstance(value, type) and not inspect.isabstract(value)
            concrete = concrete and getattr(value, "listed", True)
            if concrete and issubclass(value, base) and value.__module__ == module.__name__:
                seen.setdefault(value.__qualname__, value)
    return tuple(seen.values())


def named(kind: type[T], name: str) -> T:
    """The object of this type with ``.name == name``.

    Raises:
        InputError: none; the message lists what there is.
    """
    several: Any = kind  # a class whose objects have names; mypy takes type[T] for unhashable
    found: dict[str, T] = {m.name: m for m in members(several)}
    if name not in found:
        raise InputError(
            f"unknown {kind.__name__.lower()} {name!r}; allowed are {', '.join(found)}"
        )
    return found[name]
