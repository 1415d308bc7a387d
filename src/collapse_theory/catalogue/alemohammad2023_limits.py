"""Self-Consuming Generative Models Go MAD: where a biased sampler stops the collapse, and what
synthetic rows gain.

The abstract and the sections on the Gaussian example were read; the values are derived.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import quadratic
from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact import second_moments
from collapse_theory.exact.gaussian import kappa1
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.generators.scaled import Scaled
from collapse_theory.observables import parameters
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace


def critical_factor(n: int) -> float:
    """The factor on the variance at which log S is a random walk without drift."""
    return float(np.exp(-kappa1(n)))


CRITICAL = Experiment(
    family=Gaussian(1), workflow=Replace(), truth=setting.LAW, n=9, generations=8,
    generator=Scaled(critical_factor(9)),
)  # fmt: skip
GAIN = Experiment(
    family=GaussianMean(1.7), workflow=Mix("fresh"), truth=setting.KNOWN_SUPERLINEAR.truth,
    n=4, n_real=8, generations=12,
)  # fmt: skip


@theorem(
    "alemohammad2023.lambda_critical",
    observable=parameters.log_variance,
    kind=Kind.EXACT,
    source=Source("alemohammad2023"),
    family=Gaussian,
    workflow=Replace,
    generator=Scaled,
    where=lambda e: e.family.ddof == 1 and setting.two_rows(e),
    cases=(CRITICAL, setting.NARROW),
    planted=lambda values: values + 0.05,  # collapse from lambda < 1 on, as if S were not skewed
)
def critical(e: Experiment) -> Vector:
    r"""$E\log S_t=\log\sigma^2+(t-1)\log\lambda+\sum_{g\le t}\big[\psi(\tfrac{n_g-1}2)
    -\log\tfrac{n_g-1}2\big]$: S collapses if and only if
    $\lambda<\lambda_c=\frac{n-1}2e^{-\psi((n-1)/2)}\approx1+\frac1{n-1}$, above 1.

    Unbiased variance, synthetic rows from $N(\mu_t,\lambda S_t)$, each fit on the newest batch.

    Derived; in the paper $\lambda\le1$ is sufficient.
    """
    doses = kappa1(batch_sizes(e))
    doses[1:] += np.log(e.generator.factor)
    return np.asarray(np.log(e.truth.var) + np.cumsum(doses))


def _constant_mix(e: Experiment) -> bool:
    same = setting.constant(e.sizes[1:]) and setting.constant(e.real_sizes[1:])
    return e.workflow.real == "fresh" and same and e.generations > 1


@theorem(
    "alemohammad2023.unbiased_gain",
    observable=parameters.mean_squared_error,
    kind=Kind.LIMIT,
    source=Source("alemohammad2023"),
    family=GaussianMean,
    workflow=Mix,
    where=_constant_mix,
    cases=(GAIN,),
)
def unbiased_gain(e: Experiment) -> Vector:
    r"""$E(\mu_\infty-\mu)^2=\frac{\sigma^2}{n_r}\,\frac{1+k}{2+k}$, $k=n_r/n_s$: an effective
    sample of $n_r\frac{2+k}{1+k}$, always a gain over the real rows alone, never more than twofold.

    $n_r$ new real rows and $n_s$ rows of the last fit alone, pooled; rows of earlier fits gain
    more. Known variance. Stated once the exact recursion lies within a millionth of it.

    Derived; that there is a gain is the paper's conjecture.
    """
    real, made = float(e.real_sizes[-1]), float(e.sizes[-1])
    k = real / made
    limit = e.family.var / real * (1 + k) / (2 + k)
    curve = quadratic.quadratic(e).variance * second_moments(quadratic.flow(e), 0.0).variance
    return quadratic.settled(curve, limit)
