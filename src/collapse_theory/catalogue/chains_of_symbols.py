"""Sequences and symbols: bigrams refitted on one path, and the time until one symbol is left."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.trial import trial

TRANSITIONS = ((0.5, 0.3, 0.2), (0.25, 0.6, 0.15), (0.3, 0.3, 0.4))


def _stationary(p: Any) -> Any:
    values, vectors = np.linalg.eig(p.T)
    top = np.real(vectors[:, np.argmax(np.real(values))])
    return top / top.sum()


def _bigrams(rng: Any, count: int, *, size: int, fits: int) -> Any:
    """Scaled squared distance of fitted rows to the true ones, after each fit."""
    true = np.asarray(TRANSITIONS)
    start, length = _stationary(true), 100 * size
    p, out, each = np.broadcast_to(true, (count, 3, 3)), [], np.arange(count)
    for _ in range(fits):
        bounds, counts = np.cumsum(p, -1), np.zeros((count, 3, 3))
        state = rng.choice(3, size=count, p=start)
        for u in rng.random((length, count)):
            after = (u[:, None] > bounds[each, state]).sum(1)
            after = np.minimum(after, 2)
            counts[each, state, after] += 1
            state = after
        seen = counts.sum(-1, keepdims=True)
        p = np.where(seen > 0, counts / np.maximum(seen, 1), p)
        out.append((start[:, None] * (p - true) ** 2).sum((1, 2)) * length)
    return np.stack(out, 1)


@trial(
    "derived.bigram_trajectory",
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=Source(None),
    draws=_bigrams,
    cases=({"size": 1, "fits": 3},),
)
def bigrams(*, size: int, fits: int) -> Any:
    r"""$L\,E\sum_i\pi_i\lVert P^{(t)}_i-P_i\rVert^2\to t\sum_i\big(1-\sum_jP_{ij}^2\big)$ for paths
    of length L, t fixed.

    Transition matrix of three symbols, refitted in every generation on one path of the last fit.
    For small L symbols are lost, and the chain ends in a cycle or a single symbol.
    """
    true = np.asarray(TRANSITIONS)
    return np.arange(1, fits + 1) * float((1 - (true**2).sum(1)).sum())


def _absorbed(rng: Any, count: int, *, n: int, prob: float, when: int) -> Any:
    p, time = np.full(count, prob), np.zeros(count)
    alive, lost, t = np.ones(count, bool), np.zeros(count), 0
    while alive.any():
        p[alive] = rng.binomial(n, p[alive]) / n
        time[alive] += 1
        t += 1
        alive = (p > 0) & (p < 1)
        if t == when:
            lost = (p == 0).astype(float)
    return np.stack([time, lost if t >= when else (p == 0).astype(float)], 1)


@trial(
    "discrete.absorption",
    kind=Kind.EXACT,
    source=Source("kimura1962"),
    draws=_absorbed,
    cases=({"n": 15, "prob": 0.2, "when": 12},),
)
def absorption(*, n: int, prob: float, when: int) -> Any:
    r"""$E\tau=1+v_0^\top(1-Q)^{-1}1$ and $P(p_t=0)$ from the (n + 1)-state binomial chain, Q its
    part between the ends, $v_0$ the law of the first fit there; for large n
    $E\tau\approx-2n[p\log p+(1-p)\log(1-p)]$.

    Two symbols, each fit on the newest n rows. Judged: the mean time to a single symbol, and
    $P(p_{12}=0)$.
    """
    k = np.arange(n + 1)
    first = stats.binom.pmf(k, n, prob)
    step = stats.binom.pmf(k[None], n, k[:, None] / n)
    inner = np.eye(n - 1) - step[1:-1, 1:-1]
    time = 1 + float(first[1:-1] @ np.linalg.solve(inner, np.ones(n - 1)))
    lost = float((first @ np.linalg.matrix_power(step, when - 1))[0])
    return np.array([time, lost])
