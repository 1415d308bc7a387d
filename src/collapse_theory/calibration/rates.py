"""Counted events and their interval."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """So many events of so many trials.

    Args:
        count: events.
        of: trials.
    """

    count: int
    of: int

    @property
    def value(self) -> float:
        """The observed rate; NaN without trials."""
        return self.count / self.of if self.of else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper and Pearson's, 95 %, two-sided; from 0 to 1 without trials."""
        if not self.of:
            return 0.0, 1.0
        found = stats.binomtest(self.count, self.of).proportion_ci(CONFIDENCE, method="exact")
        return float(found.low), float(found.high)

    @property
    def upper(self) -> float:
        """Clopper and Pearson's upper limit, 95 %, one-sided; 1 without trials."""
        if not self.of:
            return 1.0
        test = stats.binomtest(self.count, self.of, alternative="less")
        return float(test.proportion_ci(CONFIDENCE, method="exact").high)


def pooled(rates: Iterable[Rate]) -> Rate:
    """All of them together."""
    every = tuple(rates)
    return Rate(sum(r.count for r in every), sum(r.of for r in every))
