r"""A Gaussian refitted on its own rows: moments in closed form. All of it is derived.

$S_t = \sigma^2\prod_g \chi^2_{n_g-1}/(n_g-\mathrm{ddof})$, and given the variances the mean is
Gaussian.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Case, Kind, Source, Status, theorem
from collapse_theory.catalogue.quadratic import dimension
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.gaussian_nd import GaussianND
from collapse_theory.observables import divergences, parameters
from collapse_theory.workflows.replace import Replace

OURS = Source(None)
GAUSSIANS = (Gaussian, GaussianND)


def _unbiased(e: Experiment) -> bool:
    return e.family.ddof == 1 and setting.two_rows(e)


def _divided_by_n(e: Experiment) -> bool:
    return e.family.ddof == 0 and setting.two_rows(e)


@theorem(
    "replace.mean_moments",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Replace,
    where=_unbiased,
    cases=(setting.UNBIASED, setting.UNBIASED_SCHEDULE),
    planted=lambda values: values - values[0],  # the real batch taken for exact
)
def mean_moments(e: Experiment) -> Vector:
    r"""$E(\mu_t-\mu)^2 = \sigma^2\sum_{g\le t}\frac1{n_g}$, for one size $\sigma^2 t/n$.

    Any sizes, unbiased variance.

    Of the fourth moment $\frac{3\sigma^4}{n^2}\sum_{r,s<t}(1+\frac2{n-1})^{\min(r,s)}$ no
    observable is kept; ``exact.GaussianReplace.mean_fourth`` gives it.
    """
    values: Vector = e.truth.var * np.cumsum(1 / batch_sizes(e))
    return values


@theorem(
    "replace.var_moments.mean",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Replace,
    where=_unbiased,
    cases=(
        setting.UNBIASED,
        setting.UNBIASED_SCHEDULE,
        Case(setting.HEAVY, Status.INCONCLUSIVE),
    ),
)
def variance_mean(e: Experiment) -> Vector:
    r"""$E S_t = \sigma^2$ at every t, although $S_t\to0$ almost surely.

    Any sizes, unbiased variance.

    For $t \gg n$ the mean sits on chains too rare to be drawn: no average of a simulation shows it;
    ``replace.var_moments.tilted`` decides it there.
    """
    return np.full(e.generations, e.truth.var)


@theorem(
    "replace.var_moments.square",
    observable=parameters.variance_squared,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Replace,
    where=_unbiased,
    cases=(setting.SQUARED, setting.SQUARED_SCHEDULE),
    planted=lambda values: setting.LAW.var * values,  # sigma^6 for sigma^4
)
def variance_square(e: Experiment) -> Vector:
    r"""$E S_t^2 = \sigma^4\prod_{g\le t}\big(1+\frac2{n_g-1}\big)$.

    Any sizes, unbiased variance.
    """
    values: Vector = e.truth.var**2 * setting.replace_law(e).variance_second()
    return values


@theorem(
    "replace.mle_moments.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Replace,
    where=_divided_by_n,
    cases=(setting.DIVIDED_BY_N,),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def mle_variance(e: Experiment) -> Vector:
    r"""$E S_t = \sigma^2\prod_{g\le t}(1-\frac1{n_g})$.

    Any sizes, variance divided by n.
    """
    values: Vector = e.truth.var * np.cumprod(1 - 1 / batch_sizes(e))
    return values


@theorem(
    "replace.mle_moments.square",
    observable=parameters.variance_squared,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Replace,
    where=_divided_by_n,
    cases=(setting.DIVIDED_BY_N,),
)
def mle_square(e: Experiment) -> Vector:
    r"""$E S_t^2 = \sigma^4\prod_{g\le t}\frac{n_g^2-1}{n_g^2}$.

    Any sizes, variance divided by n.
    """
    values: Vector = e.truth.var**2 * np.cumprod(1 - 1 / batch_sizes(e) ** 2)
    return values


@theorem(
    "replace.mle_moments.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Replace,
    where=_divided_by_n,
    cases=(setting.DIVIDED_BY_N,),
    planted=lambda values: np.append(values[1:], np.nan),
)
def mle_error(e: Experiment) -> Vector:
    r"""$E(\mu_t-\mu)^2 = \sigma^2\big[1-\prod_{g\le t}(1-\frac1{n_g})\big] \le \sigma^2$.

    Any sizes, variance divided by n.
    """
    values: Vector = e.truth.var * (1 - np.cumprod(1 - 1 / batch_sizes(e)))
    return values


@theorem(
    "replace.log_variance",
    observable=parameters.log_variance,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Replace,
    where=setting.two_rows,
    cases=(setting.UNBIASED_SCHEDULE, setting.DIVIDED_BY_N, setting.HEAVY),
    planted=lambda values: (
        values[0] + 2 * (values - values[0])
    ),  # the drift of log s for that of log S
)
def log_variance(e: Experiment) -> Vector:
    r"""$E\log S_t = \log\sigma^2 + \sum_{g\le
    t}\big[\psi(\tfrac{n_g-1}2)-\log\tfrac{n_g-\mathrm{ddof}}2\big]$.

    Any sizes, either divisor. A sum of independent terms, with variance
    $\sum_g\psi_1(\frac{n_g-1}2)$.
    """
    values: Vector = np.log(e.truth.var) + setting.replace_law(e).log_variance_mean()
    return values


@theorem(
    "replace.kl_reverse",
    observable=divergences.kl_reverse,
    kind=Kind.EXACT,
    source=OURS,
    family=GAUSSIANS,
    workflow=Replace,
    where=lambda e: bool(batch_sizes(e).min() > dimension(e)),
    cases=(setting.UNBIASED, setting.DIVIDED_BY_N, setting.SPACE_UNBIASED),
)
def kl_reverse(e: Experiment) -> Vector:
    r"""$E\,\mathrm{KL}(N_t\Vert N_0) = \frac12\sum_{g\le t}\Big[\frac d{n_g} -
    \sum_{j=1}^d\big(\psi(\tfrac{n_g-j}2)-\log\tfrac{n_g-1}2\big)\Big]$ with the unbiased variance:
    linear in t for one size.

    More than d rows in every batch. With divisor n:
    $\frac12[d(E S_t - 1) + d E\mu_t^2 - E\log\det]$ in units of the truth.
    """
    return setting.replace_law(e).kl_reverse(dimension(e))


@theorem(
    "replace.kl_forward",
    observable=divergences.kl_forward,
    kind=Kind.EXACT,
    source=OURS,
    family=GAUSSIANS,
    workflow=Replace,
    where=lambda e: bool(batch_sizes(e).min() > dimension(e) + 2),
    finite_kurtosis=lambda e: bool(batch_sizes(e).min() > dimension(e) + 8),
    cases=(setting.UNBIASED, setting.SPACE_UNBIASED),
)
def kl_forward(e: Experiment) -> Vector:
    r"""$E\,\mathrm{KL}(N_0\Vert N_t) = \frac12\Big[d r^t + \frac dn\sum_{k=1}^t r^k - d +
    E\log\det\Big]$, $r = \frac{n-\mathrm{ddof}}{n-d-2}$: exponential in t, where
    ``replace.kl_reverse`` is linear.

    Stated for one size, computed for any; more than d + 2 rows in every batch, else it is infinite.
    The variance is finite with more than d + 4 rows.
    """
    return setting.replace_law(e).kl_forward(dimension(e))
