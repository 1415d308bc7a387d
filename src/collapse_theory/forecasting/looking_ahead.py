"""When variance halves, which categories vanish and when, and what would keep them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.engine import run_values
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.forecasting.anchored import anchored
from collapse_theory.forecasting.columns import Column
from collapse_theory.forecasting.fitting import Fitted, fit_column
from collapse_theory.forecasting.remedies import (
    Remedy,
    below_half,
    first_lost,
    remedies,
    rows_kept,
)
from collapse_theory.observables import parameters
from collapse_theory.placement import Plan, check_run
from collapse_theory.workflows.replace import Replace

MOST_FITS = 10**9  # of all chains: a byte each, and a few at a time
RAREST = 10  # different counts whose categories are dated

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Vanishing:
    """When a category is lost.

    Attributes:
        labels: all categories with this count; they share their date.
        count: rows of each in the column.
        early, median, late: generations by which a tenth, half and nine tenths of the chains have
            lost it; None beyond the horizon.
        lost: share of chains that have lost it at some generation up to the horizon, and its
            standard error ``se``.
        alive: share of chains that have not lost it up to generation 1..T.
    """

    labels: tuple[str, ...]
    count: int
    early: int | None
    median: int | None
    late: int | None
    lost: float
    se: float
    alive: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Spread:
    """The variance of the fitted family over its first value, by generation, shapes (T,).

    Attributes:
        typical: exp(E log).
        low, high: a tenth and nine tenths of the chains lie below.
    """

    typical: Array
    low: Array
    high: Array


@dataclass(frozen=True, eq=False)
class Forecast:
    """What lies ahead of a column.

    Attributes:
        column, fitted: what was read, and the family that stands for it.
        experiment: the loop that was simulated; generation 1 is the fit to the column itself.
        chains: how many futures were simulated.
        kept_rows: share that is left of the variance of rows drawn again and again from the column
            itself, whatever its law, or of the diversity of its categories; exact, shape (T,).
        kept_fit: of the fitted family; None where it has no variance of its own.
        vanishing: the rarest categories, first to go first.
        remedies: what other loops would keep: of the rarest category, or of the variance.
    """

    column: Column
    fitted: Fitted
    experiment: Experiment
    chains: int
    kept_rows: Array
    kept_fit: Spread | None
    vanishing: tuple[Vanishing, ...]
    remedies: tuple[Remedy, ...]

    @property
    def halved_rows(self) -> int | None:
        """The first generation at which less than half is left; None beyond the horizon."""
        return below_half(self.kept_rows)

    @property
    def halved_fit(self) -> int | None:
        """The same for the typical variance of the fitted family; None also if it has none."""
        return None if self.kept_fit is None else below_half(self.kept_fit.typical)


def forecast(
    column: Column,
    *,
    family: str = "auto",
    workflow: Any = None,
    n: int | None = None,
    generations: int = 50,
    chains: int = 2000,
    seed: int = 0,
    plan: Plan | None = None,
) -> Forecast:
    """Fit the column, then train again and again on what the fits generate.

    Args:
        column: of :func:`read_column`.
        family: "auto", or the name of one.
        workflow: the loop; replace if left out.
        n: rows drawn from each fit; as many as the column has if left out.
        generations: horizon.
        chains: of the simulation, at least 100.
        seed: any whole number.
        plan: dtype, devices, progress.

    Raises:
        InputError: a value is out of range, or the family cannot hold the column.

    Example:
        >>> import numpy as np
        >>> import collapse_theory as ct
        >>> column = ct.Column("x", np.linspace(1, 2, 12), None)
        >>> ahead = ct.forecast(column, family="gaussian", generations=20, chains=100)
        >>> ahead.halved_rows  # (1 - 1/12)^8 is below a half; generation 1 is the column
        9
    """
    check_run(chains, seed)
    if chains < 100:
        raise InputError(f"chains = {chains}: at least 100 are needed")
    if chains * generations > MOST_FITS:
        raise InputError(
            f"chains = {chains}, generations = {generations}: at most {MOST_FITS:,} fits are kept; "
            "take fewer of either"
        )
    fitted, plan = fit_column(column, family), plan or Plan()
    e = Experiment(
        family=fitted.family, truth=fitted.truth, workflow=workflow or Replace(),
        n=column.rows if n is None else n, generations=generations,
    )  # fmt: skip
    e = anchored(e, column.rows)
    return Forecast(
        column, fitted, e, chains, rows_kept(e), _fit_kept(e, chains, seed, plan),
        tuple(_vanishing(column, e, chains, seed, plan)),
        tuple(remedies(column, e, chains, seed, plan)),
    )  # fmt: skip


def _vanishing(
    column: Column, e: Experiment, chains: int, seed: int, plan: Plan
) -> list[Vanishing]:
    """The rarest categories; one simulation for each count, of the category against the rest."""
    by_count: dict[int, list[str]] = {}
    for label, count in column.categories or ():
        by_count.setdefault(count, []).append(label)
    found = []
    for count in sorted(by_count)[:RAREST]:
        first = first_lost(e, count / column.rows, chains, seed, plan)
        early, median, late = (_by(first, share, e.generations) for share in (0.1, 0.5, 0.9))
        lost = float((first <= e.generations).mean())
        se = math.sqrt(lost * (1 - lost) / chains)
        labels = tuple(sorted(by_count[count]))
        alive = tuple(float((first > t).mean()) for t in range(1, e.generations + 1))
        found.append(Vanishing(labels, count, early, median, late, lost, se, alive))
    return found


def _by(first: NDArray[np.int64], share: float, horizon: int) -> int | None:
    """The generation by which this share of the chains has lost it."""
    date = int(np.sort(first)[math.ceil(share * first.size) - 1])
    return date if date <= horizon else None


def _fit_kept(e: Experiment, chains: int, seed: int, plan: Plan) -> Spread | None:
    log = parameters.log_variance
    if not log.supports(e.family):
        return None
    setup = replace(e, observables=(log,)).setup(plan.resolve_dtype())
    found = np.concatenate([b[:, :, 0] for b in run_values(setup, seed, range(chains))])
    found -= found[:, :1]
    low, high = np.exp(np.quantile(found, [0.1, 0.9], axis=0))
    return Spread(np.exp(found.mean(0)), low, high)
