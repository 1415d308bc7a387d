"""What the exact engines need to know about a family: mean, variance function and how it bends."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from collapse_theory.errors import RouteError
from collapse_theory.exact.linear import LinearWorkflow
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.families.categorical import Categorical, CategoricalLaw
from collapse_theory.families.exponential import AbstractGamma, PositiveLaw
from collapse_theory.families.gaussian import Gaussian, GaussianLaw
from collapse_theory.families.gaussian_nd import GaussianND, GaussianNDLaw
from collapse_theory.families.known_variance import GaussianMean, MeanLaw
from collapse_theory.families.poisson import Poisson, PoissonLaw
from collapse_theory.provenance import linear_workflow

LONGEST = 2000
"""Generations up to which weight matrices are formed: T x T floats, and a triangular solve."""


class Quadratic(NamedTuple):
    """The variance function V(m) = v0 + v1 m + v2 m^2 at the true mean m.

    Fields: ``mean`` m, as the observable ``mean`` reports it; ``variance`` V(m), the variance of
    one row as ``mean_squared_error`` adds it up (the trace in several dimensions, the average over
    contexts); ``v2``, with -1 for one-hot rows and for a Gaussian whose variance is fitted with
    divisor n: E variance = V(m) - E mean_squared_error.
    """

    mean: float
    variance: float
    v2: float


@functools.singledispatch
def _quadratic(family: Any, truth: Any) -> Quadratic:
    raise TypeError(f"no variance function is known for {type(family).__name__}")


def quadratic(e: Experiment) -> Quadratic:
    """Mean, variance function and v2 of an experiment's family at its truth.

    Raises:
        TypeError: the family has none.
    """
    return _quadratic(e.family, e.truth)


@_quadratic.register
def _(family: Gaussian, truth: GaussianLaw) -> Quadratic:
    return Quadratic(truth.mean, truth.var, -1.0)


@_quadratic.register
def _(family: GaussianND, truth: GaussianNDLaw) -> Quadratic:
    return Quadratic(truth.mean[0], float(np.trace(np.asarray(truth.cov))), -1.0)


@_quadratic.register
def _(family: GaussianMean, truth: MeanLaw) -> Quadratic:
    return Quadratic(truth.mean, family.var, 0.0)


@_quadratic.register
def _(family: Poisson, truth: PoissonLaw) -> Quadratic:
    return Quadratic(truth.rate, truth.rate, 0.0)


@_quadratic.register
def _(family: AbstractGamma, truth: PositiveLaw) -> Quadratic:
    return Quadratic(truth.mean, truth.mean**2 / family.power, 1 / family.power)


@_quadratic.register
def _(family: Bernoulli, truth: BernoulliLaw) -> Quadratic:
    return Quadratic(truth.prob, truth.prob * (1 - truth.prob), -1.0)


@_quadratic.register
def _(family: Categorical, truth: CategoricalLaw) -> Quadratic:
    p = np.atleast_2d(truth.table)
    return Quadratic(float(p[:, 0].mean()), float((1 - (p**2).sum(1)).mean()), -1.0)


def maximum_likelihood(e: Experiment) -> bool:
    """Whether a fitted variance is divided by the total weight; true where none is fitted."""
    return getattr(e.family, "ddof", 0) == 0


def linear(e: Experiment) -> bool:
    """Whether each fit weighs its batches by fixed numbers, few enough to write down."""
    if e.generations > LONGEST:
        return False
    try:
        linear_workflow(e)
    except (RouteError, AttributeError):  # random weights, or a program that looks into its data
        return False
    return True


def flow(e: Experiment) -> LinearWorkflow:
    """The workflow as batches, sources and weights; call it where ``linear`` holds."""
    return linear_workflow(e)


def dimension(e: Experiment) -> int:
    """Coordinates of a Gaussian: 1, or the length of its mean vector."""
    return len(e.truth.mean) if isinstance(e.family, GaussianND) else 1


def settled(curve: Vector, limit: float) -> Vector:
    """The limit at the generations whose exact value lies within a millionth of it, NaN before."""
    return np.where(np.abs(curve - limit) < 1e-6 * limit, limit, np.nan)
