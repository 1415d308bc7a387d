"""Is Model Collapse Inevitable? Linear regression: replace against accumulate.

The risk is (w_t - w*)' Sigma (w_t - w*) for Gaussian rows of covariance Sigma; d coefficients, n
rows a batch, label noise sigma. The statements were read second-hand and derived.
"""

from __future__ import annotations

import math

import numpy as np

from collapse_theory.catalogue import settings_ols as setting
from collapse_theory.catalogue.base import Case, Kind, Source, Status, theorem
from collapse_theory.exact import accumulate_risk_fixed, replace_risk
from collapse_theory.experiment import Experiment
from collapse_theory.families.linear_regression import LinearRegression
from collapse_theory.observables.parameters import excess_risk
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

PAPER = Source("gerstgrasser2024")


def _one_size(e: Experiment) -> bool:
    return setting.one_size(e) and setting.has_mean(e)


def _one_size_fixed(e: Experiment) -> bool:
    return _one_size(e) and setting.model(e).design == "fixed"


def _one_size_fresh(e: Experiment) -> bool:
    return _one_size(e) and setting.model(e).design == "fresh"


@theorem(
    "gerstgrasser2024.replace_risk",
    observable=excess_risk,
    kind=Kind.EXACT,
    source=PAPER,
    family=LinearRegression,
    workflow=Replace,
    where=_one_size,
    finite_kurtosis=setting.has_kurtosis,
    cases=(
        setting.REPLACE,
        setting.REPLACE_FIXED,
        Case(setting.REPLACE_HEAVY, Status.INCONCLUSIVE),
    ),
    planted=lambda values: values - values[0],  # generations counted from 0
)
def replace_risk_one_size(e: Experiment) -> setting.Vector:
    r"""$E\lVert w_t-w^*\rVert_\Sigma^2 = t\,\frac{\sigma^2 d}{n-d-1}$.

    n > d + 1 rows in every batch, design fresh or fixed. A Monte Carlo mean has a standard error
    for n > d + 3 only; ``gerstgrasser2024.replace_risk.rare_designs`` decides it for fewer rows.

    Derived: the doses of noise are uncorrelated given the designs and $E(X^\top
    X)^{-1}=\Sigma^{-1}/(n-d-1)$.
    """
    return replace_risk(setting.rows(e), setting.dimension(e), setting.noise(e))


@theorem(
    "gerstgrasser2024.accumulate_fixed_design",
    observable=excess_risk,
    kind=Kind.EXACT,
    source=PAPER,
    family=LinearRegression,
    workflow=Accumulate,
    where=_one_size_fixed,
    finite_kurtosis=setting.has_kurtosis,
    cases=(setting.ACCUMULATE_FIXED,),
    planted=lambda values: values[0] * setting.harmonic(values.size, 1),  # sum of 1/i for 1/i^2
)
def accumulate_fixed_design(e: Experiment) -> setting.Vector:
    r"""$E\lVert w_t-w^*\rVert_\Sigma^2 = \frac{\sigma^2 d}{n-d-1}\sum_{i\le t}\frac{1}{i^2}$.

    One design of n > d + 1 rows for all batches, all of them kept.

    Derived. It is the finite sum behind the factor $\pi^2/6$, and it is about one design used
    again.
    """
    n, d = int(setting.rows(e)[0]), setting.dimension(e)
    return accumulate_risk_fixed(n, d, setting.noise(e), e.generations)


@theorem(
    "gerstgrasser2024.pi2over6_bound",
    observable=excess_risk,
    kind=Kind.UPPER,
    source=PAPER,
    family=LinearRegression,
    workflow=Accumulate,
    where=_one_size,
    finite_kurtosis=setting.has_kurtosis,
    cases=(setting.ACCUMULATE, setting.ACCUMULATE_FIXED),
    planted=lambda values: values * 6 / math.pi**2,  # the risk of the first fit
)
def pi2_over_6_bound(e: Experiment) -> setting.Vector:
    r"""$E\lVert w_t-w^*\rVert_\Sigma^2 \le \frac{\pi^2}{6}\,\frac{\sigma^2 d}{n-d-1}$ for all t.

    n > d + 1 rows in every batch, all batches kept, design fresh or fixed.

    The bound was read second-hand. It is approached with a fixed design, and with fresh ones as n/d
    grows.
    """
    dose = replace_risk(setting.rows(e)[:1], setting.dimension(e), setting.noise(e))[0]
    return np.full(e.generations, math.pi**2 / 6 * dose)


@theorem(
    "gerstgrasser2024.accumulate_fresh_as_fixed",
    observable=excess_risk,
    kind=Kind.EXACT,
    source=Source(None),
    family=LinearRegression,
    workflow=Accumulate,
    where=_one_size_fresh,
    finite_kurtosis=setting.has_kurtosis,
    cases=(Case(setting.ACCUMULATE, Status.REFUTED),),
)
def accumulate_fresh_as_fixed(e: Experiment) -> setting.Vector:
    r"""$E\lVert w_t-w^*\rVert_\Sigma^2 = \frac{\sigma^2 d}{n-d-1}\sum_{i\le t}\frac{1}{i^2}$ with a
    fresh design in each generation.

    n > d + 1 rows in every batch, all batches kept, fresh designs.

    False, and kept as a warning: the sum belongs to one design used again; fresh designs have a
    smaller risk, ``ols.accumulate_fresh_design``.
    """
    n, d = int(setting.rows(e)[0]), setting.dimension(e)
    return accumulate_risk_fixed(n, d, setting.noise(e), e.generations)
