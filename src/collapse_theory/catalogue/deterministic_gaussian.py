"""Gaussian and kernel workflows whose means are computed exactly."""

from __future__ import annotations

import numpy as np
from scipy import integrate, optimize

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact import LumpedChain
from collapse_theory.exact.linear import LinearWorkflow, coefficients, second_moments
from collapse_theory.exact.symbols import fresh_covariance
from collapse_theory.exact.validation import Vector
from collapse_theory.exact.weighting import optimal_variance_weight

OURS = Source(None)


def _fitted(moments: Vector, real: Vector, lam: float, gamma: float) -> Vector:
    """Mean and second moment after one generation of infinitely many rows."""
    corrected = (moments + gamma * real) / (1 + gamma)
    return np.asarray((real + lam * corrected) / (1 + lam))


def _errors(lam: float, gamma: float) -> tuple[Vector, Vector]:
    """Errors of mean and second moment of a Gaussian started elsewhere, and their factors."""
    real, now = np.array([0.4, 1.9]), np.array([1.4, 4.0])
    first, found = now - real, []
    for _ in range(6):  # later the errors are differences of nearly equal numbers
        now = _fitted(now, real, lam, gamma)
        found.append(now - real)
    factor = lam / ((1 + lam) * (1 + gamma))
    stated = first[None] * factor ** np.arange(1, 7)[:, None]
    return stated.ravel(), np.concatenate(found)


@calculation(
    "bertrand2023.stability", kind=Kind.EXACT, source=Source("bertrand2023"), error=1e-9,
    cases=({"lam": 0.4}, {"lam": 3.0}),
)  # fmt: skip
def stability(lam: float) -> Sides:
    r"""$e_t = \frac{\lambda}{1+\lambda}\,e_{t-1}$ for the mean parameter of an exponential family
    refitted to infinitely many rows, $\lambda$ synthetic ones for each real one: a contraction for
    every $\lambda$, where the paper's sufficient condition asks for less than 1/2.

    The condition is known here from accounts of the paper only. Held against six fits of a
    Gaussian.
    """
    return Sides(*_errors(lam, 0.0))


@calculation(
    "gillman2024.self_correction", kind=Kind.EXACT, source=Source("gillman2024"), error=1e-9,
    cases=({"lam": 0.4, "gamma": 1.0}, {"lam": 3.0, "gamma": 0.2}),
)  # fmt: skip
def self_correction(lam: float, gamma: float) -> Sides:
    r"""$e_t = \frac{\lambda}{(1+\lambda)(1+\gamma)}\,e_{t-1}$ if synthetic rows are first corrected
    toward the truth, $T\leftarrow\frac{T+\gamma T^*}{1+\gamma}$.

    As in ``bertrand2023.stability``, with an idealised corrector of strength $\gamma$.
    """
    return Sides(*_errors(lam, gamma))


@calculation(
    "he2025.variance_weight", kind=Kind.EXACT, source=Source("he2025"), error=1e-7,
    cases=({"n": 7, "m": 9}, {"n": 20, "m": 5}), planted=lambda values: 1.001 * values,
)  # fmt: skip
def variance_weight(n: int, m: int) -> Sides:
    r"""$P^* = \frac{-B(1-A)+\sqrt{B^2(1-A)^2+4AB(1+B)}}{2(1+B)}$, at $w^*=P^*/A$, is the least
    stationary variance of $wS_{real}+(1-w)S_{syn}$, $A=\frac2{n-1}$, $B=\frac2{m-1}$.

    Unbiased variances of n fresh real rows and of m rows of the last fit, true variance 1. Held
    against a numerical minimum of $P = w^2A+(1-w)^2[B(1+P)+P]$.
    """
    a, b = 2 / (n - 1), 2 / (m - 1)

    def stationary(w: float) -> float:
        return (w * w * a + (1 - w) ** 2 * b) / (1 - (1 - w) ** 2 * (1 + b))

    low = 1 - 1 / np.sqrt(1 + b) + 1e-9
    best = optimize.minimize_scalar(
        stationary, bounds=(low, 1), method="bounded", options={"xatol": 1e-12}
    )
    weight, least = optimal_variance_weight(n, m)
    return Sides([least, stationary(weight)], [best.fun, best.fun])


@calculation(
    "suresh2024.forget_time", kind=Kind.ASYMPTOTIC, source=Source("suresh2024"), order=1.0,
    cases=({"sizes": (50, 100, 200, 400), "copies": 3, "generations": 8},),
)  # fmt: skip
def forget_time(sizes: tuple[int, ...], copies: int, generations: int) -> Sides:
    r"""$P(\text{forgotten by } k) \to q_k^m$ as n grows, $q_0=0$, $q_{k+1}=e^{q_k-1}$: about
    $e^{-2m/k}$, so the time to forget a word is linear in its number m of copies.

    Replace, k generations after a corpus of n words with m copies of it. Held against the chain of
    its count.
    """
    q = 0.0
    for _ in range(generations):
        q = float(np.exp(q - 1))
    found = [LumpedChain(n, generations).distribution(copies / n)[-1, 0] for n in sizes]
    return Sides(np.full(len(sizes), q**copies), found, sizes)


@calculation(
    "barzilai2025.counterexample1", kind=Kind.ASYMPTOTIC, source=Source("barzilai2025"), order=1.0,
    cases=({"sizes": (10, 20, 40, 80)},),
)  # fmt: skip
def counterexample(sizes: tuple[int, ...]) -> Sides:
    r"""$P = 1-\int_0^1n(1-b)^{n-1}(1-\tfrac b2)^n\,db \to \frac13$: in a family that is
    consistent in one step, the second fit collapses with a chance that does not vanish.

    A uniform law with a spurious second component, whose fitted weight is half the gap b above the
    largest of n real rows; collapse means that one of n synthetic rows falls into it. The theorem
    is the paper's, the constant is derived. Held against a quadrature.
    """
    found = [
        1 - integrate.quad(lambda b, n=n: n * (1 - b) ** (n - 1) * (1 - b / 2) ** n, 0, 1)[0]
        for n in sizes
    ]
    return Sides(np.full(len(sizes), 1 / 3), found, sizes)


@calculation(
    "kde.replace_mise", kind=Kind.EXACT, source=OURS, error=1e-8,
    cases=({"n": 8, "h": 0.5, "generations": 6}, {"n": 30, "h": 0.2, "generations": 4}),
)  # fmt: skip
def kde_replace(n: int, h: float, generations: int) -> Sides:
    r"""$\mathrm{MISE}_t = (1-\frac1n)^tg(\sigma^2+th^2)+
    \frac1n\sum_{j=1}^t(1-\frac1n)^{j-1}g(jh^2)-2g(\sigma^2+\tfrac{th^2}2)+g(\sigma^2)$,
    $g(a)=\frac1{2\sqrt{\pi a}}$.

    Gaussian kernel of bandwidth h, Gaussian truth of variance 1, n rows of the last estimate. Held
    against the recursion of the mean squared characteristic function, integrated numerically.
    """

    def g(a: float) -> float:
        return float(1 / (2 * np.sqrt(np.pi * a)))

    stated = []
    for t in range(1, generations + 1):
        kept = (1 - 1 / n) ** t * g(1 + t * h * h) - 2 * g(1 + t * h * h / 2) + g(1)
        stated.append(
            kept + sum((1 - 1 / n) ** (j - 1) * g(j * h * h) for j in range(1, t + 1)) / n
        )
    w = np.linspace(-80, 80, 200_001)
    kernel, truth = np.exp(-h * h * w * w / 2), np.exp(-w * w / 2)
    square, mean, found = 1 / n + (1 - 1 / n) * truth**2, truth, []
    for _ in range(generations):
        inner = kernel**2 * square - 2 * kernel * mean * truth + truth**2
        found.append(np.trapezoid(inner, w) / (2 * np.pi))
        square, mean = 1 / n + (1 - 1 / n) * kernel**2 * square, kernel * mean
    return Sides(stated, found)


@calculation(
    "kde.replace_mean_density", kind=Kind.EXACT, source=OURS, error=1e-11,
    cases=({"n": 10, "h": 0.45},),
)  # fmt: skip
def kde_mean(n: int, h: float) -> Sides:
    r"""$E\hat f_t = f*N(0,th^2)$; the mean variance of the rows obeys $v_1=(1-\frac1n)\sigma^2$,
    $v_{t+1}=(1-\frac1n)(v_t+h^2)\to(n-1)h^2$, and $E\bar x_t^2 = \sigma^2+(t-1)h^2-v_t$: no
    collapse, but a linear drift.

    Any truth; Gaussian kernel of bandwidth h, n rows of the last estimate. Held against the second
    moments of one row and of two.
    """
    stated, found = [], []
    v, one, two = (1 - 1 / n) * 1.7, 1.7, 0.0
    for t in range(1, 31):
        stated += [v, 1.7 + (t - 1) * h * h - v, 1.7 + t * h * h]
        found += [(1 - 1 / n) * (one - two), one / n + (1 - 1 / n) * two, one + h * h]
        v = (1 - 1 / n) * (v + h * h)
        one, two = one + h * h, one / n + (1 - 1 / n) * two
    return Sides(stated, found)


def _window(k: int, generations: int) -> LinearWorkflow:
    """Batch b of one row from fit b; fits see the last k batches."""
    weights = np.zeros((generations, generations))
    for t in range(generations):
        weights[t, max(0, t - k + 1) : t + 1] = 1 / min(k, t + 1)
    sources = np.eye(generations, generations + 1)
    return LinearWorkflow(np.ones(generations), sources, weights)


@calculation(
    "sliding_window.effective", kind=Kind.LIMIT, source=OURS, error=1e-9,
    cases=({"k": 3}, {"k": 6}),
)  # fmt: skip
def sliding_window(k: int) -> Sides:
    r"""$A_{tb} \to \frac2{K+1}$: with the last K equal batches, each batch's error stays in the fit
    with this weight for ever, so that a window behaves like replace with
    $n_{eff} = n\frac{(K+1)^2}4$.

    Held against the weights of 200 fits.
    """
    last = coefficients(_window(k, 200))[-1]
    return Sides(np.full(40, 2 / (k + 1)), last[60:100])


@calculation(
    "derived.window_effective_size", kind=Kind.ASYMPTOTIC, source=Source("seddik2024"), order=1.0,
    cases=({"k": 4, "sizes": (25, 50, 100, 200)}, {"k": 2, "sizes": (25, 50, 100, 200)}),
)  # fmt: skip
def window_effective_size(k: int, sizes: tuple[int, ...]) -> Sides:
    r"""$E[1-S]$ decays by $e^{-1/n_e}$ a generation, $n_e \sim n\big(\frac{K+1}2\big)^2$, with new
    rows of each of the last K models, n in all: the window delays the collapse and does not stop
    it.

    n large against K. Held against the exact covariances.
    """
    generations, found = 80, []
    for n in sizes:
        weights = np.zeros((generations, generations))
        for t in range(generations):
            weights[t, max(0, t - k + 1) : t + 1] = 1 / min(k, t + 1)
        left = 1 - fresh_covariance(weights, np.full((generations,) * 2, n / k))
        found.append(-1 / np.log(left[-1] / left[-2]))
    return Sides(np.asarray(sizes) * ((k + 1) / 2) ** 2, found, sizes)


@calculation(
    "accumulate.real_fraction", kind=Kind.EXACT, source=OURS, error=1e-10,
    cases=({"n": 10, "k": 2, "generations": 40}, {"n": 10, "k": 7, "generations": 40}),
)  # fmt: skip
def real_fraction(n: int, k: int, generations: int) -> Sides:
    r"""$v_t = v_{t-1}\big(1-\frac\alpha t\big)^2+\frac{\sigma^2}{nt^2}$, $v_1=\frac{\sigma^2}n$:
    with a real share $\alpha$ in everything that is kept, the error falls like
    $t^{-\min(1,2\alpha)}$, and the critical share is one half.

    A mean of known variance; every generation adds $\alpha n$ real rows and the others from the
    last fit. Held against the linear engine on all batches.
    """
    v, stated = 1 / n, [1 / n]
    for t in range(2, generations + 1):
        v = v * (1 - k / n / t) ** 2 + 1 / (n * t * t)
        stated.append(v)
    # batches: the first real one, then a real and a synthetic one for each later generation
    batches = 1 + 2 * (generations - 1)
    rows = np.array([n, *([k, n - k] * (generations - 1))], float)
    sources = np.zeros((batches, generations + 1))
    sources[0, 0] = 1
    weights = np.zeros((generations, batches))
    for t in range(1, generations + 1):
        if t > 1:
            sources[2 * t - 3, 0] = sources[2 * t - 2, t - 1] = 1
        seen = rows[: 2 * t - 1]
        weights[t - 1, : 2 * t - 1] = seen / seen.sum()
    flow = LinearWorkflow(rows, sources, weights)
    return Sides(stated, second_moments(flow, 0.0).variance)
