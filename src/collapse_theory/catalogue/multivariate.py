"""Gaussians in several dimensions: determinants, Frobenius errors and transport distances."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.gaussian import trace_moments
from collapse_theory.exact.gaussian_pooling import accumulate_second
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian_nd import GaussianND
from collapse_theory.observables import divergences, parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

OURS = Source(None)


def _dimension(e: Experiment) -> int:
    return len(e.truth.mean)


def _full_rank(e: Experiment) -> bool:
    return bool(batch_sizes(e).min() > _dimension(e))


def _unbiased(e: Experiment) -> bool:
    return bool(e.family.ddof == 1)


@theorem(
    "multivariate.logdet",
    observable=parameters.log_det,
    kind=Kind.EXACT,
    source=OURS,
    family=GaussianND,
    workflow=Replace,
    where=_full_rank,
    cases=(setting.SPACE_UNBIASED,),
    planted=lambda values: np.append(values[1:], 1.1 * values[-1]),
)
def log_determinant(e: Experiment) -> Vector:
    r"""$E\log\det\Sigma_t = \log\det\Sigma+\sum_{g\le t}\sum_{j=1}^d\big[\psi(\tfrac{n_g-j}2)-
    \log\tfrac{n_g-\mathrm{ddof}}2\big]$.

    More rows than dimensions in every batch. Each factor is a product of independent chi-squares of
    $n_g-j$ degrees of freedom.
    """
    n, j = batch_sizes(e)[:, None], np.arange(1, _dimension(e) + 1)
    steps = (digamma((n - j) / 2) - np.log((n - e.family.ddof) / 2)).sum(1)
    return np.asarray(np.linalg.slogdet(np.asarray(e.truth.cov))[1] + np.cumsum(steps))


@theorem(
    "multivariate.frobenius",
    observable=parameters.frobenius_error,
    kind=Kind.EXACT,
    source=OURS,
    family=GaussianND,
    workflow=Replace,
    where=_unbiased,
    cases=(setting.SPACE_WIDE,),
)
def frobenius(e: Experiment) -> Vector:
    r"""$E\Vert\Sigma_t-\Sigma\Vert_F^2 = q_t-\mathrm{tr}\Sigma^2$ with $q'=(1+\frac1\nu)q+
    \frac p\nu$, $p'=p+\frac{2q}\nu$, $\nu=n_g-1$, for $q=E\,\mathrm{tr}\Sigma_t^2$ and
    $p=E(\mathrm{tr}\Sigma_t)^2$.

    The unbiased covariance, any sizes.
    """
    q, p = first, _ = trace_moments(np.asarray(e.truth.cov))
    values = []
    for n in batch_sizes(e):
        q, p = q + (q + p) / (n - 1), p + 2 * q / (n - 1)
        values.append(q - first)
    return np.asarray(values)


@theorem(
    "multivariate.w2",
    observable=divergences.w2_squared,
    kind=Kind.ASYMPTOTIC,
    source=OURS,
    family=GaussianND,
    workflow=Replace,
    order=1.0,
    where=lambda e: _unbiased(e) and _full_rank(e),
    cases=(setting.SPACE_WIDE,),
)
def transport(e: Experiment) -> Vector:
    r"""$E W_2^2 = \sum_{g\le t}\frac1{n_g}\Big[\mathrm{tr}\Sigma+\frac12\sum_{ij}
    \frac{\lambda_i\lambda_j(1+\delta_{ij})}{\lambda_i+\lambda_j}\Big]+O(n^{-2})$, $\lambda$ the
    eigenvalues of $\Sigma$: $d+\frac{d(d+1)}4$ for the identity, $\frac32$ in one dimension.

    The unbiased covariance, a fixed number of generations.
    """
    lam = np.linalg.eigvalsh(np.asarray(e.truth.cov))
    pairs = lam[:, None] * lam * (1 + np.eye(lam.size)) / (lam[:, None] + lam)
    return np.asarray((lam.sum() + pairs.sum() / 2) * np.cumsum(1 / batch_sizes(e)))


@theorem(
    "multivariate.accumulate_second",
    observable=parameters.frobenius_error,
    kind=Kind.EXACT,
    source=OURS,
    family=GaussianND,
    workflow=Accumulate,
    where=lambda e: e.family.ddof == 0,
    cases=(setting.SPACE_KEPT,),
)
def accumulate_frobenius(e: Experiment) -> Vector:
    r"""$E\Vert\Sigma_t-\Sigma\Vert_F^2 = q_t-2m_t\,\mathrm{tr}\Sigma^2+\mathrm{tr}\Sigma^2$ with
    $q'=m^2q+C(q+p)$, $p'=m^2p+2Cq$, $m=1-\frac{a^2}{n_g}$, $C=\frac{a^2(n_g-1)+a^2(1-a)^2}{n_g^2}$,
    $a=\frac{n_g}{N_g}$, $m_t=\prod m$.

    All rows kept, divisor N.
    """
    n, cov = batch_sizes(e), np.asarray(e.truth.cov)
    q, _ = accumulate_second(n, cov)
    kept = np.cumprod(1 - n / np.cumsum(n) ** 2)
    return q + (1 - 2 * kept) * float((cov**2).sum())
