"""One exact theorem for every workflow with fixed weights, also for one that a user writes.

The weights are read off the workflow's own code, run on labels (see ``provenance``).
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue import settings_symbols as symbols
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import flow, linear, maximum_likelihood, quadratic
from collapse_theory.exact.linear import second_moments, variance_function
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.families.exponential import AbstractGamma
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.gaussian_nd import GaussianND
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.families.poisson import Poisson
from collapse_theory.observables import diversity, parameters
from collapse_theory.workflows.base import AbstractWorkflow

LINEAR = Source("deydonoho2024")
ODD = (
    setting.WINDOW,
    setting.DECAY,
    setting.WEIGHTED_FIXED,
    setting.REFRESH,
    setting.SOURCES,
    setting.SPACE_FIXED,
)
SYMBOLS = (symbols.SHARE, symbols.FIXED, symbols.SOURCES)


LONG = 500
"""Generations beyond which the kernel takes seconds, and the difference from 1 has to do."""


def _matched(e: Experiment) -> bool:
    return maximum_likelihood(e) and linear(e)


def _kept(e: Experiment) -> Vector:
    """1 - r_t, the share of the variance that is left; NaN where it cannot be told from 0."""
    if e.generations <= LONG:
        return variance_function(flow(e), -1.0)
    kept = second_moments(flow(e), -1.0).variance_function
    return np.where(kept > 1e-9, kept, np.nan)


@theorem(
    "workflow.linear_engine.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=LINEAR,
    family=(Gaussian, GaussianND, Categorical, Bernoulli),
    workflow=AbstractWorkflow,
    where=_matched,
    cases=(*ODD, *SYMBOLS, symbols.FRESH_POINT),
)
def engine_error(e: Experiment) -> Vector:
    r"""$E\Vert\mu_t-\mu\Vert^2 = \mathrm{tr}\Sigma\sum_b A_{tb}^2\,\nu_b$ with $A_0=0$ and
    $A_t = \sum_b w_{tb}\big(e_b+\sum_s\pi_{bs}A_s\big)$.

    Fits that match the weighted mean and covariance of their rows: Gaussians with divisor n, and
    shares of symbols. Batch b has $n_b$ rows, each from model s with probability $\pi_{bs}$ (0 is
    the truth); fit t gives it the weight $w_{tb}$. For one source $\nu_b = (1-r_s)/n_b$, $r_s$ the
    same error of that source.

    For the comparison of workflows by such weights; the identity is derived.
    """
    return quadratic(e).variance * second_moments(flow(e), -1.0).variance


@theorem(
    "workflow.linear_engine.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=LINEAR,
    family=(Gaussian, GaussianND),
    workflow=AbstractWorkflow,
    where=_matched,
    cases=ODD,
)
def engine_variance(e: Experiment) -> Vector:
    r"""$E\,\mathrm{tr}\Sigma_t = \mathrm{tr}\Sigma\,(1-r_t)$, $r_t$ the error of
    ``workflow.linear_engine.mean_squared_error`` over $\mathrm{tr}\Sigma$.

    Gaussians with divisor n, any workflow with fixed weights.
    """
    return quadratic(e).variance * _kept(e)


@theorem(
    "workflow.linear_engine.sum_of_squares",
    observable=diversity.sum_of_squares,
    kind=Kind.EXACT,
    source=LINEAR,
    family=(Categorical, Bernoulli),
    workflow=AbstractWorkflow,
    where=linear,
    cases=(*SYMBOLS, setting.BITS_FRESH_POINT),
)
def engine_squares(e: Experiment) -> Vector:
    r"""$E\sum_i p_i(t)^2 = 1-(1-S_0)(1-r_t)$, $r_t$ the error of
    ``workflow.linear_engine.mean_squared_error`` over $1-S_0$.

    Shares of symbols, any workflow with fixed weights.
    """
    p = symbols.true_law(e)
    diversity_at_start = float((1 - (p**2).sum(-1)).mean())
    return 1 - diversity_at_start * _kept(e)


@theorem(
    "nefqvf.workflow",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=Source("morris1982"),
    family=(GaussianMean, Poisson, AbstractGamma, Bernoulli),
    workflow=AbstractWorkflow,
    where=linear,
    cases=(
        setting.WEIGHTED_BEST,
        setting.POISSON,
        setting.EXPONENTIAL_FIXED,
        setting.GAMMA_DECAY,
        setting.BITS_ACCUMULATE,
    ),
)
def quadratic_error(e: Experiment) -> Vector:
    r"""$\mathrm{Var}_t = \sum_b A_{tb}^2\,\frac{V(m)+v_2\mathrm{Var}_{s(b)}}{n_b}$, with A as in
    ``workflow.linear_engine.mean_squared_error``.

    Natural exponential families with variance $V(m)=v_0+v_1m+v_2m^2$ fitted by the weighted mean:
    $v_2=0$ for a known variance and for Poisson, 1/k for Gamma of shape k, -1 for bits. Any
    workflow with fixed weights.

    The class of families is the paper's; the identity is derived.
    """
    q = quadratic(e)
    return q.variance * second_moments(flow(e), q.v2).variance
