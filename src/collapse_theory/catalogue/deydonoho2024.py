"""Universality of the pi^2/6 Pathway in Avoiding Model Collapse: many rows, a fixed number of
generations.

Abstract and summary were read; the statements for the mean parameter of exponential families are
derived.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.catalogue import settings_families as shared
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import quadratic
from collapse_theory.catalogue.settings_symbols import batch_sizes, one_size
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.exponential import Exponential, PositiveLaw
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.families.poisson import Poisson
from collapse_theory.observables.parameters import mean_squared_error
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

Vector = NDArray[np.float64]

PAPER = Source("deydonoho2024")
FLAT = (GaussianMean, Poisson)  # the variance function is at most linear: no term of order 1/n


def _exponential(workflow: Any) -> Experiment:
    return Experiment(
        family=Exponential(), truth=PositiveLaw(2.5), workflow=workflow, n=60, generations=6
    )


def _varies(e: Experiment) -> bool:
    return quadratic(e).variance > 0


def _one_size(e: Experiment) -> bool:
    return one_size(e) and _varies(e)


def _replace(e: Experiment) -> Vector:
    return quadratic(e).variance * np.cumsum(1 / batch_sizes(e))


def _accumulate(e: Experiment) -> Vector:
    n = batch_sizes(e)
    return quadratic(e).variance * np.cumsum(n / np.cumsum(n) ** 2)


def _harmonic(values: Vector) -> Vector:
    """The planted error: 1/k for 1/k^2."""
    return np.asarray(values[0] * np.cumsum(1 / np.arange(1, values.size + 1)), float)


@theorem(
    "deydonoho2024.universality.accumulate",
    observable=mean_squared_error,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=PAPER,
    family=(Exponential, Bernoulli, *FLAT),
    workflow=Accumulate,
    where=_one_size,
    cases=(_exponential(Accumulate()),),
)
def universality_accumulate(e: Experiment) -> Vector:
    r"""$n\,E(\hat\theta_t-\theta)^2 \to V\sum_{k\le t}\frac{1}{k^2} < \frac{\pi^2}{6}V$ as n grows,
    t fixed, with V the variance of one row; the relative error is O(1/n).

    Mean parameter of an exponential family, n rows in every batch, all batches kept.

    Derived; that the factor is universal was read in the paper's abstract.
    """
    return _accumulate(e)


@theorem(
    "deydonoho2024.universality.replace",
    observable=mean_squared_error,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=PAPER,
    family=(Exponential, Bernoulli, *FLAT),
    workflow=Replace,
    where=lambda e: _one_size(e) and 3 * e.generations <= int(e.sizes[0]),
    cases=(_exponential(Replace()),),
)
def universality_replace(e: Experiment) -> Vector:
    r"""$n\,E(\hat\theta_t-\theta)^2 \to t\,V$ as n grows, t fixed, with V the variance of one row;
    the relative error is O(1/n).

    Mean parameter of an exponential family, n rows in every batch, each fit on the newest batch; up
    to t = n / 3 here.

    Derived; the linear growth was read in the paper's abstract.
    """
    return _replace(e)


@theorem(
    "deydonoho2024.universality.flat_accumulate",
    observable=mean_squared_error,
    kind=Kind.EXACT,
    source=PAPER,
    family=FLAT,
    workflow=Accumulate,
    where=_varies,
    cases=(shared.KNOWN_ACCUMULATE,),
    planted=_harmonic,
)
def flat_accumulate(e: Experiment) -> Vector:
    r"""$E(\hat\theta_t-\theta)^2 = V\sum_{k\le t}\frac{n_k}{N_k^2}$, $N_k=n_1+\dots+n_k$: for the
    mean of a Gaussian or of a Poisson law, and equal sizes, the limit $\frac Vn\sum_k\frac{1}{k^2}$
    holds at every n.

    Variance known or equal to the mean, any sizes, all batches kept.

    Derived.
    """
    return _accumulate(e)


@theorem(
    "deydonoho2024.universality.flat_replace",
    observable=mean_squared_error,
    kind=Kind.EXACT,
    source=PAPER,
    family=FLAT,
    workflow=Replace,
    where=_varies,
    cases=(shared.POISSON, shared.KNOWN_SUPERLINEAR),
    planted=lambda values: values - values[0],  # generations counted from 0
)
def flat_replace(e: Experiment) -> Vector:
    r"""$E(\hat\theta_t-\theta)^2 = V\sum_{k\le t}\frac{1}{n_k}$: for the mean of a Gaussian or of a
    Poisson law, and equal sizes, the limit $\frac{tV}{n}$ holds at every n.

    Variance known or equal to the mean, any sizes, each fit on the newest batch.

    Derived.
    """
    return _replace(e)
