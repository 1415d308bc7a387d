"""Which loop, and how often real data are needed."""

from __future__ import annotations

import math
from typing import Any

from collapse_theory.planning.base import Advice, Limit, Situation, question
from collapse_theory.planning.curves import exact, inflation, largest, risk_of, smallest
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.random_sources import RandomSources
from collapse_theory.workflows.refresh import Refresh
from collapse_theory.workflows.replace import Replace
from collapse_theory.workflows.window import Window

LOOPS: dict[str, Any] = {
    "replace": Replace(), "window of 2": Window(2), "random sources": RandomSources(),
    "accumulate": Accumulate(), "fixed real data": Mix("fixed"), "fresh real data": Mix("fresh"),
}  # fmt: skip


@question("best_loop")
def best_loop(s: Situation) -> Advice | None:
    """Which loop has the least risk at the horizon, with the same rows in each."""
    risk, ratio, theory = risk_of(s), {}, []
    for name, workflow in LOOPS.items():
        if name == "fresh real data" and s.fixed:
            continue
        found = inflation(s.experiment(workflow, s.rows), risk)
        if found is not None:
            ratio[name] = float(found[1][-1])
            theory.append(found[0])
    if not ratio:
        return None
    best = min(ratio, key=lambda k: ratio[k])
    listed = ", ".join(f"{k} {v:.4g}" for k, v in sorted(ratio.items(), key=lambda kv: kv[1]))
    return Advice(
        name="best_loop", value=best, unit="loop",
        words=f"{best}; risk after {s.generations} generations over the first: {listed}",
        theory=tuple(dict.fromkeys(theory)), holds=f"exact, {s.generations} generations",
        conditions=f"{s.real:,} real rows, {s.rows:,} rows from each fit",
        changes="the number of synthetic rows: few of them make accumulating cheap",
        table=ratio,
    )  # fmt: skip


@question("refresh_every")
def refresh_every(s: Situation) -> Advice | None:
    """The longest interval between new real data that keeps the risk within the inflation."""
    if s.inflation is None or s.fixed:
        return None
    risk = risk_of(s)

    def keeps(k: int) -> bool | None:
        if k >= 2 * s.generations:
            return False
        found = inflation(s.experiment(Refresh(k), s.rows), risk)
        return found and bool(found[1].max() <= s.target)

    found = inflation(s.experiment(Refresh(1), s.rows), risk)
    if found is None:
        return None
    k = largest(keeps)
    never = k >= s.generations
    words = (
        f"not within {s.generations} generations" if never
        else f"every {k:,} generations" if k else "not often enough even in every generation"
    )  # fmt: skip
    return Advice(
        name="refresh_every", value=math.inf if never else k or None, unit="generations",
        words=words, theory=(found[0],), holds=f"exact, {s.generations} generations",
        conditions=f"{s.rows:,} rows from each fit, {s.real:,} new real rows when due",
        changes="more synthetic rows allow longer intervals, about in proportion",
    )  # fmt: skip


@question("replace_size")
def replace_size(s: Situation) -> Advice | None:
    """The fewest rows to draw from each fit that keep the risk within the inflation up to the
    horizon, if nothing else is trained on; under a budget, equal sizes are best.
    """
    if s.inflation is None:
        return None
    risk, value = risk_of(s), s.target

    def keeps(n: int) -> bool | None:
        found = inflation(s.experiment(Replace(), n), risk)
        return found and bool(found[1][-1] <= value)

    least = s.family.smallest_fit(s.truth)
    n = smallest(keeps, least)
    if n is None:
        return None
    inside = s.experiment(Replace(), n)
    found = exact(inside, risk)
    assert found is not None
    outside = s.experiment(Replace(), n - 1) if n > least else None
    return Advice(
        name="replace_size", value=n, unit="rows",
        words=f"{n:,} rows from each fit, {n * (s.generations - 1):,} in all",
        theory=(found[0],), holds=f"exact, {s.generations} generations",
        conditions="each fit sees the newest batch only",
        changes="for twice the generations twice the rows from each; for ever, sizes that grow "
        "faster than the generations, like t^2",
        limit=Limit(risk, value * float(found[1][0]), True, inside, outside),
    )  # fmt: skip
