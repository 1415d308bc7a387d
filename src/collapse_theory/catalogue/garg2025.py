"""Preventing Model Collapse Under Overparametrization: labels that mix truth and last fit.

Same rows in every generation, or new ones; label = weight y_real + (1 - weight) y_synthetic, both
with new noise. The abstract was read, the formulas are derived.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.catalogue.over_parametrised import truth
from collapse_theory.catalogue.trial import trial

PAPER = Source("garg2025")
SPECTRUM = (2.0, 1.0, 0.5, 0.25, 0.15)


def _mixed(
    rng: Any, count: int, *, n: int, d: int, noise: float, weight: float, fits: int,
    norm: float = 1.0, fixed: bool = True, frozen: bool = False,
) -> Any:  # fmt: skip
    true = np.broadcast_to(truth(d, norm), (count, d))
    x = rows.design(rng, count, n, np.ones(d))
    real = rows.labels(rng, x, true, noise)
    w = rows.least_squares(x, real)
    out = [w]
    for _ in range(fits - 1):
        x = x if fixed else rows.design(rng, count, n, np.ones(d))
        real = real if frozen else rows.labels(rng, x, true, noise)
        w = rows.least_squares(x, weight * real + (1 - weight) * rows.labels(rng, x, w, noise))
        out.append(w)
    return rows.squared_norm(np.stack(out, 1) - true[:, None])


def _first(n: int, d: int, noise: float) -> tuple[float, float]:
    """Bias, and variance of the fit to real labels; the true weights have length 1."""
    if n > d:
        return 0.0, noise**2 * d / (n - d - 1)
    return 1 - n / d, noise**2 * n / (d - n - 1)


@trial(
    "garg2025.label_mix_fixed_X",
    kind=Kind.EXACT,
    source=PAPER,
    draws=_mixed,
    cases=(
        {"n": 16, "d": 5, "noise": 0.9, "weight": 0.55, "fits": 6},
        {"n": 8, "d": 18, "noise": 0.9, "weight": 0.55, "fits": 6},
    ),
)
def mixed(*, n: int, d: int, noise: float, weight: float, fits: int) -> Any:
    r"""Variance $\mathrm{Var}_t=\mathrm{Var}_0V_t$ with $v=1-\omega$,
    $V_t=(\omega^2+v^2)\frac{1-v^{2t}}{1-v^2}+v^{2t}$; the bias $\lVert(I-P_X)w^*\rVert^2$ stays.
    $V_\infty$ is least at $\omega=1/\varphi$, where it is $1/\varphi$: at every n and d.

    t counts from 0 at the fit of real labels; least squares, or the least-norm interpolation.
    """
    bias, variance = _first(n, d, noise)
    v2, t = (1 - weight) ** 2, np.arange(fits)
    inflation = (weight**2 + v2) * (1 - v2**t) / (1 - v2) + v2**t
    return bias + variance * inflation


def _frozen(rng: Any, count: int, **numbers: Any) -> Any:
    return _mixed(rng, count, frozen=True, **numbers)[:, -1]


@trial(
    "garg2025.label_mix_fixed_X.frozen",
    kind=Kind.LIMIT,
    source=PAPER,
    draws=_frozen,
    cases=({"n": 15, "d": 4, "noise": 1.0, "weight": 0.35, "fits": 26},),
)
def frozen(*, n: int, d: int, noise: float, weight: float, fits: int) -> float:
    r"""$V_\infty=\frac1{1-(1-\omega)^2}$ where the real labels are the same for ever: best at
    $\omega=1$, unbounded as $\omega\to0$.

    Judged after 26 fits, when $(1-\omega)^{50}$ is below 1e-9.
    """
    return _first(n, d, noise)[1] / (1 - (1 - weight) ** 2)


@calculation(
    "garg2025.greedy_weights", kind=Kind.EXACT, source=PAPER, error=1e-6,
    cases=({"fits": 8},),
)  # fmt: skip
def greedy(*, fits: int) -> Sides:
    r"""$\omega_t=\frac{1+\omega_{t-1}}{2+\omega_{t-1}}$ from $\omega_0=1$, down to $1/\varphi$: the
    weights that are best one fit after the other; $V_t=\omega_t$.

    Same rows in every generation, as in ``garg2025.label_mix_fixed_X``.

    Computed: $V_t=\omega^2+(1-\omega)^2(1+V_{t-1})$ minimised by search at each fit. Seen in a
    summary of the paper, derived.
    """
    stated, found, w, v = [], [], 1.0, 1.0
    for _ in range(fits):
        w = (1 + w) / (2 + w)

        def variance(x: float, before: float = v) -> float:
            return x**2 + (1 - x) ** 2 * (1 + before)

        best = minimize_scalar(variance, bounds=(0, 1), method="bounded", options={"xatol": 1e-10})
        v = float(best.fun)
        stated += [w, w]
        found += [float(best.x), v]
    return Sides(stated, found)


def _one_design() -> Any:
    """Nine rows that are given, not drawn."""
    i, j = np.meshgrid(np.arange(9), np.arange(len(SPECTRUM)), indexing="ij")
    return np.sqrt(np.asarray(SPECTRUM)) * np.sin(1.7 * i * (j + 1) + j * j)


def _given(rng: Any, count: int, *, penalty: float, noise: float, weight: float, fits: int) -> Any:
    x, true = _one_design(), truth(len(SPECTRUM), 1.0)
    n, d = x.shape
    fit = np.linalg.solve(x.T @ x + n * penalty * np.eye(d), x.T)
    w = np.broadcast_to(true, (count, d))
    for _ in range(fits):
        shared = weight * (x @ true) + (1 - weight) * (w @ x.T)
        new = weight * rng.standard_normal((count, n))
        new = new + (1 - weight) * rng.standard_normal((count, n))
        w = (shared + noise * new) @ fit.T
    return ((w - true) ** 2) @ np.asarray(SPECTRUM)


@trial(
    "garg2025.ridge_label_mix_fixed_X",
    kind=Kind.LIMIT,
    source=PAPER,
    draws=_given,
    cases=({"penalty": 0.2, "noise": 0.8, "weight": 0.6, "fits": 30},),
)
def given(*, penalty: float, noise: float, weight: float, fits: int) -> float:
    r"""The mean settles at ridge with penalty $\lambda/\omega$, the variance at
    $\frac{\sigma^2}n(\omega^2+(1-\omega)^2)\,\mathrm{tr}[\Sigma\hat S
    (\omega\hat S+\lambda)^{-1}((2-\omega)\hat S+\lambda)^{-1}]$.

    One given design, $\hat S=X^\top X/n$; judged after 30 fits, the rest is below 1e-10.
    """
    x, true, s = _one_design(), truth(len(SPECTRUM), 1.0), np.diag(SPECTRUM)
    n, d = x.shape
    gram, eye = x.T @ x / n, np.eye(d)
    mean = np.linalg.solve(gram + penalty / weight * eye, gram @ true)
    bias = float((mean - true) @ s @ (mean - true))
    inner = np.linalg.inv(weight * gram + penalty * eye)
    outer = np.linalg.inv((2 - weight) * gram + penalty * eye)
    trace = float(np.trace(s @ gram @ inner @ outer))
    spread = noise**2 / n * (weight**2 + (1 - weight) ** 2)
    return float(bias + spread * trace)


def _new_rows(rng: Any, count: int, **numbers: Any) -> Any:
    return _mixed(rng, count, fixed=False, **numbers)


@trial(
    "garg2025.minnorm_label_mix_fresh_X",
    kind=Kind.EXACT,
    source=PAPER,
    draws=_new_rows,
    cases=({"n": 11, "d": 19, "noise": 0.9, "norm": 1.5, "weight": 0.63, "fits": 5},),
)
def new_rows(*, n: int, d: int, noise: float, norm: float, weight: float, fits: int) -> Any:
    r"""$E_t=(1-\rho)\lVert w^*\rVert^2+(1-\omega)^2\rho E_{t-1}
    +\sigma^2(\omega^2+(1-\omega)^2)\frac n{d-n-1}$, $\rho=n/d$, started at the fit of real labels.

    Labels are $\omega y_{real}+(1-\omega)y_{synthetic}$ on the same new rows, n < d - 1, least-norm
    interpolation.
    """
    rho, dose = n / d, noise**2 * n / (d - n - 1)
    risk = (1 - rho) * norm**2 + dose
    out = [risk]
    for _ in range(fits - 1):
        noises = (weight**2 + (1 - weight) ** 2) * dose
        risk = (1 - rho) * norm**2 + (1 - weight) ** 2 * rho * risk + noises
        out.append(risk)
    return np.asarray(out)
