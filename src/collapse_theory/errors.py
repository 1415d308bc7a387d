"""Errors a user can mend. Each message is one line: what, where, what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SHOWN = 60  # characters of a wrong value that a message repeats


class InputError(ValueError):
    """A value given by the user is out of range, unknown or contradicts another."""


class RouteError(InputError):
    """The route cannot serve the workflow: it asks for rows, or mixtures, that sums do not keep."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during ``verify``.

    Fields: ``verdicts``: those that were finished.
    """

    def __init__(self, verdicts: Sequence[Any]) -> None:
        super().__init__()
        self.verdicts = verdicts


class Failed(InputError):
    """Some experiments could not be run, such as those of a user's family that raises.

    Fields: ``verdicts``: those that do not need them.
    """

    def __init__(self, message: str, verdicts: Sequence[Any]) -> None:
        super().__init__(message)
        self.verdicts = verdicts


def show(value: Any) -> str:
    """A value as messages repeat it: one line, cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
