"""Rate of Model Collapse in Recursive Training.

Gaussian, Bernoulli and Poisson models refitted on their own rows. Theorems 1 to 3 and Corollary 1
were read as the authors restate them beside their published code; their proofs were not.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue import settings_symbols as symbols
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical, CategoricalLaw
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.poisson import Poisson
from collapse_theory.observables import diversity, parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

DERIVED = Source("suresh2024")
READ = Source("suresh2024", read=True)

RARE = Experiment(
    family=Categorical(), truth=CategoricalLaw((0.8, 0.195, 0.003, 0.002)), workflow=Replace(),
    n=300, generations=12,
)  # fmt: skip


def _one_size(e: Experiment) -> bool:
    return symbols.one_context(e) and setting.constant(batch_sizes(e))


@theorem(
    "suresh2024.gaussian_rate",
    observable=parameters.scale_survives,
    kind=Kind.UPPER,
    source=DERIVED,
    family=Gaussian,
    workflow=Replace,
    where=setting.two_rows,
    cases=(setting.HEAVY,),
    planted=lambda values: values / 10,  # the factor sigma / epsilon forgotten
)
def gaussian_rate(e: Experiment) -> Vector:
    r"""$P(s_t > \varepsilon\sigma) \le \frac1\varepsilon\prod_{g\le t} c_4(n_g)
    \approx \frac1\varepsilon e^{-t/(4(n-1))}$ at $\varepsilon = 1/10$.

    Any sizes, either divisor; silent where the bound is 1 or more. So all scale is lost within a
    number of generations proportional to n.

    Theorem 3 has $\frac1\varepsilon e^{-t/(4n-1)}$; this one is a little sharper, and holds for any
    sizes. Markov's inequality on $E s_t$. The typical scale $\sigma e^{-t/(2(n-1))}$ falls twice
    as fast.
    """
    bound = 10 * setting.replace_law(e).deviation_mean()
    return np.where(bound < 1, bound, np.nan)


@theorem(
    "suresh2024.bernoulli.replace",
    observable=diversity.gini,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Bernoulli,
    workflow=Replace,
    cases=(setting.BITS,),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def bernoulli_replace(e: Experiment) -> Vector:
    r"""$E[2p_t(1-p_t)] = 2p(1-p)\prod_{g\le t}(1-\frac1{n_g})$.

    Any sizes; $n_g$ rows in the batch before fit g.
    """
    p = e.truth.prob
    values: Vector = 2 * p * (1 - p) * np.cumprod(1 - 1 / batch_sizes(e))
    return values


@theorem(
    "suresh2024.bernoulli.accumulate",
    observable=diversity.gini,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Bernoulli,
    workflow=Accumulate,
    cases=(setting.BITS_ACCUMULATE,),
)
def bernoulli_accumulate(e: Experiment) -> Vector:
    r"""$E[2p_t(1-p_t)] = 2p(1-p)\prod_{g\le t}\big(1-\frac{n_g}{N_g^2}\big)$,
    $N_g = n_1+\dots+n_g$; with one size $\prod_k(1-\frac1{nk^2})$, which stays above
    $\frac{\sin(\pi/\sqrt n)}{\pi/\sqrt n}$.

    Any sizes.
    """
    p, n = e.truth.prob, batch_sizes(e)
    values: Vector = 2 * p * (1 - p) * np.cumprod(1 - n / np.cumsum(n) ** 2)
    return values


@theorem(
    "suresh2024.poisson.variance",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Poisson,
    workflow=Replace,
    cases=(setting.POISSON,),
    planted=lambda values: values - values[0],  # the real batch taken for exact
)
def poisson_variance(e: Experiment) -> Vector:
    r"""$E(\lambda_t-\lambda)^2 = \lambda\sum_{g\le t}\frac1{n_g}$, for one size $t\lambda/n$.

    Any sizes. It grows although $\lambda_t\to0$ almost surely.
    """
    values: Vector = e.truth.rate * np.cumsum(1 / batch_sizes(e))
    return values


@theorem(
    "suresh2024.poisson.extinction",
    observable=diversity.collapsed,
    kind=Kind.EXACT,
    source=READ,
    family=Poisson,
    workflow=Replace,
    cases=(setting.POISSON,),
)
def poisson_extinction(e: Experiment) -> Vector:
    r"""$P(\lambda_t=0) = e^{-n\lambda(1-q_{t-1})}$ with $q_0=0$, $q_{k+1}=e^{q_k-1}$: a critical
    branching process, so that the rate dies after about $n\lambda$ generations.

    Theorem 2, stated for one size; any sizes by
    $E[e^{-s\lambda_g}\mid\lambda_{g-1}] = e^{-\lambda_{g-1}n_g(1-e^{-s/n_g})}$, started at
    $s=\infty$.
    """
    n, alive = batch_sizes(e), np.empty(e.generations)
    for t in range(e.generations):
        s = np.inf
        for size in n[t::-1]:
            s = -size * np.expm1(-s / size)
        alive[t] = s
    values: Vector = np.exp(-e.truth.rate * alive)
    return values


def _composed(fits: int) -> Vector:
    r"""$g_t = g^{\circ t}(\infty)$ with $g(x) = 1 - e^{-x}$: shape (fits,); about 2 / t."""
    out = [np.inf]
    for _ in range(fits):
        out.append(-float(np.expm1(-out[-1])))
    return np.asarray(out[1:])


def _expected_copies(e: Experiment) -> tuple[Vector, Vector]:
    """True probabilities (symbols, 1), and n p g_t: (symbols, T)."""
    p = symbols.true_law(e)[:, None]
    return p, e.sizes[0] * p * _composed(e.generations)


@theorem(
    "suresh2024.survivors.least",
    observable=diversity.support_size,
    kind=Kind.LOWER,
    source=READ,
    family=(Bernoulli, Categorical),
    workflow=Replace,
    where=_one_size,
    cases=(RARE,),
)
def survivors_least(e: Experiment) -> Vector:
    r"""At least $\sum_i\big(1-e^{-np_ig_t}\big)$ symbols are alive at t, $g_t=1-e^{-g_{t-1}}$,
    $g_1=1$, about 2 / t.

    One size, each fit on the newest batch. Corollary 1, the sum of Theorem 1 over symbols: the
    Poisson limit of their counts is lost sooner.
    """
    _, copies = _expected_copies(e)
    return np.asarray(-np.expm1(-copies).sum(0))


@theorem(
    "suresh2024.survivors.most",
    observable=diversity.support_size,
    kind=Kind.UPPER,
    source=READ,
    family=(Bernoulli, Categorical),
    workflow=Replace,
    where=_one_size,
    cases=(RARE,),
)
def survivors_most(e: Experiment) -> Vector:
    r"""At most $\sum_i\big(1-\max(1-3np_i^2-3tp_i,0)\,e^{-np_ig_t}\big)$ symbols are alive at t,
    $g_t$ as in ``suresh2024.survivors.least``.

    One size, each fit on the newest batch. Corollary 1: says little unless $np_i^2$ and $tp_i$ are
    small.
    """
    p, copies = _expected_copies(e)
    t = np.arange(1, e.generations + 1)
    share = np.maximum(1 - 3 * e.sizes[0] * p**2 - 3 * t * p, 0)
    return np.asarray((1 - share * np.exp(-copies)).sum(0))
