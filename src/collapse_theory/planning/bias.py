"""What a generator that is not faithful, and a verifier that is not perfect, allow."""

from __future__ import annotations

import math

import numpy as np

from collapse_theory.observables import parameters
from collapse_theory.planning.base import Advice, Limit, Situation, question
from collapse_theory.planning.curves import exact, largest
from collapse_theory.workflows.mix import Mix


@question("max_synthetic_biased")
def max_synthetic_biased(s: Situation) -> Advice | None:
    """The most synthetic rows beside the real ones at which a generator that widens or narrows
    leaves the mean variance within the wished share of the truth.
    """
    variance = parameters.variance
    if s.faithful or s.diversity is None or not variance.supports(s.family):
        return None
    workflow = Mix("fixed" if s.fixed else "fresh")
    truth, off = variance.at_truth(s.family, s.truth), 1 - s.diversity
    found = exact(s.experiment(workflow, s.rows), variance)
    if found is None:
        return None

    def curve(n: int) -> np.ndarray:
        known = exact(s.experiment(workflow, n), variance)
        assert known is not None
        return known[1] / truth

    n = largest(lambda n: bool((np.abs(curve(n) - 1) <= off).all()))
    limit, settled = None, curve(s.rows)[-1]
    if 0 < n < math.inf:
        shrinks = curve(int(n) + 1)[-1] < 1
        pair = [s.experiment(workflow, int(k)) for k in (n, n + 1)]
        value = truth * (1 - off if shrinks else 1 + off)
        limit = Limit(variance, value, not shrinks, *pair)
    words = (
        "any amount that was tried" if math.isinf(n)
        else f"up to {n:,} rows from each fit" if n else "none"
    )  # fmt: skip
    return Advice(
        name="max_synthetic_biased", value=n, unit="rows",
        words=f"{words}; with {s.rows:,} the mean variance goes to {settled:.4g} of the truth",
        theory=(found[0],), holds=f"exact, {s.generations} generations",
        conditions=f"{s.real:,} {'rows of one corpus' if s.fixed else 'new real rows'} in each "
        f"generation, pooled with rows of the last fit; {s.generator}",
        changes="the generator: a faithful one leaves the mean variance where it is",
        limit=limit, table={"settled variance": float(settled)},
    )  # fmt: skip


@question("verifier")
def verifier(s: Situation) -> Advice | None:
    """The largest share of wrong rows that a verifier turns into a majority of right ones."""
    if s.verifier is None:
        return None
    right, wrong = s.verifier
    breakdown = right / (right + wrong)
    words, table = f"up to {breakdown:.1%} of the rows may be wrong", {"breakdown": breakdown}
    if s.wrong is not None:
        kept = right * (1 - s.wrong) + wrong * s.wrong
        table |= {"rows kept": kept, "wrong among them": wrong * s.wrong / kept if kept else 0.0}
        words += (
            f"; of {s.wrong:.1%} wrong ones {table['wrong among them']:.1%} are left, among the "
            f"{kept:.1%} of the rows that are kept"
        )
    return Advice(
        name="verifier", value=breakdown, unit="share", words=words,
        theory=("feng2024.breakdown_point", "derived.noisy_verifier"),
        holds="exact, in one generation",
        conditions="rows are right or wrong, the verifier decides row by row, independently of "
        "everything else; the learner follows the majority",
        changes="in every further generation the odds of right rows are multiplied by the ratio "
        f"of the two chances, {right / wrong if wrong else math.inf:.4g}; a verifier whose errors "
        "lean one way leads to its own view, not to the truth",
        table=table,
    )  # fmt: skip


__all__ = ["max_synthetic_biased", "verifier"]
