"""How many rows keep diversity, the tail, and every symbol."""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue.lumping import tail_symbols
from collapse_theory.catalogue.settings_symbols import one_context, true_law
from collapse_theory.errors import InputError
from collapse_theory.exact.lumping import LumpedChain
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.observables import diversity
from collapse_theory.planning.base import Advice, Limit, Situation, question
from collapse_theory.planning.curves import exact, smallest
from collapse_theory.workflows.replace import Replace

SYMBOLS = (Categorical, Bernoulli)
MOST = 4096  # rows of a lumped chain: its matrices have so many rows and columns
MOST_REAL = 50_000  # the first of these matrices has as many rows as there are real ones
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
    if s.all_alive is None or (p := _symbols(s)) is None:
        return None
    wanted = 1 - s.all_alive

    def keeps(n: int) -> bool | None:
        return None if n > MOST else bool(lost(s, p, n)[-1] <= wanted)

    n = smallest(keeps) if lost(s, p, 1)[0] <= wanted else None
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


@question("tail_size")
def tail_size(s: Situation) -> Advice | None:
    """The fewest rows from each fit that keep this mean share of the rarest symbols to the
    horizon.
    """
    if s.tail_recall is None or (p := _symbols(s)) is None or not (tail := tail_symbols(p)).any():
        return None
    wanted = s.tail_recall

    def recall(n: int) -> np.ndarray:
        sizes = [s.real] + [n] * (s.generations - 1)
        return LumpedChain(sizes, s.generations).tail_recall(p, tail)

    def keeps(n: int) -> bool | None:
        return None if n > MOST else bool(recall(n)[-1] >= wanted)

    first = recall(1)[0]
    n = smallest(keeps) if first >= wanted else None
    limit = None
    if n is not None:
        pair = [s.experiment(Replace(), k) for k in (n, n - 1) if k]
        limit = Limit(diversity.tail_recall, wanted, False, *pair)
    rare = f"the {tail.sum():,} rarest symbols ({p[tail].sum():.1%} of the mass)"
    return Advice(
        name="tail_size", value=n, unit="rows",
        words=_words(n, f"{wanted:.0%} of {rare} are kept on average"),
        theory=("engine.lumping.tail_recall",), holds=f"exact, {s.generations} generations",
        conditions=_loop(s), changes=HEIR, limit=limit, table={"after the first fit": first},
    )  # fmt: skip


def _symbols(s: Situation) -> np.ndarray | None:
    """The true law where the counts of symbols are a chain, each by itself; None elsewhere."""
    if s.real > MOST_REAL:
        raise InputError(
            f"real = {s.real}: the chance of losing a symbol is computed for at most {MOST_REAL:,} "
            "real rows"
        )
    if not s.faithful or not diversity.all_alive.supports(s.family):
        return None
    e = s.experiment(Replace(), s.rows)
    return true_law(e) if one_context(e) and isinstance(s.family, SYMBOLS) else None


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
