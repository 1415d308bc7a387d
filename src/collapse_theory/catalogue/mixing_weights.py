"""How much weight real data should have, and where mixing explodes: least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact.ols import pooled_groups_kappa


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
