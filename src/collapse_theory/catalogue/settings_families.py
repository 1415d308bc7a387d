"""Experiments shared by the theorems about Gaussians and exponential families.

Few, because every program takes a second to compile; no parameter is 0 or 1, so that a formula with
a missing factor shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.gaussian import GaussianReplace
from collapse_theory.exact.weighting import optimal_weight
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.families.exponential import Exponential, Gamma, PositiveLaw
from collapse_theory.families.gaussian import Gaussian, GaussianLaw
from collapse_theory.families.gaussian_nd import GaussianND, GaussianNDLaw
from collapse_theory.families.known_variance import GaussianMean, MeanLaw
from collapse_theory.families.poisson import Poisson, PoissonLaw
from collapse_theory.generators.scaled import Scaled
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.accumulate_subsample import AccumulateSubsample
from collapse_theory.workflows.decay import Decay
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.random_sources import RandomSources
from collapse_theory.workflows.refresh import Refresh
from collapse_theory.workflows.replace import Replace
from collapse_theory.workflows.weighted import Weighted
from collapse_theory.workflows.window import Window

LAW = GaussianLaw(mean=0.7, var=1.7)
SPACE = GaussianNDLaw(
    mean=(0.7, -0.4, 1.1), cov=((1.7, 0.3, -0.2), (0.3, 0.6, 0.1), (-0.2, 0.1, 0.9))
)
SCHEDULE = (31, 14, 40, 22, 17, 35, 12, 28)
SUPERLINEAR = tuple(round(10 * t**1.5) for t in range(1, 9))


def _gaussian(ddof: int, workflow: Any, **given: Any) -> Experiment:
    given = {"generations": 8, "truth": LAW, **given}
    return Experiment(family=Gaussian(ddof), workflow=workflow, **given)


def _known(workflow: Any, **given: Any) -> Experiment:
    given = {"generations": 8, "truth": MeanLaw(0.7), **given}
    return Experiment(family=GaussianMean(1.7), workflow=workflow, **given)


def _points(start: int, later: int, generations: int) -> tuple[int, ...]:
    return (start, *(later,) * (generations - 1))


# replace
UNBIASED = _gaussian(1, Replace(), n=24)
UNBIASED_SCHEDULE = _gaussian(1, Replace(), n=SCHEDULE)
SQUARED = _gaussian(1, Replace(), n=60)
SQUARED_SCHEDULE = _gaussian(1, Replace(), n=tuple(3 * n for n in SCHEDULE))
"""More rows: the square of a variance has a heavier tail."""
HEAVY = _gaussian(1, Replace(), n=10, generations=200)
"""The mean of S_t is sigma^2 at every t, and no simulation sees it: a few chains carry it."""
DIVIDED_BY_N = _gaussian(0, Replace(), n=24, n_real=31)
SPACE_UNBIASED = Experiment(
    family=GaussianND(1), workflow=Replace(), truth=SPACE, n=24, generations=5
)
SPACE_WIDE = Experiment(family=GaussianND(1), workflow=Replace(), truth=SPACE, n=40, generations=3)
KNOWN_SUPERLINEAR = _known(Replace(), n=SUPERLINEAR)
POISSON = Experiment(
    family=Poisson(), workflow=Replace(), truth=PoissonLaw(0.7), n=6, n_real=5, generations=6
)
BITS = Experiment(
    family=Bernoulli(), workflow=Replace(), truth=BernoulliLaw(0.3), n=9, generations=8
)

# a sampler with too little variance
NARROW = _gaussian(1, Replace(), n=13, generator=Scaled(0.83))
NARROW_FRESH = _gaussian(1, Mix("fresh"), n=8, n_real=_points(4, 5, 8), generator=Scaled(0.8))

# data kept
ACCUMULATE_EQUAL = _gaussian(0, Accumulate(), n=5)
ACCUMULATE_UNBIASED = _gaussian(1, Accumulate(), n=4, n_real=3)
SPACE_KEPT = Experiment(
    family=GaussianND(0), workflow=Accumulate(), truth=SPACE, n=12, n_real=40, generations=4
)
SUBSAMPLE = _gaussian(0, AccumulateSubsample(), n=6, generations=6)
SUBSAMPLE_UNBIASED = _gaussian(1, AccumulateSubsample(), n=6, generations=6)

# odd workflows, divisor n
WINDOW = _gaussian(0, Window(3), n=7, n_real=4)
DECAY = _gaussian(0, Decay(0.6), n=6, n_real=9)
WEIGHTED_FIXED = _gaussian(0, Weighted(0.35, "fixed"), n=8, n_real=5)
REFRESH = _gaussian(0, Refresh(3), n=6, n_real=4)
FRESH_ROWS = _gaussian(0, Mix("fresh"), n=4, n_real=_points(5, 3, 12), generations=12)
SOURCES = _gaussian(0, RandomSources(), n=6, n_real=5, generations=5)
SPACE_FIXED = Experiment(
    family=GaussianND(0), workflow=Mix("fixed"), truth=SPACE, n=9, n_real=6, generations=4
)

# other families
GOLDEN = _known(Weighted((5**0.5 - 1) / 2), n=8, generations=10)
WEIGHTED_BEST = _known(Weighted(optimal_weight(10, 6)), n=6, n_real=10, generations=10)
KNOWN_ACCUMULATE = _known(Accumulate(), n=1, n_real=20, generations=12)
BITS_FRESH_POINT = Experiment(
    family=Bernoulli(), workflow=Mix("fresh"), truth=BernoulliLaw(0.3),
    n=3, n_real=_points(2, 1, 16), generations=16,
)  # fmt: skip
BITS_ACCUMULATE = Experiment(
    family=Bernoulli(), workflow=Accumulate(), truth=BernoulliLaw(0.3),
    n=4, n_real=3, generations=8,
)  # fmt: skip
EXPONENTIAL_FIXED = Experiment(
    family=Exponential(), workflow=Mix("fixed"), truth=PositiveLaw(1.4),
    n=9, n_real=12, generations=8,
)  # fmt: skip
GAMMA_DECAY = Experiment(
    family=Gamma(2.5), workflow=Decay(0.6), truth=PositiveLaw(1.4), n=6, n_real=9, generations=8
)


def replace_law(e: Experiment) -> GaussianReplace:
    """The law of the replace chain, in units of the true standard deviation."""
    return GaussianReplace(batch_sizes(e), e.family.ddof)


def two_rows(e: Experiment) -> bool:
    """Whether every batch has a variance of its own."""
    return bool(batch_sizes(e).min() >= 2)


def constant(sizes: np.ndarray) -> bool:
    """Whether all sizes are the same; true for none."""
    return np.unique(sizes).size <= 1
