"""Gaussian chains and estimators beyond the experiments: where chains settle, how fast directions
die, how long it takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from scipy.optimize import brentq
from scipy.special import digamma

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.gaussian import kappa1
from collapse_theory.exact.gaussian_pooling import mad_second_moments
from collapse_theory.exact.validation import Vector

OWN = Source(None)
PROBS = (0.5, 0.9, 0.97)


def _settled(rng: Any, count: int, *, size: int, ddof: int, times: int) -> Any:
    """|mean| after times * n generations within the quantiles; mean and sum of squares drawn."""
    n = size
    mean, log_s = np.zeros(count), np.zeros(count)
    for _ in range(times * n):
        mean += np.exp(log_s / 2) * rng.standard_normal(count) / np.sqrt(n)
        log_s += np.log(rng.chisquare(n - 1, count) / (n - ddof))
    return np.abs(mean)[:, None] <= _quantiles(ddof)


def _quantiles(ddof: int) -> Vector:
    two_sided = (1 + np.asarray(PROBS)) / 2
    if ddof == 1:
        return np.asarray(stats.t.ppf(two_sided, 2))
    return np.asarray(stats.t.ppf(two_sided, 4) / np.sqrt(2))


@trial(
    "replace.collapsed_location_law",
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=OWN,
    draws=_settled,
    cases=({"size": 6, "ddof": 1, "times": 12}, {"size": 6, "ddof": 0, "times": 8}),
    binary=True,
)
def settled(*, size: int, ddof: int, times: int) -> Any:
    r"""$(\mu_\infty-\mu)/\sigma\Rightarrow t_2$ for the unbiased variance, $t_4/\sqrt2$ for the
    divisor n, as n grows: judged by the shares within the quantiles of 0.5, 0.9 and 0.97.

    Gaussian, each fit on the newest batch; the mean settles although its second moment diverges for
    the unbiased variance. Judged after 12 n and 8 n generations.

    Derived: in the limit S is $e^{\sqrt2B-(1+c)s}$, and $\int S\,ds$ is an inverse Gamma variable.
    """
    return np.asarray(PROBS)


def _hitting(rng: Any, count: int, *, n: int, floor: float) -> Any:
    log_s, time, alive = np.zeros(count), np.zeros(count), np.ones(count, bool)
    while alive.any():
        log_s[alive] += np.log(rng.chisquare(n - 1, int(alive.sum())) / (n - 1))
        time[alive] += 1
        alive = log_s > 2 * np.log(floor)
    return time, log_s


def _corrected(rng: Any, count: int, *, n: int, floor: float) -> Any:
    time, log_s = _hitting(rng, count, n=n, floor=floor)
    return time - (log_s - 2 * np.log(floor)) / float(kappa1(n))


def _time(rng: Any, count: int, *, n: int, floor: float) -> Any:
    return _hitting(rng, count, n=n, floor=floor)[0]


@trial(
    "replace.hitting_time.wald",
    kind=Kind.EXACT,
    source=OWN,
    draws=_corrected,
    cases=({"n": 10, "floor": 0.1},),
)
def hitting(*, n: int, floor: float) -> float:
    r"""$E\tau-\frac{E\log(S_\tau/\varepsilon^2)}{\kappa_1}=\frac{2\log(\varepsilon/\sigma)}{\kappa_1}$,
    $\kappa_1=\psi(\tfrac{n-1}2)-\log\tfrac{n-1}2$, for the first time $\tau$ at which
    $s_t\le\varepsilon$.

    Gaussian, unbiased variance, each fit on the newest batch: Wald's identity. The drift is known,
    so the overshoot can be taken off each chain.
    """
    return 2 * float(np.log(floor)) / float(kappa1(n))


@trial(
    "replace.hitting_time.bound",
    kind=Kind.LOWER,
    source=OWN,
    draws=_time,
    cases=({"n": 10, "floor": 0.1},),
)
def hitting_bound(*, n: int, floor: float) -> float:
    r"""$E\tau\ge\frac{2\log(\varepsilon/\sigma)}{\kappa_1}\approx2(n-1)\log(\sigma/\varepsilon)$.

    As in ``replace.hitting_time.wald``: the overshoot is negative.
    """
    return 2 * float(np.log(floor)) / float(kappa1(n))


def _directions(rng: Any, count: int, *, size: int, n: int, d: int) -> Any:
    """Logs of the ordered eigenvalues of the covariance, per generation, relative to the first."""
    t, root = 20 * size, np.broadcast_to(np.eye(d), (count, d, d))
    scale = np.zeros(count)
    for _ in range(t):
        x = rows.design(rng, count, n, np.ones(d))
        x -= x.mean(1, keepdims=True)
        gram = np.matmul(x.swapaxes(-1, -2), x) / (n - 1)
        root = np.matmul(root, np.linalg.cholesky(gram))
        size_now = np.abs(root).max((1, 2), keepdims=True)
        root = root / size_now  # kept near 1, so that the small directions are not lost
        scale += np.log(size_now[:, 0, 0])
    singular = np.linalg.svd(root, compute_uv=False)
    return 2 * (np.log(singular) + scale[:, None]) / t


@trial(
    "multivariate.lyapunov",
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=OWN,
    draws=_directions,
    cases=({"size": 1, "n": 6, "d": 2},),
    chunk=2048,
)
def lyapunov(*, size: int, n: int, d: int) -> Any:
    r"""$\frac1t\log\lambda_j(\Sigma_t)\to\psi(\tfrac{n-j}2)-\log\tfrac{n-1}2$, j = 1..d, as t
    grows: the covariance becomes rank one before it vanishes.

    Gaussian in d dimensions, unbiased covariance, each fit on the newest batch; the error is
    O(1/t). Judged over 20 to 160 generations.
    """
    j = np.arange(1, d + 1)
    return digamma((n - j) / 2) - np.log((n - 1) / 2)


def _median_chain(rng: Any, count: int, *, n: int, fits: int) -> Any:
    centre, out = np.zeros(count), []
    for _ in range(fits):
        centre = np.median(centre[:, None] + rng.standard_normal((count, n)), axis=1)
        out.append(centre**2)
    return np.stack(out, 1)


def _median_variance(n: int) -> float:
    """Variance of the median of an odd number of standard normals, by quadrature."""
    z = np.linspace(-9, 9, 20001)
    k = (n - 1) // 2
    log_beta = stats.beta(k + 1, k + 1).logpdf(stats.norm.cdf(z))
    density = np.exp(log_beta) * stats.norm.pdf(z)
    return float(np.trapezoid(density * z**2, z))


@trial(
    "equivariant.replace",
    kind=Kind.EXACT,
    source=OWN,
    draws=_median_chain,
    cases=({"n": 9, "fits": 6},),
)
def equivariant(*, n: int, fits: int) -> Any:
    r"""$\hat\theta_t-\theta$ is a sum of t independent errors of one fit: $\mathrm{Var}=t\,v_n$,
    bias $t\,b_n$, at every n.

    Any location family and any location-equivariant estimator, fixed scale, each fit on the newest
    batch; here the median of a Gaussian, $v_n$ by quadrature.
    """
    return np.arange(1, fits + 1) * _median_variance(n)


def _mad(
    rng: Any, count: int, *, first: int, real: int, made: int, factor: float, fits: int
) -> Any:
    """Moments of mean and unbiased variance after the last fit, from rows."""
    x = rng.standard_normal((count, first))
    for _ in range(fits - 1):
        mean, s = x.mean(1, keepdims=True), x.var(1, ddof=1, keepdims=True)
        new = mean + np.sqrt(factor * s) * rng.standard_normal((count, made))
        x = np.concatenate([rng.standard_normal((count, real)), new], 1)
    m, s = x.mean(1), x.var(1, ddof=1)
    return np.stack([s, m**2, s**2, s * m**2, m**4], 1)


@trial(
    "alemohammad2023.fresh_second_moments",
    kind=Kind.EXACT,
    source=Source("alemohammad2023"),
    draws=_mad,
    cases=({"first": 5, "real": 4, "made": 6, "factor": 0.9, "fits": 4},),
)
def second_moments(*, first: int, real: int, made: int, factor: float, fits: int) -> Any:
    r"""A closed linear map for $(E S,E\mu^2,E S^2,E S\mu^2,E\mu^4)$. Given the last fit, with
    $D=\mathrm{diag}(1_{n_r},\lambda S1_{n_s})$ and $Q=(N-1)S'$:
    $E Q=\frac{N-1}N\mathrm{tr}D+\mu^2\frac{n_rn_s}N$,
    $\mathrm{Var}\,Q=2\big[(1-\tfrac2N)\mathrm{tr}D^2+\tfrac{(\mathrm{tr}D)^2}{N^2}\big]
    +\frac{4\mu^2}{N^2}(n_rn_s^2+\lambda Sn_sn_r^2)$,
    $\mathrm{Cov}(\bar x^2,Q)=\frac2{N^2}\big[\mathrm{tr}D^2-\frac{(\mathrm{tr}D)^2}N\big]
    +\frac{4n_s\mu^2}{N^3}n_rn_s(\lambda S-1)$, $\bar x\sim
    N(\frac{n_s\mu}N,\frac{\mathrm{tr}D}{N^2})$.

    $n_r$ new rows of N(0, 1) and $n_s$ rows of $N(\mu,\lambda S)$, unbiased variance of all N.
    """
    return mad_second_moments(first, (real, made), factor, fits)


@calculation(
    "alemohammad2023.admissible_ns",
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=Source("alemohammad2023"),
    cases=({"factor": 0.8, "sizes": (1e4, 1e5, 1e6)}, {"factor": 0.9, "sizes": (1e5, 1e6, 1e7)}),
)
def admissible(*, factor: float, sizes: Any) -> Sides:
    r"""Synthetic rows help, that is lower the stationary $E W_2^2$, if and only if
    $n_s<\frac{9-\lambda-2\lambda^2}{(1-\lambda)^2}$ for $\lambda<1$ and large $n_r$: a number that
    does not grow with the real data.

    $n_r$ new real rows and $n_s$ rows of $N(\mu_t,\lambda S_t)$, unbiased variance.

    Derived; that the number becomes constant was read off a figure. Computed: the root in $n_s$ of
    $E\mu^2+\tfrac14E(S-1)^2-\tfrac38E(S-1)\mathrm{Var}\,S$, from the exact moments after 60
    generations; what is left out is the same with and without synthetic rows to this order.
    """

    def gain(made: float, real: float) -> float:
        s, m2, s2, _, _ = mad_second_moments(real, (real, made), factor, 60)
        root = (s2 - 2 * s + 1) / 4 - 3 * (s - 1) * (s2 - s**2) / 8  # E (sqrt(S) - 1)^2
        return float(m2 + root - 1 / real - 1 / (2 * (real - 1)))

    stated = (9 - factor - 2 * factor**2) / (1 - factor) ** 2
    found = [brentq(gain, 10.0, 5 * stated, args=(real,)) for real in sizes]
    return Sides(np.full(len(sizes), stated), found, sizes)


def _components(rng: Any, count: int, *, n: int, weight: float, fits: int) -> Any:
    """Well separated components: labels are seen, so weights and variances are fitted apart.

    Of the two, the first one's weight and the logarithm of its variance while it has two rows.
    """
    w, log_s, out = np.full(count, weight), np.zeros(count), []
    for _ in range(fits):
        k = rng.binomial(n, w)
        x = rng.standard_normal((count, n)) * (np.arange(n) < k[:, None])
        sizes = np.maximum(k, 2)
        ss = (x**2).sum(1) - x.sum(1) ** 2 / np.maximum(k, 1)
        fitted = k >= 2
        step = np.where(fitted, np.log(np.where(fitted, ss, 1) / (sizes - 1)), 0)
        log_s = log_s + step
        w = k / n
        out += [w * (1 - w), log_s]
    return np.stack(out, 1)


@trial(
    "gmm.components",
    kind=Kind.EXACT,
    source=OWN,
    draws=_components,
    cases=({"n": 30, "weight": 0.35, "fits": 3},),
)
def components(*, n: int, weight: float, fits: int) -> Any:
    r"""Weights follow the Wright-Fisher chain, $E w(1-w)=w_0(1-w_0)(1-\tfrac1n)^t$, and a component
    of j rows multiplies its variance by $\chi^2_{j-1}/(j-1)$: small components collapse first,
    $E\log S_t=\sum_{g\le t}E[\psi(\tfrac{j_g-1}2)-\log\tfrac{j_g-1}2]$.

    Mixture of two Gaussians so far apart that every row shows its component; a component of fewer
    than two rows keeps its variance. Each fit on the newest n rows.
    """
    j, out, log_s = np.arange(n + 1), [], 0.0
    dose = np.where(j >= 2, kappa1(np.maximum(j, 2)), 0)
    law = stats.binom.pmf(j, n, weight)
    step = stats.binom.pmf(j[None], n, j[:, None] / n)
    for t in range(1, fits + 1):
        log_s += float(law @ dose)
        out += [weight * (1 - weight) * (1 - 1 / n) ** t, log_s]
        law = law @ step
    return np.asarray(out)
