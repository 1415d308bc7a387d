r"""Exact moments of the Gaussian replace workflow: fit a mean and a variance, sample, forget,
repeat.

The law is explicit: $S_t = \sigma^2\prod_g \chi^2_{n_g-1}/(n_g-\mathrm{ddof})$ with independent
factors, and given the variances $\mu_t \sim N(0, \sum_{g\le t} S_{g-1}/n_g)$. Everything is in
units of the true standard deviation (true mean 0, variance 1). Other workflows are in
`gaussian_pooling` and `weighting`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, polygamma

from collapse_theory.exact.validation import (
    Matrix,
    Sizes,
    Vector,
    at_least,
    divisor,
    schedule,
    whole,
)


def c4(n: ArrayLike) -> NDArray[np.float64]:
    r"""Bias of the sample standard deviation, $E[s] = c_4(n)\,\sigma$ with ddof 1.

    $c_4(n)=\sqrt{2/(n-1)}\,\Gamma(n/2)/\Gamma((n-1)/2) \approx 1-1/(4(n-1))$.

    Args:
        n: sample sizes, >= 2, any shape.

    Returns:
        Same shape; relative error about 1e-16 n log n.

    Raises:
        ValueError: if a size is below 2.
    """
    half = (_sizes(n) - 1.0) / 2.0
    log = gammaln(half + 0.5) - gammaln(half) - 0.5 * np.log(half)
    return np.asarray(np.exp(log), dtype=np.float64)


def kappa1(n: ArrayLike) -> NDArray[np.float64]:
    r"""Mean of $\log(s^2/\sigma^2)$ with ddof 1: $\psi((n-1)/2)-\log((n-1)/2) \approx -1/(n-1)$.

    Args:
        n: sample sizes, >= 2, any shape.

    Returns:
        Same shape; absolute error about 1e-15 log n.

    Raises:
        ValueError: if a size is below 2.
    """
    half = (_sizes(n) - 1.0) / 2.0
    return np.asarray(digamma(half) - np.log(half), dtype=np.float64)


def kappa2(n: ArrayLike) -> NDArray[np.float64]:
    r"""Variance of $\log s^2$: $\psi_1((n-1)/2) \approx 2/(n-1)$.

    Args:
        n: sample sizes, >= 2, any shape.

    Returns:
        Same shape; rounding error only.

    Raises:
        ValueError: if a size is below 2.
    """
    return np.asarray(polygamma(1, (_sizes(n) - 1.0) / 2.0), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class GaussianReplace:
    r"""The replace workflow on a Gaussian: fit t sees only `n_t` rows drawn from fit t-1.

    Every method returns shape [T], the value at fits t = 1..T, in units of the true standard
    deviation. Products run on the log scale; relative error about 1e-14 T unless the value
    underflows.

    Attributes:
        sizes: rows of each generation, shape [T], each >= 2.
        ddof: 0 (divide by n) or 1 (divide by n-1).

    Raises:
        ValueError: a size below 2, or another ddof.

    References:
        derived; alemohammad2023 and shumailov2024 for the chain
    """

    sizes: Sizes
    ddof: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", schedule("sizes", self.sizes, 2))
        divisor(self.ddof)

    def log_moment(self, p: float) -> Vector:
        r"""Logarithm of the p-th moment of the variance; inf where it diverges.

        $\log E[S_t^p] = \sum_g[p\log\frac{2}{n_g-\mathrm{ddof}}+\log\Gamma(h_g+p)-\log\Gamma(h_g)]$
        with $h_g = (n_g-1)/2$.

        Args:
            p: any real power of the variance; finite iff (n_g-1)/2 + p > 0 for every g <= t.

        Returns:
            Shape [T].

        Raises:
            ValueError: if p is not finite.
        """
        at_least("p", p, -np.inf)
        half = (self._n - 1.0) / 2.0
        finite = half + p > 0.0
        top = gammaln(np.where(finite, half + p, 1.0))
        step = p * np.log(2.0 / (self._n - self.ddof)) + top - gammaln(half)
        return np.asarray(np.cumsum(np.where(finite, step, np.inf)), dtype=np.float64)

    def moment(self, p: float) -> Vector:
        """E S_t^p, shape [T]; see `log_moment`."""
        return np.asarray(np.exp(self.log_moment(p)), dtype=np.float64)

    def variance_mean(self) -> Vector:
        r"""$E S_t = \prod_g (n_g-1)/(n_g-\mathrm{ddof})$."""
        return np.asarray(np.exp(np.cumsum(np.log(self._step))), dtype=np.float64)

    def variance_second(self) -> Vector:
        r"""$E S_t^2 = (E S_t)^2\prod_g(1+2/(n_g-1))$."""
        return np.exp(2.0 * np.cumsum(np.log(self._step)) + self._log_spread())

    def variance_variance(self) -> Vector:
        r"""$\mathrm{Var}\,S_t = (E S_t)^2[\prod_g(1+2/(n_g-1))-1]$."""
        return np.exp(2.0 * np.cumsum(np.log(self._step))) * np.expm1(self._log_spread())

    def deviation_mean(self) -> Vector:
        r"""$E s_t = \prod_g c_4(n_g)\sqrt{(n_g-1)/(n_g-\mathrm{ddof})}$."""
        return self.moment(0.5)

    def log_variance_mean(self) -> Vector:
        r"""$E\log S_t = \sum_g[\kappa_1(n_g)+\log\frac{n_g-1}{n_g-\mathrm{ddof}}]$."""
        return np.cumsum(kappa1(self._n) + np.log(self._step))

    def log_variance_variance(self) -> Vector:
        r"""$\mathrm{Var}\log S_t = \sum_g \kappa_2(n_g)$."""
        return np.cumsum(kappa2(self._n))

    def mean_square(self) -> Vector:
        r"""$E\mu_t^2 = \sum_{g\le t} E S_{g-1}/n_g$."""
        return np.cumsum(_before(self.variance_mean()) / self._n)

    def mean_fourth(self) -> Vector:
        r"""$E\mu_t^4 = 3E Q_t^2$, $Q_t=\sum_g S_{g-1}/n_g$.

        With $J_t = E[Q_tS_t]$: $J_t = m_t(J_{t-1}+E S_{t-1}^2/n_t)$,
        $m_t=\frac{n_t-1}{n_t-\mathrm{ddof}}$, and
        $E Q_t^2 = E Q_{t-1}^2+2J_{t-1}/n_t+E S_{t-1}^2/n_t^2$.
        """
        n, square = self._n, _before(self.variance_second())
        joint, result = 0.0, np.empty(n.size)
        total = 0.0
        for t in range(n.size):
            total += 2.0 * joint / n[t] + square[t] / n[t] ** 2
            joint = self._step[t] * (joint + square[t] / n[t])
            result[t] = 3.0 * total
        return result

    def wasserstein(self) -> Vector:
        r"""$E W_2^2(N(\mu_t,S_t),N(0,1)) = E\mu_t^2+E S_t-2E s_t+1$; absolute error
        about 1e-15 times the largest term.
        """
        return self.mean_square() + self.variance_mean() - 2.0 * self.deviation_mean() + 1.0

    def logdet_mean(self, d: int) -> Vector:
        r"""$E\log\det\Sigma_t-\log\det\Sigma$ in d dimensions; -inf once n_g <= d.

        $\sum_g\sum_{j=1}^d[\psi(\frac{n_g-j}{2})-\log\frac{n_g-\mathrm{ddof}}{2}]$.
        """
        _, ok, half = self._halves(d)
        step = np.sum(digamma(half) - np.log((self._n[:, None] - self.ddof) / 2.0), axis=1)
        return np.cumsum(np.where(ok, step, -np.inf))

    def logdet_variance(self, d: int) -> Vector:
        r"""$\mathrm{Var}\log\det\Sigma_t$ in d dimensions; nan once n_g <= d.

        $\sum_g\sum_{j=1}^d\psi_1(\frac{n_g-j}{2})$.
        """
        _, ok, half = self._halves(d)
        return np.cumsum(np.where(ok, np.sum(polygamma(1, half), axis=1), np.nan))

    def kl_reverse(self, d: int = 1) -> Vector:
        r"""$E\,\mathrm{KL}(N_t\Vert N_0)$ in d dimensions; inf once n_g <= d.

        $\frac12[d\,(E S_t-1+E\mu_t^2)-E\log\det(\Sigma_t\Sigma^{-1})]$.
        """
        trace = whole("d", d, 1) * (self.variance_mean() - 1.0 + self.mean_square())
        return 0.5 * (trace - self.logdet_mean(d))

    def kl_forward(self, d: int = 1) -> Vector:
        r"""$E\,\mathrm{KL}(N_0\Vert N_t)$ in d dimensions; inf once n_g <= d+2.

        $\frac12[d\prod_g r_g+M_t-d+E\log\det]$ with $r_g=\frac{n_g-\mathrm{ddof}}{n_g-d-2}$ and
        $M_t=E\mu_t^\top\Sigma_t^{-1}\mu_t=r_t(M_{t-1}+d/n_t)$.
        """
        d = whole("d", d, 1)
        n, finite = self._n, np.logical_and.accumulate(self._n > d + 2)
        growth = np.where(finite, (n - self.ddof) / np.where(finite, n - d - 2.0, 1.0), 1.0)
        mahalanobis, result = 0.0, np.empty(n.size)
        for t in range(n.size):
            mahalanobis = growth[t] * (mahalanobis + d / n[t])
            result[t] = mahalanobis
        value = d * np.cumprod(growth) + result - d + np.where(finite, self.logdet_mean(d), 0.0)
        return np.where(finite, 0.5 * value, np.inf)

    def frobenius(self, covariance: ArrayLike) -> Vector:
        r"""$E\lVert\Sigma_t-\Sigma\rVert_F^2$ with ddof 1, in any dimension.

        $q=E\,\mathrm{tr}\Sigma_t^2$, $p=E(\mathrm{tr}\Sigma_t)^2$: $q'=(1+1/\nu)q+p/\nu$,
        $p'=p+2q/\nu$, $\nu=n_g-1$; the result is $q_t-\mathrm{tr}\Sigma^2$.

        Args:
            covariance: the true covariance, shape [d, d], in the units of the result.

        Returns:
            Shape [T].

        Raises:
            ValueError: if ddof is not 1, or the covariance is not square and symmetric.
        """
        if self.ddof != 1:
            raise ValueError(f"frobenius needs ddof = 1, got {self.ddof}")
        start, p = trace_moments(covariance)
        q, result = start, np.empty(self._n.size)
        for t, nu in enumerate(self._n - 1.0):
            q, p = q + (q + p) / nu, p + 2.0 * q / nu
            result[t] = q - start
        return result

    @property
    def _n(self) -> Vector:
        return np.asarray(self.sizes, dtype=np.float64)

    @property
    def _step(self) -> Vector:
        return (self._n - 1.0) / (self._n - self.ddof)

    def _log_spread(self) -> Vector:
        return np.cumsum(np.log1p(2.0 / (self._n - 1.0)))

    def _halves(self, d: int) -> tuple[int, NDArray[np.bool_], Matrix]:
        d = whole("d", d, 1)
        ok = self._n > d
        half = (np.where(ok, self._n, d + 2.0)[:, None] - np.arange(1, d + 1)) / 2.0
        return d, ok, half


def trace_moments(covariance: ArrayLike) -> tuple[float, float]:
    """The two quadratic invariants of a covariance matrix.

    Args:
        covariance: shape [d, d], symmetric.

    Returns:
        (tr Sigma^2, (tr Sigma)^2).

    Raises:
        ValueError: if the matrix is not square and symmetric.
    """
    matrix = np.asarray(covariance, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.allclose(matrix, matrix.T):
        raise ValueError(f"covariance must be symmetric [d, d], got shape {matrix.shape}")
    return float(np.sum(matrix**2)), float(np.trace(matrix) ** 2)


def _before(values: Vector) -> Vector:
    """Values at fits 0..T-1 (1 for the truth) from values at fits 1..T."""
    return np.concatenate(([1.0], values[:-1]))


def _sizes(n: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(n, dtype=np.float64)
    if not (array >= 2.0).all():
        raise ValueError(f"n must be >= 2, got {array.min()}")
    return array
