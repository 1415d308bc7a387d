r"""Exact excess risks of ordinary least squares trained on its own labels, Gaussian design.

Rows $x\sim N(0,\Sigma)$, labels $x^\top w + \varepsilon$ with noise variance $\sigma^2$; the risk
is $E\lVert w_t-w^*\rVert_\Sigma^2$. By affine invariance no formula depends on $\Sigma$. One error
is multivariate t with n-d+1 degrees of freedom: the risk needs n > d+1 and the standard error of a
Monte Carlo mean of it needs n > d+3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma

from collapse_theory.exact.pooled_rows import pooled_groups_kappa
from collapse_theory.exact.validation import Sizes, Vector, at_least, schedule, whole


def replace_risk(sizes: Sizes, d: int, noise: ArrayLike) -> Vector:
    r"""Replace workflow, a fresh design for each generation.

    Equal sizes: also the risk when one design is reused for ever (its fourth moment differs).
    $E_t = \sum_{g\le t} \sigma_g^2\, d/(n_g-d-1)$: the doses are uncorrelated and
    $E(X^\top X)^{-1}=\Sigma^{-1}/(n-d-1)$.

    Args:
        sizes: rows of each generation, shape [T], each > d+1.
        d: dimension.
        noise: standard deviation of the label noise, a number or shape [T].

    Returns:
        Risk at fits 1..T, shape [T]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        gerstgrasser2024; derived for schedules
    """
    d = whole("d", d, 1)
    n = schedule("sizes", sizes, d + 2)
    return np.cumsum(_noise_variance(noise, n.size) * d / (n - d - 1.0))


def replace_fourth_moment(sizes: Sizes, d: int, noise: ArrayLike) -> Vector:
    r"""E of the squared risk, replace workflow, fresh designs.

    One dose is spherical with $m_2 = \sigma^2 d/(\nu-2)$, $m_4=\sigma^4 d(d+2)/((\nu-2)(\nu-4))$,
    $\nu=n-d+1$, and for independent spherical u, v:
    $E|u+v|^4 = E|u|^4+E|v|^4+(2+4/d)\,E|u|^2\,E|v|^2$.

    Args:
        sizes: rows of each generation, shape [T], each > d+3.
        d: dimension.
        noise: standard deviation of the label noise, a number or shape [T].

    Returns:
        $E\lVert w_t-w^*\rVert_\Sigma^4$, shape [T]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    d = whole("d", d, 1)
    n = schedule("sizes", sizes, d + 4)
    variance = _noise_variance(noise, n.size)
    second = variance * d / (n - d - 1.0)
    fourth = variance**2 * d * (d + 2.0) / ((n - d - 1.0) * (n - d - 3.0))
    before = np.concatenate(([0.0], np.cumsum(second)[:-1]))
    return np.cumsum(fourth + (2.0 + 4.0 / d) * before * second)


def replace_fourth_moment_fixed(n: int, d: int, noise: float, generations: int) -> Vector:
    r"""E of the squared risk, replace workflow, one design reused for ever.

    Given X, $w_t-w^*\sim N(0,t\sigma^2(X^\top X)^{-1})$, so
    $E\lVert\cdot\rVert^4=t^2\sigma^4E[2\,\mathrm{tr}W^{-2}+(\mathrm{tr}W^{-1})^2]$ with W Wishart:
    $E\,\mathrm{tr}W^{-2}=d(n-1)c$, $E(\mathrm{tr}W^{-1})^2=d((n-d-2)d+2)c$,
    $1/c=(n-d)(n-d-1)(n-d-3)$.

    Args:
        n: rows, > d+3.
        d: dimension.
        noise: standard deviation of the label noise.
        generations: number of fits T.

    Returns:
        Shape [T]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    d = whole("d", d, 1)
    n = whole("n", n, d + 4)
    t = np.arange(1, whole("generations", generations, 1) + 1)
    c = 1.0 / ((n - d) * (n - d - 1.0) * (n - d - 3.0))
    one = c * d * (2.0 * (n - 1) + (n - d - 2) * d + 2.0)
    return np.asarray(t**2 * one * at_least("noise", noise, 0.0) ** 4, dtype=np.float64)


def accumulate_risk_fresh(sizes: Sizes, d: int, noise: ArrayLike) -> Vector:
    r"""Accumulate workflow, fresh designs: all rows are kept and pooled.

    $w_t = w_{t-1}+S_t^{-1}X_t^\top\varepsilon_t$ and rows are exchangeable, so
    $E_t = d\sum_{i\le t}\sigma_i^2 n_i/(N_i(N_i-d-1))$.

    Args:
        sizes: rows that each generation adds, shape [T]; only the first must exceed d+1.
        d: dimension.
        noise: standard deviation of the label noise, a number or shape [T].

    Returns:
        Risk at fits 1..T, shape [T]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    d = whole("d", d, 1)
    n = schedule("sizes", sizes, 1)
    whole("sizes[0]", n[0], d + 2)
    total = np.cumsum(n)
    return np.cumsum(_noise_variance(noise, n.size) * d * n / (total * (total - d - 1.0)))


def accumulate_risk_fixed(n: int, d: int, noise: float, generations: int) -> Vector:
    r"""Accumulate workflow, the same design in every generation with new labels.

    $E_t = \frac{\sigma^2 d}{n-d-1}\sum_{i\le t} i^{-2}$, below $\pi^2/6$ times the risk of the
    first fit.

    Args:
        n: rows of the design, > d+1.
        d: dimension.
        noise: standard deviation of the label noise.
        generations: number of fits T.

    Returns:
        Risk at fits 1..T, shape [T]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        gerstgrasser2024
    """
    steps = np.arange(1, whole("generations", generations, 1) + 1)
    return _one_dose(n, d, noise) * np.cumsum(1.0 / steps**2)


def accumulate_limit_fresh(n: int, d: int, noise: float) -> float:
    r"""Limit of the accumulate risk with fresh designs of equal size n.

    $E_\infty = -\frac{\sigma^2 d}{d+1}\big[\psi(1-(d+1)/n)+\gamma\big]$, the sum of
    $\sigma^2d/(i(in-d-1))$.

    Args:
        n: rows that each generation adds, > d+1.
        d: dimension.
        noise: standard deviation of the label noise.

    Returns:
        The limit; relative error about 1e-16 n/(d+1) (cancellation in the bracket).

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    d = whole("d", d, 1)
    n = whole("n", n, d + 2)
    bracket = float(digamma(1.0 - (d + 1.0) / n)) + float(np.euler_gamma)
    return -(at_least("noise", noise, 0.0) ** 2) * d / (d + 1.0) * bracket


def fresh_real_plus_synthetic(
    counts: tuple[int, int], d: int, noise: float, generations: int, n_first: int | None = None
) -> Vector:
    r"""Every generation pools fresh real rows with fresh rows labelled by the previous fit.

    $E_1=\sigma^2d/(n_1-d-1)$ and $E_t=\kappa E_{t-1}+\sigma^2d/(n-d-1)$ with n = n_real + n_syn and
    $\kappa$ the synthetic diagonal entry of `pooled_groups_kappa`. The mean is always stable, but
    $\kappa>1$ is possible near n = d+1.

    Args:
        counts: (n_real, n_syn), with n_real + n_syn > d+1.
        d: dimension.
        noise: standard deviation of the label noise.
        generations: number of fits T.
        n_first: real rows of the first fit, > d+1; n_real + n_syn when None.

    Returns:
        Risk at fits 1..T, shape [T]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    kappa = float(pooled_groups_kappa(counts, d)[1, 1])
    risk = np.empty(whole("generations", generations, 1))
    dose = _one_dose(sum(counts), d, noise)
    risk[0] = dose if n_first is None else _one_dose(n_first, d, noise)
    for t in range(1, risk.size):
        risk[t] = kappa * risk[t - 1] + dose
    return risk


def _one_dose(n: int, d: int, noise: float) -> float:
    d = whole("d", d, 1)
    return at_least("noise", noise, 0.0) ** 2 * d / (whole("n", n, d + 2) - d - 1.0)


def _noise_variance(noise: ArrayLike, steps: int) -> Vector:
    deviation = np.asarray(noise, dtype=np.float64)
    if deviation.shape not in ((), (steps,)) or not np.isfinite(deviation).all():
        raise ValueError(
            f"noise must be finite, a number or shape [{steps}], got {deviation.shape}"
        )
    if (deviation < 0.0).any():
        raise ValueError("noise must be >= 0 (a standard deviation)")
    return np.broadcast_to(deviation, (steps,)) ** 2
