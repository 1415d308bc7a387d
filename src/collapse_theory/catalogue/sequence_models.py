"""Contexts, softmax models trained by gradients, and edited corpora, on two or three symbols."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact.paths import mean_over_paths
from collapse_theory.exact.validation import Matrix, Vector

OURS = Source(None)
P = 0.3


def _gini(q: Any) -> Any:
    return 2 * q * (1 - q)


@calculation(
    "derived.random_context_gini", kind=Kind.EXACT, source=OURS, error=1e-10,
    cases=({"n": 4, "pi": 0.4}, {"n": 6, "pi": 0.2}),
)  # fmt: skip
def random_context_gini(n: int, pi: float) -> Sides:
    r"""$E(1-\sigma_m) = (1-S_0)\big(1-E\frac{1\{n_j>0\}}{n_j}\big)^m$ for a context that
    $n_j\sim\mathrm{Bin}(n,\pi_j)$ of the rows have; a context that no row has keeps its law. Rare
    contexts collapse first.

    Replace. Held against all outcomes of two next symbols.
    """
    sizes = stats.binom.pmf(np.arange(n + 1), n, pi)
    kept = 1 - sizes[1:] @ (1 / np.arange(1, n + 1))
    law, found = {P: 1.0}, []
    for _ in range(4):
        after: dict[float, float] = {}
        for q, w in law.items():
            after[q] = after.get(q, 0) + w * sizes[0]
            for rows in range(1, n + 1):
                for k, chance in enumerate(stats.binom.pmf(np.arange(rows + 1), rows, q)):
                    after[k / rows] = after.get(k / rows, 0) + w * sizes[rows] * chance
        law = after
        found.append(sum(w * _gini(q) for q, w in law.items()))
    return Sides(_gini(P) * kept ** np.arange(1, 5), found)


@calculation(
    "derived.softmax_sgd_martingale", kind=Kind.EXACT, source=OURS, error=1e-9,
    cases=({"n": 3, "eta": 0.8}, {"n": 5, "eta": 0.3}),
)  # fmt: skip
def softmax_martingale(n: int, eta: float) -> Sides:
    r"""One gradient step a generation from where the last stopped, $w\leftarrow w+\eta(\hat p-p_w)$
    on n rows of the model itself: $E w_m = w_0$ and $E\Vert w_m-w_0\Vert^2 =
    \frac{\eta^2}n\sum_{t<m}E(1-\sigma_t)$. It is never absorbed.

    Full-batch gradient descent of the cross entropy in the logits. Held against all paths of two
    symbols.
    """
    w0, rounds = float(np.log(P / (1 - P))), 5

    def share(w: float) -> float:
        return 1 / (1 + math.exp(-w))

    def step(w: float, k: int, g: int) -> float:
        # logits (a, b) with a - b = w and a + b fixed: both move by eta (k/n - q), oppositely
        return round(w + 2 * eta * (k / n - share(w)), 14)

    def along(value: Callable[[float], float]) -> Vector:
        return mean_over_paths(w0, (n,) * rounds, lambda w, g: share(w), step, value)

    mean, square = along(lambda w: w), along(lambda w: (w - w0) ** 2 / 2)
    ginis = np.append(_gini(P), along(lambda w: _gini(share(w)))[:-1])
    stated = np.append(np.full(rounds, w0), eta**2 / n * np.cumsum(ginis))
    return Sides(stated, np.append(mean, square))


@calculation(
    "derived.early_stopped_gd", kind=Kind.ASYMPTOTIC, source=OURS, order=1.0,
    cases=({"sizes": (10, 20, 40, 80), "steps": 25},),
)  # fmt: skip
def early_stopped(sizes: tuple[int, ...], steps: int) -> Sides:
    r"""After k gradient steps of size $\eta$ from zero logits, $w \approx (1-(1-\frac\eta s)^k)\,
    s\,(\hat p-u)$: shrinkage to the uniform law u, as with pseudo-counts.

    s symbols, cross entropy; to first order in the distance of $\hat p$ from u, which is 1 / size
    along the ladder. Held against the steps themselves.
    """
    eta, s = 0.2, 3
    direction = np.array([1.0, -0.4, -0.6])
    stated, found = [], []
    for size in sizes:
        target, w = 1 / s + direction / size / s, np.zeros(s)
        for _ in range(steps):
            p = np.exp(w) / np.exp(w).sum()
            w = w + eta * (target - p)
        stated.append((1 - (1 - eta / s) ** steps) * s * (target - 1 / s)[0])
        found.append(w[0])
    return Sides(stated, found, sizes)


@calculation(
    "zhu2024.token_edit", kind=Kind.EXACT, source=Source("zhu2024"), error=1e-10,
    cases=({"n": 6, "edits": (0.3, 0.3, 0.3, 0.3)}, {"n": 9, "edits": (0.8, 0.4, 0.2, 0.1)}),
)  # fmt: skip
def token_edit(n: int, edits: tuple[float, ...]) -> Sides:
    r"""$E(1-S_m) = (1-S_0)(1-\frac1n)\prod_i\Big(1-\frac{2e_i-e_i^2}n\Big)$ for a corpus of n
    tokens, each replaced with chance $e_i$ by a draw from the corpus of the generation before. A
    constant e still collapses, at the effective size $\frac n{2e-e^2}$; $\sum e_i<\infty$ bounds
    the loss.

    Held against the chain of two symbols' counts.
    """
    k = np.arange(n + 1)
    law = stats.binom.pmf(k, n, P)
    found = [law @ _gini(k / n)]
    for e in edits:
        law = law @ _edited(n, e)
        found.append(law @ _gini(k / n))
    factors = [1 - (2 * e - e * e) / n for e in edits]
    stated = _gini(P) * (1 - 1 / n) * np.cumprod([1.0, *factors])
    return Sides(stated, found)


def _edited(n: int, e: float) -> Matrix:
    """P(count next | count now): each token is drawn anew with chance e from the old corpus."""
    step = np.zeros((n + 1, n + 1))
    for k in range(n + 1):
        stay = 1 - e + e * k / n  # chance that a token of the symbol is one again
        ones = stats.binom.pmf(np.arange(k + 1), k, stay)
        others = stats.binom.pmf(np.arange(n - k + 1), n - k, e * k / n)
        step[k] = np.convolve(ones, others)
    return step
