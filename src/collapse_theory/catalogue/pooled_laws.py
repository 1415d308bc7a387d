"""Gaussians whose data are kept: product laws, fractional moments, fixed real rows."""

from __future__ import annotations

import numpy as np
from scipy import integrate

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import quadratic
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.gaussian_nd import GaussianND
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.observables import divergences, parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace

OURS = Source(None)
NORMAL = (Gaussian, GaussianND)


def _divided_by_n(e: Experiment) -> bool:
    return bool(e.family.ddof == 0)


def _budget(e: Experiment) -> Vector:
    """What is left of the variance: the product of 1 - a_g^2 / n_g."""
    n = batch_sizes(e)
    a = n / np.cumsum(n) if isinstance(e.workflow, Accumulate) else np.ones(n.size)
    return np.asarray(np.cumprod(1 - a**2 / n))


@theorem(
    "martingale.workflow_product.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=OURS,
    family=NORMAL,
    workflow=(Replace, Accumulate),
    where=_divided_by_n,
    cases=(setting.ACCUMULATE_EQUAL, setting.DIVIDED_BY_N),
)
def product_variance(e: Experiment) -> Vector:
    r"""$E\,\mathrm{tr}\Sigma_t = \mathrm{tr}\Sigma\prod_{g\le t}\big(1-\frac{a_g^2}{n_g}\big)$
    where each fit moves from the last by a step $a_g$ of its own batch: collapse if and only if
    $\sum_ga_g^2/n_g=\infty$.

    Divisor n. Replace: $a_g=1$; accumulate: $a_g=n_g/N_g$.
    """
    return quadratic(e).variance * _budget(e)


@theorem(
    "martingale.workflow_product.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=OURS,
    family=NORMAL,
    workflow=(Replace, Accumulate),
    where=_divided_by_n,
    cases=(setting.ACCUMULATE_EQUAL, setting.DIVIDED_BY_N),
)
def product_error(e: Experiment) -> Vector:
    r"""$E\Vert\mu_t-\mu\Vert^2 = \mathrm{tr}\Sigma\big[1-\prod_{g\le t}
    \big(1-\frac{a_g^2}{n_g}\big)\big]$, with the steps of ``martingale.workflow_product.variance``.
    """
    return quadratic(e).variance * (1 - _budget(e))


def _kept(e: Experiment) -> bool:
    return _divided_by_n(e) and isinstance(e.family, Gaussian)


def _factors(e: Experiment) -> tuple[Vector, Vector, Vector]:
    """N_{g-1}, n_g and N_g."""
    n = batch_sizes(e)
    total = np.cumsum(n)
    return total - n, n, total


@theorem(
    "accumulate.product_law",
    observable=parameters.variance_squared,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Accumulate,
    where=_kept,
    cases=(setting.ACCUMULATE_EQUAL,),
)
def product_law(e: Experiment) -> Vector:
    r"""$E S_t^2 = \sigma^4\prod_{g\le t}\Big[\big(1-\frac{n_g}{N_g^2}\big)^2+
    \frac{2(n_g-1+\rho_g^2)}{N_g^2}\Big]$, $\rho_g=\frac{N_{g-1}}{N_g}$: $S_t$ is $\sigma^2$ times a
    product of independent $R_g = \frac1{N_g}\big[N_{g-1}+\chi^2_{n_g-1}+\rho_gZ_g^2\big]$.

    All rows kept, divisor N, any sizes.
    """
    before, n, total = _factors(e)
    mean, spread = 1 - n / total**2, 2 * (n - 1 + (before / total) ** 2) / total**2
    return np.asarray(e.truth.var**2 * np.cumprod(mean**2 + spread))


def mean_root(before: float, n: float, total: float) -> float:
    """E sqrt(R_g), by its Laplace transform: relative error 1e-9."""

    def missing(log_s: float) -> float:
        s = np.exp(log_s)
        log_l = -s * before / total - (n - 1) / 2 * np.log1p(2 * s / total)
        log_l -= np.log1p(2 * s * before / total**2) / 2
        return float(-np.expm1(log_l) * np.exp(-log_s / 2))

    value = integrate.quad(missing, -40, 80, limit=400, epsabs=1e-13, epsrel=1e-11)[0]
    return float(value / (2 * np.sqrt(np.pi)))


def _mean_scale(e: Experiment) -> Vector:
    roots = [mean_root(*row) for row in np.stack(_factors(e), 1)]
    return np.asarray(np.sqrt(e.truth.var) * np.cumprod(roots))


@theorem(
    "accumulate.E_s.standard_deviation",
    observable=parameters.standard_deviation,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Accumulate,
    where=_kept,
    cases=(setting.ACCUMULATE_EQUAL,),
)
def mean_scale(e: Experiment) -> Vector:
    r"""$E s_t = \sigma\prod_gE\sqrt{R_g}$, $E\sqrt{R_g} = \frac1{2\sqrt\pi}\int_0^\infty
    (1-L_g(s))\,s^{-3/2}ds$, $L_g(s) = e^{-sN_{g-1}/N_g}\big(1+\frac{2s}{N_g}\big)^{-(n_g-1)/2}
    \big(1+\frac{2s\rho_g}{N_g}\big)^{-1/2}$.

    All rows kept, divisor N; exact up to a quadrature with relative error 1e-9.
    """
    return _mean_scale(e)


@theorem(
    "accumulate.E_s.w2_squared",
    observable=divergences.w2_squared,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Accumulate,
    where=_kept,
    cases=(setting.ACCUMULATE_EQUAL,),
)
def transport(e: Experiment) -> Vector:
    r"""$E W_2^2 = 2\sigma(\sigma-E s_t)$, with $E s_t$ of ``accumulate.E_s.standard_deviation``."""
    sigma = np.sqrt(e.truth.var)
    return np.asarray(2 * sigma * (sigma - _mean_scale(e)))


@theorem(
    "augment.one_step_value",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=OURS,
    family=(Gaussian, GaussianMean),
    workflow=Accumulate,
    where=lambda e: e.generations >= 2 and getattr(e.family, "ddof", 1) == 1,
    cases=(setting.ACCUMULATE_UNBIASED,),
)
def one_step(e: Experiment) -> Vector:
    r"""$E(\mu_2-\mu)^2 = \sigma^2\big[\frac1n+\frac m{(n+m)^2}\big]$ after adding m rows of the
    first fit to its n real ones: never a gain, at worst a quarter lost, at m = n.

    Known or unbiased variance; silent at every other generation.
    """
    n, m = batch_sizes(e)[:2]
    values = np.full(e.generations, np.nan)
    values[1] = quadratic(e).variance * (1 / n + m / (n + m) ** 2)
    return values


def _fixed(e: Experiment) -> bool:
    return _divided_by_n(e) and e.workflow.real == "fixed" and setting.constant(e.sizes[1:])


def _drift(e: Experiment) -> Vector:
    """Variance of the mean around that of the real rows, in units of the true variance."""
    n, m = float(e.real_sizes[0]), float(e.sizes[-1])
    beta, d = m / (n + m), [0.0]
    for _ in range(e.generations - 1):
        d.append(beta**2 * (d[-1] + (1 - 1 / n - d[-1]) / m))
    return np.asarray(d)


@theorem(
    "augment.fixed_real.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=OURS,
    family=NORMAL,
    workflow=Mix,
    where=_fixed,
    cases=(setting.SPACE_FIXED,),
)
def fixed_variance(e: Experiment) -> Vector:
    r"""$E\,\mathrm{tr}\Sigma_t = \mathrm{tr}\Sigma\,(1-\frac1n-d_t)$ with $d_1=0$, $d_{t+1} =
    \beta^2\big[d_t+\frac{1-1/n-d_t}m\big]$, $\beta=\frac m{n+m}$: n fixed real rows prevent
    collapse for every m.

    The same n real rows in each fit and m new rows of the last one, divisor n + m.
    """
    return quadratic(e).variance * (1 - 1 / float(e.real_sizes[0]) - _drift(e))


@theorem(
    "augment.fixed_real.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=OURS,
    family=NORMAL,
    workflow=Mix,
    where=_fixed,
    cases=(setting.SPACE_FIXED,),
)
def fixed_error(e: Experiment) -> Vector:
    r"""$E\Vert\mu_t-\mu\Vert^2 = \mathrm{tr}\Sigma\,(\frac1n+d_t) \le \frac32\,
    \frac{\mathrm{tr}\Sigma}n$, $d_t$ of ``augment.fixed_real.variance``.
    """
    return quadratic(e).variance * (1 / float(e.real_sizes[0]) + _drift(e))
