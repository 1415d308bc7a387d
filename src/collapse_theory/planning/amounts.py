"""How much synthetic data may be added."""

from __future__ import annotations

import math

import numpy as np

from collapse_theory.catalogue import settings_symbols
from collapse_theory.catalogue.mixing_symbols import sufficient_amount
from collapse_theory.exact.real_data import (
    enough_for_l1,
    most_synthetic,
    settled_inflation,
    settled_inflation_fresh,
)
from collapse_theory.observables import parameters
from collapse_theory.observables.diversity import gini
from collapse_theory.planning.base import Advice, Limit, Situation, question
from collapse_theory.planning.curves import bends, exact, inflation, largest, risk_of
from collapse_theory.workflows.mix import Mix

CLOSE = 0.9  # of the way from the limit to the settled risk, where simulation looks


@question("max_synthetic")
def max_synthetic(s: Situation) -> Advice | None:
    """The most synthetic rows, from each fit to the next, at which the risk stays within the
    inflation.
    """
    if s.inflation is None:
        return None
    v2 = bends(s)
    if v2 is not None:
        return _fixed(s, v2) if s.fixed else _fresh(s, v2)
    return _searched(s)


def _fixed(s: Situation, v2: float) -> Advice:
    root = most_synthetic(s.real, s.target, v2)
    worst = settled_inflation(s.real, 1e12, v2)
    conditions = "one real corpus for ever, pooled with rows of the last fit; all generations"
    if math.isinf(root):
        words = f"any amount: the risk never exceeds {worst:.4g} times that of the real rows alone"
        limit = None
    else:
        n = math.floor(root)
        words = f"up to {n:,} rows from each fit (the limit is {root:.2f})"
        limit = _limit(s, n)
    return Advice(
        name="max_synthetic", value=math.floor(root) if math.isfinite(root) else root, unit="rows",
        words=words, theory=("derived.partial_max_synthetic", "expfam.mean_martingale"),
        holds="exact, for ever", conditions=conditions,
        changes="new real rows in each generation lift the limit; a generator or an estimator with "
        "a bias lowers it, in the end to nothing",
        table={"limit": root, "inflation without end of n": worst}, limit=limit,
    )  # fmt: skip


def _limit(s: Situation, n: int) -> Limit | None:
    """Simulation at n and n + 1, over generations enough to see the latter exceed the limit."""
    inside, outside = (s.experiment(Mix("fixed"), max(k, 1), 400) for k in (n, n + 1))
    found, kept = exact(outside, parameters.mean_squared_error), exact(inside, risk_of(s))
    if found is None or kept is None or n < 1:
        return None
    value = float(s.target * found[1][0])
    enough = value + CLOSE * (found[1][-1] - value)
    long = int(np.argmax(found[1] >= enough)) + 1
    both = (s.experiment(Mix("fixed"), k, max(long, 2)) for k in (n, n + 1))
    return Limit(risk_of(s), value, True, *both)


def _fresh(s: Situation, v2: float) -> Advice:
    helps = s.real >= v2
    gain = settled_inflation_fresh(s.real, s.rows, v2)
    return Advice(
        name="max_synthetic", value=math.inf, unit="rows",
        words=f"any amount: it lowers the error, with {s.rows:,} rows to {gain:.4g} of that of the "
        "real rows of one generation, at best to half"
        if helps
        else "too few real rows for a general answer",
        theory=("derived.fresh_mix_L2",), holds="exact, for ever",
        conditions="new real rows in each generation, pooled with rows of the last fit",
        changes="one corpus used again and again puts a limit to it; so does a biased generator",
        table={"settled inflation": gain},
    )  # fmt: skip


def _searched(s: Situation) -> Advice | None:
    """Where there is no closed form: along the exact curve of the loop, up to the horizon."""
    workflow, risk = Mix("fixed" if s.fixed else "fresh"), risk_of(s)

    def keeps(n: int) -> bool | None:
        found = inflation(s.experiment(workflow, n), risk)
        return found and bool(found[1].max() <= s.target)

    first = inflation(s.experiment(workflow, s.rows), risk)
    if first is None:
        return Advice(
            name="max_synthetic", value=None, unit="rows", theory=(), holds="not answered",
            words="no exact theory covers this family in this loop: sweep over n, and simulate",
            conditions="", changes="",
        )  # fmt: skip
    n = largest(keeps)
    words = "any amount that was tried" if math.isinf(n) else f"up to {n:,} rows from each fit"
    return Advice(
        name="max_synthetic", value=n, unit="rows", words=words, theory=(first[0],),
        holds=f"exact, {s.generations} generations",
        conditions=f"{'one corpus for ever' if s.fixed else 'new real rows in each generation'}, "
        "pooled with rows of the last fit; searched as if more rows never helped",
        changes="the horizon; a biased generator",
    )  # fmt: skip


@question("max_synthetic_l1")
def max_synthetic_l1(s: Situation) -> Advice | None:
    """The most synthetic rows at which a fit over symbols stays within this mean l1 distance of
    the first fit.
    """
    if s.l1 is None or not s.fixed or not gini.supports(s.family) or bends(s) is None:
        return None
    count = settings_symbols.true_law(s.experiment(Mix("fixed"), s.rows)).shape[-1]
    n = enough_for_l1(s.real, s.l1, count)
    published = sufficient_amount(s.real, s.l1, count)
    words = "any amount" if math.isinf(n) else f"up to {math.floor(n):,} rows from each fit"
    return Advice(
        name="max_synthetic_l1", value=n if math.isinf(n) else math.floor(n), unit="rows",
        words=f"{words}; the published sufficient amount is {published:.3g}",
        theory=("derived.partial_dev_L2", "derived.partial_max_synthetic"),
        holds="sufficient, for ever",
        conditions="symbols, one real corpus for ever; by the Cauchy-Schwarz inequality, so more "
        "may do",
        changes="fewer symbols allow more, in proportion",
        table={"published": published},
    )  # fmt: skip
