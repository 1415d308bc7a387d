"""A Probabilistic Perspective on Model Collapse.

How fast sizes must grow under replace, and how often a later fit beats the first. The abstract was
read; the formulas are derived.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import zeta

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import flow, linear, quadratic
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.linear import second_moments
from collapse_theory.exact.validation import Vector
from collapse_theory.exact.weighting import prob_beat_bivariate, prob_beat_replace
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.observables import distances, parameters
from collapse_theory.workflows.base import AbstractWorkflow
from collapse_theory.workflows.replace import Replace

DERIVED = Source("xu2025")


def _unbiased(e: Experiment) -> bool:
    return isinstance(e.family, GaussianMean) or (e.family.ddof == 1 and setting.two_rows(e))


def _excess(e: Experiment) -> float:
    """The largest s with n_t >= n_1 t^(1+s) at every t."""
    n = batch_sizes(e)
    t = np.arange(2, e.generations + 1)
    return float(np.min(np.log(n[1:] / n[0]) / np.log(t), initial=np.inf)) - 1


@theorem(
    "xu2025.schedule.variance",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=DERIVED,
    family=(GaussianMean, Gaussian),
    workflow=Replace,
    where=_unbiased,
    cases=(setting.KNOWN_SUPERLINEAR, setting.UNBIASED_SCHEDULE),
    planted=lambda values: values - values[0],  # the real batch taken for exact
)
def schedule_variance(e: Experiment) -> Vector:
    r"""$E(\mu_T-\mu)^2 = \sigma^2\sum_{t\le T}\frac1{n_t}$: bounded in T if and only if
    $\sum_t 1/n_t$ is.

    Any sizes; variance known, or fitted without bias.
    """
    return quadratic(e).variance * np.cumsum(1 / batch_sizes(e))


@theorem(
    "xu2025.schedule.bounded",
    observable=parameters.mean_squared_error,
    kind=Kind.UPPER,
    source=DERIVED,
    family=(GaussianMean, Gaussian),
    workflow=Replace,
    where=lambda e: _unbiased(e) and e.generations > 1 and _excess(e) > 0.01,
    cases=(setting.KNOWN_SUPERLINEAR,),
    planted=lambda values: values / zeta(1.5),  # the first error, as if nothing were lost later
)
def schedule_bounded(e: Experiment) -> Vector:
    r"""$E(\mu_T-\mu)^2 \le \zeta(1+s)\,\frac{\sigma^2}{n_1}$ for every T when
    $n_t \ge n_1 t^{1+s}$, s > 0.

    Sizes that grow faster than linearly; variance known, or fitted without bias. The largest s that
    the sizes allow is used.

    That superlinear growth prevents collapse is the paper's claim (abstract).
    """
    first = quadratic(e).variance / batch_sizes(e)[0]
    return np.full(e.generations, first * zeta(1 + _excess(e)))


@theorem(
    "xu2025.prob_beat.replace",
    observable=distances.closer_than_first,
    kind=Kind.EXACT,
    source=DERIVED,
    family=GaussianMean,
    workflow=Replace,
    where=lambda e: e.generations > 1,
    cases=(setting.KNOWN_SUPERLINEAR,),
)
def beat_replace(e: Experiment) -> Vector:
    r"""$P(|\hat\mu_t-\mu| < |\hat\mu_1-\mu|)
    = \frac1\pi\arctan\frac2{\sqrt{n_1\sum_{g=2}^t 1/n_g}} < \frac12$ for $t\ge2$.

    Any sizes, known variance.
    """
    n = batch_sizes(e)
    return np.append(np.nan, prob_beat_replace(int(n[0]), n[1:]))


@theorem(
    "xu2025.prob_beat.workflow",
    observable=distances.closer_than_first,
    kind=Kind.EXACT,
    source=DERIVED,
    family=GaussianMean,
    workflow=AbstractWorkflow,
    where=linear,
    cases=(setting.WEIGHTED_BEST, setting.KNOWN_ACCUMULATE),
)
def beat_workflow(e: Experiment) -> Vector:
    r"""$P(|Y|<|X|) = \frac1\pi\arccos\frac{V_Y-V_X}{\sqrt{(V_X+V_Y)^2-4C^2}}$ for the errors X of
    the first fit and Y of a later one, with variances $V_X$, $V_Y$ and covariance C.

    Known variance; any workflow with fixed weights, whose matrix gives the covariances.
    """
    c = second_moments(flow(e), 0.0).covariance
    later = [prob_beat_bivariate(c[1, 1], c[t, t], c[1, t]) for t in range(2, len(c))]
    return np.append(np.nan, later)


def _gamma_nodes(count: int, shape: float) -> tuple[Vector, Vector]:
    """Gauss quadrature for the mean over a gamma variable of any shape; weights sum to one.

    Nodes are the eigenvalues of Jacobi's matrix, and no gamma function overflows.
    """
    k = np.arange(count)
    across = np.sqrt(k[1:] * (k[1:] + shape - 1))
    nodes, vectors = eigh_tridiagonal(2 * k + shape, across)
    return nodes, vectors[0] ** 2


@theorem(
    "xu2025.prob_beat_fitted",
    observable=distances.closer_than_first,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=Replace,
    where=lambda e: e.family.ddof == 1 and setting.two_rows(e) and e.generations > 1,
    cases=(
        Experiment(family=Gaussian(1), workflow=Replace(), truth=setting.LAW, n=7, generations=4),
    ),
    planted=lambda values: np.where(np.isfinite(values), 0.94 * values, values),
)
def beat_fitted(e: Experiment) -> Vector:
    r"""$P(|\mu_t-\mu|<|\mu_1-\mu|)=E\,\frac1\pi\arctan\frac2
    {\sqrt{n_1\sum_{g=2}^tS_{g-1}/(n_g\sigma^2)}}$: more than with a known variance.

    Unbiased variance, fitted too; each fit on the newest batch. Stated for t = 2, 3, 4: quadrature
    over up to three chi-square variables, absolute error below 1e-6.
    """
    n = batch_sizes(e)
    out = np.full(e.generations, np.nan)
    spread, total, weight = np.ones(1), np.zeros(1), np.ones(1)
    for t in range(1, min(e.generations, 4)):
        half = (n[t - 1] - 1) / 2
        nodes, weights = _gamma_nodes(30, half)
        spread = np.multiply.outer(spread, nodes / half)
        weight = np.multiply.outer(weight, weights)
        total = total[..., None] + spread / n[t]
        out[t] = float((weight * np.arctan(2 / np.sqrt(n[0] * total)) / np.pi).sum())
    return out
