"""Units of chains that are trained: the host goes from one generation to the next.

A generation of training takes seconds to hours. So the generations are no scan but calls of one
compiled program; after each the state of the unit can be kept, and a run that was stopped goes on
from there to the same bits.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from collapse_theory.errors import InputError
from collapse_theory.families.learned import AbstractLearnedFamily, Learned
from collapse_theory.moments import PowerSums
from collapse_theory.programs import compiled, unit_generation, unit_ids, unit_keys, unit_opened
from collapse_theory.recursion import Setup

SMALLEST_UNIT = 8
"""Chains that are trained side by side, at least: networks may be large."""
LARGEST_UNIT = 1 << 12
UNIT_BYTES = 1 << 22  # of the states of small networks

Told = Callable[[int, int, str], None]


class Page(NamedTuple):
    """Where a unit stands: generations done, the leaves of its state, and of the sums so far.

    The state of a unit that is finished is left out.
    """

    done: int
    state: list[np.ndarray]
    sums: list[np.ndarray]


class Pages(Protocol):
    """Where the pages of units are kept, by the id of their first chain."""

    def read(self, first: int) -> Page | None:
        """The page of a unit, if there is one."""

    def write(self, first: int, page: Page) -> None:
        """Keep a page; the one before it is needed no more."""


@dataclass(frozen=True)
class Journal:
    """Who hears of the generations of a unit.

    Attributes:
        pages: where its state is kept; None for nowhere.
        told: called with the first chain of the unit, the generations done and a line of words.
    """

    pages: Pages | None = None
    told: Told | None = None


def is_stepwise(setup: Setup) -> bool:
    """Whether a setup is run generation by generation."""
    return isinstance(setup.family, AbstractLearnedFamily)


def unit_sums(
    platform: str, static: Any, arrays: Any, where: tuple[Any, Any, Any], unit: int,
    journal: Journal,
) -> PowerSums:  # fmt: skip
    """Power sums of a unit: leaves (T, observables), as :func:`programs.unit_sums` gives them.

    Raises:
        InputError: it does not fit into memory, as the compiler says before anything is run.
    """
    generations = jax.tree.unflatten(*static).generations
    first = int(where[1][0]) | int(where[1][1]) << 32
    root, origin, count = where
    ids, valid = unit_ids(unit, origin, count)
    page = journal.pages.read(first) if journal.pages else None
    if page is None:
        program = _ready(unit_opened, platform, static, (arrays, root, ids, valid))
        check_memory(program, unit)
        carry, new = program()
        sums = [_on_host(new)]
        _note(journal, first, (carry, sums), generations)
    else:
        opening = functools.partial(unit_opened, static)
        carry, sums = _restored(page, jax.eval_shape(opening, arrays, root, ids, valid))
    keys = unit_keys(unit, root, origin)
    for t in range(len(sums) + 1, generations + 1):
        now = (arrays, keys, np.uint32(t), carry, valid)
        program = _ready(unit_generation, platform, static, now)
        check_memory(program, unit)
        carry, new = program()
        sums.append(_on_host(new))
        _note(journal, first, (carry, sums), generations)
    whole: PowerSums = jax.tree.map(lambda *a: np.stack(a), *sums)
    return whole


class Program(NamedTuple):
    """A compiled program, its arguments, the bytes that it and they take, and its device."""

    run: Any
    arguments: tuple[Any, ...]
    needs: int
    device: Any

    def __call__(self) -> Any:
        """Run it."""
        return self.run(*self.arguments)


@dataclass(frozen=True)
class _Wanted:
    """A program and what it is compiled for, and arguments to compile it with."""

    key: Any
    arguments: Any = field(compare=False)


def _ready(program: Any, platform: str, static: Any, arguments: tuple[Any, ...]) -> Program:
    (device,) = jax.tree.leaves(arguments)[0].devices()
    shapes = tuple((a.shape, str(a.dtype)) for a in jax.tree.leaves(arguments))
    run = _compiled_before(_Wanted((program, platform, static, shapes, device), arguments))
    size = run.memory_analysis()
    needs = 0 if size is None else (
        size.argument_size_in_bytes + size.output_size_in_bytes + size.temp_size_in_bytes
    )  # fmt: skip
    return Program(run, arguments, needs, device)


@functools.cache
def _compiled_before(wanted: _Wanted) -> Any:
    program, platform, static = wanted.key[:3]
    return compiled(program, platform).lower(static, *wanted.arguments).compile()


def check_memory(program: Program, unit: int) -> None:
    """Refuse a program that needs more memory than its device has.

    Raises:
        InputError: it does, as the compiler counts its arrays.
    """
    there = _memory_of(program.device)
    if there is not None and program.needs > there:
        raise InputError(
            f"memory: {unit} chains are trained side by side and take {program.needs / 1e9:.3g} GB "
            f"of {there / 1e9:.3g} GB: a smaller network, batch or number of rows (n) needs less"
        )


def _memory_of(device: Any) -> int | None:
    """Bytes of a device, None where nobody says."""
    stats = device.memory_stats() or {}
    if "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    if device.platform != "cpu":
        return None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):  # not on Windows
        return None


def _on_host(sums: PowerSums) -> PowerSums:
    ready: PowerSums = jax.tree.map(np.asarray, sums)  # waits for the generation
    return ready


def _note(journal: Journal, first: int, now: tuple[Any, list[PowerSums]], generations: int) -> None:
    """Keep the page of a generation, and tell of it."""
    carry, sums = now
    if journal.pages is not None:
        stacked = jax.tree.leaves(jax.tree.map(lambda *a: np.stack(a), *sums))
        state = jax.tree.leaves(carry) if len(sums) < generations else []
        journal.pages.write(first, Page(len(sums), [np.asarray(a) for a in state], stacked))
    if journal.told is not None:
        theta = carry[0].theta
        words = f"generation {len(sums)} of {generations}"
        if isinstance(theta, Learned):
            loss = np.asarray(theta.loss)
            fine = np.isfinite(loss)
            mean = loss[fine].mean() if fine.any() else np.nan
            words += f": mean training loss {mean:.4g}"
            words += f", {(~fine).sum()} of {len(loss)} diverged" if not fine.all() else ""
        journal.told(first, len(sums), words)


def _restored(page: Page, shapes: Any) -> tuple[Any, list[PowerSums]]:
    """The carry and the sums of a page.

    Raises:
        InputError: it does not fit the experiment.
    """
    carry, one = shapes
    leaves, tree = jax.tree.flatten(carry)
    kinds, frame = jax.tree.flatten(one)
    wanted = [(a.shape, a.dtype) for a in leaves] if page.state else []
    stacked = [((page.done, *a.shape), a.dtype) for a in kinds]
    found = [[(a.shape, a.dtype) for a in part] for part in (page.state, page.sums)]
    if found != [wanted, stacked]:
        raise InputError("the state that was kept does not fit this experiment: remove the store")
    sums = [jax.tree.unflatten(frame, [a[i] for a in page.sums]) for i in range(page.done)]
    return jax.tree.unflatten(tree, page.state) if page.state else None, sums
