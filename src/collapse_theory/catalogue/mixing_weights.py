"""How much weight real data should have, and where mixing explodes: least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.equivalents import weighted_step
from collapse_theory.exact.pooled_rows import pooled_groups_kappa


@calculation(
    "he2025.optimal_risk_ratio",
    kind=Kind.EXACT,
    source=Source("he2025"),
    cases=({"real": 10, "made": 10}, {"real": 10, "made": 37}, {"real": 12, "made": 5}),
    error=1e-7,
)
def risk_ratio(*, real: float, made: float) -> Sides:
    r"""$\min_\omega V_\infty=\omega^*/n_r$ at $\omega^*=\frac{-c+\sqrt{c^2+4c}}2$, $c=n_r/n_s$: the
    best risk in units of the real-only risk is the best weight itself, 0.618 for $c=1$.

    $V_t=\frac{\omega^2}{n_r}+(1-\omega)^2(V_{t-1}+\frac1{n_s})$: weight $\omega$ on the mean loss
    of $n_r$ new real rows, the rest on $n_s$ rows of the last fit.

    Computed: the recursion run for 400 generations and minimised by search.
    """

    def settled(weight: float) -> float:
        v = 0.0
        for _ in range(400):
            v = weight**2 / real + (1 - weight) ** 2 * (v + 1 / made)
        return v

    c = real / made
    best = (-c + (c**2 + 4 * c) ** 0.5) / 2
    found = minimize_scalar(
        settled, bounds=(0.02, 0.98), method="bounded", options={"xatol": 1e-10}
    )
    return Sides([best / real, settled(best)], [found.fun, found.fun])


@calculation(
    "ols.mix_instability",
    kind=Kind.ASYMPTOTIC,
    source=Source("garg2025"),
    cases=(
        {"share": 0.5, "sizes": (100, 200, 400, 800)},
        {"share": 0.75, "sizes": (100, 200, 400, 800)},
    ),
    order=1.0,
)
def instability(*, share: float, sizes: Any) -> Sides:
    r"""The error explodes, $\kappa>1$ in ``ols.fresh_real_plus_synthetic``, if and only if
    $\frac dn>\frac{1+p}{1+2p}$ for large n: at p = 1/2 from d/n = 3/4 on, although the mean is
    stable.

    A share p of n new rows is labelled by the last fit.

    Computed: the d at which the exact $\kappa$ is 1, interpolated between whole numbers.
    """

    def critical(n: int) -> float:
        made = round(share * n)

        def excess(d: float) -> float:
            low = int(np.floor(d))
            pair = [pooled_groups_kappa((n - made, made), k)[1, 1] for k in (low, low + 1)]
            return float(pair[0] + (d - low) * (pair[1] - pair[0]) - 1)

        return float(brentq(excess, 2.0, n - 4.0)) / n

    stated = np.full(len(sizes), (1 + share) / (1 + 2 * share))
    return Sides(stated, [critical(n) for n in sizes], sizes)


def _weighted(rng: Any, count: int, *, size: int, real: float, made: float, fits: int) -> Any:
    counts = round(real * size), round(made * size)
    root = np.sqrt(np.repeat((1.7, 0.6), counts))
    w, out = np.zeros((count, size)), []
    for _ in range(fits):
        x = rows.design(rng, count, sum(counts), np.ones(size))
        y = 0.9 * rng.standard_normal(x.shape[:2])
        y[:, counts[0] :] += rows.apply(x[:, counts[0] :], w)
        w = rows.least_squares(x * root[:, None], y * root)
        out.append(rows.squared_norm(w))
    return np.stack(out, 1)


@trial(
    "he2025.weighted_ls_fresh_DE",
    source=Source("he2025"),
    draws=_weighted,
    cases=({"size": 6, "real": 2.0, "made": 3.0, "fits": 3},),
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    chunk=256,
)
def weighted(*, size: int, real: float, made: float, fits: int) -> Any:
    r"""Effective weights $c_k=\pi_ka_k/\theta$ with $\theta=\sum\pi_ka_k$,
    $a_k=\frac{\omega_k}{1+\omega_k\tau}$, $\tau=\frac d{N\theta}$; $D_k=dc_k^2/n_k$, $D=\sum D_k$:
    $E_t=c_s^2E_{t-1}+\frac{D_r(\sigma^2+c_s^2E_{t-1})+D_s(\sigma^2+c_r^2E_{t-1})}{1-D}$.

    Weighted least squares on $n_r$ new real rows of weight $\omega_r=1.7$ and $n_s$ rows of weight
    $\omega_s=0.6$ labelled by the last fit.
    """
    counts = np.array([round(real * size), round(made * size)], float)
    share, omega, total = counts / counts.sum(), np.array([1.7, 0.6]), counts.sum()
    theta = 1.0
    for _ in range(500):  # a contraction
        a = share * omega / (1 + omega * size / total / theta)
        theta = float(a.sum())
    c = a / theta
    carried, dose = weighted_step((c[0], c[1]), (counts[0], counts[1]), size)
    risk, out = 0.0, []
    for _ in range(fits):
        risk = carried * risk + 0.9**2 * dose
        out.append(risk)
    return np.asarray(out)
