"""Experiments shared by the theorems about symbols, and what formulas read off an experiment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.exact import LumpedChain, optimal_weight
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical, CategoricalLaw
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.mix_share import MixShare
from collapse_theory.workflows.most_recent import MostRecent
from collapse_theory.workflows.random_sources import RandomSources
from collapse_theory.workflows.replace import Replace
from collapse_theory.workflows.weighted import Weighted

Vector = NDArray[np.float64]

LARGEST_LUMPED = 2000
"""Rows up to which lumped chains are computed: a binomial matrix of this size takes 0.5 s."""

RARE = 0.01
"""Chance below which a first event (a lost symbol, a collapse) leaves the variance of a mean to a
few chains.
"""

LAW = CategoricalLaw((0.38, 0.26, 0.19, 0.13, 0.025, 0.015))
OTHER_LAW = CategoricalLaw((0.64, 0.2, 0.1, 0.03, 0.02, 0.01))
SCHEDULE = (17, 4, 13, 6, 7, 5, 12, 8, 10, 3, 6, 5)


def _experiment(workflow: Any, **sizes: Any) -> Experiment:
    given = {"generations": 12, "truth": LAW, **sizes}
    return Experiment(family=Categorical(), workflow=workflow, **given)


REPLACE = _experiment(Replace(), n=11)
REPLACE_SCHEDULE = _experiment(Replace(), n=SCHEDULE)
REPLACE_FEW = _experiment(Replace(), n=11, truth=CategoricalLaw((0.5, 0.3, 0.2)))
REPLACE_LONG = _experiment(Replace(), n=3, generations=48)
SHARE = _experiment(MixShare(0.1), n=5, n_real=7)
FIXED = _experiment(Mix("fixed"), n=5, n_real=7)
FIXED_OTHER_LAW = _experiment(Mix("fixed"), n=5, n_real=7, truth=OTHER_LAW)  # the same program
FRESH_POINT = _experiment(Mix("fresh"), n=2, n_real=1)
ACCUMULATE = _experiment(Accumulate(), n=5, n_real=4)
SOURCES = _experiment(RandomSources(), n=10)
RECENT = _experiment(MostRecent(3), n=6, n_real=8)
SHARE_SCHEDULE = _experiment(MixShare(0.25), n=SCHEDULE)
SHARE_LARGE = _experiment(MixShare(0.8), n=5, n_real=7)
POLYA = _experiment(Accumulate(), n=1, n_real=4)
WEIGHTED_BEST = _experiment(Weighted(optimal_weight(8, 6, -1.0)), n=6, n_real=8)
"""The weight solves (n-1) w^2 + (N+1) w - N = 0."""


def true_law(e: Experiment) -> Vector:
    """Probabilities of the symbols, shape (s,); a bit has the symbols 0 and 1."""
    if isinstance(e.family, Bernoulli):
        return np.array([1 - e.truth.prob, e.truth.prob])
    return np.asarray(e.truth.table)


def one_context(e: Experiment) -> bool:
    """Whether there is one law over at least two symbols that occur, and no table of contexts."""
    p = true_law(e)
    return p.ndim == 1 and float(p.max()) < 1


def diversity_at_start(e: Experiment) -> float:
    """1 - S_0, the chance that two real draws differ."""
    p = true_law(e)
    return float(1 - p @ p)


def one_row_error(e: Experiment) -> float:
    """Mean squared error of one real row: 1 - S_0; p(1 - p) for bits, whose error is a scalar."""
    return diversity_at_start(e) / (2 if isinstance(e.family, Bernoulli) else 1)


def batch_sizes(e: Experiment) -> Vector:
    """Rows of the batch that arrives before each fit: real first, synthetic later; shape (T,)."""
    return np.concatenate([e.real_sizes[:1], e.sizes[1:]]).astype(float)


def doses(e: Experiment) -> Vector:
    """What each batch adds to an error, in units of that of one row, under replace and accumulate.

    n / N^2 for n new rows among the N of the fit; shape (T,).
    """
    n = batch_sizes(e)
    rows = np.cumsum(n) if isinstance(e.workflow, Accumulate) else n
    return np.asarray(n / rows**2)


def one_size(e: Experiment) -> bool:
    """Whether every batch has the same number of rows, the real one included."""
    return bool(np.ptp(batch_sizes(e)) == 0)


def one_synthetic_size(e: Experiment) -> bool:
    """Whether every synthetic batch has the same number of rows."""
    return np.unique(e.sizes[1:]).size <= 1


def lumped(e: Experiment) -> LumpedChain:
    """The chain of the count of one symbol under replace, or with a share of real rows."""
    share = e.workflow.share if isinstance(e.workflow, MixShare) else 0.0
    return LumpedChain(batch_sizes(e), e.generations, share)


def lumpable(e: Experiment) -> bool:
    """Whether the lumped chain speaks about the experiment and is small enough to compute."""
    return one_context(e) and batch_sizes(e).max() <= LARGEST_LUMPED


def lumpable_one_size(e: Experiment) -> bool:
    """Whether, besides, every batch has the same number of rows."""
    return lumpable(e) and one_size(e)


def fixed_corpus(e: Experiment) -> bool:
    """Whether the same real rows stay in every fit, beside one size of synthetic batches."""
    return one_context(e) and real_rows(e) == "fixed" and one_synthetic_size(e)


def once_likely(values: Vector, chance: Vector) -> Vector:
    """The values, NaN at the generations before the event that makes them vary has a chance of
    RARE.
    """
    return np.where(chance >= RARE, values, np.nan)


def affine(first: float, factors: Vector, terms: Vector) -> Vector:
    """x_1 = first, x_{t+1} = factors_t x_t + terms_t; shape (T,) from T - 1 factors and terms."""
    values = [first]
    for factor, term in zip(factors, terms, strict=True):
        values.append(factor * values[-1] + term)
    return np.asarray(values, float)


def real_rows(e: Experiment) -> str | None:
    """Whether a mix keeps its real rows, "fixed", or draws new ones, "fresh"."""
    return e.workflow.real if isinstance(e.workflow, Mix) else None


def binding(e: Experiment, bound: float) -> Vector:
    """A bound on E[T] - 1 as one on the mean of min(T - 1, t): NaN while t <= bound says it
    already.
    """
    return np.where(fits(e) > bound, bound, np.nan)


def fits(e: Experiment) -> NDArray[np.int64]:
    """The numbers of the fits 1..T."""
    return np.arange(1, e.generations + 1)
