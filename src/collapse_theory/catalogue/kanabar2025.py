"""Model non-collapse: minimax estimation from real and generated rows whose shares are known."""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact.paths import mean_over_paths

PAPER = Source("kanabar2025")
P = 0.3


@calculation(
    "kanabar2025.debiased_exact", kind=Kind.EXACT, source=PAPER, error=1e-9,
    cases=({"sizes": (6, 5, 7), "shares": (1.0, 0.9, 0.95)},),
)  # fmt: skip
def debiased(sizes: tuple[int, ...], shares: tuple[float, ...]) -> Sides:
    r"""$E\Vert P_t-p\Vert^2 = \sum_ic_{ti}^2v_i$ with $v_i = \frac{1-S_0-(1-\alpha_i)^2V_{i-1}}
    {n_i\alpha_i^2}$ for the estimator $P_t=\sum_{i\le t}c_{ti}u_i$, $u_i =
    \frac{b_i-(1-\alpha_i)P_{i-1}}{\alpha_i}$, $c_{ti}\propto n_i\alpha_i^2$.

    Rows of generation i are real with a known chance $\alpha_i$, else of the estimate before; valid
    while estimates stay in the simplex. Explicit constants for the paper's rate; derived. Held
    against all paths of two symbols.
    """
    weights = np.asarray(sizes) * np.asarray(shares) ** 2
    stated, variances = [], []
    v = 0.0
    for i, (n, a) in enumerate(zip(sizes, shares, strict=True)):
        variances.append((2 * P * (1 - P) - (1 - a) ** 2 * v) / (n * a**2))
        c = weights[: i + 1] / weights[: i + 1].sum()
        v = float(c**2 @ variances)
        stated.append(v)

    def prob(q: float, g: int) -> float:
        return shares[g] * P + (1 - shares[g]) * q

    def update(q: float, k: int, g: int) -> float:
        u = (k / sizes[g] - (1 - shares[g]) * q) / shares[g]
        share = weights[g] / weights[: g + 1].sum()
        return round(float(np.clip(q + share * (u - q), -1, 2)), 14)

    found = mean_over_paths(P, sizes, lambda q, g: min(max(prob(q, g), 0), 1), update,
                            lambda q: 2 * (q - P) ** 2)  # fmt: skip
    return Sides(stated, found)


@calculation(
    "kanabar2025.debiased_exact.bound", kind=Kind.UPPER, source=PAPER, error=1e-12,
    cases=({"seed": 0}, {"seed": 1}), planted=lambda values: values / 3,
)  # fmt: skip
def debiased_bound(seed: int) -> Sides:
    r"""$V_t \le \frac{1-S_0}{\sum_{i\le t}n_i\alpha_i^2}$: the constant $1-S_0$ where the paper's
    upper bound has 3.

    Held against the recursion of ``kanabar2025.debiased_exact`` for 20 random schedules.
    """
    rng = np.random.default_rng(seed)
    stated, found = [], []
    for _ in range(20):
        sizes, shares = rng.integers(20, 100, 12), np.append(1, rng.uniform(0.2, 1, 11))
        weights, v, variances = sizes * shares**2, 0.0, []
        for i in range(12):
            noise = 0.7 - (1 - shares[i]) ** 2 * v
            variances.append(noise / (sizes[i] * shares[i] ** 2))
            c = weights[: i + 1] / weights[: i + 1].sum()
            v = float(c**2 @ variances)
        stated.append(0.7 / weights.sum())
        found.append(v)
    return Sides(stated, found)


@calculation(
    "kanabar2026.effective_sample_size", kind=Kind.EXACT, source=PAPER, error=1e-10,
    cases=({"n": 10, "alpha": 0.3, "generations": 15},),
)  # fmt: skip
def effective_sample_size(n: int, alpha: float, generations: int) -> Sides:
    r"""$\mathrm{MSE} = \frac{\sigma^2}{\sum_in_i\alpha_i^2}$ for the de-biased mean of a Gaussian
    of known variance: an average of $\frac{\bar x_s-(1-\alpha)\hat\theta_{s-1}}\alpha$ with weights
    $n_s\alpha_s^2$ reaches the order that the paper proves optimal.

    Exact numbers of real and synthetic rows, $\alpha_1=1$. Held against the covariance matrix of
    all batch means.
    """
    shares = np.append(1.0, np.full(generations - 1, alpha))
    weights = n * shares**2
    fits = np.zeros((generations + 1, generations))  # of each fit on the batches' own errors
    for t in range(generations):
        batch = (1 - shares[t]) * fits[t] + np.eye(generations)[t]
        u = (batch - (1 - shares[t]) * fits[t]) / shares[t]
        c = weights[t] / weights[: t + 1].sum()
        fits[t + 1] = fits[t] + c * (u - fits[t])
    found = (fits[1:] ** 2).sum(1) / n
    return Sides(1 / np.cumsum(weights), found)


@calculation(
    "kanabar2026.watermark_factor", kind=Kind.EXACT, source=PAPER, error=1e-11,
    cases=({"alpha": 0.2, "erased": 0.1}, {"alpha": 0.5, "erased": 0.4}),
)  # fmt: skip
def watermark(alpha: float, erased: float) -> Sides:
    r"""$\chi^2(Q_1\Vert\bar Q_\alpha) = (1-\epsilon)\frac{1-\alpha}\alpha$ for a watermark that is
    erased with chance $\epsilon$ and else tells real rows from generated ones: the effective sample
    size $n\alpha^2$ grows by the factor $1+\chi^2$.

    $\bar Q_\alpha=\alpha Q_1+(1-\alpha)Q_0$. Held against the sum over the channel's three outputs.
    """
    real, made = np.array([1 - erased, 0, erased]), np.array([0, 1 - erased, erased])
    mixed = alpha * real + (1 - alpha) * made
    on = mixed > 0
    found = ((real - mixed)[on] ** 2 / mixed[on]).sum()
    return Sides((1 - erased) * (1 - alpha) / alpha, found)
