"""All cases: which there are, which were meant, and running them one after another."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

from collapse_theory.bench.case import AbstractCase, Row, Settings
from collapse_theory.bench.processes import process_cases
from collapse_theory.bench.scaling import scaling_cases
from collapse_theory.bench.speed_gaussian import gaussian_laws
from collapse_theory.bench.speed_regression import regression_laws
from collapse_theory.bench.speed_symbols import symbol_laws
from collapse_theory.errors import InputError

GROUPS = ("speed", "scaling", "process")
Progress = Callable[[int, int, str], None]


@functools.cache
def cases() -> tuple[AbstractCase, ...]:
    """Every case, group by group."""
    speed = [*gaussian_laws(), *regression_laws(), *symbol_laws()]
    return (*speed, *scaling_cases(), *process_cases())


def chosen(names: Sequence[str], *, everything: bool = False) -> list[AbstractCase]:
    """The cases of these names, groups included; without names those that do not take minutes.

    Raises:
        InputError: an unknown name.
    """
    if everything or not names:
        return [c for c in cases() if everything or c.by_default]
    known = [c.name for c in cases()]
    for name in names:
        if name not in (*known, *GROUPS):
            allowed = ", ".join((*known, *GROUPS))
            raise InputError(f"unknown case {name!r}; allowed are {allowed}")
    return [c for c in cases() if c.name in names or c.group in names]


def run(
    what: Sequence[AbstractCase], settings: Settings, progress: Progress | None = None
) -> Iterator[Row]:
    """The rows of these cases, each as soon as it is there."""
    for i, case in enumerate(what):
        if progress is not None:
            progress(i, len(what), case.name)
        yield from case.run(settings)
