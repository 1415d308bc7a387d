"""Statements judged without random numbers: the same numbers, computed in two ways."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from collapse_theory.catalogue.base import Kind, Source, Status

Numbers = dict[str, Any]


def in_words(numbers: Numbers) -> str:
    """The numbers of a case, long lists by their ends."""

    def word(value: object) -> str:
        if isinstance(value, tuple) and len(value) > 3:
            return f"{value[0]}..{value[-1]}"
        return str(value)

    return ", ".join(f"{k}={word(v)}" for k, v in numbers.items())


class Sides(NamedTuple):
    """What a statement says and what is so.

    Args:
        stated: the statement's value or bound, a scalar or an array.
        computed: the same by an independent computation, of the same shape.
        sizes: for asymptotic statements, the size that each entry belongs to, of the same shape.
    """

    stated: Any
    computed: Any
    sizes: Any = None


@dataclass(frozen=True)
class Calculation:
    """A statement about numbers that can be computed without simulating.

    Args:
        name: its id.
        statement: the docstring of ``sides``, LaTeX inside ``$``.
        kind: exact identity, bound, asymptotic, ...
        source: paper and provenance.
        sides: ``sides(**numbers)``: the statement's value and an independent computation of it.
        cases: the numbers it is judged on.
        error: relative error of both sides together; equality is meant up to it.
        order: for asymptotic statements, the relative gap is O(size ** -order).
        planted: an error in what is stated that the verdict must see.
        expected: the verdict it should get.
    """

    name: str
    statement: str
    kind: Kind
    source: Source
    sides: Callable[..., Sides]
    cases: tuple[Numbers, ...]
    error: float = 1e-9
    order: float | None = None
    planted: Callable[[Any], Any] = lambda values: 1.05 * values
    expected: Status = Status.CONSISTENT


def calculation(
    name: str, *, kind: Kind, source: Source, cases: tuple[Numbers, ...], **more: Any
) -> Callable[[Callable[..., Sides]], Calculation]:
    """Decorator: turn ``sides(**numbers) -> Sides`` into a :class:`Calculation`.

    Its docstring is the statement.

    Args:
        name: the id, ``source.part``.
        kind: exact identity, bound, asymptotic, ...
        source: paper and provenance.
        cases: the numbers that it is judged on, one dict for each case.
        more: the other fields: error, order, planted, expected.
    """

    def wrap(sides: Callable[..., Sides]) -> Calculation:
        statement = inspect.cleandoc(sides.__doc__ or "")
        return Calculation(
            name=name, statement=statement, kind=kind, source=source, sides=sides, cases=cases,
            **more,
        )  # fmt: skip

    return wrap
