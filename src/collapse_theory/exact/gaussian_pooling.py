r"""Exact second moments of Gaussian workflows that bias, mix or keep their data.

A fit is a mean and a variance. Everything is in units of the true variance (true mean 0), and the
pairs returned are `(E S_t, E mu_t^2)` at fits t = 1..T. The pairs hold for each coordinate in any
dimension.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from collapse_theory.exact.gaussian import c4, trace_moments
from collapse_theory.exact.validation import Sizes, Vector, at_least, divisor, schedule, whole

Pair = tuple[Vector, Vector]


def mad_fully_synthetic(
    sizes: Sizes, lam: float, *, first_biased: bool = False
) -> tuple[Vector, Vector, Vector]:
    r"""Replace workflow with a sampling bias: batch g is drawn from $N(\mu_{g-1},\lambda S_{g-1})$,
    ddof 1.

    $E S_t=\prod_g\lambda_g$, $E\mu_t^2=\sum_{g\le t}\lambda_gE S_{g-1}/n_g$, and in one dimension
    $E s_t=\prod_g\sqrt{\lambda_g}\,c_4(n_g)$.

    Args:
        sizes: rows of each generation, shape [T], each >= 2.
        lam: variance factor of the sampler, >= 0.
        first_biased: whether the factor is applied to the real batch as well ($\lambda_1=\lambda$),
            as in the paper.

    Returns:
        (E S_t, E mu_t^2, E s_t), each of shape [T]; relative error about 1e-14 T.

    Raises:
        ValueError: a size below 2 or a negative factor.

    References:
        alemohammad2023; derived
    """
    n = schedule("sizes", sizes, 2)
    factor = np.full(n.size, at_least("lam", lam, 0.0))
    factor[0] = lam if first_biased else 1.0
    variance = np.cumprod(factor)
    drift = np.cumsum(factor * np.concatenate(([1.0], variance[:-1])) / n)
    return variance, drift, np.cumprod(np.sqrt(factor) * c4(n))


def mad_fresh_loop(n_initial: int, counts: tuple[int, int], lam: float, generations: int) -> Pair:
    r"""Each generation pools fresh real rows with biased synthetic rows; mean and variance with
    ddof 1.

    With $e=E S_t$, $u=E\mu_t^2$, $N=n_r+n_s$, start $e=1,\,u=1/n_\mathrm{initial}$:
    $e'=\frac{n_r+n_s\lambda e}{N}+\frac{n_rn_s}{N(N-1)}u$ and
    $u'=\frac{n_r+n_s\lambda e}{N^2}+\frac{n_s^2}{N^2}u$.

    Args:
        n_initial: real rows of the first fit, >= 2.
        counts: (n_real, n_syn) of every later generation, in total >= 2.
        lam: variance factor of the sampler, >= 0.
        generations: number of fits T.

    Returns:
        (E S_t, E mu_t^2), each of shape [T]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        alemohammad2023; derived
    """
    real, synthetic = whole("n_real", counts[0], 0), whole("n_syn", counts[1], 0)
    total = whole("n_real + n_syn", real + synthetic, 2)
    at_least("lam", lam, 0.0)
    e = np.ones(whole("generations", generations, 1))
    u = np.full(e.size, 1.0 / whole("n_initial", n_initial, 2))
    for t in range(1, e.size):
        noise = real + synthetic * lam * e[t - 1]
        e[t] = noise / total + u[t - 1] * real * synthetic / (total * (total - 1.0))
        u[t] = noise / total**2 + (synthetic / total) ** 2 * u[t - 1]
    return e, u


def mad_second_moments(
    n_initial: float, counts: tuple[float, float], lam: float, generations: int
) -> Vector:
    r"""Second moments of the fresh data loop of :func:`mad_fresh_loop`.

    $(E S, E\mu^2, E S^2, E S\mu^2, E\mu^4)$ is mapped linearly: given the last fit the rows are
    Gaussian with covariance D, $\mathrm{diag}(1_{n_r}, \lambda S 1_{n_s})$, and Q = (N-1) S' is a
    quadratic form of them.

    Args:
        n_initial: real rows of the first fit.
        counts: real and synthetic rows of the later fits; they need not be whole numbers.
        lam: factor on the variance of synthetic rows.
        generations: number of fits.

    Returns:
        Shape [5], after the last fit, for the truth N(0, 1); rounding error only.

    References:
        derived
    """
    r, k = counts
    n = r + k
    s, m2, s2 = 1.0, 1 / n_initial, (n_initial + 1) / (n_initial - 1)
    sm, m4 = 1 / n_initial, 3 / n_initial**2
    part, shift = r * k / n, (k / n) ** 2
    for _ in range(generations - 1):
        trace, trace_squared = r + k * lam * s, r**2 + 2 * r * k * lam * s + (k * lam) ** 2 * s2
        squares = r + k * lam**2 * s2  # E tr D^2
        cross = r * m2 + k * lam * sm  # E mu^2 tr D
        mean = (n - 1) / n * trace + part * m2
        square = ((n - 1) / n) ** 2 * trace_squared + 2 * (n - 1) / n * part * cross
        square += part**2 * m4 + 2 * ((1 - 2 / n) * squares + trace_squared / n**2)
        square += 4 / n**2 * (r * k**2 * m2 + lam * k * r**2 * sm)
        fourth = shift**2 * m4 + 6 * shift * cross / n**2 + 3 * trace_squared / n**4
        both = (n - 1) / n * (shift * cross + trace_squared / n**2)
        both += part * (shift * m4 + cross / n**2)
        both += 2 / n**2 * (squares - trace_squared / n)
        both += 4 * k / n**3 * r * k * (lam * sm - m2)
        s, m2, m4 = mean / (n - 1), shift * m2 + trace / n**2, fourth
        s2, sm = square / (n - 1) ** 2, both / (n - 1)
    return np.array([s, m2, s2, sm, m4])


def accumulate(sizes: Sizes, ddof: int = 0) -> Pair:
    r"""Accumulate workflow: every batch is kept; batch g is drawn from fit g-1; pooled mean and
    variance.

    $E S_t=\prod_g(1-n_g/N_g^2)$ with ddof 0 and
    $E S_t=\prod_{g\ge2}\big(1-\frac{n_g}{N_g(N_g-1)}\big)$ with ddof 1, $N_g=n_1+\dots+n_g$;
    $E\mu_t^2=\sum_{g\le t}E S_{g-1}\,n_g/N_g^2$. (The ddof 1 product: the pooled sum of squares
    gains $S_{g-1}(n_g-n_g/N_g)$ on average.)

    Args:
        sizes: rows that each generation adds, shape [T], each >= 1 (ddof 1: the first >= 2).
        ddof: 0 (divide by N) or 1 (divide by N-1).

    Returns:
        (E S_t, E mu_t^2), each of shape [T]; relative error about 1e-16 T.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    n = schedule("sizes", sizes, 1)
    whole("sizes[0]", n[0], 1 + divisor(ddof))
    total = np.cumsum(n)
    factor = np.asarray(1.0 - n / (total * np.maximum(total - ddof, 1.0)), dtype=np.float64)
    if ddof == 1:
        factor[0] = 1.0
    variance = np.asarray(np.cumprod(factor), dtype=np.float64)
    before = np.concatenate(([1.0], variance[:-1]))
    return variance, np.cumsum(before * n / total**2)


def accumulate_subsample(n: int, generations: int, ddof: int = 0) -> Pair:
    r"""Keep all n t rows, fit on n of them drawn without replacement (fit 1: the whole first
    batch).

    State: $p$ = variance of the pool mean, $q$ = mean second moment of the pool, $\eta$ = mean
        variance of the subsample mean given
    the pool, so $E\mu_t^2=p+\eta$ and $E S_t=(q-E\mu_t^2)\frac{n}{n-\mathrm{ddof}}$. With
    $M=n(t+1)$, right-hand sides of step t: $p'=p+\frac{\eta+E S_t/n}{(t+1)^2}$,
    $q'=\frac{tq+E S_t+E\mu_t^2}{t+1}$, $\eta'=\frac{q'-p'}{n}\cdot\frac{M-n}{M-1}$.

    Args:
        n: rows per batch and per fit, >= 2.
        generations: number of fits T.
        ddof: 0 (divide by n) or 1 (divide by n-1).

    Returns:
        (E S_t, E mu_t^2), each of shape [T]; relative error about 1e-15 T.

    Raises:
        ValueError: outside the domain.

    References:
        kazdan2024 for the workflow; derived
    """
    n, scale = whole("n", n, 2), n / (n - divisor(ddof))
    variance = np.empty(whole("generations", generations, 1))
    square = np.empty(variance.size)
    pool_mean, pool_second, excess = 1.0 / n, 1.0, 0.0
    for t in range(1, variance.size + 1):
        square[t - 1] = pool_mean + excess
        variance[t - 1] = scale * (pool_second - square[t - 1])
        pool_mean += (excess + variance[t - 1] / n) / (t + 1) ** 2
        pool_second = (t * pool_second + variance[t - 1] + square[t - 1]) / (t + 1)
        rows = n * (t + 1)
        excess = (pool_second - pool_mean) / n * (rows - n) / (rows - 1)
    return variance, square


def accumulate_second(sizes: Sizes, covariance: ArrayLike) -> Pair:
    r"""Second moments of the pooled covariance, accumulate workflow, ddof 0, any dimension.

    With $a=n_g/N_g$, $m=1-a^2/n_g$, $C=a^2[(n_g-1)+(1-a)^2]/n_g^2$: $q'=m^2q+C(q+p)$, $p'=m^2p+2Cq$
    for $q=E\,\mathrm{tr}\Sigma_t^2$, $p=E(\mathrm{tr}\Sigma_t)^2$.

    Args:
        sizes: rows that each generation adds, shape [T], each >= 1.
        covariance: the true covariance, shape [d, d].

    Returns:
        (q_t, p_t), each of shape [T]; relative error about 1e-15 T.

    Raises:
        ValueError: a size below 1, or a covariance that is not square and symmetric.

    References:
        derived
    """
    n = schedule("sizes", sizes, 1)
    q, p = trace_moments(covariance)
    first, second = np.empty(n.size), np.empty(n.size)
    for t, (size, share) in enumerate(zip(n, n / np.cumsum(n), strict=True)):
        kept = (1.0 - share**2 / size) ** 2
        spread = share**2 * (size - 1.0 + (1.0 - share) ** 2) / size**2
        q, p = kept * q + spread * (q + p), kept * p + 2.0 * spread * q
        first[t], second[t] = q, p
    return first, second


def universal_two(sizes: Sizes) -> Vector:
    r"""Mean squared error of the pooled mean with known variance:
    $\sum_{g\le t}n_g/N_g^2 \le 2/n_1-1/N_t$.

    The bound telescopes, $n_g/N_g^2\le1/N_{g-1}-1/N_g$, so no schedule loses more than a factor 2
    on the first fit.

    Args:
        sizes: rows that each generation adds, shape [T], each >= 1.

    Returns:
        The partial sums, shape [T]; rounding error only.

    Raises:
        ValueError: a size below 1.

    References:
        derived
    """
    n = schedule("sizes", sizes, 1)
    return np.cumsum(n / np.cumsum(n) ** 2)
