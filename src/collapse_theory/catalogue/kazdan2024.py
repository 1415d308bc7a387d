"""Collapse or Thrive? Perils and Promises of Synthetic Data in a Self-Generating World.

A Gaussian that keeps its data, or a part of fixed size. The paper's abstracts were read; the
formulas are derived.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import maximum_likelihood
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.gaussian_pooling import accumulate, accumulate_subsample
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.observables import parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.accumulate_subsample import AccumulateSubsample

DERIVED = Source("kazdan2024")


def _one_size(e: Experiment) -> bool:
    return setting.constant(batch_sizes(e))


@theorem(
    "kazdan2024.accumulate_gaussian.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=Accumulate,
    where=maximum_likelihood,
    cases=(setting.ACCUMULATE_EQUAL,),
)
def accumulate_variance(e: Experiment) -> Vector:
    r"""$E S_t = \sigma^2\prod_{g\le t}\big(1-\frac{n_g}{N_g^2}\big)$, $N_g=n_1+\dots+n_g$; with one
    size $\prod_{k\le t}(1-\frac1{nk^2})$.

    Any sizes, variance divided by the number of rows.
    """
    values: Vector = e.truth.var * accumulate(batch_sizes(e), 0)[0]
    return values


@theorem(
    "kazdan2024.accumulate_gaussian.floor",
    observable=parameters.variance,
    kind=Kind.LOWER,
    source=DERIVED,
    family=Gaussian,
    workflow=Accumulate,
    where=lambda e: maximum_likelihood(e) and _one_size(e),
    cases=(setting.ACCUMULATE_EQUAL,),
)
def accumulate_floor(e: Experiment) -> Vector:
    r"""$E S_t > \sigma^2\,\frac{\sin(\pi/\sqrt n)}{\pi/\sqrt n}$ at every t, and this is its limit.

    One size n in every batch, variance divided by the number of rows.
    """
    return np.full(e.generations, e.truth.var * np.sinc(1 / np.sqrt(batch_sizes(e)[0])))


@theorem(
    "kazdan2024.accumulate_gaussian.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=Accumulate,
    where=maximum_likelihood,
    cases=(setting.ACCUMULATE_EQUAL,),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def accumulate_error(e: Experiment) -> Vector:
    r"""$E(\mu_t-\mu)^2 = \sigma^2\big[1-\prod_{g\le t}\big(1-\frac{n_g}{N_g^2}\big)\big]$; with one
    size its limit is $\frac{\pi^2}6\frac{\sigma^2}n + O(n^{-2})$.

    Any sizes, variance divided by the number of rows.
    """
    values: Vector = e.truth.var * accumulate(batch_sizes(e), 0)[1]
    return values


@theorem(
    "kazdan2024.accumulate_subsample.variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=AccumulateSubsample,
    where=_one_size,
    cases=(setting.SUBSAMPLE, setting.SUBSAMPLE_UNBIASED),
)
def subsample_variance(e: Experiment) -> Vector:
    r"""$E S_t = (q_t-p_t-\eta_t)\frac{n}{n-\mathrm{ddof}}$, from a closed recursion for the
    variance p of the pool's mean, its second moment q, and the variance $\eta$ of the subsample's
    mean given the pool.

    One size n; either divisor. With divisor n - 1 it grows without bound, like $t^{1/n}$.
    """
    n = int(batch_sizes(e)[0])
    values: Vector = e.truth.var * accumulate_subsample(n, e.generations, e.family.ddof)[0]
    return values


@theorem(
    "kazdan2024.accumulate_subsample.mean_squared_error",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=AccumulateSubsample,
    where=_one_size,
    cases=(setting.SUBSAMPLE, setting.SUBSAMPLE_UNBIASED),
)
def subsample_error(e: Experiment) -> Vector:
    r"""$E(\mu_t-\mu)^2 = p_t+\eta_t$, with the recursion of
    ``kazdan2024.accumulate_subsample.variance``.

    One size n; either divisor. With divisor n its limit is $(\frac{\pi^2}2-2)\frac{\sigma^2}n$ for
    large n.
    """
    n = int(batch_sizes(e)[0])
    values: Vector = e.truth.var * accumulate_subsample(n, e.generations, e.family.ddof)[1]
    return values
