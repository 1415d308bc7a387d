"""Maximum likelihood conserves the second moment: what the variance loses, the mean has
wandered.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import linear, maximum_likelihood, quadratic
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.gaussian_nd import GaussianND
from collapse_theory.observables import divergences, parameters
from collapse_theory.workflows.accumulate_subsample import AccumulateSubsample
from collapse_theory.workflows.base import AbstractWorkflow
from collapse_theory.workflows.replace import Replace

OURS = Source(None)


def _conserves(e: Experiment) -> bool:
    kept = isinstance(e.workflow, AccumulateSubsample) or linear(e)
    return maximum_likelihood(e) and kept


@theorem(
    "mle.conservation",
    observable=parameters.total_variance,
    kind=Kind.EXACT,
    source=Source("jangjoo2025"),
    family=(Gaussian, GaussianND),
    workflow=AbstractWorkflow,
    where=_conserves,
    cases=(
        setting.DIVIDED_BY_N,
        setting.ACCUMULATE_EQUAL,
        setting.SUBSAMPLE,
        setting.DECAY,
        setting.WEIGHTED_FIXED,
        setting.FRESH_ROWS,
        setting.SOURCES,
    ),
)
def conservation(e: Experiment) -> Vector:
    r"""$E[\Sigma_t] + E[(\mu_t-\mu)(\mu_t-\mu)^\top] = \Sigma$ at every t.

    Variance divided by the total weight; any workflow with fixed weights on its batches, real and
    synthetic in any mixture, and accumulate-subsample. Not so with the unbiased variance.

    A case of the martingale of mean parameters in exponential families.
    """
    return np.full(e.generations, quadratic(e).variance)


@theorem(
    "mle.w2_identity.replace",
    observable=divergences.w2_squared,
    kind=Kind.EXACT,
    source=OURS,
    family=Gaussian,
    workflow=Replace,
    where=lambda e: maximum_likelihood(e) and setting.two_rows(e),
    cases=(setting.DIVIDED_BY_N,),
    planted=lambda values: values / 2,  # the variance's share forgotten
)
def w2_replace(e: Experiment) -> Vector:
    r"""$E W_2^2 = 2\sigma(\sigma - E s_t) = 2\sigma^2\big[1-\prod_{g\le t}
    c_4(n_g)\sqrt{1-1/n_g}\,\big]$.

    Any sizes, variance divided by n. The first equality holds for every workflow of
    ``mle.conservation``.
    """
    values: Vector = 2 * e.truth.var * (1 - setting.replace_law(e).deviation_mean())
    return values


@theorem(
    "mle.w2_identity.bound",
    observable=divergences.w2_squared,
    kind=Kind.UPPER,
    source=OURS,
    family=(Gaussian, GaussianND),
    workflow=AbstractWorkflow,
    where=_conserves,
    cases=(setting.DIVIDED_BY_N, setting.FRESH_ROWS),
    planted=lambda values: values / 8,  # the bound for fits within a quarter of the truth's scale
)
def w2_bound(e: Experiment) -> Vector:
    r"""$E W_2^2 \le 2\,\mathrm{tr}\,\Sigma$ at every t, where the unbiased variance lets it
    diverge.

    As ``mle.conservation``: $E W_2^2 = 2\,\mathrm{tr}\Sigma
    - 2E\,\mathrm{tr}(\Sigma^{1/2}\Sigma_t\Sigma^{1/2})^{1/2}$.
    """
    return np.full(e.generations, 2 * quadratic(e).variance)
