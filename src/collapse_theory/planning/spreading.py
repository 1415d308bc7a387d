"""How to spread a budget of synthetic rows over the generations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from collapse_theory.planning.base import Advice, Limit, Situation, question
from collapse_theory.planning.curves import inflation, risk_of, ruling
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

Sizes = NDArray[np.int64]
GAIN = 1e-9  # relative, below which a move is rounding


@question("spread")
def spread(s: Situation) -> Advice | None:
    """The rows to draw from each fit, so many in all, with the least risk at the horizon, where
    all data are kept; and where only the newest batch is.
    """
    if s.budget is None:
        return None
    even = _even(s.budget, s.generations - 1)
    found = _accumulated(s, even)
    if found is None:
        return None
    theory, sizes, value, plain, ends = found
    words = f"accumulate: {_told(sizes)}; the risk ends at {value:.4g} times the first, with equal "
    words += f"sizes at {plain:.4g}"
    limit = None
    if value < plain * (1 - GAIN):
        pair = (s.experiment(Accumulate(), _schedule(x)) for x in (sizes, even))
        limit = Limit(risk_of(s), (ends[0] * ends[1]) ** 0.5, True, *pair)
    newest = inflation(s.experiment(Replace(), _schedule(even)), risk_of(s))
    if newest is not None:  # symmetric in the sizes, and convex
        words += f". Replace: equal sizes are best, {newest[1][-1]:.4g}"
    return Advice(
        name="spread", value=value, unit="times the first risk", words=words,
        theory=tuple(dict.fromkeys([theory, *([newest[0]] if newest else [])])),
        holds=f"exact, {s.generations} generations",
        conditions=f"{s.real:,} real rows in the first fit, {s.budget:,} synthetic ones after it; "
        "the best that exchanging rows between generations finds",
        changes="risks on the way count for nothing here: only the last fit does",
        table={f"generation {t}": float(n) for t, n in enumerate(sizes, 2)}, limit=limit,
    )  # fmt: skip


Found = tuple[str, Sizes, float, float, tuple[float, float]]


def _accumulated(s: Situation, even: Sizes) -> Found | None:
    """Theorem, best sizes, their inflation, that of equal ones, and both risks at the end."""
    whole = s.experiment(Accumulate(), _schedule(even))
    rule = ruling(whole, risk_of(s))
    if rule is None:
        return None

    def end(sizes: Sizes) -> float:
        e = replace(whole, n=_schedule(sizes))
        return float(rule.predict(e)[-1]) if rule.applies(e) else math.inf

    first = float(rule.predict(whole)[0])
    best = exchanged(end, min(_starts(even), key=end))
    value, plain = end(best), end(even)
    return rule.name, best, value / first, plain / first, (value, plain)


def exchanged(risk: Callable[[Sizes], float], sizes: Sizes, least: int = 1) -> Sizes:
    """Move rows from where one is worth least to where it is worth most, while the risk falls.

    Args:
        risk: of sizes, shape (k,).
        sizes: where to begin.
        least: rows that every generation keeps.

    Returns:
        Sizes with the same sum from which no such move, of any power of two of the rows that can
        be moved, lowers the risk: a local optimum.
    """
    value = risk(sizes)
    while True:
        worth = [risk(_moved(sizes, None, i, 1)) for i in range(len(sizes))]
        to = int(np.argmin(worth))
        for source in np.argsort(worth)[::-1]:
            step = 0 if source == to else int(sizes[source]) - least
            while step and risk(_moved(sizes, source, to, step)) >= value * (1 - GAIN):
                step //= 2
            if step:
                sizes = _moved(sizes, source, to, step)
                value = risk(sizes)
                break
        else:
            return sizes


def _moved(sizes: Sizes, source: int | None, to: int, step: int) -> Sizes:
    found = sizes.copy()
    found[to] += step
    if source is not None:
        found[source] -= step
    return found


def _starts(even: Sizes) -> list[Sizes]:
    """Equal sizes, and all that can be moved in the first or in the last generation."""
    ends = []
    for place in (0, -1):
        lump = np.ones_like(even)
        lump[place] += even.sum() - lump.sum()
        ends.append(lump)
    return [even, *ends]


def _even(budget: int, steps: int) -> Sizes:
    return np.diff(np.arange(steps + 1) * budget // steps)


def _schedule(sizes: Sizes) -> tuple[int, ...]:
    """As an experiment takes them: its first fit sees real rows only."""
    return (int(sizes[0]), *map(int, sizes))


def _told(sizes: Sizes) -> str:
    """Runs of equal sizes in words."""
    ends = np.append(np.flatnonzero(np.diff(sizes)), len(sizes) - 1)
    parts, begin = [], 0
    for end in ends:
        many = f"fits {begin + 1} to {end + 1} each" if end > begin else f"fit {begin + 1}"
        parts.append(f"{sizes[end]:,} row{'s' if sizes[end] > 1 else ''} from {many}")
        begin = int(end) + 1
    shown = parts if len(parts) <= 4 else [*parts[:3], "and so on"]
    return ", ".join(shown)


__all__ = ["exchanged", "spread"]
