"""Verdicts on statements that need no simulation.

Both sides are deterministic: an exact statement is consistent when they agree to their stated
error, a bound when it holds to that error, and an asymptotic one when the gap closes along a ladder
of sizes with the order that it states.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from collapse_theory import discovery
from collapse_theory.catalogue.base import Kind, Status
from collapse_theory.catalogue.calculation import Calculation, Numbers, Sides, in_words

ENOUGH, TOO_LITTLE = 0.8, 0.5  # of the stated order: consistent from, refuted below

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """What a computation says about a statement.

    Attributes:
        theorem: the calculation.
        numbers: of the case.
        status: consistent, refuted or inconclusive.
        reason: one sentence.
        gap: the largest relative deviation of the computed from the stated value; for bounds the
            largest on the wrong side, 0 if there is none.
        order: at which the gap closes between the last two sizes, for asymptotic statements.
        seconds: what it took.
        planted_seen: whether the planted error is refuted; None where nothing is claimed.
    """

    theorem: Calculation
    numbers: Numbers
    status: Status
    reason: str
    gap: float
    order: float | None
    seconds: float = 0.0
    planted_seen: bool | None = None

    @property
    def case(self) -> str:
        """The numbers in words."""
        return in_words(self.numbers)

    @property
    def expected(self) -> Status:
        """The verdict that it should get."""
        return self.theorem.expected

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.status is self.expected

    def __str__(self) -> str:
        return f"{self.theorem.name}  {self.status.value.upper()}  {self.reason}"


def calculations() -> tuple[Calculation, ...]:
    """Every calculation of the package, in the order of its files."""
    return discovery.members(Calculation)


def check_all(names: Sequence[str] | None = None, *, brief: bool = False) -> Iterator[Check]:
    """Check calculations on their cases, one by one as they are finished.

    Args:
        names: ids; all calculations if left out.
        brief: on the first case of each only.

    Raises:
        InputError: an unknown name.
    """
    chosen = calculations() if names is None else [discovery.named(Calculation, n) for n in names]
    for what in chosen:
        for numbers in what.cases[: 1 if brief else None]:
            yield check(what, numbers)


def check(what: Calculation, numbers: Numbers) -> Check:
    """Compute both sides and compare; try the planted error where nothing is found.

    Args:
        what: the calculation.
        numbers: the case, as keywords of ``what.sides``.

    Raises:
        ValueError: the sides differ in shape, or hold a number that is not finite.

    Example:
        >>> import collapse_theory as ct
        >>> what = next(c for c in ct.calculations() if c.name == "ferbach2024.curation_step")
        >>> found = ct.check(what, what.cases[0])
        >>> found.case, found.status.value, found.planted_seen
        ('k=2', 'consistent', True)
    """
    begun = time.perf_counter()
    sides = what.sides(**numbers)
    found = compare(what, numbers, sides)
    seen = None
    if found.status is Status.CONSISTENT:
        wrong = sides._replace(stated=what.planted(np.atleast_1d(np.asarray(sides.stated, float))))
        seen = compare(what, numbers, wrong).status is Status.REFUTED
    return replace(found, planted_seen=seen, seconds=time.perf_counter() - begun)


def compare(what: Calculation, numbers: Numbers, sides: Sides) -> Check:
    """Hold the two sides against each other.

    Raises:
        ValueError: they differ in shape, or hold a number that is not finite.
    """
    stated, computed = (np.atleast_1d(np.asarray(x, float)) for x in sides[:2])
    if stated.shape != computed.shape or not (np.isfinite(stated) & np.isfinite(computed)).all():
        raise ValueError(f"{what.name}: both sides must be finite and of one shape")
    gaps = (computed - stated) / np.where(stated == 0, 1, np.abs(stated))
    if what.kind is Kind.ASYMPTOTIC:
        status, reason, order = _closing(what, gaps, np.asarray(sides.sizes, float))
    else:
        order = None
        gaps = {Kind.UPPER: np.maximum(gaps, 0), Kind.LOWER: np.maximum(-gaps, 0)}.get(
            what.kind, np.abs(gaps)
        )
        good = bool(gaps.max() <= what.error)
        status = Status.CONSISTENT if good else Status.REFUTED
        reason = f"largest relative gap {gaps.max():.1e}, {what.error:.0e} allowed"
    return Check(what, numbers, status, reason, float(np.abs(gaps).max()), order)


def _closing(what: Calculation, gaps: Array, sizes: Array) -> tuple[Status, str, float]:
    """The order between the last two sizes, its error the change from the two before."""
    if (gaps == 0).all():
        return Status.CONSISTENT, "no gap", float("inf")
    with np.errstate(divide="ignore"):
        orders = -np.diff(np.log(np.abs(gaps))) / np.diff(np.log(sizes))
    order, error = float(orders[-1]), float(np.ptp(orders[-2:]))
    asked = what.order or 0.0
    reason = f"the gap closes with order {order:.2f} +- {error:.2f}, {asked:g} stated"
    if order >= ENOUGH * asked:
        return Status.CONSISTENT, reason, order
    status = Status.REFUTED if order + error < TOO_LITTLE * asked else Status.INCONCLUSIVE
    return status, reason, order


__all__ = ["Check", "calculations", "check", "check_all", "compare"]
