"""Output: tables for people, JSON for programs, progress on the side."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 200  # of tables that go to a file or a pipe, unless COLUMNS says otherwise
SHOWN = 10  # generations in a table at most


def stdout() -> Console:
    """The console for results; NO_COLOR and COLUMNS are honoured."""
    from rich.console import Console

    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDTH
    return Console(width=wide, highlight=False, markup=False, emoji=False)


def print_json(value: Any) -> None:
    """One JSON document on stdout; what is not finite is null."""
    print(json.dumps(plain(value), allow_nan=False))


def plain(value: Any) -> Any:
    """The value as JSON knows it: arrays as lists, non-finite numbers as None."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return plain(value.tolist())  # NumPy, scalars too


def number(value: float, form: str = ".4g") -> str:
    """A number for a table; a dash where there is none."""
    return format(value, form) if math.isfinite(value) else "-"


def some_generations(last: int) -> list[int]:
    """At most ten of the generations 1..last, the first and the last among them."""
    if last <= SHOWN:
        return list(range(1, last + 1))
    return sorted({round(1 + i * (last - 1) / (SHOWN - 1)) for i in range(SHOWN)})


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[..., None] | None]:
    """``(done, total, text="")`` moves a bar on stderr; None where that is no terminal.

    None for ``done`` and ``total`` changes the text only.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def move(done: int | None, total: int | None, text: str = "") -> None:
            bar.update(task, completed=done, total=total, description=text)

        yield move
