"""Errors a user can mend. Each message is one line: what, where, what is allowed."""

from __future__ import annotations


class InputError(ValueError):
    """A value given by the user is out of range, unknown or contradicts another."""


class RouteError(InputError):
    """The route cannot serve the workflow: it asks for rows, or mixtures, that sums do not keep."""
