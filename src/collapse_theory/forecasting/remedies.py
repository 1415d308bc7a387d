"""Loops that would keep more of a column, and the smallest number of new real rows that does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from collapse_theory.engine import run_values
from collapse_theory.exact.linear import variance_function
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.forecasting.anchored import Anchored, anchored
from collapse_theory.forecasting.columns import Column
from collapse_theory.observables import diversity
from collapse_theory.placement import Plan
from collapse_theory.provenance import linear_workflow
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix

HALF = 0.5
KEEPING = {"keep all data": Accumulate(), "keep your rows in every training set": Mix("fixed")}
MOST = 10  # new real rows in each generation that are tried, in units of the column's rows

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Remedy:
    """What another loop would keep.

    Attributes:
        name: what to do, in words.
        fresh: new real rows that it takes in each generation from the second on; 0 if none.
        kept: share of the futures whose fit at generation 1..T has the rarest category (which new
            real rows may bring back), or, of numbers, share of the variance of the rows that is
            left; shape (T,).
        se: standard error of ``kept``; 0 where it is exact.
    """

    name: str
    fresh: int
    kept: Array
    se: Array

    @property
    def date(self) -> int | None:
        """The first generation at which less than half is kept; None beyond the horizon."""
        return below_half(self.kept)


def remedies(column: Column, e: Experiment, chains: int, seed: int, plan: Plan) -> Iterator[Remedy]:
    """Keep all data, keep the user's rows, or add new ones: the fewest that keep half to the end.

    Args:
        column: whose rarest category, or variance, is to be kept.
        e: the loop, anchored.
        chains: of each simulation.
        seed: any whole number.
        plan: dtype.
    """
    loop = e.workflow.inner if isinstance(e.workflow, Anchored) else e.workflow
    bare = replace(e, workflow=loop)

    def kept(other: Experiment) -> Array:
        if column.categories is None:
            return rows_kept(other)
        share = column.categories[-1][1] / column.rows
        return np.asarray(1 - gone(other, share, chains, seed, plan).mean(0), float)

    def mixed(fresh: int) -> Array:
        return kept(anchored(replace(bare, workflow=Mix("fresh")), column.rows, fresh))

    for name, workflow in KEEPING.items():
        found = kept(anchored(replace(bare, workflow=workflow), column.rows))
        yield Remedy(name, 0, found, _error(column, found, chains))
    fresh = fewest(lambda k: below_half(mixed(k)) is None, MOST * column.rows)
    if fresh is not None:
        words = f"add {fresh:,} new real row{'s' * (fresh != 1)} in each generation"
        yield Remedy(words, fresh, found := mixed(fresh), _error(column, found, chains))


def fewest(enough: Callable[[int], bool], most: int) -> int | None:
    """The smallest whole number from 1 on that is enough, all larger ones being so too; None if
    ``most`` is not.
    """
    high = 1
    while not enough(high):
        if high >= most:
            return None
        high = min(2 * high, most)
    low = high // 2  # not enough, or 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def first_lost(
    e: Experiment, share: float, chains: int, seed: int, plan: Plan
) -> NDArray[np.int64]:
    """The first generation at which each chain has lost a category of this share: (chains,), T + 1
    where it never does.
    """
    lost = gone(e, share, chains, seed, plan)
    return np.where(lost.any(1), lost.argmax(1) + 1, e.generations + 1)


def gone(e: Experiment, share: float, chains: int, seed: int, plan: Plan) -> NDArray[np.bool_]:
    """Whether the fit lacks a category of this share: (chains, T).

    A category against all others is a law over two symbols, whatever the workflow.
    """
    one = replace(
        e, family=Bernoulli(), truth=BernoulliLaw(share), observables=(diversity.fixed_on_first,)
    )
    setup = one.setup(plan.resolve_dtype())
    return np.concatenate([b[:, :, 0] > 0 for b in run_values(setup, seed, range(chains))])


def rows_kept(e: Experiment) -> Array:
    r"""Share of the variance that is left in rows drawn again and again, whatever they hold: exact.

    From $E\,\mathrm{Var}_t = \mathrm{Var}\,(1-r_t)$, $r_t$ the error of one-hot rows. Of
    categories it is the share of the diversity, the chance that two draws differ.
    """
    return variance_function(linear_workflow(e), -1.0)


def below_half(kept: Array) -> int | None:
    """The first generation at which less than half is kept; None if there is none."""
    passed = kept < HALF
    return int(passed.argmax()) + 1 if passed.any() else None


def _error(column: Column, kept: Array, chains: int) -> Array:
    if column.categories is None:
        return np.zeros_like(kept)
    return np.asarray(np.sqrt(kept * (1 - kept) / chains), float)
