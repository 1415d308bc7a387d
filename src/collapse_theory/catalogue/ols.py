"""Least squares trained on its own labels: exact risks for any sizes, fresh Gaussian designs.

The risk is (w_t - w*)' Sigma (w_t - w*); d coefficients, label noise sigma. No formula depends on
Sigma.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_ols as setting
from collapse_theory.catalogue.base import Case, Kind, Source, Status, theorem
from collapse_theory.exact import accumulate_risk_fresh, fresh_real_plus_synthetic, replace_risk
from collapse_theory.experiment import Experiment
from collapse_theory.families.linear_regression import LinearRegression
from collapse_theory.observables.parameters import excess_risk
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace


def _fresh(e: Experiment) -> bool:
    return setting.model(e).design == "fresh" and setting.has_mean(e)


def _every_fit_has_mean(e: Experiment) -> bool:
    return _fresh(e) and bool((setting.rows(e) > setting.dimension(e) + 1).all())


def _every_fit_has_kurtosis(e: Experiment) -> bool:
    return bool((setting.rows(e) > setting.dimension(e) + 7).all())


def _constant_mix(e: Experiment) -> bool:
    later = np.stack([e.real_sizes[1:], e.sizes[1:]])
    same = not later.size or bool((np.ptp(later, axis=1) == 0).all())
    enough = bool((later.sum(0) > setting.dimension(e) + 1).all())
    return (
        _fresh(e) and isinstance(e.workflow, Mix) and e.workflow.real == "fresh" and same and enough
    )


def _mix_has_kurtosis(e: Experiment) -> bool:
    later = e.real_sizes[1:] + e.sizes[1:]
    return setting.has_kurtosis(e) and bool((later > setting.dimension(e) + 7).all())


@theorem(
    "ols.accumulate_fresh_design",
    observable=excess_risk,
    kind=Kind.EXACT,
    source=Source("gerstgrasser2024"),
    family=LinearRegression,
    workflow=Accumulate,
    where=_fresh,
    finite_kurtosis=setting.has_kurtosis,
    cases=(setting.ACCUMULATE, setting.ACCUMULATE_SCHEDULE),
)
def accumulate_fresh_design(e: Experiment) -> setting.Vector:
    r"""$E\lVert w_t-w^*\rVert_\Sigma^2 = \sigma^2 d\sum_{i\le t}\frac{n_i}{N_i(N_i-d-1)}$ with
    $N_i=n_1+\dots+n_i$: for one size n, $\sigma^2 d\sum_i\frac{1}{i(in-d-1)}$.

    Fresh designs, all batches kept; only the first needs more than d + 1 rows.

    Derived: $w_t = w_{t-1} + S_t^{-1}X_t^\top\varepsilon_t$ and the rows in $S_t$ are exchangeable.
    """
    d, noise = setting.dimension(e), setting.noise(e)
    return accumulate_risk_fresh(setting.rows(e), d, noise)


@theorem(
    "ols.replace_general_schedule",
    observable=excess_risk,
    kind=Kind.EXACT,
    source=Source("xu2025"),
    family=LinearRegression,
    workflow=Replace,
    where=_every_fit_has_mean,
    finite_kurtosis=_every_fit_has_kurtosis,
    cases=(setting.REPLACE_SCHEDULE, Case(setting.REPLACE_HEAVY, Status.INCONCLUSIVE)),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def replace_general_schedule(e: Experiment) -> setting.Vector:
    r"""$E\lVert w_t-w^*\rVert_\Sigma^2 = \sum_{k\le t}\frac{\sigma^2 d}{n_k-d-1}$: bounded if and
    only if $\sum_k 1/n_k$ is.

    Fresh designs; every batch has more than d + 1 rows.

    Derived; growing batches are the paper's subject.
    """
    return replace_risk(setting.rows(e), setting.dimension(e), setting.noise(e))


@theorem(
    "ols.fresh_real_plus_synthetic",
    observable=excess_risk,
    kind=Kind.EXACT,
    source=Source(None),
    family=LinearRegression,
    workflow=Mix,
    where=_constant_mix,
    finite_kurtosis=_mix_has_kurtosis,
    cases=(setting.MIX,),
)
def fresh_real_synthetic(e: Experiment) -> setting.Vector:
    r"""$E_1=\frac{\sigma^2d}{n_1-d-1}$, $E_t = \kappa E_{t-1} + \frac{\sigma^2 d}{n-d-1}$ with
    $n=n_r+n_s$, $\kappa = \frac{n_s(n_s+2)+n_sn_rg}{n(n+2)}$, $g=\frac{(d-1)(n+1)}{(n-1)(n-d-1)}$.

    $n_r$ new real rows and $n_s$ new rows labelled by the last fit, pooled, n > d + 1; fresh
    designs.

    Derived. Near n = d + 1, $\kappa>1$: the risk explodes although the mean is stable.
    """
    d, noise = setting.dimension(e), setting.noise(e)
    counts = (int(e.real_sizes[-1]), int(e.sizes[-1]))
    first = int(e.real_sizes[0])
    if e.generations == 1:
        counts = (first, 0)
    return fresh_real_plus_synthetic(counts, d, noise, e.generations, n_first=first)
