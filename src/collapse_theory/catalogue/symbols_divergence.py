"""How fast laws over symbols leave the truth in nats: replace and accumulate."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.special import xlogy
from scipy.stats import binom

from collapse_theory.catalogue import settings_symbols as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.families.categorical import Categorical, CategoricalLaw
from collapse_theory.observables import divergences
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

OWN = Source(None)
SYMBOLS = (Categorical, Bernoulli)
SPREAD = 0.1  # of a symbol's variance over its square, up to which the first order is offered
BITS = Experiment(
    family=Bernoulli(), workflow=Replace(), truth=BernoulliLaw(0.4), n=120, generations=4
)
KEPT = Experiment(
    family=Categorical(), workflow=Accumulate(), truth=CategoricalLaw((0.4, 0.35, 0.25)), n=60,
    generations=3,
)  # fmt: skip


def _early(e: Experiment) -> bool:
    rarest = setting.true_law(e)[setting.true_law(e) > 0].min()
    return setting.one_context(e) and bool(setting.doses(e).sum() <= SPREAD * rarest)


@theorem(
    "discrete.kl.growth",
    observable=divergences.kl_reverse,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=OWN,
    family=SYMBOLS,
    workflow=(Replace, Accumulate),
    where=_early,
    cases=(BITS, KEPT),
)
def growth(e: Experiment) -> Vector:
    r"""$E\,KL(p_t\Vert p)\approx\frac{s-1}2\sum_{g\le t}\frac{n_g}{N_g^2}$ for s symbols,
    $N_g$ rows in the fit: $\frac{s-1}{2n}$ nats a generation under replacement, and
    $\frac{\pi^2}{12}\frac{s-1}n$ in all where every batch is kept.

    While the sum is below a tenth of the rarest probability: no symbol is near its loss then. The
    relative error is O(1/n). The other divergence, $KL(p\Vert p_t)$, has no mean: a symbol may be
    lost.

    Derived: half the sum of $\mathrm{Var}\,p_i(t)/p_i$, the rest is of the second order.
    """
    symbols = np.count_nonzero(setting.true_law(e))
    return np.asarray((symbols - 1) / 2 * np.cumsum(setting.doses(e)))


def _countable(e: Experiment) -> bool:
    return setting.one_context(e) and setting.batch_sizes(e).sum() <= setting.LARGEST_LUMPED


def _kept_entropy(sizes: Vector, p: float) -> Vector:
    """E x log x at each fit, x the share of a symbol among all rows so far."""
    rows = np.cumsum(sizes).astype(int)
    law = binom.pmf(np.arange(rows[0] + 1), rows[0], p)
    means = []
    for before, after in itertools.pairwise((*rows, rows[-1] + 1)):
        share = np.arange(before + 1) / before
        means.append(law @ xlogy(share, share))
        drawn = np.arange(after + 1) - np.arange(before + 1)[:, None]
        law = law @ binom.pmf(drawn, after - before, share[:, None])
    return np.array(means)


@theorem(
    "discrete.kl.accumulate",
    observable=divergences.kl_reverse,
    kind=Kind.EXACT,
    source=OWN,
    family=SYMBOLS,
    workflow=Accumulate,
    where=_countable,
    cases=(setting.ACCUMULATE,),
)
def accumulate(e: Experiment) -> Vector:
    r"""$E\,KL(p_t\Vert p)=H(p)+\sum_iE\,x_i\ln x_i$, $x_i=C_i/N_t$: the count of one symbol is a
    Markov chain by itself, $C'=C+\mathrm{Bin}(n,C/N)$, and $E\,x_i=p_i$.

    All batches are kept; any sizes, up to 2000 rows in all; one context.

    Derived.
    """
    p, sizes = setting.true_law(e), setting.batch_sizes(e)
    distinct, often = np.unique(p, return_counts=True)
    counts = (k * _kept_entropy(sizes, float(q)) for q, k in zip(distinct, often, strict=True))
    return np.asarray(-xlogy(p, p).sum() + sum(counts))
