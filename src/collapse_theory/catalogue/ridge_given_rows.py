"""Ridge, kernel ridge and denoisers fitted again and again: what holds given the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.equivalents import equivalent
from collapse_theory.exact.validation import Vector

ROWS, SPECTRUM = 15, (1.5, 1.0, 0.6, 0.3)


def _given_rows() -> tuple[Vector, Vector]:
    """A design and true values on it, given by a rule."""
    i, j = np.meshgrid(np.arange(ROWS), np.arange(len(SPECTRUM)), indexing="ij")
    x = np.sin(1.3 * i * (j + 1) + j * j) * np.sqrt(SPECTRUM)
    return x, x @ np.array([1.0, -0.7, 0.4, 0.8])


def _kernel_ridge(
    rng: Any, count: int, *, penalty: float, noise: float, fits: int, again: bool
) -> Any:
    x, truth = _given_rows()
    kernel = x @ x.T
    smooth = np.linalg.solve(kernel + ROWS * penalty * np.eye(ROWS), kernel)
    f, out = np.broadcast_to(truth, (count, ROWS)), []
    for t in range(fits):
        noisy = noise * rng.standard_normal((count, ROWS)) if again or t == 0 else 0.0
        f = (f + noisy) @ smooth
        out.append(rows.squared_norm(f - truth))
    return np.stack(out, 1)


@trial(
    "mobahi2020.iterated_krr",
    kind=Kind.EXACT,
    source=Source("mobahi2020"),
    draws=_kernel_ridge,
    cases=(
        {"penalty": 0.1, "noise": 0.7, "fits": 4, "again": True},
        {"penalty": 0.1, "noise": 0.7, "fits": 4, "again": False},
    ),
)
def iterated(*, penalty: float, noise: float, fits: int, again: bool) -> Any:
    r"""With $a_i$ the eigenvalues of $A=K(K+n\lambda)^{-1}$ and $\theta=V^\top f$:
    $E\lVert F_t-f\rVert^2=\sum_i(1-a_i^t)^2\theta_i^2+\sigma^2a_i^2\frac{1-a_i^{2t}}{1-a_i^2}$ with
    new noise on the labels in every generation; the last term is $\sigma^2a_i^{2t}$ where only the
    first labels are noisy: self-distillation, which amplifies regularisation.

    Kernel ridge regression on the same rows, each fit on the values of the last.
    """
    x, truth = _given_rows()
    values, vectors = np.linalg.eigh(x @ x.T)
    a, theta = values / (values + ROWS * penalty), vectors.T @ truth
    t = np.arange(1, fits + 1)[:, None]
    bias = (1 - a**t) ** 2 * theta**2
    fresh = a**2 * (1 - a ** (2 * t)) / (1 - a**2)
    return (bias + noise**2 * (fresh if again else a ** (2 * t))).sum(1)


def _distilled_risk(xi: float, penalty: float) -> float:
    """Risk of ridge on labels of which a part xi is the first ridge's own."""
    x, y, cov = *_noisy(), np.diag(SPECTRUM)
    gram = x.T @ x / ROWS + penalty * np.eye(x.shape[1])
    first = np.linalg.solve(gram, x.T @ y / ROWS)
    w = np.linalg.solve(gram, x.T @ ((1 - xi) * y + xi * x @ first) / ROWS)
    off = w - np.array([1.0, -0.7, 0.4, 0.8])
    return float(off @ cov @ off)


def _noisy() -> tuple[Vector, Vector]:
    x, y = _given_rows()
    return x, y + 0.8 * np.cos(2.1 * np.arange(ROWS) ** 2)


@calculation(
    "dang2026.optimal_sd_weight",
    kind=Kind.EXACT,
    source=Source("dang2026"),
    cases=({"penalty": 0.05}, {"penalty": 0.6}),
    error=1e-6,
)
def distilled(*, penalty: float) -> Sides:
    r"""$\xi^*=-\frac{R'(\lambda)}{2\lambda\lVert dw/d\lambda\rVert_\Sigma^2}$ and
    $R_{min}=R-\frac{R'^2}{4\lVert dw/d\lambda\rVert_\Sigma^2}$, with
    $dw/d\lambda=-(\hat S+\lambda)^{-1}w_\lambda$: a gain wherever $R'\ne0$; $\xi^*$ has the sign of
    $-R'$.

    Ridge with the same penalty and rows on the labels $(1-\xi)y+\xi Xw_\lambda$, given X and y; R
    is the risk of $w_\lambda$.

    Computed: minimised by search over $\xi$. The sign rule was read in the abstract.
    """
    x, y = _noisy()
    cov, true = np.diag(SPECTRUM), np.array([1.0, -0.7, 0.4, 0.8])
    gram = x.T @ x / ROWS + penalty * np.eye(x.shape[1])
    w = np.linalg.solve(gram, x.T @ y / ROWS)
    slope = -np.linalg.solve(gram, w)
    size, down = float(slope @ cov @ slope), 2 * float((w - true) @ cov @ slope)
    risk = float((w - true) @ cov @ (w - true))
    stated = [-down / (2 * penalty * size), risk - down**2 / (4 * size)]
    found = minimize_scalar(_distilled_risk, args=(penalty,), tol=1e-12)
    return Sides(stated, [found.x, found.fun])


@calculation(
    "zhu2024flow.linear_dae",
    kind=Kind.EXACT,
    source=Source("zhu2024flow"),
    cases=({"start": (4.0, 1.2, 0.3), "noise": 0.25, "fits": 6},),
)
def denoiser(*, start: Any, noise: float, fits: int) -> Sides:
    r"""$s'=\frac{s^2}{s+\sigma^2}$ where the next data are $W(x+\sigma z)$, and
    $s'=\frac{s^3}{(s+\sigma^2)^2}$ where they are $Wx$: large variances lose $\sigma^2$ or
    $2\sigma^2$ a generation, small ones collapse faster than exponentially.

    W is the linear denoiser fitted to $x+\sigma z\mapsto x$, many rows; s is an eigenvalue of the
    covariance. That the norm decays geometrically was read; the recursion is derived.

    Computed: covariance matrices in axes that are not their own.
    """
    angles = np.array([[1, 2, 2], [2, 1, -2], [2, -2, 1]]) / 3.0
    stated, computed = [], []
    for noisy in (True, False):
        s = np.asarray(start, float)
        cov = angles @ np.diag(s) @ angles.T
        for _ in range(fits):
            s = s**2 / (s + noise) if noisy else s**3 / (s + noise) ** 2
            seen = cov + noise * np.eye(3)
            w = np.linalg.solve(seen, cov).T
            cov = w @ (seen if noisy else cov) @ w.T
            stated.append(np.sort(s))
            computed.append(np.linalg.eigvalsh(cov))
    kept = np.asarray(stated) > 1e-6  # of a matrix of size 1, below it too much is rounding
    return Sides(np.asarray(stated)[kept], np.asarray(computed)[kept])


SIZES = (1e3, 1e4, 1e5)


@calculation(
    "dohmatob2024.power_law",
    kind=Kind.ASYMPTOTIC,
    source=Source("dohmatob2024demystified", read=True),
    cases=(
        {"part": "variance", "ell": 0.4, "beta": 1.5, "r": 0.4, "sizes": SIZES},
        {"part": "variance", "ell": 0.8, "beta": 1.5, "r": 0.4, "sizes": SIZES},
        {"part": "bias", "ell": 0.8, "beta": 1.5, "r": 0.4, "sizes": SIZES},
    ),
    order=0.3,
    planted=lambda values: 1.25 * values,
)
def power_law(*, part: str, ell: float, beta: float, r: float, sizes: Any) -> Sides:
    r"""Bias $\sim n^{-2\min(r,1)\ell}$ and variance $\sim\sigma^2n^{-(1-\ell/\beta)}$ for the
    penalty $n^{-\ell}$, eigenvalues $i^{-\beta}$ and weights with $s_iw_i^2=i^{-(2\beta r+1)}$.

    Ridge, $0\le\ell\le\beta$. Labels by m earlier fits on $n_0$ rows add
    $m\sigma_0^2\big(\frac n{n_0}+\phi_0\big)\frac{n^{-(1-\ell/\beta)}}{1-\phi_0}$.

    Theorem 5.1, which has the larger of the last two for their sum.

    Computed: the local slope of the deterministic equivalent, from n to 2n, 400,000 eigenvalues.
    The order at which it nears the stated one is measured, not derived.
    """
    i = np.arange(1, 400_001.0)
    s, power = i**-beta, i ** -(2 * beta * r + 1)

    def log_part(n: float) -> float:
        e = equivalent(n**-ell, n, s)
        bias = float((e.shrink**2 * power).sum()) / (1 - e.u)
        return float(np.log(bias if part == "bias" else e.u / (1 - e.u)))

    stated = -2 * min(r, 1) * ell if part == "bias" else -(1 - ell / beta)
    slopes = [(log_part(2 * n) - log_part(n)) / np.log(2) for n in sizes]
    return Sides(np.full(len(sizes), stated), slopes, sizes)
