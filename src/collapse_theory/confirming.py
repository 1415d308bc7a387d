"""A refutation is pronounced when fresh chains refute the statement, too.

One run refutes a true statement at most once in a thousand times. Two runs that share no chain do
so at most once in a million, and together they still see a deviation of the size that is called
detectable with 99.8 % power. What fresh chains do not confirm is not refuted: they, and not the
pick of two runs, say what holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from collapse_theory.catalogue.base import Status
from collapse_theory.judging import Verdict

FRESH = 1 << 50  # chains that confirm are numbered from here on; rungs of a ladder lie below


def confirmed(first: Verdict, again: Callable[[], Verdict]) -> Verdict:
    """The first verdict; where it is a refutation, what it and fresh draws say together.

    Args:
        first: of the draws that are reported.
        again: judges the same statement on draws of its own; called for a refutation alone.
    """
    if first.status is not Status.REFUTED:
        return first
    second = again()
    seconds = first.seconds + second.seconds
    if second.status is Status.REFUTED:
        reason = f"{first.reason}; fresh draws: {second.reason}"
        return replace(first, reason=reason, seconds=seconds)
    reason = f"{second.reason}; {first.reason} of other draws was not confirmed"
    return replace(second, reason=reason, seconds=seconds)


def unconfirmed(verdict: Verdict) -> Verdict:
    """A verdict of one run, which says so where it is a refutation."""
    if verdict.status is not Status.REFUTED:
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; not tried on fresh draws")


__all__ = ["FRESH", "confirmed", "unconfirmed"]
