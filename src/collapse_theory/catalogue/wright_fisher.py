"""Replace over symbols is the Wright-Fisher chain of population genetics: facts that carry over."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import stats

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact import LumpedChain
from collapse_theory.exact.validation import Matrix, Vector

OURS = Source(None)
SYMBOLS = (0.4, 0.3, 0.2, 0.1)


def binomial_matrix(n: int, share: float = 0.0, q: float = 0.0) -> Matrix:
    """P(count j next | count k now) of a symbol with true probability q, a share of rows real."""
    k = np.arange(n + 1)
    return np.asarray(stats.binom.pmf(k[None], n, share * q + (1 - share) * k[:, None] / n))


@calculation(
    "wf.eigenvalues",
    kind=Kind.EXACT,
    source=Source("feller1951"),
    cases=({"n": 12, "share": 0.0}, {"n": 9, "share": 0.2}),
    error=1e-9,
)
def eigenvalues(n: int, share: float) -> Sides:
    r"""The chain of the count of a symbol has the eigenvalues
    $(1-\pi)^j\prod_{i<j}(1-\frac in)$, $j=0,\dots,n$.

    Replace with n rows, each real with chance $\pi$. Held against a numerical eigensolver.
    """
    falling = np.concatenate([[1.0], np.cumprod(1 - np.arange(n) / n)])
    stated = falling * (1 - share) ** np.arange(n + 1)
    found = np.sort(np.linalg.eigvals(binomial_matrix(n, share, 0.3)).real)[::-1]
    large = stated > 1e-4  # small ones are lost in the solver's rounding
    return Sides(stated[large], found[large])


def _stirling(j: int) -> Vector:
    """Stirling numbers of the second kind S(j, 0..j)."""
    row = np.array([1.0])
    for _ in range(j):
        row = np.append(row * np.arange(row.size), 0) + np.append(0, row)
    return row


@calculation(
    "wf.moments",
    kind=Kind.EXACT,
    source=OURS,
    cases=({"n": 7, "j": 3}, {"n": 11, "j": 5}),
    error=1e-11,
)
def moments(n: int, j: int) -> Sides:
    r"""$E[p_{m+1}^j\mid p_m] = n^{-j}\sum_k S_2(j,k)\,(n)_k\,p_m^k$ for one symbol.

    Falling factorials $(n)_k$, Stirling numbers $S_2$: moments close from below. Held against sums
    over the binomial law.
    """
    p = np.array([0.05, 0.3, 0.8])
    falling = np.concatenate([[1.0], np.cumprod(n - np.arange(j))])
    stated = (_stirling(j) * falling) @ p[None] ** np.arange(j + 1)[:, None] / n**j
    k = np.arange(n + 1)
    return Sides(stated, [stats.binom.pmf(k, n, q) @ (k / n) ** j for q in p])


@calculation(
    "wf.moments.distinct",
    kind=Kind.EXACT,
    source=OURS,
    cases=({"n": 5, "k": 2}, {"n": 6, "k": 3}),
    error=1e-11,
)
def distinct_products(n: int, k: int) -> Sides:
    r"""$E\prod_{i\in A}p_i(m+1) = \prod_{l<k}(1-\frac ln)\,E\prod_{i\in A}p_i(m)$ for any k
    distinct symbols A: the product decays by the same factor in each generation.

    Held against a sum over all compositions of n.
    """
    p = np.asarray(SYMBOLS)
    stated = np.prod(1 - np.arange(k) / n) * p[:k].prod()
    total = 0.0
    for counts in itertools.product(range(n + 1), repeat=p.size):
        if sum(counts) == n:
            ways = math.factorial(n) / math.prod(map(math.factorial, counts))
            chance = ways * np.prod(p ** np.asarray(counts))
            total += chance * np.prod(np.asarray(counts[:k]) / n)
    return Sides(stated, total)


@calculation(
    "shumailov2023.discrete_absorbing",
    kind=Kind.ALMOST_SURE,
    source=Source("shumailov2024"),
    cases=({"n": 10}, {"n": 25}),
    error=1e-9,
    planted=lambda values: values - 0.05,
)
def absorbing(n: int) -> Sides:
    r"""$P(p(m)\text{ is a Dirac for some } m) = 1$: only Diracs absorb, and the chain is absorbed.

    Held against the lumped chain after 60 n generations, and against the absorption probabilities
    solved from the chain's own linear equations.
    """
    chain = LumpedChain(n, 60 * n)
    late = chain.collapse_probability(np.asarray(SYMBOLS))[-1]
    inner = binomial_matrix(n)[1:-1]
    ends = np.linalg.solve(np.eye(n - 1) - inner[:, 1:-1], inner[:, [0, -1]])
    return Sides(np.ones(n), np.append(ends.sum(1), late))


@calculation(
    "derived.recursive_stability",
    kind=Kind.EXACT,
    source=OURS,
    cases=({"n": 12, "generations": 9, "share": 0.0}, {"n": 6, "generations": 5, "share": 0.25}),
    error=1e-11,
)
def recursive_stability(n: int, generations: int, share: float) -> Sides:
    r"""One replaced real row moves fit m+1 by $\lVert p-p'\rVert_1 = 2f_m$ with
    $E f_m = \frac{(1-\pi)^m}n$: no growth in the mean. Without real rows,
    $E f_m^2 = \frac1{n^2}+\frac1n(1-\frac1n)\big(1-(1-\frac1n)^m\big)$, which tends to 1/n: with
    chance 1/n everything descends from that one row.

    $f_m$ is the share of the rows of batch m+1 that descend from the replaced row; under common
    ancestry both chains differ in those rows only. Held against the chain of that count.
    """
    law = np.eye(n + 1)[1]
    step = binomial_matrix(n, share)
    f = np.arange(n + 1) / n
    means, squares = [], []
    for _ in range(generations):
        law = law @ step
        means.append(law @ f)
        squares.append(law @ f**2)
    m = np.arange(1, generations + 1)
    stated = (1 - share) ** m / n
    if share:
        return Sides(stated, means)
    second = 1 / n**2 + (1 / n) * (1 - 1 / n) * (1 - (1 - 1 / n) ** m)
    return Sides(np.concatenate([stated, second]), np.concatenate([means, squares]))


@calculation(
    "derived.collapse_tail_constant",
    kind=Kind.ASYMPTOTIC,
    source=OURS,
    order=0.8,
    cases=({"sizes": (50, 100, 200, 400)},),
)
def collapse_tail_constant(sizes: tuple[int, ...]) -> Sides:
    r"""$P(T>t) \sim b_n(1-S_0)(1-\frac1n)^t$ as t grows, and $b_n\to3$ as n grows: not n.

    $b_n = 1/E_q[2x(1-x)]$, q the left eigenvector of the chain between its ends for the eigenvalue
    $1-\frac1n$. The gap $3-b_n$ closes a little slower than 1/n.
    """
    found = []
    for n in sizes:
        values, vectors = np.linalg.eig(binomial_matrix(n)[1:-1, 1:-1].T)
        q = np.abs(vectors[:, np.argmax(values.real)].real)
        x = np.arange(1, n) / n
        found.append(1 / (q / q.sum() @ (2 * x * (1 - x))))
    return Sides(np.full(len(sizes), 3.0), found, sizes)


@calculation(
    "wf.mutation_stationary",
    kind=Kind.ASYMPTOTIC,
    source=Source("wright1931"),
    order=1.0,
    cases=({"sizes": (20, 40, 80, 160), "q": 0.23, "rows": 1.8},),
)
def mutation_stationary(sizes: tuple[int, ...], q: float, rows: float) -> Sides:
    r"""With an iid real share $\pi$ the stationary law of a symbol tends to
    $\mathrm{Beta}(\theta q,\theta(1-q))$ as n grows, $\theta=2n\pi$ fixed.

    Held against the third moment of the stationary law of the chain, n rows, $\pi$ = rows / n.
    """
    theta = 2 * rows
    stated = stats.beta(theta * q, theta * (1 - q)).moment(3)
    found = []
    for n in sizes:
        step = binomial_matrix(n, rows / n, q)
        system = np.vstack([step.T - np.eye(n + 1), np.ones(n + 1)])
        law = np.linalg.lstsq(system, np.append(np.zeros(n + 1), 1), rcond=None)[0]
        found.append(law @ (np.arange(n + 1) / n) ** 3)
    return Sides(np.full(len(sizes), stated), found, sizes)


@calculation(
    "derived.curation_finite_n",
    kind=Kind.ASYMPTOTIC,
    source=Source("kimura1962"),
    order=1.0,
    cases=({"sizes": (25, 50, 100, 200), "strength": 3.6, "q": 0.1},),
)
def curation_finite_n(sizes: tuple[int, ...], strength: float, q: float) -> Sides:
    r"""Replace with best-of-two curation fixes on the better of two symbols with probability
    $\frac{1-e^{-2nhq}}{1-e^{-2nh}}$, $h=\tanh(\Delta/2)$, q its true share, as n grows with $n h$
    fixed.

    A row is the Bradley-Terry winner of two draws whose rewards differ by $\Delta$. Held against
    the absorption probability of the finite chain.
    """
    stated = np.expm1(-2 * strength * q) / np.expm1(-2 * strength)
    found = []
    for n in sizes:
        x = np.arange(n + 1) / n
        winner = x + x * (1 - x) * strength / n
        step = stats.binom.pmf(np.arange(n + 1)[None], n, winner[:, None])
        fixed = np.linalg.solve(np.eye(n - 1) - step[1:-1, 1:-1], step[1:-1, -1])
        start = stats.binom.pmf(np.arange(n + 1), n, q + q * (1 - q) * strength / n)
        found.append(start[1:-1] @ fixed + start[-1])
    return Sides(np.full(len(sizes), stated), found, sizes)


@calculation(
    "derived.entropy",
    kind=Kind.ASYMPTOTIC,
    source=OURS,
    order=3.0,
    cases=({"sizes": (200, 400, 800, 1600), "generations": 6},),
)
def entropy(sizes: tuple[int, ...], generations: int) -> Sides:
    r"""$E\,H_m = H_0 - \frac{m(s-1)}{2n} - \frac{m(\sum_i 1/p_i-1)}{12n^2} + O(n^{-3})$ while no
    symbol is lost.

    Nats; a fixed number m of generations of n rows. Held against the lumped chain.
    """
    p = np.asarray(SYMBOLS)
    n = np.asarray(sizes, float)
    found = [LumpedChain(size, generations).entropy(p)[-1] for size in sizes]
    lost = (p.size - 1) / (2 * n) + ((1 / p).sum() - 1) / (12 * n**2)
    stated = -(p * np.log(p)).sum() - generations * lost
    return Sides(stated, found, sizes)
