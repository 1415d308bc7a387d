"""Rate of Model Collapse in Recursive Training.

Gaussian, Bernoulli and Poisson models refitted on their own rows. The paper's abstract was read;
all statements here are derived.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.poisson import Poisson
from collapse_theory.observables import diversity, parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

DERIVED = Source("suresh2024")


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

    Markov's inequality on $E s_t$. The typical scale $\sigma e^{-t/(2(n-1))}$ falls twice as fast.
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
    source=DERIVED,
    family=Poisson,
    workflow=Replace,
    cases=(setting.POISSON,),
)
def poisson_extinction(e: Experiment) -> Vector:
    r"""$P(\lambda_t=0) = e^{-n\lambda(1-q_{t-1})}$ with $q_0=0$, $q_{k+1}=e^{q_k-1}$: a critical
    branching process, so that the rate dies after about $n\lambda$ generations.

    Stated for one size; any sizes by
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
