"""When variance halves, which categories vanish and when, and what would keep them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.engine import Plan, check_run, run_values
from collapse_theory.errors import InputError
from collapse_theory.exact.linear import variance_function
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.forecasting.anchored import anchored
from collapse_theory.forecasting.columns import Column
from collapse_theory.forecasting.fitting import Fitted, fit_column
from collapse_theory.observables import diversity, parameters
from collapse_theory.provenance import linear_workflow
from collapse_theory.result import simulate
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace

HALF = 0.5
MOST_FITS = 10**9  # of all chains: a byte each, and a few at a time
RAREST = 10  # different counts whose categories are dated
REMEDIES = {"keep all data": Accumulate(), "keep your rows in every training set": Mix("fixed")}


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
    """

    labels: tuple[str, ...]
    count: int
    early: int | None
    median: int | None
    late: int | None
    lost: float
    se: float


@dataclass(frozen=True)
class Forecast:
    """What lies ahead of a column.

    Attributes:
        column, fitted: what was read, and the family that stands for it.
        experiment: the loop that was simulated; generation 1 is the fit to the column itself.
        chains: how many futures were simulated.
        halved_fit: generation at which the typical variance of the fitted family, exp(E log), is
            below half; None beyond the horizon, or where the family has no variance of its own.
        halved_rows: the same for rows drawn again and again from the column itself, whatever its
            law; exact.
        vanishing: the rarest categories, first to go first.
        remedies: share of the named categories' chains that lose them, or the variance that is
            left, by remedy.
    """

    column: Column
    fitted: Fitted
    experiment: Experiment
    chains: int
    halved_fit: int | None
    halved_rows: int | None
    vanishing: tuple[Vanishing, ...]
    remedies: dict[str, float]


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
    vanishing = tuple(_vanishing(column, e, chains, seed, plan))
    return Forecast(
        column, fitted, e, chains, _halved_fit(e, chains, seed, plan), _halved_rows(e), vanishing,
        {name: _left(column, anchored(replace(e, workflow=w), column.rows), chains, seed, plan)
         for name, w in REMEDIES.items()},
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
        found.append(Vanishing(labels, count, early, median, late, lost, se))
    return found


def first_lost(
    e: Experiment, share: float, chains: int, seed: int, plan: Plan
) -> NDArray[np.int64]:
    """The first generation at which each chain has lost a category of this share: (chains,), T + 1
    where it never does.

    A category against all others is a law over two symbols, whatever the workflow.
    """
    one = replace(
        e, family=Bernoulli(), truth=BernoulliLaw(share), observables=(diversity.fixed_on_first,)
    )
    setup = one.setup(plan.resolve_dtype())
    gone = np.concatenate([b[:, :, 0] > 0 for b in run_values(setup, seed, range(chains))])
    return np.where(gone.any(1), gone.argmax(1) + 1, e.generations + 1)


def _by(first: NDArray[np.int64], share: float, horizon: int) -> int | None:
    """The generation by which this share of the chains has lost it."""
    date = int(np.sort(first)[math.ceil(share * first.size) - 1])
    return date if date <= horizon else None


def _halved_fit(e: Experiment, chains: int, seed: int, plan: Plan) -> int | None:
    log = parameters.log_variance
    if not log.supports(e.family):
        return None
    run = simulate(replace(e, observables=(log,)), chains=chains, seed=seed, plan=plan)
    curve = run.mean(log)
    return _first(curve - curve[0] < math.log(HALF))


def _halved_rows(e: Experiment) -> int | None:
    r"""From $E\,\mathrm{Var}_t = \mathrm{Var}\,(1-r_t)$, $r_t$ the error of one-hot rows: exact for
    rows that are drawn again and again, whatever they hold.
    """
    return _first(variance_function(linear_workflow(e), -1.0) < HALF)


def _left(column: Column, e: Experiment, chains: int, seed: int, plan: Plan) -> float:
    """Under a remedy: chains that lose the rarest category, or the share of the variance kept."""
    if column.categories is None:
        return float(variance_function(linear_workflow(e), -1.0)[-1])
    rarest = column.categories[-1][1] / column.rows
    first = first_lost(e, rarest, chains, seed, plan)
    return float((first <= e.generations).mean())


def _first(passed: NDArray[np.bool_]) -> int | None:
    return int(passed.argmax()) + 1 if passed.any() else None
