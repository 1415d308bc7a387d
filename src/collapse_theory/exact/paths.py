"""Brute force: the mean of anything over all paths of a two-symbol chain, path by path.

Slow and free of algebra: what formulas are held against.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import numpy as np
from scipy import stats

from collapse_theory.exact.validation import Vector

State = TypeVar("State", bound=Hashable)


def mean_over_paths(
    start: State,
    sizes: Sequence[int],
    prob: Callable[[State, int], float],
    update: Callable[[State, int, int], State],
    value: Callable[[State], float],
) -> Vector:
    """E value(state) after each generation; generation g draws Bin(sizes[g], prob(state, g)).

    Args:
        start: the state before generation 0.
        sizes: draws in each generation, shape [T].
        prob: chance of the first symbol in generation g, given the state before it.
        update: the state after count k in generation g; equal states are merged.
        value: what is averaged.

    Returns:
        The means, shape [T]; rounding error only.

    References:
        derived
    """
    level: dict[Any, float] = {start: 1.0}
    means = []
    for g, n in enumerate(sizes):
        after: dict[Any, float] = defaultdict(float)
        for state, weight in level.items():
            for k, chance in enumerate(stats.binom.pmf(np.arange(n + 1), n, prob(state, g))):
                if chance > 0:
                    after[update(state, k, g)] += weight * float(chance)
        level = after
        means.append(sum(w * value(s) for s, w in level.items()))
    return np.asarray(means)
