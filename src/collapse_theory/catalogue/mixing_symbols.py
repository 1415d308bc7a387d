"""Symbols with a share of real rows: recursions, limits and bounds."""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_symbols as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.exact import LumpedChain
from collapse_theory.exact import optimal_weight as exact_weight
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.observables import distances, diversity, parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.mix_share import MixShare
from collapse_theory.workflows.weighted import Weighted

OURS = Source(None)
SYMBOLS = (Categorical, Bernoulli)
NEGLIGIBLE = 1e-6  # relative size of a transient that counts as nothing


def _share_error(e: Experiment) -> setting.Vector:
    """V_t / (1 - S_0)."""
    n = setting.batch_sizes(e)
    carried = (1 - e.workflow.share) ** 2 * (1 - 1 / n[1:])
    return setting.affine(1 / n[0], carried, 1 / n[1:])


@theorem(
    "bakshi2026.iid_mixture_recursion",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=Source("bakshi2026"),
    family=SYMBOLS,
    workflow=MixShare,
    where=setting.one_context,
    cases=(setting.SHARE, setting.SHARE_SCHEDULE),
)
def iid_mixture(e: Experiment) -> setting.Vector:
    r"""$V_t = \frac{1-S_0}{n_t} + \big(1-\frac1{n_t}\big)(1-\pi)^2V_{t-1}$, each row real with
    chance $\pi$; for one size $V_\infty = \frac{1-S_0}{n-(n-1)(1-\pi)^2}$.

    Any sizes; one context. With exact numbers of real and synthetic rows the factor is another: see
    ``derived.fresh_mix_L2``.

    The paper's subject; only its abstract was read, and the recursion is derived.
    """
    return setting.one_row_error(e) * _share_error(e)


@theorem(
    "derived.small_share_effect",
    observable=parameters.mean_squared_error,
    kind=Kind.LIMIT,
    source=OURS,
    family=SYMBOLS,
    workflow=MixShare,
    where=lambda e: setting.one_context(e) and setting.one_synthetic_size(e),
    cases=(setting.SHARE_LARGE,),
)
def small_share(e: Experiment) -> setting.Vector:
    r"""$V_\infty = \frac{1-S_0}n\,\frac{1}{1-(1-\frac1n)\epsilon^2}$ with an iid synthetic share
    $\epsilon$ of n rows: ten percent of synthetic rows cost one percent.

    Unbiased counts and fresh real rows; one context; silent before the transient is below a
    millionth.
    """
    n, synthetic = e.sizes[-1], 1 - e.workflow.share
    limit = 1 / n / (1 - (1 - 1 / n) * synthetic**2)
    settled = np.abs(_share_error(e) - limit) < NEGLIGIBLE * limit
    return np.where(settled, setting.one_row_error(e) * limit, np.nan)


def _best_weight(e: Experiment) -> float:
    return exact_weight(float(e.real_sizes[-1]), float(e.sizes[-1]), -1.0)


@theorem(
    "derived.optimal_weight",
    observable=parameters.mean_squared_error,
    kind=Kind.LIMIT,
    source=Source("he2025"),
    family=SYMBOLS,
    workflow=Weighted,
    where=lambda e: (
        setting.one_context(e)
        and e.workflow.real == "fresh"
        and setting.one_synthetic_size(e)
        and e.sizes[-1] > 1
        and abs(e.workflow.weight - _best_weight(e)) < 1e-9
    ),
    cases=(setting.WEIGHTED_BEST,),
)
def optimal_weight(e: Experiment) -> setting.Vector:
    r"""$V_\infty = (1-S_0)\frac{w^*}N$ at the best weight of N fresh real rows,
    $(n-1)w^{*2}+(N+1)w^*-N=0$; for $n=N\to\infty$ it is $\frac{\sqrt5-1}2$.

    Against n rows of the last fit; one context; silent before the transient is below a millionth.
    The paper's subject is the limit of large samples; the finite one is derived.
    """
    w, n, real = e.workflow.weight, float(e.sizes[-1]), float(e.real_sizes[-1])
    carried = np.full(e.generations - 1, (1 - w) ** 2 * (1 - 1 / n))
    path = setting.affine(1 / float(e.real_sizes[0]), carried, 0 * carried + w**2 / real
                          + (1 - w) ** 2 / n)  # fmt: skip
    limit = w / real
    return np.where(
        np.abs(path - limit) < NEGLIGIBLE * limit, setting.one_row_error(e) * limit, np.nan
    )


@theorem(
    "fu2024.tv_recursion",
    observable=distances.tv_to_truth,
    kind=Kind.UPPER,
    source=Source("fu2024"),
    family=(Categorical,),
    workflow=MixShare,
    where=setting.one_context,
    cases=(setting.SHARE, setting.SHARE_LARGE),
    planted=lambda values: values / 3,
)
def tv_recursion(e: Experiment) -> setting.Vector:
    r"""$E\,TV(p_t,p) \le (1-\pi)E\,TV(p_{t-1},p)+e_{n_t} \le e_n/\pi$, with
    $e_n\le\frac12\sqrt{\frac{s-1}n}$: a constant real share keeps the error bounded for ever.

    s symbols, each row real with chance $\pi$; one context. The paper's message; its theorem was
    not read, and the recursion is derived.
    """
    s = np.count_nonzero(setting.true_law(e))
    one = np.sqrt((s - 1) / setting.batch_sizes(e)) / 2
    carried = np.full(e.generations - 1, 1 - e.workflow.share)
    return setting.affine(float(one[0]), carried, one[1:])


@theorem(
    "fu2024.tv_recursion.exact",
    observable=distances.tv_to_truth,
    kind=Kind.EXACT,
    source=OURS,
    family=(Categorical,),
    workflow=MixShare,
    where=setting.lumpable,
    cases=(setting.SHARE,),
)
def tv_exact(e: Experiment) -> setting.Vector:
    r"""$E\,TV(p_t,p) = \frac12\sum_iE|x_i-p_i|$, $x_i=X_i/n_t$, with the count of a symbol a chain
    of its own, $X_i'\sim\mathrm{Bin}(n,\pi p_i+(1-\pi)x_i)$.

    Any sizes up to 2000 rows, one context.
    """
    chain: LumpedChain = setting.lumped(e)
    return np.asarray(chain.l1_to_truth(setting.true_law(e)) / 2)


def _one_by_one(e: Experiment) -> bool:
    return setting.one_context(e) and bool((e.sizes[1:] == 1).all())


@theorem(
    "derived.polya_gini",
    observable=diversity.gini,
    kind=Kind.EXACT,
    source=OURS,
    family=SYMBOLS,
    workflow=Accumulate,
    where=_one_by_one,
    cases=(setting.POLYA,),
)
def polya(e: Experiment) -> setting.Vector:
    r"""$E[1-S] = (1-\frac1{n_0})(1-S_0)\,\frac{n_0}{n_0+1}\,\frac{n_0+M+1}{n_0+M}$ after M rows
    added one at a time, each from the current fit: a Polya urn, whose limit given the first counts
    c is Dirichlet(c).

    $n_0$ real rows; one context.
    """
    first, added = float(e.real_sizes[0]), setting.fits(e) - 1
    kept = (1 - 1 / first) * first / (first + 1) * (first + added + 1) / (first + added)
    return np.asarray(setting.diversity_at_start(e) * kept, float)


def sufficient_amount(real: float, distance: float, symbols: int) -> float:
    r"""Equation (11): the mean l1 distance to the first fit stays below epsilon for
    $n\le2\pi e^{-2}\min\{s-2,\log\frac{\sqrt2\pi N\epsilon}{6es}\}$; 0 where it allows no row.
    """
    growth = np.log(np.sqrt(2) * np.pi * real * distance / (6 * np.e * symbols))
    return float(max(2 * np.pi * np.exp(-2) * min(symbols - 2, growth), 0.0))


def deviation_bound(real: float, n: float, s: int) -> float:
    """(1/N) sqrt(pi n / 2) G_n(s)."""
    c0, c1 = np.e**3 / (2 * np.pi), 6 * np.e / np.pi**1.5
    if c0 * n / np.e + 2 <= s:
        factor = c1 * s * np.exp(c0 * n / (2 * np.e))
    elif c0 * n / 4 + 2 <= s:
        factor = c1 * s * (c0 * n / s) ** (s / 2)
    else:
        factor = 2.0**s - 2
    return float(np.sqrt(np.pi * n / 2) * factor / real)


@theorem(
    "seddik2024.partial_deviation_bound",
    observable=distances.l1_to_first,
    kind=Kind.UPPER,
    source=Source("seddik2024"),
    family=(Categorical,),
    workflow=Mix,
    where=setting.fixed_corpus,
    cases=(setting.FIXED,),
    planted=lambda values: values / 1000,
)
def partial_deviation_bound(e: Experiment) -> setting.Vector:
    r"""$E\Vert p(t)-p(1)\Vert_1 < \frac1N\sqrt{\frac{\pi n}2}\,G_n(s)$ for t >= 2, $G_n(s)$ in
    three pieces, for s large, moderate or small against n.

    The same N real rows in every fit and n new rows of the last one; one context. It is above the
    trivial value 2 in ordinary cases. Theorem 3; part of an exponent could not be made out in the
    copy that was read and was reconstructed.
    """
    s = np.count_nonzero(setting.true_law(e))
    bound = deviation_bound(float(e.real_sizes[0]), float(e.sizes[-1]), int(s))
    return np.where(setting.fits(e) >= 2, bound, np.nan)
