"""Laws over symbols fitted by their shares: exact errors, diversity and collapse times.

V_t = E|p(t) - p|^2; S_0 is the sum of squares of the truth. Every fit is unbiased, so E sum_i
p_i(t)^2 = S_0 + V_t.
"""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from collapse_theory.catalogue import settings_families as shared
from collapse_theory.catalogue import settings_symbols as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.exact.real_data import most_synthetic
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.observables import diversity, parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.random_sources import RandomSources
from collapse_theory.workflows.replace import Replace

SYMBOLS = (Categorical, Bernoulli)
NEGLIGIBLE = 1e-6  # relative size of a transient that counts as nothing


def _fixed(e: Experiment) -> bool:
    return setting.one_context(e) and setting.real_rows(e) == "fixed"


def _fresh(e: Experiment) -> bool:
    return setting.one_context(e) and setting.real_rows(e) == "fresh"


def _single_point(e: Experiment) -> bool:
    return _fresh(e) and setting.one_synthetic_size(e) and bool((e.real_sizes == 1).all())


@theorem(
    "derived.partial_err_L2",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=Source("seddik2024"),
    family=SYMBOLS,
    workflow=Mix,
    where=_fixed,
    cases=(setting.FIXED, setting.FIXED_OTHER_LAW),
)
def partial_error(e: Experiment) -> setting.Vector:
    r"""$V_{t+1} = (1-\alpha^2)\frac{1-S_0}{N} + \alpha^2\big[\frac{1-S_0}{n} +
    \big(1-\frac1n\big)V_t\big]$ with $\alpha=\frac{n}{N+n}$ and $V_1=\frac{1-S_0}{N}$.

    The same N real rows in every fit and n new rows of the last one; n may change with t; one
    context.

    Derived; equals $S_t - S_0$ of ``seddik2024.S_partial_corrected``.
    """
    real, n = float(e.real_sizes[0]), e.sizes[1:].astype(float)
    squared = (n / (real + n)) ** 2
    terms = (1 - squared) / real + squared / n
    return setting.one_row_error(e) * setting.affine(1 / real, squared * (1 - 1 / n), terms)


@theorem(
    "derived.partial_max_synthetic",
    observable=parameters.mean_squared_error,
    kind=Kind.UPPER,
    source=Source("seddik2024"),
    family=SYMBOLS,
    workflow=Mix,
    where=setting.fixed_corpus,
    cases=(setting.FIXED, setting.FIXED_OTHER_LAW),
    planted=lambda values: 0.9 * values,
)
def partial_max_synthetic(e: Experiment) -> setting.Vector:
    r"""$V_t \le (1+\eta)\frac{1-S_0}{N}$ for all t if and only if $n \le n^*(\eta) = \frac{\eta
    N^2}{3N-(1+\eta)(2N+1)}$ (any n where the denominator is not positive).

    The same N real rows in every fit and n new rows of the last one; one context. For the
    experiment's n the smallest eta in whole percent is taken that allows it.

    Derived: the maximal amount of synthetic data; $V_t$ rises to $(1-S_0)\frac{N+3n}{N^2+2nN+n}$,
    so never above 3/2 of the first error.
    """
    real, synthetic = float(e.real_sizes[0]), float(e.sizes[-1])
    allowed = (p / 100 for p in range(1, 51) if synthetic <= most_synthetic(real, 1 + p / 100, -1))
    bound = (1 + next(allowed)) * setting.one_row_error(e) / real
    return np.full(e.generations, bound)


@theorem(
    "derived.fresh_mix_L2",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=Source(None),
    family=SYMBOLS,
    workflow=Mix,
    where=_fresh,
    cases=(setting.FRESH_POINT, shared.BITS_FRESH_POINT),
)
def fresh_mix_error(e: Experiment) -> setting.Vector:
    r"""$V_1=\frac{1-S_0}{N_1}$, $V_{t+1} = \frac{1-S_0}{N+n} + \alpha^2\big(1-\frac1n\big)V_t$ with
    $\alpha=\frac{n}{N+n}$, so $V_\infty = (1-S_0)\frac{N+n}{N^2+2Nn+n}$.

    N new real rows and n new rows of the last fit, pooled; the sizes may change with t; one
    context.

    Derived.
    """
    return setting.one_row_error(e) * _fresh_mix(e)


def _fresh_mix(e: Experiment) -> setting.Vector:
    """V_t / (1 - S_0)."""
    real, n = e.real_sizes[1:].astype(float), e.sizes[1:].astype(float)
    factors = (n / (real + n)) ** 2 * (1 - 1 / n)
    return setting.affine(1 / float(e.real_sizes[0]), factors, 1 / (real + n))


@theorem(
    "derived.single_real_point",
    observable=diversity.gini,
    kind=Kind.LIMIT,
    source=Source(None),
    family=SYMBOLS,
    workflow=Mix,
    where=_single_point,
    cases=(setting.FRESH_POINT,),
    planted=lambda values: values / 2,  # 1/3 is what is lost, not what is kept
)
def single_real_point(e: Experiment) -> setting.Vector:
    r"""$E[1-\textstyle\sum_i p_i(t)^2] \to (1-S_0)\frac{2n}{3n+1}$: one fresh real row in each
    generation keeps two thirds of the diversity, for any n.

    One new real row and n new rows of the last fit, pooled; one context; silent before the
    transient is below a millionth.

    Derived: $V_\infty$ of ``derived.fresh_mix_L2`` at N = 1.
    """
    kept = 2 * e.sizes[-1] / (3 * e.sizes[-1] + 1)
    settled = np.abs(1 - _fresh_mix(e) - kept) < NEGLIGIBLE * kept
    return np.where(settled, setting.diversity_at_start(e) * kept, np.nan)


@theorem(
    "derived.accumulate_gini",
    observable=diversity.gini,
    kind=Kind.EXACT,
    source=Source("deydonoho2024"),
    family=SYMBOLS,
    workflow=Accumulate,
    where=setting.one_context,
    cases=(setting.ACCUMULATE,),
    planted=lambda values: values * np.cumprod(1 - 0.01 * np.ones_like(values)),  # a slow leak
)
def accumulate_gini(e: Experiment) -> setting.Vector:
    r"""$E[1-\sum_i p_i(t)^2] = (1-S_0)\prod_{k\le t}\big(1-\frac{n_k}{N_k^2}\big)$,
    $N_k=n_1+\dots+n_k$; for one size n the product is $\prod_k(1-\frac{1}{nk^2}) \to
    \frac{\sin(\pi/\sqrt n)}{\pi/\sqrt n}$.

    All batches are kept; any sizes; one context.

    Derived; the first term of the limit, $\pi^2/(6n)$, is the paper's subject.
    """
    n = setting.batch_sizes(e)
    kept = np.cumprod(1 - n / np.cumsum(n) ** 2)
    return np.asarray(setting.diversity_at_start(e) * kept, float)


@theorem(
    "derived.randomly_sampled_gini",
    observable=diversity.gini,
    kind=Kind.EXACT,
    source=Source("seddik2024"),
    family=SYMBOLS,
    workflow=RandomSources,
    where=setting.one_context,
    cases=(setting.SOURCES,),
)
def randomly_sampled_gini(e: Experiment) -> setting.Vector:
    r"""$E[1-\sum_i p_i(t)^2] = (1-S_0)\big(1-\frac{1}{n_t}\big)
    \prod_{k<t}\big(1-\frac{1}{n_k(k+1)^2}\big)$; for one size n it is
    $(1-S_0)\prod_{k\le t}\big(1-\frac{1}{nk^2}\big)$, the same as when all data are kept.

    Each row comes from the truth or any past fit, with equal probability; one context.

    Derived; the workflow is the paper's.
    """
    n, k = setting.batch_sizes(e), setting.fits(e)
    pool = np.cumprod(np.append(1.0, 1 - 1 / (n * (k + 1.0) ** 2))[:-1])
    return setting.diversity_at_start(e) * (1 - 1 / n) * pool


@theorem(
    "wf.collapse_time",
    observable=diversity.generations_survived,
    kind=Kind.EXACT,
    source=Source(None),
    family=SYMBOLS,
    workflow=Replace,
    where=setting.lumpable,
    cases=(setting.REPLACE, setting.REPLACE_SCHEDULE, setting.REPLACE_LONG),
    planted=lambda values: values + 1,  # T for T - 1
)
def collapse_time(e: Experiment) -> setting.Vector:
    r"""$E\min(T-1,t) = \sum_{k\le t}(1-\rho_k)$ with T the first generation that is a Dirac and
    $\rho_k = P(T\le k)$ from the lumped chain, so that $E[T]=\sum_{k\ge0}(1-\rho_k)$.

    Any sizes up to 2000 rows, any alphabet, one context; silent until a collapse has a chance of
    0.01.

    Derived.
    """
    collapsed = setting.lumped(e).collapse_probability(setting.true_law(e))
    return setting.once_likely(np.cumsum(1 - collapsed), collapsed)


def _one_size(e: Experiment) -> bool:
    return setting.one_context(e) and setting.one_size(e)


@theorem(
    "wf.collapse_time.diffusion",
    observable=diversity.generations_survived,
    kind=Kind.UPPER,
    source=Source("littler1975"),
    family=SYMBOLS,
    workflow=Replace,
    where=_one_size,
    cases=(setting.REPLACE_LONG,),
    planted=lambda values: values / 2,  # n for 2n
)
def collapse_time_diffusion(e: Experiment) -> setting.Vector:
    r"""$E[T]-1 \le -2n\sum_i(1-p_i)\ln(1-p_i)$, and the two sides agree to first order as n grows.

    One size n, any alphabet, one context; T is the first generation that is a Dirac. The observable
    min(T - 1, t) obeys the bound at every t, and needs no bound while t is below it.

    The value is the classical diffusion time. That it is a bound is derived: along the chain the
    right-hand side falls by at least one a generation, because $2n\,E[y'\ln(y'/y)] \ge 1-y$ for
    $ny' \sim Bin(n,y)$ at every multiple y of 1/n (expanded for large n, and computed for every n
    up to 500), and before the first fit it can only fall, as it is concave.
    """
    n, p = setting.batch_sizes(e)[0], setting.true_law(e)
    return setting.binding(e, -2 * n * xlogy(1 - p, 1 - p).sum())


@theorem(
    "wf.collapse_time.two_n",
    observable=diversity.generations_survived,
    kind=Kind.UPPER,
    source=Source("littler1975"),
    family=SYMBOLS,
    workflow=Replace,
    where=_one_size,
    cases=(setting.REPLACE_LONG,),
    planted=lambda values: values / 2,  # n for 2n
)
def collapse_time_two_n(e: Experiment) -> setting.Vector:
    r"""$E[T]-1 \le 2n$ for every alphabet, where T is the first generation that is a Dirac.

    One size n, one context; held against min(T - 1, t) as soon as t exceeds it.

    Derived from ``wf.collapse_time.diffusion`` with $-(1-x)\ln(1-x)\le x$.
    """
    return setting.binding(e, 2 * setting.batch_sizes(e)[0])
