"""Replace with one size, seen backwards: how many ancestors the rows of a fit have.

The support of fit m has the law of the set of distinct symbols among A_m independent draws from the
truth, whatever the alphabet: A_1 = n, and A_{m+1} is the number of occupied bins when A_m balls are
thrown into n bins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from collapse_theory.exact.validation import Matrix, Vector, whole


def ancestor_law(n: int, generations: int) -> Matrix:
    """P(A_m = a) for m = 1..generations (rows) and a = 0..n.

    Args:
        n: rows of each batch.
        generations: how many fits.

    Returns:
        Shape [generations, n + 1]; absolute error about 1e-15 a generation.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    n, generations = whole("n", n, 1), whole("generations", generations, 1)
    occupied = np.zeros((n + 1, n + 1))  # P(so many bins | so many balls)
    occupied[0, 0] = 1.0
    full = np.arange(n + 1) / n
    for balls in range(1, n + 1):
        occupied[balls] = occupied[balls - 1] * full
        occupied[balls, 1:] += occupied[balls - 1, :-1] * (1 - full[:-1])
    law = np.zeros((generations, n + 1))
    law[0, n] = 1.0
    for m in range(1, generations):
        law[m] = law[m - 1] @ occupied
    return law


def mean_over_ancestors(law: Matrix, of_draws: ArrayLike) -> Vector:
    """E f(A_m) for f given at a = 0..n, shape [generations]."""
    return np.asarray(law @ np.asarray(of_draws, float))


def distinct(probs: ArrayLike, n: int) -> Vector:
    """Mean number of distinct symbols among a = 0..n draws."""
    return _over_symbols(probs, n, lambda p, a: 1 - (1 - p) ** a)


def unseen(probs: ArrayLike, n: int) -> Vector:
    """Mean true mass of the symbols missing among a = 0..n draws."""
    return _over_symbols(probs, n, lambda p, a: p * (1 - p) ** a)


def all_equal(probs: ArrayLike, n: int) -> Vector:
    """P(all of a = 0..n draws are one symbol), for a >= 1."""
    return _over_symbols(probs, n, lambda p, a: p**a)


def all_seen(probs: Sequence[float], n: int) -> Vector:
    """P(every symbol is among a = 0..n draws), by inclusion and exclusion; few symbols only.

    Raises:
        ValueError: more than 16 symbols.
    """
    p = np.asarray(probs, float)
    if p.size > 16:
        raise ValueError(f"inclusion and exclusion takes at most 16 symbols, got {p.size}")
    sets = (np.arange(1 << p.size)[:, None] >> np.arange(p.size)) & 1
    left, sign = np.clip(1 - sets @ p, 0, 1), (-1.0) ** sets.sum(1)
    return np.asarray([sign @ left**a for a in range(n + 1)])


def _over_symbols(probs: ArrayLike, n: int, term: Callable[[Matrix, Matrix], Matrix]) -> Vector:
    p, a = np.asarray(probs, float)[:, None], np.arange(n + 1.0)[None]
    return np.asarray(term(p, a).sum(0))
