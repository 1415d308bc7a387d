"""Exponential families and scale families under their own data: closed forms of replace, accumulate
and mixing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import digamma

from collapse_theory.catalogue import quadratic, seddik2024, settings_symbols, symbols
from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact import second_moments
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.families.exponential import AbstractGamma, Exponential, Gamma, PositiveLaw
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.families.poisson import Poisson
from collapse_theory.families.uniform import Uniform, UniformLaw
from collapse_theory.observables import divergences, diversity, parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.base import AbstractWorkflow
from collapse_theory.workflows.replace import Replace
from collapse_theory.workflows.window import Window

OWN = Source(None)
QUADRATIC = (AbstractGamma, Bernoulli, Poisson, GaussianMean)


def _positive(family: Any, workflow: Any, **given: Any) -> Experiment:
    return Experiment(
        family=family, workflow=workflow, truth=PositiveLaw(1.4), **{"generations": 6, **given}
    )


EXPONENTIAL = _positive(Exponential(), Replace(), n=30)
FEW = _positive(Exponential(), Replace(), n=6)
KEPT = _positive(Exponential(), Accumulate(), n=8, n_real=20)
WINDOW = _positive(Gamma(2.5), Window(3), n=20)
GREATEST = Experiment(
    family=Uniform(), workflow=Replace(), truth=UniformLaw(1.7), n=8, n_real=5, generations=6
)
GREATEST_KEPT = Experiment(
    family=Uniform(), workflow=Accumulate(), truth=UniformLaw(1.7), n=8, n_real=5, generations=6
)


def _early(e: Experiment, factor: int = 4) -> bool:
    """Whether t is small beside n: limits in n at fixed t say nothing of small n and large t."""
    return bool(factor * e.generations <= batch_sizes(e).min())


def _variance(e: Experiment, doses: Any) -> Vector:
    """V(m) [prod(1 + v2 dose) - 1] / v2, or its limit V(m) sum(dose) where v2 = 0."""
    q = quadratic.quadratic(e)
    if q.v2 == 0:
        return np.asarray(q.variance * np.cumsum(doses))
    with np.errstate(divide="ignore"):  # one row of symbols leaves no variance: log 0
        kept = np.cumsum(np.log1p(q.v2 * doses))
    return np.asarray(q.variance * np.expm1(kept) / q.v2)


@theorem(
    "nefqvf.martingale.replace",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=Source("morris1982"),
    family=QUADRATIC,
    workflow=Replace,
    cases=(EXPONENTIAL, setting.BITS),
)
def variance_replace(e: Experiment) -> Vector:
    r"""$\mathrm{Var}\,\theta_t=\frac{V(m)}{v_2}\Big[\prod_{g\le
    t}\big(1+\frac{v_2}{n_g}\big)-1\Big]$, $E V(\theta_t)=V(m)\prod_{g\le
    t}\big(1+\frac{v_2}{n_g}\big)$.

    Mean parameter of a family with $V=v_0+v_1m+v_2m^2$, each fit on the newest batch; the limit
    $\sum V(m)/n_g$ where $v_2=0$.

    Derived; such families are the subject of the paper named.
    """
    return _variance(e, 1 / batch_sizes(e))


@theorem(
    "nefqvf.martingale.accumulate",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=Source("morris1982"),
    family=QUADRATIC,
    workflow=Accumulate,
    cases=(KEPT, setting.BITS_ACCUMULATE),
)
def variance_accumulate(e: Experiment) -> Vector:
    r"""$\mathrm{Var}\,\theta_t=\frac{V(m)}{v_2}\Big[\prod_{g\le t}
    \big(1+\frac{v_2n_g}{N_g^2}\big)-1\Big]$; for one size n and large t
    $V\big(1-\frac{\sin x}x\big)$ if $v_2=-1$, $V\big(\frac{\sinh x}x-1\big)$ if $v_2=1$,
    $x=\pi/\sqrt n$: the finite-n form of $\frac{\pi^2}{6n}V$.

    Mean parameter of a family with quadratic variance function, all batches kept.

    Derived; such families are the subject of the paper named.
    """
    n = batch_sizes(e)
    return _variance(e, n / np.cumsum(n) ** 2)


@theorem(
    "gamma.replace_log",
    observable=parameters.log_scale,
    kind=Kind.EXACT,
    source=OWN,
    family=AbstractGamma,
    workflow=Replace,
    cases=(FEW,),
)
def log_scale_replace(e: Experiment) -> Vector:
    r"""$E\log(\theta_t/\theta)=\sum_{g\le t}[\psi(kn_g)-\log(kn_g)]$: $\theta_t$ is $\theta$ times
    independent Gamma(k n, 1) / (k n).

    Gamma law of known shape k (1: exponential), each fit on the newest batch.
    """
    shape = e.family.power * batch_sizes(e)
    return np.cumsum(digamma(shape) - np.log(shape))


@theorem(
    "nonregular.uniform.mean",
    observable=parameters.mean,
    kind=Kind.EXACT,
    source=OWN,
    family=Uniform,
    workflow=Replace,
    cases=(GREATEST,),
)
def uniform_mean(e: Experiment) -> Vector:
    r"""$E\theta_t=\theta\prod_{g\le t}\frac{n_g}{n_g+1}$: the parameter itself shrinks at the rate
    1/n.

    Uniform law on $(0,\theta)$, the largest row as the fit, each fit on the newest batch:
    $\log(\theta/\theta_t)$ is Gamma(t, rate n).
    """
    n = batch_sizes(e)
    return np.asarray(e.truth.upper * np.cumprod(n / (n + 1)))


@theorem(
    "nonregular.uniform.accumulate",
    observable=parameters.log_scale,
    kind=Kind.EXACT,
    source=OWN,
    family=Uniform,
    workflow=Accumulate,
    cases=(GREATEST_KEPT,),
)
def uniform_accumulate(e: Experiment) -> Vector:
    r"""$\theta_t=\theta_1$ for ever, $E\log(\theta_t/\theta)=-1/n_1$: no drift at all.

    Uniform law on $(0,\theta)$, the largest row as the fit, all batches kept.
    """
    return np.full(e.generations, -1 / batch_sizes(e)[0])


@theorem(
    "expfam.mean_martingale.mean",
    observable=parameters.mean,
    kind=Kind.EXACT,
    source=OWN,
    family=(*QUADRATIC, Categorical, Gaussian),
    workflow=AbstractWorkflow,
    where=lambda e: quadratic.linear(e) and quadratic.quadratic(e).mean > 0,
    cases=(KEPT, WINDOW),
)
def mean_stays(e: Experiment) -> Vector:
    r"""$E\mu_t=\mu$ for the mean parameter of any exponential family under maximum likelihood.

    Every workflow that weighs its batches by fixed numbers: replace, accumulate, mix, window, ...
    """
    return np.full(e.generations, quadratic.quadratic(e).mean)


@theorem(
    "expfam.mean_martingale.kl",
    observable=divergences.kl_forward,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=OWN,
    family=(Exponential, Gaussian),
    workflow=Replace,
    where=lambda e: _early(e) and settings_symbols.one_size(e) and quadratic.maximum_likelihood(e),
    cases=(EXPONENTIAL,),
)
def kl_grows(e: Experiment) -> Vector:
    r"""$E\,KL(p_0\Vert p_t)\approx\frac{t\,k}{2n}$ for k parameters, up to a quarter of
    n.

    One size, each fit on the newest batch, maximum likelihood; relative error O(1/n).
    """
    parameters = 2 if isinstance(e.family, Gaussian) else 1
    return np.asarray(np.arange(1, e.generations + 1) * parameters / (2 * e.sizes[0]))


@theorem(
    "deydonoho2024.gp_limit",
    observable=parameters.mean_squared_error,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=Source("deydonoho2024"),
    family=QUADRATIC,
    workflow=AbstractWorkflow,
    where=lambda e: _early(e, 3) and quadratic.linear(e),
    cases=(WINDOW,),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def gaussian_limit(e: Experiment) -> Vector:
    r"""$\mathrm{Var}\,\hat\theta_t\approx V(AA^\top)_{tt}$ with
    $\sqrt n(\hat\theta_t-\theta)\Rightarrow Z_t=\sum_gw_{tg}(Z_{g-1}+G_g)$, $G_g$ independent
    $N(0,V)$, $A=(1-WL)^{-1}W$; the relative error is O(1/n).

    Any workflow with fixed weights; mean parameter of an exponential family; up to t = n / 3 here.

    Derived; the Gaussian limit was read in the abstract.
    """
    limit = second_moments(quadratic.flow(e), 0.0).variance
    return np.asarray(quadratic.quadratic(e).variance * limit)


@theorem(
    "discrete.heterozygosity.replace",
    observable=diversity.gini,
    kind=Kind.EXACT,
    source=Source("wright1931"),
    family=Categorical,
    workflow=Replace,
    cases=(settings_symbols.REPLACE_SCHEDULE,),
)
def heterozygosity_replace(e: Experiment) -> Vector:
    r"""$E(1-\sum p_i^2)=H_0\prod_{g\le t}(1-\tfrac1{n_g})$: the decay of heterozygosity.

    Symbols, each fit on the newest batch: the Wright-Fisher model.
    """
    return np.asarray(1 - seddik2024.s_fully_synthetic.predict(e))


@theorem(
    "discrete.heterozygosity.accumulate",
    observable=diversity.gini,
    kind=Kind.EXACT,
    source=Source("suresh2024"),
    family=Categorical,
    workflow=Accumulate,
    cases=(settings_symbols.ACCUMULATE,),
)
def heterozygosity_accumulate(e: Experiment) -> Vector:
    r"""$E(1-\sum p_i^2)=H_0\prod_{g\le t}\big(1-\tfrac{n_g}{N_g^2}\big)$, for one size
    $H_0\prod_g(1-\tfrac1{ng^2})$: it does not vanish.

    Symbols, all batches kept.
    """
    return symbols.accumulate_gini.predict(e)


@theorem(
    "suresh2024.poisson_survival",
    observable=diversity.collapsed,
    kind=Kind.UPPER,
    source=Source("suresh2024", read=True),
    family=Poisson,
    workflow=Replace,
    where=lambda e: bool(np.ptp(batch_sizes(e)) == 0),
    cases=(
        Experiment(
            family=Poisson(), workflow=Replace(), truth=setting.POISSON.truth, n=5, generations=6
        ),
    ),
)
def poisson_survival(e: Experiment) -> Vector:
    r"""$P(\lambda_t=0)\le e^{-n\lambda/t}$: a symbol seen $n\lambda$ times on average in the first
    corpus is alive at t with probability at least $1-e^{-n\lambda/t}$.

    One size, each fit on the newest batch. A weaker form that Theorem 2 gives beside the exact law,
    ``suresh2024.poisson.extinction``, whose exponent is twice as large for late t.
    """
    t = np.arange(1, e.generations + 1)
    return np.asarray(np.exp(-e.sizes[0] * e.truth.rate / t))
