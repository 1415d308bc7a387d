"""Filters between the generations: verifiers, detectors, correction toward the truth."""

from __future__ import annotations

import numpy as np
from scipy import stats

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact.paths import mean_over_paths

OURS = Source(None)
P = 0.3


def error_of(q: float) -> float:
    """Squared distance of two symbols' shares from the truth."""
    return 2 * (q - P) ** 2


SPREAD = 1 - P**2 - (1 - P) ** 2  # 1 - S_0


@calculation(
    "derived.noisy_verifier", kind=Kind.EXACT, source=OURS, error=1e-10,
    cases=({"good": 0.9, "bad": 0.6}, {"good": 0.7, "bad": 0.7}),
)  # fmt: skip
def noisy_verifier(good: float, bad: float) -> Sides:
    r"""$\mathrm{odds}_t = \mathrm{odds}_0\,(a/b)^t$ of a good row, where a verifier keeps good rows
    with chance a and bad ones with chance b: an uninformative one changes nothing.

    Infinite samples, replace. Held against the shares kept, generation by generation.
    """
    share, stated, found = 0.2, [], []
    for t in range(1, 16):
        share = share * good / (share * good + (1 - share) * bad)
        stated.append(0.2 / 0.8 * (good / bad) ** t)
        found.append(share / (1 - share))
    return Sides(stated, found)


@calculation(
    "amin2025.boosting", kind=Kind.EXACT, source=Source("amin2025"), error=1e-11,
    cases=({"alpha": 0.1, "beta": 0.6}, {"alpha": 0.0, "beta": 0.6}),
)  # fmt: skip
def boosting(alpha: float, beta: float) -> Sides:
    r"""$1-c_t = (1-c_0)(1-\alpha\beta)^t$: targeted at what the model gets wrong, a share $\alpha$
    of outside labels that are right with chance $\beta$ drives the error to zero, however weak; a
    share of zero leaves it where it is.

    A toy of the paper's setting (its own theorem was not read): each prompt is right with
    probability c; a wrong one is relabelled with chance $\alpha$. Held against the law of the first
    success.
    """
    t = np.arange(1, 21)
    fixed_by_then = stats.geom.cdf(t, alpha * beta) if alpha else np.zeros(t.size)
    start = 0.35
    return Sides((1 - start) * (1 - alpha * beta) ** t, (1 - start) * (1 - fixed_by_then))


@calculation(
    "gillman2024.corrected_counts", kind=Kind.EXACT, source=Source("gillman2024"), error=1e-10,
    cases=({"gamma": 0.5, "n": 4}, {"gamma": 2.0, "n": 6}),
)  # fmt: skip
def corrected_counts(gamma: float, n: int) -> Sides:
    r"""$V_{m+1} = (1+\gamma)^{-2}\big[\frac{1-S_0}n+(1-\frac1n)V_m\big]$ under replace, if each fit
    is corrected toward the truth, $p\leftarrow\frac{\hat p+\gamma p}{1+\gamma}$; the limit is
    $\frac{1-S_0}{n((1+\gamma)^2-1)+1}$.

    An idealised corrector. Held against all paths of two symbols.
    """
    c = 1 / (1 + gamma) ** 2
    v, stated = 0.0, []
    for _ in range(4):
        v = c * (SPREAD / n + (1 - 1 / n) * v)
        stated.append(v)
    found = mean_over_paths(
        P, (n,) * 4, lambda q, g: q, lambda q, k, g: (k / n + gamma * P) / (1 + gamma), error_of
    )
    limit = SPREAD / (n * ((1 + gamma) ** 2 - 1) + 1)
    fixed_point = c * SPREAD / n / (1 - c * (1 - 1 / n))
    return Sides(np.append(stated, limit), np.append(found, fixed_point))


@calculation(
    "derived.detection_filter", kind=Kind.EXACT, source=Source("drayson2025"), error=1e-10,
    cases=({"n": 3, "share": 0.3, "a": 0.9, "b": 0.4}, {"n": 4, "share": 0.5, "a": 1.0, "b": 0.2}),
)  # fmt: skip
def detection_filter(n: int, share: float, a: float, b: float) -> Sides:
    r"""$V_{m+1} = e_1(1-S_0) + p_{00}V_m + (1-p_{00}-e_1)(1-\pi')^2V_m$, so $V_\infty =
    \frac{(1-S_0)e_1}{1-p_{00}-(1-\pi')^2(1-p_{00}-e_1)}$ with $q=\pi a+(1-\pi)b$, $\pi'=\pi a/q$,
    $e_1=E[1/K;K>0]$, $p_{00}=P(K=0)$, $K\sim\mathrm{Bin}(n,q)$.

    n rows, a share $\pi$ real; a detector keeps real rows with chance a, synthetic ones with chance
    b, and the old fit stays if none is kept. Filtering hurts an unbiased count model: synthetic
    rows are its only memory of earlier real ones. Held against all paths of two symbols.
    """
    keep = share * a + (1 - share) * b
    real = share * a / keep
    kept = stats.binom.pmf(np.arange(n + 1), n, keep)
    e1, none = kept[1:] @ (1 / np.arange(1, n + 1)), kept[0]
    stated, found = [], []
    # the first fit, on n real rows without a filter, is the state before
    law = {k / n: float(w) for k, w in enumerate(stats.binom.pmf(np.arange(n + 1), n, P))}
    v = SPREAD / n
    for _ in range(3):
        v = e1 * SPREAD + (none + (1 - none - e1) * (1 - real) ** 2) * v
        stated.append(v)
        after: dict[float, float] = {}
        for q, w in law.items():
            success = real * P + (1 - real) * q
            after[q] = after.get(q, 0) + w * none
            for size in range(1, n + 1):
                for k, chance in enumerate(stats.binom.pmf(np.arange(size + 1), size, success)):
                    after[k / size] = after.get(k / size, 0) + w * kept[size] * chance
        law = after
        found.append(sum(w * error_of(q) for q, w in law.items()))
    return Sides(stated, found)
