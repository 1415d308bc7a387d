"""How many rows keep diversity, and every symbol."""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue.settings_symbols import true_law
from collapse_theory.exact.lumping import LumpedChain
from collapse_theory.observables import diversity
from collapse_theory.planning.base import Advice, Limit, Situation, question
from collapse_theory.planning.curves import exact, smallest
from collapse_theory.workflows.replace import Replace

MOST = 4096  # rows of a lumped chain: its matrices have so many rows and columns
HEIR = "accumulating keeps a share for ever with any size; so do new real rows"


@question("diversity_size")
def diversity_size(s: Situation) -> Advice | None:
    """The fewest rows from each fit that keep this share of the true Gini index to the horizon."""
    if s.diversity is None or not diversity.gini.supports(s.family):
        return None
    least = s.diversity * diversity.gini.at_truth(s.family, s.truth)

    def keeps(n: int) -> bool | None:
        found = exact(s.experiment(Replace(), n), diversity.gini)
        return found and bool(found[1][-1] >= least)

    start = exact(s.experiment(Replace(), s.real), diversity.gini)
    if start is None:
        return None
    n = smallest(keeps) if start[1][0] >= least else None
    limit = None
    if n is not None:
        pair = [s.experiment(Replace(), k) for k in (n, n - 1) if k]
        limit = Limit(diversity.gini, least, False, *pair)
    return Advice(
        name="diversity_size", value=n, unit="rows", words=_words(n, f"{s.diversity:.0%} is kept"),
        theory=(start[0],), holds=f"exact, {s.generations} generations", conditions=_loop(s),
        changes=HEIR, limit=limit,
    )  # fmt: skip


@question("alive_size")
def alive_size(s: Situation) -> Advice | None:
    """The fewest rows from each fit with which no symbol is lost, so surely, to the horizon."""
    if s.all_alive is None or not diversity.all_alive.supports(s.family):
        return None
    p = true_law(s.experiment(Replace(), s.rows))
    if p.ndim > 1:  # several contexts
        return None
    wanted = 1 - s.all_alive

    def keeps(n: int) -> bool | None:
        return None if n > MOST else bool(lost(s, p, n)[-1] <= wanted)

    n = smallest(keeps) if lost(s, p, s.real)[0] <= wanted else None
    limit = None
    if n is not None:
        limit = Limit(diversity.all_alive, s.all_alive, False, s.experiment(Replace(), n))
    return Advice(
        name="alive_size", value=n, unit="rows",
        words=_words(n, f"every symbol stays with probability {s.all_alive:g}"),
        theory=("engine.lumping.support_size", "derived.first_extinction_exact"),
        holds=f"sufficient, {s.generations} generations",
        conditions=f"{_loop(s)}; the chances of losing each symbol are added up", changes=HEIR,
        limit=limit,
    )  # fmt: skip


def lost(s: Situation, probs: np.ndarray, n: int) -> np.ndarray:
    """The expected number of symbols lost by each generation: it bounds the chance of any loss."""
    chain = LumpedChain([s.real] + [n] * (s.generations - 1), s.generations)
    values, counts = np.unique(probs[probs > 0], return_counts=True)
    gone = [k * chain.distribution(float(q))[:, 0] for q, k in zip(values, counts, strict=True)]
    return np.asarray(np.sum(gone, 0))


def _words(n: int | None, aim: str) -> str:
    if n is None:
        return f"no number found for which {aim}: the first fit falls short, or too many are needed"
    return f"{n:,} rows from each fit, and {aim}"


def _loop(s: Situation) -> str:
    return f"{s.real:,} real rows, then each fit sees the newest batch only"
