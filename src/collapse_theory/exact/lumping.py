r"""Lumped symbol chains: additive observables of the replace workflow on any alphabet, without
Monte Carlo.

In the replace workflow the count of one symbol is a Markov chain by itself, whatever the other
symbols do: $X^{(1)} \sim \mathrm{Bin}(n_1, q)$ and
$X^{(t+1)} \mid X^{(t)}=k \sim \mathrm{Bin}(n_{t+1},\, \pi q + (1-\pi)k/n_t)$, where $\pi$ is the
probability that a draw is real. Hence $E\sum_i f_i(X_i^{(t)}/n_t)$ is a sum of expectations over
n+1 states.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy
from scipy.stats import binom

from collapse_theory.exact.validation import Matrix, Sizes, Vector, probability, schedule, whole

Functional = Callable[[int, Vector], Vector]


@dataclass(frozen=True, eq=False)
class LumpedChain:
    r"""The law of the count of a symbol under the replace workflow.

    Attributes:
        n: draws in each generation: one number, or a schedule of length T.
        generations: number of fits T.
        real_share: probability in [0, 1] that a draw is real, not from the previous fit.

    Time O(G T n^2) for G distinct probabilities, memory O(n^2) for each distinct pair of sizes.
    Numerical error: the binomial pmf is accurate to about 1e-13, and the laws add up to 1 within
    about T times that.

    Raises:
        ValueError: a size below 1, a schedule that is not of length T, a share outside [0, 1].

    References:
        derived
    """

    n: int | Sizes
    generations: int
    real_share: float = 0.0

    def __post_init__(self) -> None:
        whole("generations", self.generations, 1)
        probability("real_share", self.real_share)
        if self.sizes.size != self.generations:
            raise ValueError(f"n must have length T = {self.generations}, got {self.sizes.size}")

    @cached_property
    def sizes(self) -> Vector:
        """Draws in each generation, shape [T]."""
        if np.ndim(self.n) == 0:
            return np.full(self.generations, float(whole("n", float(np.asarray(self.n)), 1)))
        return schedule("n", np.asarray(self.n), 1)

    @cached_property
    def transitions(self) -> dict[tuple[int, int], Matrix]:
        """Binomial matrices without real data: [n+1, m+1] for each pair (n, m) of successive
        sizes.
        """
        n = [int(size) for size in self.sizes]
        return {pair: _transition(*pair, 0.0, 0.0) for pair in set(itertools.pairwise(n))}

    def distribution(self, q: float) -> Matrix:
        """Law of the count of a symbol with true probability q.

        Args:
            q: true probability, in [0, 1].

        Returns:
            P(count at fit t = k), shape [T, n+1] (padded with 0 up to the largest n of a schedule).

        Raises:
            ValueError: if q is not a probability.
        """
        probability("q", q)
        laws = np.zeros((self.generations, int(self.sizes.max()) + 1))
        for t, law in enumerate(self._laws(np.array([q]))):
            laws[t, : law.shape[1]] = law[0]
        return laws

    def expected(self, probs: ArrayLike, f: Functional) -> Vector:
        """Expectation of an additive functional `sum_i f(i, x_i)`.

        Args:
            probs: true law, shape [s].
            f: called with a symbol i and the grid x = k/n, shape [n+1]; returns values on the grid.

        Returns:
            The expectation at fits 1..T, shape [T]; equal probabilities share one chain.

        Raises:
            ValueError: if probs is not a law.
        """
        p = _law(probs)
        distinct, group = np.unique(p, return_inverse=True)

        def values(grid: Vector) -> Matrix:
            total = np.zeros((distinct.size, grid.size))
            for i, g in enumerate(group):
                total[g] += f(i, grid)
            return total

        return self._sum(distinct, values)

    def collapse_probability(self, probs: ArrayLike) -> Vector:
        """P(all draws of fit t are the same symbol), shape [T]: `sum_i P(x_i = 1)`, as the events
        are disjoint.
        """
        return self._grouped(probs, lambda q, x: (x == 1.0) + 0.0 * q)

    def support_size(self, probs: ArrayLike) -> Vector:
        """E of the number of symbols with a positive count, shape [T]."""
        return self._grouped(probs, lambda q, x: (x > 0.0) + 0.0 * q)

    def entropy(self, probs: ArrayLike) -> Vector:
        """E of the entropy of the fit in nats, shape [T]."""
        return self._grouped(probs, lambda q, x: -xlogy(x, x) + 0.0 * q)

    def l1_to_truth(self, probs: ArrayLike) -> Vector:
        """E of the L1 distance to the truth, shape [T] (twice the total variation)."""
        return self._grouped(probs, lambda q, x: np.abs(x - q))

    def sum_of_squares(self, probs: ArrayLike) -> Vector:
        """E sum_i x_i^2 (one minus the Gini index), shape [T]."""
        return self._grouped(probs, lambda q, x: x**2 + 0.0 * q)

    def unseen_mass(self, probs: ArrayLike) -> Vector:
        """E of the true mass of the symbols with count 0, shape [T]."""
        return self._grouped(probs, lambda q, x: q * (x == 0.0))

    def tail_recall(self, probs: ArrayLike, mask: ArrayLike) -> Vector:
        """E of the share of the masked symbols that still have a positive count.

        Args:
            probs: true law, shape [s].
            mask: which symbols belong to the tail, boolean, shape [s].

        Returns:
            Shape [T], in [0, 1].

        Raises:
            ValueError: if probs is not a law, or the mask has another shape or is empty.
        """
        p, tail = _law(probs), np.asarray(mask, dtype=bool)
        if tail.shape != p.shape or not tail.any():
            raise ValueError(f"mask must select a symbol, in shape {p.shape}, got {tail.shape}")
        distinct, counts = np.unique(p[tail], return_counts=True)
        share = counts / counts.sum()
        return self._sum(distinct, lambda x: share[:, None] * (x > 0.0))

    def expected_collapse_time(self, probs: ArrayLike) -> float:
        r"""E of the first fit that consists of one symbol; not limited by `generations`.

        $E[T] = \sum_{k\ge0}(1-\rho_k)$ and, as $\sum_i E x_i = 1$,
        $1-\rho_k = \sum_i E[x_i; 0<x_i<1]$: the whole series is
        $1 + \sum_i \mathrm{Bin}(n,q_i)\,(I-Q)^{-1}x$ with Q the transient block of the binomial
        matrix.

        Args:
            probs: true law, shape [s].

        Returns:
            The expectation (0 when the truth is a single symbol); relative error about 1e-12 n.

        Raises:
            ValueError: if probs is not a law, sizes vary, or real data make the collapse not
                absorbing.
        """
        p = _law(probs)
        if self.real_share > 0.0 or np.ptp(self.sizes) > 0.0:
            raise ValueError("expected_collapse_time needs one size n and real_share = 0")
        if p.max() == 1.0:
            return 0.0
        n = int(self.sizes[0])
        inner, x = slice(1, n), np.arange(n + 1) / n
        transient = _transition(n, n, 0.0, 0.0)[inner, inner]
        potential = np.linalg.solve(np.eye(n - 1) - transient, x[inner])
        distinct, counts = np.unique(p, return_counts=True)
        start = binom.pmf(np.arange(1, n), n, distinct[:, None])
        return float(1.0 + counts @ (start @ potential))

    def _grouped(self, probs: ArrayLike, f: Callable[[Vector, Vector], Matrix]) -> Vector:
        distinct, counts = np.unique(_law(probs), return_counts=True)
        return self._sum(distinct, lambda x: counts[:, None] * f(distinct[:, None], x))

    def _sum(self, q: Vector, values: Callable[[Vector], Matrix]) -> Vector:
        result = np.zeros(self.generations)
        size, table = -1, np.zeros((0, 0))
        for t, law in enumerate(self._laws(q)):
            if law.shape[1] != size:
                size = law.shape[1]
                table = values(np.arange(size) / (size - 1))
            result[t] = np.sum(law * table)
        return result

    def _laws(self, q: Vector) -> Iterator[Matrix]:
        """Laws [G, n_t+1] of the counts at fits 1..T for G true probabilities."""
        n = [int(size) for size in self.sizes]
        law = binom.pmf(np.arange(n[0] + 1), n[0], q[:, None])
        yield law
        own: dict[tuple[int, int], list[Matrix]] = {}
        for pair in itertools.pairwise(n):
            if self.real_share == 0.0:
                law = law @ self.transitions[pair]
            else:
                if pair not in own:
                    own[pair] = [_transition(*pair, self.real_share, float(value)) for value in q]
                law = np.stack([row @ step for row, step in zip(law, own[pair], strict=True)])
            yield law


def _transition(n: int, m: int, share: float, q: float) -> Matrix:
    success = share * q + (1.0 - share) * np.arange(n + 1) / n
    return np.asarray(binom.pmf(np.arange(m + 1), m, np.minimum(success, 1.0)[:, None]), np.float64)


def _law(probs: ArrayLike) -> Vector:
    p = np.asarray(probs, dtype=np.float64)
    if p.ndim != 1 or p.size == 0 or not np.isfinite(p).all() or (p < 0.0).any():
        raise ValueError(f"probs must be a non-empty vector of probabilities, got shape {p.shape}")
    if abs(p.sum() - 1.0) > 1e-9:
        raise ValueError(f"probs must sum to 1 (in float64), got {p.sum()!r}")
    return p
