r"""Deterministic equivalents of ridge regression on Gaussian rows, for proportional limits.

Penalty convention: $(X^\top X + n\lambda)^{-1}X^\top y$; s are the eigenvalues of the covariance.
With $\kappa$ the effective penalty, $\lambda(\hat S+\lambda)^{-1}\approx\kappa(\Sigma+\kappa)^{-1}$
to a relative error of O(1/n).

References:
    derived
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from collapse_theory.exact.validation import Vector, at_least, positive, whole


class Equivalent(NamedTuple):
    r"""The effective penalty and what is built of it.

    Fields: ``kappa``; ``shrink`` $\kappa/(s+\kappa)$, shape (d,); ``df2``
    $\sum s^2/(s+\kappa)^2$; ``u`` df2 / n.
    """

    kappa: float
    shrink: Vector
    df2: float
    u: float


def equivalent(penalty: float, n: float, spectrum: ArrayLike) -> Equivalent:
    r"""Solve $\kappa-\lambda=\frac\kappa n\sum_i\frac{s_i}{s_i+\kappa}$ by bracketed root finding.

    Args:
        penalty: $\lambda\ge 0$; 0 with n > d gives $\kappa=0$.
        n: rows.
        spectrum: s, shape (d,), > 0.

    Returns:
        To a relative error of 1e-12.

    Raises:
        ValueError: an argument is out of its range.
    """
    s = positive("spectrum", spectrum)
    at_least("penalty", penalty, 0)
    at_least("n", n, 0, strict=True)
    if penalty == 0 and n >= s.size:
        kappa = 0.0
    else:

        def gap(log_kappa: float) -> float:
            k = np.exp(log_kappa)
            return float(1 - penalty / k - (s / (s + k)).sum() / n)

        top = np.log(penalty + s.sum() / n) + 1e-9
        low = np.log(penalty) - 1e-9 if penalty > 0 else top - 60
        kappa = float(np.exp(brentq(gap, low, top + 1, xtol=1e-14, rtol=1e-14)))
    df2 = float(((s / (s + kappa)) ** 2).sum())
    return Equivalent(kappa, kappa / (s + kappa), df2, df2 / n)


def ridge_risk(
    penalty: float, n: float, spectrum: ArrayLike, weights: ArrayLike, noise: float
) -> float:
    r"""Risk of one ridge fit: $\frac{\kappa^2\sum s w^2/(s+\kappa)^2+\sigma^2u}{1-u}$.

    Raises:
        ValueError: an argument is out of its range, or there is no penalty and n = d.
    """
    s, w = positive("spectrum", spectrum), np.asarray(weights, float)
    at_least("noise", noise, 0)
    e = equivalent(penalty, n, s)
    if e.u >= 1:
        raise ValueError(f"n = {n} rows for as many coefficients: without a penalty no risk exists")
    bias = float((e.shrink**2 * s * w**2).sum())
    return (bias + noise**2 * e.u) / (1 - e.u)


def ridge_chain_risk(
    penalty: float, n: float, spectrum: ArrayLike, weights: ArrayLike, noise: float,
    generations: int,
) -> Vector:  # fmt: skip
    r"""Ridge fitted to its own labels, fresh designs, replace: the risk at fits 1..T.

    With $h=\kappa/(s+\kappa)$, $M_i=E w_i^2$, $m_i=E w_i$, started at the truth:
    $Q=\kappa^2\sum_jM_js_j/(s_j+\kappa)^2$,
    $M_i\leftarrow(1-h_i)^2M_i+\frac{s_i/(s_i+\kappa)^2}{n-\mathrm{df}_2}(\sigma^2+Q)$,
    $m_i\leftarrow(1-h_i)m_i$.

    Raises:
        ValueError: an argument is out of its range.
    """
    s, w = positive("spectrum", spectrum), np.asarray(weights, float)
    at_least("noise", noise, 0)
    generations = whole("generations", generations, 1)
    e = equivalent(penalty, n, s)
    square, mean, risk = w**2, w.copy(), np.empty(generations)
    for t in range(generations):
        signal = float((e.shrink**2 * s * square).sum())
        spread = s / (s + e.kappa) ** 2 / (n - e.df2)
        square = (1 - e.shrink) ** 2 * square + spread * (noise**2 + signal)
        mean = (1 - e.shrink) * mean
        risk[t] = float((s * (square - 2 * mean * w + w**2)).sum())
    return risk


def weighted_step(
    weights: tuple[float, float], counts: tuple[float, float], d: float
) -> tuple[float, float]:
    r"""Weighted least squares on new real rows and on rows of the last fit: one generation.

    With effective weights $c_r+c_s=1$, $D_k=dc_k^2/n_k$, $D=D_r+D_s$:
    $E_t=\kappa E_{t-1}+\sigma^2\frac D{1-D}$,
    $\kappa=c_s^2+\frac{D_rc_s^2+D_sc_r^2}{1-D}$.

    Args:
        weights: effective weights of the real and of the synthetic rows.
        counts: rows of either kind; only d / counts matters.
        d: coefficients.

    Returns:
        kappa and D / (1 - D), to a relative error of O(1/n) of the chain.

    Raises:
        ValueError: counts are not positive, or too few for d coefficients (D >= 1).
    """
    c = np.asarray(weights)
    doses = at_least("d", d, 0) * c**2 / positive("counts", counts)
    left = 1 - doses.sum()
    if left <= 0:
        raise ValueError(f"counts {tuple(counts)} are too few for d = {d} coefficients")
    carried = c[1] ** 2 + float(doses @ c[::-1] ** 2) / left
    return float(carried), float(doses.sum() / left)


class Features(NamedTuple):
    r"""Random features: effective penalty, $z=\sum s/(s+\kappa)$, $q=\sum s^2/(s+\kappa)^2$."""

    kappa: float
    z: float
    q: float


def features_equivalent(penalty: float, n: float, m: float, spectrum: ArrayLike) -> Features:
    r"""Solve $\kappa(1-z/n)(1-z/m)=\lambda$ on the branch $z<\min(n,m)$.

    m random projections of the rows, then ridge with penalty $\lambda > 0$.

    Raises:
        ValueError: an argument is out of its range.
    """
    s = positive("spectrum", spectrum)
    at_least("penalty", penalty, 0, strict=True)
    at_least("n", n, 0, strict=True)
    at_least("m", m, 0, strict=True)

    def size(log_kappa: float) -> float:
        return float((s / (s + np.exp(log_kappa))).sum())

    def gap(log_kappa: float) -> float:
        z = size(log_kappa)
        return float(np.exp(log_kappa) * (1 - z / n) * (1 - z / m) - penalty)

    top = np.log(s.sum() + penalty) + 40.0
    few = min(n, m)
    low = np.log(s.min()) - 40.0
    if size(low) >= few:
        low = brentq(lambda x: size(x) - few, low, top, xtol=1e-15)
    kappa = float(np.exp(brentq(gap, low, top, xtol=1e-15, rtol=1e-14)))
    return Features(kappa, float((s / (s + kappa)).sum()), float(((s / (s + kappa)) ** 2).sum()))


__all__ = [
    "Equivalent", "Features", "equivalent", "features_equivalent", "ridge_chain_risk",
    "ridge_risk", "weighted_step",
]  # fmt: skip
