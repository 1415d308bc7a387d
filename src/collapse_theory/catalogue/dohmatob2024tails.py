r"""A Tale of Tails: scaling laws of the Hutter predictor, which errs on features it never saw.

Feature i has probability $p_i = C i^{-\beta}$ and a label of its own; after T rows of a law q the
error is $E(q,T) = \sum_i p_i(1-q_i)^T$, exactly. The paper's text was not read.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact.ancestors import ancestor_law
from collapse_theory.exact.validation import Vector

PAPER = Source("dohmatob2024tails")
OURS = Source(None)
HEAD = 10**6  # features summed one by one; the others through an integral
SHORT = 10**4  # enough of them for a thousand rows


def zipf(beta: float, size: int) -> Vector:
    """The first probabilities of the infinite law."""
    return np.asarray(np.arange(1.0, size + 1) ** -beta / special.zeta(beta))


def tail_mass(beta: float, k: float) -> float:
    """Probability of the features beyond k."""
    return float(special.zeta(beta, k + 1) / special.zeta(beta))


def hutter_error(beta: float, rows: float, size: int | None = None) -> float:
    """Sum over all i of p_i (1 - p_i)^T.

    The head, HEAD features or so many, term by term, the rest by Euler and Maclaurin's integral:
    relative error 1e-9 where the rows times the last probability of the head is small.
    """
    size = HEAD if size is None else size
    p = zipf(beta, size)
    head = p @ np.exp(rows * np.log1p(-p))
    c = 1 / special.zeta(beta)
    # (1-p)^T = 1 - T p + ... beyond the head, where T p is small
    tail, term = tail_mass(beta, size), 1.0
    total = tail
    for j in range(1, 12):
        term *= -(rows - j + 1) / j
        total += term * c ** (j + 1) * special.zeta((j + 1) * beta, size + 1)
    return float(head + total)


def _limit(beta: float, rows: float) -> float:
    c = 1 / special.zeta(beta)
    return float(special.gamma(1 - 1 / beta) / beta * c ** (1 / beta) * rows ** (1 / beta - 1))


@calculation(
    "dohmatob2024.hutter", kind=Kind.ASYMPTOTIC, source=PAPER, order=0.9,
    cases=({"beta": 1.5, "sizes": (100, 400, 1600, 6400)},),
)  # fmt: skip
def hutter(beta: float, sizes: tuple[int, ...]) -> Sides:
    r"""$E \sim \frac1\beta\Gamma(1-\frac1\beta)\,C^{1/\beta}\,T^{-(\beta-1)/\beta}$ as T grows.

    Trained on the truth itself. Held against the exact sum over all features.
    """
    stated = [_limit(beta, t) for t in sizes]
    return Sides(stated, [hutter_error(beta, t) for t in sizes], sizes)


def cut_error(beta: float, rows: float, k: int) -> float:
    """Trained on a law cut after k features."""
    p = zipf(beta, k)
    return float(p @ np.exp(rows * np.log1p(-p / p.sum())) + tail_mass(beta, k))


@calculation(
    "dohmatob2024.tail_cut", kind=Kind.ASYMPTOTIC, source=PAPER, order=1.0,
    cases=({"beta": 1.5, "k": 100, "sizes": (2000, 4000, 8000, 16000, 32000)},),
)  # fmt: skip
def tail_cut(beta: float, k: int, sizes: tuple[int, ...]) -> Sides:
    r"""$E \to \sum_{i>k}p_i \asymp k^{-(\beta-1)}$ as T grows: a cut tail leaves a plateau that no
    amount of data lowers.

    Trained on the first k features of the truth; before the plateau the error falls like
    $T^{-(\beta-1)/\beta}$ as without the cut. Held against the exact sum.
    """
    stated = np.full(len(sizes), tail_mass(beta, k))
    return Sides(stated, [cut_error(beta, t, k) for t in sizes], sizes)


@calculation(
    "dohmatob2024.tail_cut.sum_bound", kind=Kind.UPPER, source=PAPER, error=1e-9,
    cases=({"beta": 1.5, "k": 100}, {"beta": 2.0, "k": 30}), planted=lambda values: values / 2,
)  # fmt: skip
def tail_cut_sum(beta: float, k: int) -> Sides:
    r"""$E \le \sum_i p_i(1-p_i)^T + \sum_{i>k}p_i$: the two terms $T^{-(\beta-1)/\beta}$ and
    $k^{-(\beta-1)}$ bound the error together; their sum is not its value.

    Held against the exact sum from T = 10 to 100,000.
    """
    rows = np.logspace(1, 5, 9)
    stated = [hutter_error(beta, t) + tail_mass(beta, k) for t in rows]
    return Sides(stated, [cut_error(beta, t, k) for t in rows])


def _slope(errors: Vector, sizes: Vector) -> float:
    """Local exponent: minus the derivative of the log error between the last two sizes."""
    return float(-np.log(errors[1] / errors[0]) / np.log(sizes[1] / sizes[0]))


@calculation(
    "dohmatob2024.tail_narrow", kind=Kind.ASYMPTOTIC, source=PAPER, order=0.3,
    cases=({"beta": 1.5, "other": 2.0, "sizes": (200, 800, 3200, 12800)},),
)  # fmt: skip
def tail_narrow(beta: float, other: float, sizes: tuple[int, ...]) -> Sides:
    r"""$E \asymp T^{-(\beta-1)/\beta'}$ if the training law has the narrower tail $q_i\propto
    i^{-\beta'}$, $\beta'>\beta$.

    The local exponent of the exact sum tends to the stated one.
    """
    q, p = zipf(other, HEAD), zipf(beta, HEAD)
    rest = tail_mass(beta, HEAD)  # never seen at these sizes

    def error(rows: float) -> float:
        return float(p @ np.exp(rows * np.log1p(-q)) + rest)

    found = [_slope(np.array([error(t), error(2 * t)]), np.array([t, 2 * t])) for t in sizes]
    return Sides(np.full(len(sizes), (beta - 1) / other), found, sizes)


@calculation(
    "dohmatob2024.mix_grokking", kind=Kind.UPPER, source=PAPER, error=1e-9,
    cases=({"beta": 1.5, "k": 100, "share": 0.01},), planted=lambda values: values / 2,
)  # fmt: skip
def mix_grokking(beta: float, k: int, share: float) -> Sides:
    r"""$E \le \min\big[\sum_ip_i(1-\pi p_i)^T,\ \sum_{i\le k}p_i(1-(1-\pi)q_i)^T+\sum_{i>k}p_i
    \big]$ with a share $\pi$ of real rows among rows of a law cut at k: the plateau
    $k^{-(\beta-1)}$ lasts until $\pi T\sim k^\beta$, then the error falls like that of $\pi T$ real
    rows.

    Held against the exact sum of the mixture from T = 10 to 1e7.
    """
    p = zipf(beta, HEAD)
    q = np.where(np.arange(HEAD) < k, p, 0) / p[:k].sum()
    rest, rows = tail_mass(beta, HEAD), np.logspace(1, 7, 13)
    stated, found = [], []
    for t in rows:
        real = p @ np.exp(t * np.log1p(-share * p)) + rest
        synthetic = p @ np.exp(t * np.log1p(-(1 - share) * q)) + rest
        stated.append(min(real, synthetic))
        found.append(p @ np.exp(t * np.log1p(-share * p - (1 - share) * q)) + rest)
    return Sides(stated, found)


def mean_error(beta: float, rows: int, generations: int) -> float:
    """Error after so many generations of rows, averaged over the number of ancestors."""
    law = ancestor_law(rows, generations)[-1]
    size = SHORT if rows <= 1000 else HEAD
    errors = [hutter_error(beta, a, size) if w > 1e-13 else 0.0 for a, w in enumerate(law)]
    return float(law @ np.array(errors))


@calculation(
    "derived.hutter_n_fold", kind=Kind.ASYMPTOTIC, source=OURS, order=0.3,
    cases=({"beta": 1.5, "sizes": (100, 200, 400, 800)},),
    planted=lambda values: 1.5 * values,
)  # fmt: skip
def hutter_n_fold(beta: float, sizes: tuple[int, ...]) -> Sides:
    r"""$E_m \sim \frac1\beta\Gamma(1-\frac1\beta)C^{1/\beta}
    \big(\frac{2T}m\big)^{-(\beta-1)/\beta}$ after $1\ll m\ll T$ generations of T rows: the
    error grows like $m^{(\beta-1)/\beta}$, sublinearly. A law linear in m is an upper bound only.

    Replace; $m = \sqrt T$ along the ladder, where corrections of order log m / m are left. Held
    against the exact mean over the number of ancestors.
    """
    stated, found = [], []
    for rows in sizes:
        m = round(rows**0.5)
        stated.append(_limit(beta, 2 * rows / m))
        found.append(mean_error(beta, rows, m))
    return Sides(stated, found, sizes)


@calculation(
    "derived.zipf_vocabulary", kind=Kind.ASYMPTOTIC, source=OURS, order=0.3,
    cases=({"beta": 1.6, "sizes": (200, 400, 800, 1600)},),
    planted=lambda values: 1.5 * values,
)  # fmt: skip
def zipf_vocabulary(beta: float, sizes: tuple[int, ...]) -> Sides:
    r"""$E\,\#\{\text{symbols alive}\} \sim \Gamma(1-\frac1\beta)\big(\frac{2Cn}m\big)^{1/\beta}$
    after $1\ll m\ll n$ generations: type counts decay like $m^{-1/\beta}$.

    Replace over a Zipf law; $m = \sqrt n$ along the ladder, where corrections of order log m / m
    are left. Held against the exact mean over the number of ancestors.
    """
    p, stated, found = zipf(beta, HEAD // 10), [], []
    c = 1 / special.zeta(beta)
    for n in sizes:
        m = round(n**0.5)
        law = ancestor_law(n, m)[-1]
        types = np.array(
            [-np.expm1(a * np.log1p(-p)).sum() + a * tail_mass(beta, p.size) if w > 1e-13 else 0
             for a, w in enumerate(law)]
        )  # fmt: skip
        stated.append(special.gamma(1 - 1 / beta) * (2 * c * n / m) ** (1 / beta))
        found.append(law @ types)
    return Sides(stated, found, sizes)
