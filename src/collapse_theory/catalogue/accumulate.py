"""Data kept for ever, whatever the sizes. All of it is derived."""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import quadratic
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.gaussian_pooling import accumulate
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.gaussian_nd import GaussianND
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.families.poisson import Poisson
from collapse_theory.observables import parameters
from collapse_theory.workflows.accumulate import Accumulate

OURS = Source(None)


@theorem(
    "accumulate.universal_two",
    observable=parameters.mean_squared_error,
    kind=Kind.UPPER,
    source=OURS,
    family=(Gaussian, GaussianND, GaussianMean, Poisson, Bernoulli, Categorical),
    workflow=Accumulate,
    cases=(setting.ACCUMULATE_EQUAL, setting.ACCUMULATE_UNBIASED, setting.KNOWN_ACCUMULATE),
    planted=lambda values: values / 2,  # as if further synthetic data cost nothing
)
def universal_two(e: Experiment) -> Vector:
    r"""$E\Vert\hat\theta_t-\theta\Vert^2 \le 2\,\frac{V}{n_1}$ at every t, for every schedule of
    sizes.

    V is the variance of one row, $n_1$ the number of real rows; families whose variance does not
    grow on average when the mean wanders (quadratic variance functions with $v_2\le0$).

    $\sum_g n_g/N_g^2 \le 2/n_1 - 1/N_t$, by $n_g/N_g^2 \le 1/N_{g-1} - 1/N_g$. The constant is
    sharp: one row at a time after many real rows.
    """
    return np.full(e.generations, 2 * quadratic(e).variance / e.real_sizes[0])


@theorem(
    "accumulate.unbiased.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Accumulate,
    where=lambda e: e.family.ddof == 1,
    cases=(setting.ACCUMULATE_UNBIASED,),
    planted=lambda values: np.full(values.shape, setting.LAW.var),  # as the name unbiased promises
)
def unbiased_variance(e: Experiment) -> Vector:
    r"""$E S_t = \sigma^2\prod_{g=2}^t\big(1-\frac{n_g}{N_g(N_g-1)}\big) < \sigma^2$,
    $N_g=n_1+\dots+n_g$.

    Any sizes, pooled sum of squares divided by $N_t-1$. The divisor does not undo the bias, since
    pooled rows are dependent.
    """
    values: Vector = e.truth.var * accumulate(batch_sizes(e), 1)[0]
    return values


@theorem(
    "accumulate.unbiased.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Accumulate,
    where=lambda e: e.family.ddof == 1,
    cases=(setting.ACCUMULATE_UNBIASED,),
)
def unbiased_error(e: Experiment) -> Vector:
    r"""$E(\mu_t-\mu)^2 = \sum_{g\le t}\frac{n_g}{N_g^2}\,E S_{g-1}$, $S_0=\sigma^2$.

    Any sizes, pooled sum of squares divided by $N_t-1$; $E S_g$ from
    ``accumulate.unbiased.variance``.
    """
    values: Vector = e.truth.var * accumulate(batch_sizes(e), 1)[1]
    return values
