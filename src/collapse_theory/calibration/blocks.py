"""Many independent small runs: long runs cut into blocks of chain ids.

A chain is a function of the seed and its id, so that disjoint blocks are as independent as runs
with seeds of their own; several seeds are used all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.engine import run_values
from collapse_theory.experiment import Experiment
from collapse_theory.moments import Moments, moments_of
from collapse_theory.placement import Plan

TOGETHER = 1 << 15  # chains that are held at once, at least

Values = NDArray[np.float64]


def blocks(
    experiment: Experiment, *, chains: int, count: int, seeds: range, keep: Any = None
) -> Iterator[Values]:
    """Values of ``count`` blocks, spread evenly over seeds; some blocks at a time.

    Args:
        experiment: what is run; it names its observables.
        chains: in a block.
        count: blocks in all, a multiple of the number of seeds.
        seeds: of the runs that are cut.
        keep: index of the generations wanted; all if left out.

    Yields:
        Arrays (blocks, chains, generations, observables).
    """
    setup = experiment.setup(Plan().resolve_dtype())
    each, some = count // len(seeds), max(1, TOGETHER // chains)
    wanted = slice(None) if keep is None else keep
    for seed in seeds:
        for first in range(0, each, some):
            last = min(first + some, each)
            parts = run_values(setup, seed, range(first * chains, last * chains))
            values = np.concatenate([part[:, wanted] for part in parts])
            yield values.reshape(last - first, chains, *values.shape[1:])


def moments_by_block(values: Values) -> Moments:
    """Moments of each block: (blocks, chains, ...) to arrays (blocks, ...)."""
    return moments_of(values.swapaxes(0, 1))


def row(moments: Moments, i: int) -> Moments:
    """Moments of one block."""
    return Moments(*(a[i] for a in moments))


def with_the_next(refuted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which blocks are refuted together with the next one: two runs that share no chain."""
    both: NDArray[np.bool_] = refuted & np.roll(refuted, -1)
    return both
