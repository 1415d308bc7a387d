"""How much real data should weigh."""

from __future__ import annotations

from collapse_theory.exact.weighting import optimal_weight as exact_weight
from collapse_theory.planning.base import Advice, Situation, question
from collapse_theory.planning.curves import bends


@question("optimal_weight")
def optimal_weight(s: Situation) -> Advice | None:
    """The weight of the real data, against that of the synthetic, with the least risk for ever."""
    v2 = bends(s)
    if v2 is None:
        return None
    if s.fixed:
        return Advice(
            name="optimal_weight", value=1.0, unit="share",
            words="all of it: rows of a fit to one corpus cannot add to that corpus",
            theory=("derived.optimal_weight",), holds="exact, for ever",
            conditions="one real corpus for ever, an unbiased estimator",
            changes="new real rows in each generation: then synthetic rows remember the old ones",
        )  # fmt: skip
    w = exact_weight(s.real, s.rows, v2)
    pooled = s.real / (s.real + s.rows)
    return Advice(
        name="optimal_weight", value=w, unit="share",
        words=f"{w:.4f} on the mean of the {s.real:,} real rows, the rest on that of {s.rows:,} "
        f"synthetic ones; the risk settles at {w:.4f} of that of the real rows alone",
        theory=("he2025.optimal_weight", "derived.optimal_weight"), holds="exact, for ever",
        conditions="new real rows in each generation, a weighted mean of both kinds",
        changes=f"pooling all rows alike gives the real ones {pooled:.4f}; equal and large numbers "
        "of rows lead to the golden ratio, 0.6180",
        table={"pooled": pooled, "settled inflation": w},
    )  # fmt: skip
