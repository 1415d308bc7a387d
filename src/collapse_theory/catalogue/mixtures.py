"""Gaussian mixtures by expectation-maximisation: mean and covariance of the whole."""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import Vector, batch_sizes
from collapse_theory.experiment import Experiment
from collapse_theory.families.mixture import GaussianMixture, MixtureLaw
from collapse_theory.observables import parameters
from collapse_theory.workflows.replace import Replace

OWN = Source(None)
CASE = Experiment(
    family=GaussianMixture(steps=10), workflow=Replace(), truth=MixtureLaw(((-1.5,), (1.5,))),
    n=12, generations=6,
)  # fmt: skip


def _spread(e: Experiment) -> float:
    """Trace of the covariance of the truth."""
    means = e.truth.table
    return float(e.truth.var * means.shape[1] + means.var(0).sum())


@theorem(
    "derived.mixture_variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=OWN,
    family=GaussianMixture,
    workflow=Replace,
    cases=(CASE,),
)
def variance_kept(e: Experiment) -> Vector:
    r"""$E\,\mathrm{tr}\,\Sigma_t=\mathrm{tr}\,\Sigma_0\prod_{g\le t}\big(1-\frac1{n_g}\big)$ for
    the covariance of the whole mixture: as of a single Gaussian with the divisor n.

    Any number of components and of steps of expectation-maximisation, each fit on the newest
    batch: every step gives the mixture the mean and the covariance of the rows, whatever the
    responsibilities. To 2e-6 a generation: the least variance of a component.
    """
    return np.asarray(_spread(e) * np.cumprod(1 - 1 / batch_sizes(e)))


@theorem(
    "derived.mixture_mean",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=OWN,
    family=GaussianMixture,
    workflow=Replace,
    cases=(CASE,),
)
def mean_wanders(e: Experiment) -> Vector:
    r"""$E\lvert\mu_t-\mu_0\rvert^2=\mathrm{tr}\,\Sigma_0\big[1-\prod_{g\le t}\big(1-\frac1{n_g}
    \big)\big]$ for the mean of the whole mixture: what the variance loses the mean has wandered.

    Any number of components and of steps of expectation-maximisation, each fit on the newest
    batch.
    """
    return np.asarray(_spread(e) * (1 - np.cumprod(1 - 1 / batch_sizes(e))))
