r"""Weights between fresh real and synthetic data, and the chance that a later fit beats the first
one.

Everything is in units of the true standard deviation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from collapse_theory.exact.validation import (
    Sizes,
    Vector,
    at_least,
    probability,
    schedule,
    whole,
)


def weighted_mse(
    n: int, m: int, weight: float, generations: int, *, initial: float | None = None
) -> Vector:
    r"""Error of a weighted mean of n fresh real rows and m rows from fit t-1, known variance.

    $\theta_t=w\,\bar x_\mathrm{real}+(1-w)\,\bar x_\mathrm{syn}$, so
    $\mathrm{MSE}_t=w^2/n+(1-w)^2(1/m+\mathrm{MSE}_{t-1})$; stationary value
    $\frac{w^2/n+(1-w)^2/m}{1-(1-w)^2}$ for w > 0.

    Args:
        n: fresh real rows of each generation, >= 1.
        m: synthetic rows of each generation, >= 1.
        weight: weight w of the real mean, in [0, 1].
        generations: number of fits T.
        initial: mean squared error of fit 1; 1/n (n real rows only) when None.

    Returns:
        MSE_t, shape [T]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        he2025 for the workflow; derived
    """
    n, m = whole("n", n, 1), whole("m", m, 1)
    w = probability("weight", weight)
    mse = np.empty(whole("generations", generations, 1))
    mse[0] = 1.0 / n if initial is None else at_least("initial", initial, 0.0)
    for t in range(1, mse.size):
        mse[t] = w**2 / n + (1.0 - w) ** 2 * (1.0 / m + mse[t - 1])
    return mse


def optimal_weight(n: float, m: float, v2: float = 0.0) -> float:
    r"""Weight of the real mean with the least stationary error (golden ratio when n = m).

    The root of $(m+v_2)w^2+(n-v_2)w-n=0$ in (0, 1]; the least stationary error equals $w^*/n$ in
    units of the variance of a row, because the best w solves
    $w/n=(1-w)\big((1+v_2/m)V+1/m\big)$ at $V=w/n$. With $v_2=0$: $w^2=k(1-w)$, $k=n/m$.

    Args:
        n: fresh real rows of each generation, > 0.
        m: synthetic rows of each generation, > 0.
        v2: curvature of the variance function of the family, >= -1; 0 where the variance is known.

    Returns:
        The weight of the real mean; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        he2025; derived
    """
    at_least("n", n, 0.0, strict=True)
    at_least("m", m, 0.0, strict=True)
    across = n - at_least("v2", v2, -1.0)
    return float(2.0 * n / (across + np.sqrt(across * across + 4.0 * (m + v2) * n)))


def variance_weight(n: int, m: int, weight: float, generations: int) -> Vector:
    r"""Variance of $S_t=w\,s^2_\mathrm{real}+(1-w)\,s^2_\mathrm{syn}$, each with ddof 1 in its own
    batch; $E S_t=1$.

    $V_1=A$, $V_t=w^2A+(1-w)^2[B(1+V_{t-1})+V_{t-1}]$, $A=2/(n-1)$, $B=2/(m-1)$; bounded iff
    $(1-w)^2(1+B)<1$.

    Args:
        n: fresh real rows of each generation (and of fit 1), >= 2.
        m: synthetic rows of each generation, >= 2.
        weight: weight w of the real variance, in [0, 1].
        generations: number of fits T.

    Returns:
        Var S_t, shape [T]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    a, b = 2.0 / (whole("n", n, 2) - 1), 2.0 / (whole("m", m, 2) - 1)
    w = probability("weight", weight)
    variance = np.empty(whole("generations", generations, 1))
    variance[0] = a
    for t in range(1, variance.size):
        before = variance[t - 1]
        variance[t] = w**2 * a + (1.0 - w) ** 2 * (b * (1.0 + before) + before)
    return variance


def optimal_variance_weight(n: int, m: int) -> tuple[float, float]:
    r"""Weight with the least stationary variance of the fitted variance, and that variance.

    $P^*=\frac{-B(1-A)+\sqrt{B^2(1-A)^2+4AB(1+B)}}{2(1+B)}$, $w^*=P^*/A$, with A, B as in
    `variance_weight`.

    Args:
        n: fresh real rows of each generation, >= 2.
        m: synthetic rows of each generation, >= 2.

    Returns:
        (w*, P*); rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    a, b = 2.0 / (whole("n", n, 2) - 1), 2.0 / (whole("m", m, 2) - 1)
    linear = b * (1.0 - a)
    least = (-linear + np.sqrt(linear**2 + 4.0 * a * b * (1.0 + b))) / (2.0 * (1.0 + b))
    return float(least / a), float(least)


def prob_beat(ratio: ArrayLike, d: int = 1) -> NDArray[np.float64]:
    r"""P(a later fit is closer to the truth) when its error is the first error plus an independent
    Gaussian.

    Errors $U\sim N(0,a^2I_d)$ and $U+D$, $D\sim N(0,b^2I_d)$:
    $P(\lVert U+D\rVert<\lVert U\rVert)=P\big(t_d<-\tfrac12\sqrt{d\,b^2/a^2}\big)$, below 1/2.

    Args:
        ratio: b^2/a^2 >= 0, any shape; 0 gives the limit 1/2.
        d: dimension.

    Returns:
        Same shape; relative error about 1e-13.

    Raises:
        ValueError: outside the domain.

    References:
        xu2025 for the question; derived
    """
    r = np.asarray(ratio, dtype=np.float64)
    if not (r >= 0.0).all():
        raise ValueError(f"ratio must be >= 0, got {r.min()}")
    d = whole("d", d, 1)
    return np.asarray(student.cdf(-0.5 * np.sqrt(d * r), d), dtype=np.float64)


def prob_beat_replace(n_first: int, sizes: Sizes, d: int = 1) -> Vector:
    r"""P(the fit after each of the later generations beats the first one), replace, known
    covariance.

    `prob_beat` with $b^2/a^2=n_1\sum_{g}1/n_g$ over the generations after the first.

    Args:
        n_first: real rows of the first fit, >= 1.
        sizes: rows of the generations after it, shape [T], each >= 1.
        d: dimension.

    Returns:
        Shape [T]: the fits 2..T+1 against fit 1.

    Raises:
        ValueError: outside the domain.

    References:
        xu2025 for the question; derived
    """
    later = schedule("sizes", sizes, 1)
    return prob_beat(whole("n_first", n_first, 1) * np.cumsum(1.0 / later), d)


def prob_beat_bivariate(baseline: float, competitor: float, covariance: float) -> float:
    r"""P(|Y| < |X|) for centred, jointly normal errors X (baseline) and Y (competitor) of a scalar.

    $|Y|<|X|\iff(Y-X)(Y+X)<0$, so $P=\arccos(\rho)/\pi$,
    $\rho=\frac{V_Y-V_X}{\sqrt{(V_X+V_Y)^2-4C^2}}$. Covariances come from the linear engine.

    Args:
        baseline: variance of X, > 0.
        competitor: variance of Y, > 0.
        covariance: covariance C of X and Y, with $C^2\le V_XV_Y$.

    Returns:
        The probability; nan when X = Y or X = -Y almost surely.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    at_least("baseline", baseline, 0.0, strict=True)
    at_least("competitor", competitor, 0.0, strict=True)
    if not covariance**2 <= baseline * competitor * (1.0 + 1e-12):
        raise ValueError(f"covariance^2 must be <= baseline * competitor, got {covariance}")
    scale = (baseline + competitor) ** 2 - 4.0 * covariance**2
    if scale <= 0.0:
        return float("nan")
    rho = (competitor - baseline) / np.sqrt(scale)
    return float(np.arccos(np.clip(rho, -1.0, 1.0)) / np.pi)
