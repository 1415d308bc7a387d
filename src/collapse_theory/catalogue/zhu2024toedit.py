"""How to Synthesize Text Data without Model Collapse? Token edits of a regression's labels.

The rows X stay, and in each round some labels are replaced by labels of the last fit; least squares
on all labels. The theorem was read in a secondary note only: what is refuted here is the bound as
it was quoted there, and the paper's own conditions may exclude the cases.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from scipy import special, stats

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source, Status
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.catalogue.trial import trial

PAPER = Source("zhu2024")


def _edited(rng: Any, count: int, *, n: int, d: int, rounds: int, edits: Any) -> Any:
    """Risk after the first fit and after each round; ``edits(round)`` tells which labels, (n,) or
    (count, n). The true weights are 0, the noise is 1.
    """
    x = rows.design(rng, count, n, np.ones(d))
    xt = x.swapaxes(-1, -2)
    solve = np.linalg.solve(np.matmul(xt, x), xt)
    y = rng.standard_normal((count, n))
    out = []
    for t in range(rounds + 1):
        w = rows.apply(solve, y)
        out.append(rows.squared_norm(w))
        if t < rounds:
            new = rows.apply(x, w) + rng.standard_normal((count, n))
            y = np.where(edits(t), new, y)
    return np.stack(out, 1)


def _at_random(rng: Any, count: int, *, size: int, ratio: float, share: float, rounds: int) -> Any:
    n = round(ratio * size)
    return _edited(
        rng, count, n=n, d=size, rounds=rounds, edits=lambda t: rng.random((count, n)) < share
    )


@trial(
    "zhu2024toedit.fresh_random_edits",
    kind=Kind.ASYMPTOTIC,
    source=PAPER,
    draws=_at_random,
    cases=({"size": 5, "ratio": 5.0, "share": 0.4, "rounds": 6},),
    chunk=512,
    order=1.0,
)
def at_random(*, size: int, ratio: float, share: float, rounds: int) -> Any:
    r"""$a'=a+q(1-q)(1-\gamma)r+q$, $r'=[(1-q)^2+q(1-q)(1-\gamma)]r+q$ from 1, $\gamma=d/n$, and
    $E_t\approx a_tE_0$ with $E_0=\frac{\sigma^2d}{n-d-1}$: linear growth of slope
    $\frac{q(2-q)}{1+\gamma(1-q)}$, so no bound holds for all rounds.

    In each round every label is edited with probability q. Mean field, relative error O(1/n).
    """
    q, n = share, round(ratio * size)
    gamma, a, r = size / n, 1.0, 1.0
    out = [a]
    for _ in range(rounds):
        mixed = q * (1 - q) * (1 - gamma) * r
        a, r = a + mixed + q, (1 - q) ** 2 * r + mixed + q
        out.append(a)
    return size / (n - size - 1) * np.asarray(out)


def _same(rng: Any, count: int, *, n: int, edited: int, rounds: Any) -> Any:
    mask = np.arange(n) < edited
    found = _edited(rng, count, n=n, d=1, rounds=max(rounds), edits=lambda t: mask)
    return found[:, list(rounds)]


AGAIN: dict[str, Any] = {
    "source": PAPER, "draws": _same,
    "cases": ({"n": 28, "edited": 18, "rounds": (2, 8, 20)},),
}  # fmt: skip


@trial("zhu2024toedit.fixed_mask", kind=Kind.EXACT, **AGAIN)
def same_rows(*, n: int, edited: int, rounds: Any) -> Any:
    r"""$E_t=\frac{\sigma^2}{n-2}E\Big[\frac{(1-b^{t+1})^2}{1-b}+\frac{b(1-b^{2t+2})}{1-b^2}\Big]$
    after t rounds, b Beta(m/2, (n-m)/2).

    One coefficient; the same m labels are edited in every round.

    Derived: $w_{t+1}=bw_t+u+e_t$ with u the share of the labels that stay, $e_t$ new noise; the
    average over b by quadrature.
    """
    b = stats.beta(edited / 2, (n - edited) / 2)

    def inflation(x: Any, t: int) -> Any:
        return (1 - x ** (t + 1)) ** 2 / (1 - x) + x * (1 - x ** (2 * t + 2)) / (1 - x**2)

    return np.array([float(b.expect(functools.partial(inflation, t=t))) for t in rounds]) / (n - 2)


@calculation(
    "zhu2024toedit.fixed_mask.limit",
    kind=Kind.EXACT,
    source=PAPER,
    cases=({"n": 20, "edited": 14}, {"n": 31, "edited": 9}),
    error=1e-7,
)
def same_rows_limit(*, n: int, edited: int) -> Sides:
    r"""$E_\infty=\frac{\sigma^2}{n-d-1}\Big[\frac{3d(n-d-1)}{2(n-m-d-1)}
    -\tfrac12E\,\mathrm{tr}(1+b)^{-1}\Big]$ as rounds go on: for small d/n the inflation is
    $\frac{1+2p}{1-p^2}$, more than 2 from a share p = 0.366 on.

    Here d = 1, where $E(1+b)^{-1}={}_2F_1(1,m/2;n/2;-1)$.

    Computed: $E\frac{1+2b}{1-b^2}$ by quadrature over the Beta law of b.
    """
    half = float(special.hyp2f1(1, edited / 2, n / 2, -1))
    stated = (1.5 * (n - 2) / (n - edited - 2) - 0.5 * half) / (n - 2)
    b = stats.beta(edited / 2, (n - edited) / 2)
    computed = float(b.expect(lambda x: (1 + 2 * x) / (1 - x**2))) / (n - 2)
    return Sides(stated, computed)


@trial(
    "zhu2024toedit.uniform_bound_as_stated",
    kind=Kind.UPPER,
    expected=Status.REFUTED,
    most=1 << 16,
    **AGAIN,
)
def uniform_bound(*, n: int, edited: int, rounds: Any) -> Any:
    r"""$E_t\le\frac{2\sigma^2d}{n-d-1}$ for every number of rounds, as quoted: fails where the same
    18 of 28 labels are edited again and again.

    It holds for one round, whose inflation is $1+2q-q^2\le2$, and where the shares edited fall
    geometrically from a small first one. Corrected: ``zhu2024toedit.fixed_mask`` and
    ``zhu2024toedit.fresh_random_edits``.
    """
    return np.full(len(rounds), 2 / (n - 2))


def _once_each(rng: Any, count: int, *, size: int) -> Any:
    """One coefficient: of a row only x^2 and x y matter. In units of the first risk."""
    n = 60 * size
    square = rng.standard_normal((n, count)) ** 2
    score = np.sqrt(square) * rng.standard_normal((n, count))
    total, w = square.sum(0), score.sum(0) / square.sum(0)
    for row in range(n):
        new = square[row] * w + np.sqrt(square[row]) * rng.standard_normal(count)
        w = w + (new - score[row]) / total
    return w**2 * (n - 2)


@trial(
    "zhu2024toedit.single_pass_disjoint",
    kind=Kind.ASYMPTOTIC,
    source=PAPER,
    draws=_once_each,
    cases=({"size": 1},),
    order=1.0,
)
def once_each(*, size: int) -> float:
    r"""$E/E_0\to2e^s-1$ when a share s of the labels has been edited, each once, a few at a time:
    2 is passed at s = 0.405, and a full pass gives 4.44.

    One coefficient, many rows, one label a round; judged after a full pass.
    """
    return float(2 * np.e - 1)
