"""Count models by their covariances: kept batches, new draws of any past model, and ancestors."""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_symbols as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import flow, linear
from collapse_theory.exact import ancestors
from collapse_theory.exact.symbols import batch_covariance, fresh_covariance
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.observables import distances, diversity, parameters
from collapse_theory.observables.divergences import cross_entropy
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.base import AbstractWorkflow
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.most_recent import MostRecent
from collapse_theory.workflows.random_sources import RandomSources
from collapse_theory.workflows.replace import Replace
from collapse_theory.workflows.window import Window

OURS = Source(None)
SYMBOLS = (Categorical, Bernoulli)
FEW = 12
"""Symbols up to which inclusion and exclusion over all their sets is done."""


@theorem(
    "engine.batch_covariance",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=OURS,
    family=SYMBOLS,
    workflow=(Accumulate, Window, Mix),
    where=lambda e: setting.one_context(e) and setting.real_rows(e) in (None, "fixed"),
    cases=(setting.ACCUMULATE, setting.FIXED),
)
def kept_batches(e: Experiment) -> setting.Vector:
    r"""$V_t = a_t^\top B a_t$ for $p_t = \sum_{j<t}a_{tj}b_j$, with $B_{00}=\frac{1-S_0}{n_0}$,
    $B_{tt}=\frac{1-S_0-V_t}{n_t}+V_t$ and $B_{it}=\sum_{k<t}a_{tk}B_{ik}$.

    Batches are kept and used again with fixed weights: $b_0$ is real, $b_j$ holds $n_j$ draws of
    fit j; one context.
    """
    workflow = flow(e)
    n = workflow.sizes[: e.generations]
    return setting.one_row_error(e) * batch_covariance(n, workflow.weights[:, : e.generations])


def _recent(e: Experiment) -> tuple[setting.Vector, setting.Vector]:
    """Weights of past models, and how many rows each gave: (T, T)."""
    weights, sizes = np.zeros((e.generations,) * 2), np.ones((e.generations,) * 2)
    weights[0, 0], sizes[0, 0] = 1, e.real_sizes[0]
    for t in range(2, e.generations + 1):
        used = slice(max(0, t - e.workflow.models), t)
        weights[t - 1, used] = 1 / (used.stop - used.start)
        sizes[t - 1, used] = e.sizes[t - 1]
    return weights, sizes


@theorem(
    "seddik2024.most_recent_models",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=Source("seddik2024"),
    family=SYMBOLS,
    workflow=MostRecent,
    where=setting.one_context,
    cases=(setting.RECENT,),
)
def most_recent(e: Experiment) -> setting.Vector:
    r"""$V_t = C_{tt}$ with $C_{tu}=\sum_s w_{ts}C_{su}$ for u < t and $C_{tt}=\sum_s w_{ts}^2
    \frac{1-S_0-C_{ss}}{n} + w_t^\top C w_t$: new draws from each of the last K models, $w=\frac1K$.

    n rows from each; the truth is the oldest model and $C_{0\cdot}=0$; one context. Diversity still
    dies, $((K+1)/2)^2$ times as slowly: see ``derived.window_effective_size``.

    The workflow is that of the paper's experiments, which state no formula; the recursion is
    derived.
    """
    weights, sizes = _recent(e)
    return setting.one_row_error(e) * fresh_covariance(weights, sizes)


@theorem(
    "engine.fresh_covariance",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=OURS,
    family=SYMBOLS,
    workflow=RandomSources,
    where=setting.one_context,
    cases=(setting.SOURCES,),
)
def new_draws(e: Experiment) -> setting.Vector:
    r"""$V_t = C_{tt} = \frac{1-S_0-w_t^\top C w_t}{n_t} + w_t^\top C w_t$,
    $C_{tu}=\sum_sw_{ts}C_{su}$ for u < t: every row of fit t comes from a past model s picked with
    probability $w_{ts}$.

    Random sources, $w_{ts}=1/t$ over the truth and the fits before t; one context.
    """
    weights = np.tril(np.ones((e.generations,) * 2)) / np.arange(1, e.generations + 1)[:, None]
    n = setting.batch_sizes(e)
    return setting.one_row_error(e) * fresh_covariance(weights, n, iid=True)


@theorem(
    "seddik2024.randomly_sampled",
    observable=diversity.sum_of_squares,
    kind=Kind.EXACT,
    source=Source("seddik2024"),
    family=SYMBOLS,
    workflow=RandomSources,
    where=lambda e: setting.one_context(e) and setting.one_size(e),
    cases=(setting.SOURCES,),
)
def randomly_sampled(e: Experiment) -> setting.Vector:
    r"""$S_t = 1-(1-S_0)\prod_{k\le t}\big(1-\frac1{nk^2}\big) \to 1-(1-S_0)
    \frac{\sin(\pi/\sqrt n)}{\pi/\sqrt n}$: with sources among all past models there is no collapse,
    for any n of at least two.

    One size n, the first batch included; one context. The workflow is that of the paper's
    experiments; the formula is derived.
    """
    kept = np.cumprod(1 - 1 / (setting.batch_sizes(e) * setting.fits(e) ** 2))
    return np.asarray(1 - setting.diversity_at_start(e) * kept, float)


def _backwards(e: Experiment, of_draws: setting.Vector) -> setting.Vector:
    n = int(setting.batch_sizes(e)[0])
    return ancestors.mean_over_ancestors(ancestors.ancestor_law(n, e.generations), of_draws)


@theorem(
    "engine.ancestors.support_size",
    observable=diversity.support_size,
    kind=Kind.EXACT,
    source=OURS,
    family=SYMBOLS,
    workflow=Replace,
    where=setting.lumpable_one_size,
    cases=(setting.REPLACE,),
)
def ancestors_support(e: Experiment) -> setting.Vector:
    r"""$E\,\#\{i:p_i(t)>0\} = E\sum_i\big[1-(1-p_i)^{A_t}\big]$: the support of fit t has the law
    of the distinct symbols among $A_t$ draws from the truth.

    $A_1=n$, and $A_{t+1}$ is the number of occupied bins when $A_t$ balls fall into n: a chain that
    does not know the alphabet. One size n, one context.
    """
    return _backwards(e, ancestors.distinct(setting.true_law(e), int(e.real_sizes[0])))


@theorem(
    "engine.ancestors.unseen_mass",
    observable=diversity.unseen_mass,
    kind=Kind.EXACT,
    source=OURS,
    family=SYMBOLS,
    workflow=Replace,
    where=setting.lumpable_one_size,
    cases=(setting.REPLACE,),
)
def ancestors_unseen(e: Experiment) -> setting.Vector:
    r"""$E\sum_ip_i1\{p_i(t)=0\} = E\sum_ip_i(1-p_i)^{A_t}$, $A_t$ as in
    ``engine.ancestors.support_size``.
    """
    return _backwards(e, ancestors.unseen(setting.true_law(e), int(e.real_sizes[0])))


@theorem(
    "derived.first_extinction_exact",
    observable=diversity.all_alive,
    kind=Kind.EXACT,
    source=OURS,
    family=SYMBOLS,
    workflow=Replace,
    where=lambda e: setting.lumpable_one_size(e) and np.count_nonzero(setting.true_law(e)) <= FEW,
    cases=(setting.REPLACE_FEW,),
)
def first_extinction(e: Experiment) -> setting.Vector:
    r"""$P(\text{no symbol lost by }t) = E\sum_S(-1)^{|S|}(1-p_S)^{A_t}$ over all sets S of symbols,
    $A_t$ as in ``engine.ancestors.support_size``.

    One size n, one context, up to 12 symbols. The tail in t is exponential, with the factor of
    ``wf.moments.distinct``.
    """
    p = setting.true_law(e)
    alive = ancestors.all_seen(p[p > 0].tolist(), int(e.real_sizes[0]))
    return setting.once_likely(_backwards(e, alive), _backwards(e, alive))


@theorem(
    "derived.partial_dev_L2",
    observable=distances.squared_l2_to_first,
    kind=Kind.EXACT,
    source=Source("seddik2024"),
    family=(Categorical,),
    workflow=Mix,
    where=setting.fixed_corpus,
    cases=(setting.FIXED, setting.FIXED_OTHER_LAW),
)
def partial_deviation(e: Experiment) -> setting.Vector:
    r"""$D_t = E\Vert p(t)-p(1)\Vert^2 = S_t-S_1$ with $D_1=0$, $D_{t+1} =
    \alpha^2\big[\frac{1-S_t}n+D_t\big]$, $\alpha=\frac n{N+n}$; its limit is at most
    $\frac1{2N}$.

    The same N real rows in every fit and n new rows of the last one; one context.
    """
    real, n = float(e.real_sizes[0]), float(e.sizes[-1])
    squared, kept = (n / (real + n)) ** 2, setting.diversity_at_start(e) * (1 - 1 / real)
    values = [0.0]
    for _ in range(e.generations - 1):  # 1 - S_t = 1 - S_1 - D_t
        values.append(squared * ((kept - values[-1]) / n + values[-1]))
    return np.asarray(values)


@theorem(
    "derived.KL_identity",
    observable=cross_entropy,
    kind=Kind.EXACT,
    source=OURS,
    family=(Categorical,),
    workflow=AbstractWorkflow,
    where=lambda e: setting.one_context(e) and linear(e),
    cases=(setting.REPLACE, setting.SHARE, setting.FIXED),
)
def kl_identity(e: Experiment) -> setting.Vector:
    r"""$E\,\mathrm{KL}(p(t)\Vert p)+E\,H(p(t)) = H(p)$ under every unbiased scheme: entropy lost is
    divergence won, up to $H(p)$ at a Dirac.

    Nats; one context. $E\,\mathrm{KL}(p\Vert p(t))$ is infinite as soon as a symbol may be lost.
    """
    p = setting.true_law(e)
    return np.full(e.generations, -float(p[p > 0] @ np.log(p[p > 0])))
