"""Self-Consuming Generative Models Go MAD.

Gaussians whose synthetic rows come with a factor on their variance. Of the paper, the sections on
the loops and on the Gaussian example were read, not the proofs; the moments are derived. In the
paper the factor acts on the first, real batch too; here it acts on fitted models only.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.gaussian_pooling import mad_fresh_loop, mad_fully_synthetic
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.generators.scaled import Scaled
from collapse_theory.observables import parameters
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace

DERIVED = Source("alemohammad2023")


def _unbiased(e: Experiment) -> bool:
    return e.family.ddof == 1 and setting.two_rows(e)


def _fresh(e: Experiment) -> bool:
    later = setting.constant(e.sizes[1:]) and setting.constant(e.real_sizes[1:])
    return e.family.ddof == 1 and e.workflow.real == "fresh" and later


def _fresh_moments(e: Experiment) -> tuple[Vector, Vector]:
    counts = int(e.real_sizes[-1]), int(e.sizes[-1])
    return mad_fresh_loop(int(e.real_sizes[0]), counts, e.generator.factor, e.generations)


@theorem(
    "alemohammad2023.fully_synthetic.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=Source("alemohammad2023", read=True),
    family=Gaussian,
    workflow=Replace,
    generator=Scaled,
    where=_unbiased,
    cases=(setting.NARROW,),
    planted=lambda values: setting.NARROW.generator.factor * values,  # on the real batch as well
)
def synthetic_variance(e: Experiment) -> Vector:
    r"""$E S_t = \lambda^{t-1}\sigma^2$.

    Unbiased variance; rows of fit t are drawn from $N(\mu_t,\lambda S_t)$, real rows are real.

    Equation (2), the supermartingale of Section 3.1.
    """
    values: Vector = e.truth.var * mad_fully_synthetic(batch_sizes(e), e.generator.factor)[0]
    return values


@theorem(
    "alemohammad2023.fully_synthetic.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=Replace,
    generator=Scaled,
    where=_unbiased,
    cases=(setting.NARROW,),
    planted=lambda values: setting.NARROW.generator.factor * values,
)
def synthetic_error(e: Experiment) -> Vector:
    r"""$E(\mu_t-\mu)^2 = \frac{\sigma^2}n\,\frac{1-\lambda^t}{1-\lambda}$ for one size n.

    Unbiased variance; computed for any sizes as $\sigma^2\sum_{g\le t}\lambda^{g-1}/n_g$.
    """
    values: Vector = e.truth.var * mad_fully_synthetic(batch_sizes(e), e.generator.factor)[1]
    return values


@theorem(
    "alemohammad2023.fully_synthetic.standard_deviation",
    observable=parameters.standard_deviation,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=Replace,
    generator=Scaled,
    where=_unbiased,
    cases=(setting.NARROW,),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def synthetic_deviation(e: Experiment) -> Vector:
    r"""$E s_t = \sigma\,\lambda^{(t-1)/2}\prod_{g\le t}c_4(n_g)$.

    Any sizes, unbiased variance.
    """
    deviation = mad_fully_synthetic(batch_sizes(e), e.generator.factor)[2]
    values: Vector = np.sqrt(e.truth.var) * deviation
    return values


@theorem(
    "alemohammad2023.fresh_loop.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=Mix,
    generator=Scaled,
    where=_fresh,
    cases=(setting.NARROW_FRESH,),
)
def fresh_variance(e: Experiment) -> Vector:
    r"""$e_{t+1} = \frac{n_r+n_s\lambda e_t}{N} + \frac{n_rn_s}{N(N-1)}u_t$ for $e=E S/\sigma^2$,
    $u=E(\mu_t-\mu)^2/\sigma^2$, $N=n_r+n_s$, started at $e_1=1$, $u_1=1/n_1$.

    $n_r$ fresh real rows and $n_s$ synthetic rows in every generation after the first, pooled,
    unbiased variance.
    """
    values: Vector = e.truth.var * _fresh_moments(e)[0]
    return values


@theorem(
    "alemohammad2023.fresh_loop.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=Mix,
    generator=Scaled,
    where=_fresh,
    cases=(setting.NARROW_FRESH,),
)
def fresh_error(e: Experiment) -> Vector:
    r"""$u_{t+1} = \frac{n_r+n_s\lambda e_t}{N^2} + \frac{n_s^2}{N^2}u_t$, with e, u and N as in
    ``alemohammad2023.fresh_loop.variance``.

    $n_r$ fresh real rows and $n_s$ synthetic rows in every generation after the first, pooled,
    unbiased variance.
    """
    values: Vector = e.truth.var * _fresh_moments(e)[1]
    return values
