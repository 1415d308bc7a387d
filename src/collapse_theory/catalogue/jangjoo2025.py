"""Lost in Retraining: Roaming the Parameter Space of Exponential Families Under Closed-Loop
Learning.

The mean parameter is a martingale, and one real row in each generation keeps the model alive.
Abstract, first lines and captions were read; the formulas are derived.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import linear, maximum_likelihood, quadratic, settled
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.families.exponential import AbstractGamma
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.gaussian_nd import GaussianND
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.families.poisson import Poisson
from collapse_theory.generators.faithful import Faithful
from collapse_theory.generators.scaled import Scaled
from collapse_theory.observables import parameters
from collapse_theory.workflows.accumulate_subsample import AccumulateSubsample
from collapse_theory.workflows.base import AbstractWorkflow
from collapse_theory.workflows.mix import Mix

DERIVED = Source("jangjoo2025")
FAMILIES = (Gaussian, GaussianND, GaussianMean, Bernoulli, Categorical, Poisson, AbstractGamma)


def _fresh(e: Experiment) -> bool:
    return maximum_likelihood(e) and e.workflow.real == "fresh"


def _fresh_variance(e: Experiment) -> bool:
    return _fresh(e) and setting.constant(e.sizes[1:]) and setting.constant(e.real_sizes[1:])


def _error(e: Experiment) -> Vector:
    """Squared error of the mean parameter in units of V(m)."""
    v2 = quadratic(e).v2
    error = np.full(e.generations, 1 / e.real_sizes[0])
    for t in range(1, e.generations):
        k, m = float(e.real_sizes[t]), float(e.sizes[t])
        beta = m / (k + m)
        error[t] = k / (k + m) ** 2 + beta**2 * (error[t - 1] + (1 + v2 * error[t - 1]) / m)
    return error


def _stationary(e: Experiment) -> float:
    """Its stationary value."""
    k, m = float(e.real_sizes[-1]), float(e.sizes[-1])
    beta = m / (k + m)
    return 1 / ((k + m) * (1 - beta**2 * (1 + quadratic(e).v2 / m)))


@theorem(
    "jangjoo2025.martingale",
    observable=parameters.mean,
    kind=Kind.EXACT,
    source=DERIVED,
    family=FAMILIES,
    workflow=AbstractWorkflow,
    generator=(Faithful, Scaled),
    where=lambda e: isinstance(e.workflow, AccumulateSubsample) or linear(e),
    cases=(
        setting.UNBIASED,
        setting.POISSON,
        setting.SUBSAMPLE,
        setting.NARROW_FRESH,
        setting.BITS_FRESH_POINT,
        setting.EXPONENTIAL_FIXED,
        setting.SPACE_FIXED,
    ),
)
def martingale(e: Experiment) -> Vector:
    r"""$E\,\bar T_t = E\,T$ at every t: the fitted mean parameter is a martingale,
    $E[\bar T_{t+1}\mid\theta_t] = \bar T_t$ under replace, and unbiased under every workflow here.

    Exponential families whose fit matches the mean of the sufficient statistic T; the observable is
    the mean, or its first coordinate. Replace, every workflow with fixed weights, and
    accumulate-subsample.
    """
    return np.full(e.generations, quadratic(e).mean)


@theorem(
    "jangjoo2025.real_points.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=DERIVED,
    family=FAMILIES,
    workflow=Mix,
    where=_fresh,
    cases=(setting.BITS_FRESH_POINT, setting.FRESH_ROWS),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def real_points_error(e: Experiment) -> Vector:
    r"""$\mathrm{Var}_t = \frac{kV}{M^2} + \beta^2\big[\mathrm{Var}_{t-1}
    + \frac{V+v_2\mathrm{Var}_{t-1}}{M-k}\big]$, $\beta=\frac{M-k}M$, started at $V/n_1$.

    k fresh real rows among M in every generation after the first; V the variance of one row and
    $v_2$ its quadratic coefficient (-1 for bits, and for a Gaussian with its variance divided by
    M).
    """
    return quadratic(e).variance * _error(e)


@theorem(
    "jangjoo2025.real_points.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=DERIVED,
    family=(Gaussian, GaussianND),
    workflow=Mix,
    where=_fresh,
    cases=(setting.FRESH_ROWS,),
)
def real_points_variance(e: Experiment) -> Vector:
    r"""$E S_t = \sigma^2 - \mathrm{Var}_t$, with $\mathrm{Var}_t$ from
    ``jangjoo2025.real_points.mean_squared_error``.

    k fresh real rows among M in every generation after the first, variance divided by M.
    """
    return quadratic(e).variance * (1 - _error(e))


@theorem(
    "jangjoo2025.real_points.stationary_error",
    observable=parameters.mean_squared_error,
    kind=Kind.LIMIT,
    source=DERIVED,
    family=FAMILIES,
    workflow=Mix,
    where=_fresh_variance,
    cases=(setting.BITS_FRESH_POINT, setting.FRESH_ROWS),
)
def stationary_error(e: Experiment) -> Vector:
    r"""$\mathrm{Var}_\infty = \frac{V/M}{1-\beta^2(1+\frac{v_2}{M-k})}$; with $v_2=-1$ and one real
    row $\frac{VM}{3M-2} \to \frac V3$.

    k fresh real rows among M in every generation after the first; judged where the exact curve is
    within a millionth of its limit.

    That one real row suffices is the paper's claim (abstract); it must be a fresh one.
    """
    return quadratic(e).variance * settled(_error(e), _stationary(e))


@theorem(
    "jangjoo2025.real_points.stationary_variance",
    observable=parameters.variance,
    kind=Kind.LIMIT,
    source=DERIVED,
    family=(Gaussian, GaussianND),
    workflow=Mix,
    where=_fresh_variance,
    cases=(setting.FRESH_ROWS,),
)
def stationary_variance(e: Experiment) -> Vector:
    r"""$E S_\infty = \sigma^2\big(1-\frac{M}{3M-2}\big) \to \frac23\sigma^2$ with one fresh real
    row among M, for k rows and large M $\frac{2k}{2k+1}\sigma^2$.

    k fresh real rows among M in every generation after the first, variance divided by M; judged as
    ``jangjoo2025.real_points.stationary_error``.
    """
    return quadratic(e).variance * settled(1 - _error(e), 1 - _stationary(e))
