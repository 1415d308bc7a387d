"""The family that is nearest to a column, and how near it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from collapse_theory.errors import InputError
from collapse_theory.families.categorical import Categorical, CategoricalLaw
from collapse_theory.families.exponential import Exponential, Gamma, PositiveLaw
from collapse_theory.families.gaussian import Gaussian, GaussianLaw
from collapse_theory.families.poisson import MOST_EVENTS, Poisson, PoissonLaw
from collapse_theory.forecasting.anchored import PLENTY
from collapse_theory.forecasting.columns import Column

FAR = 0.05
"""Largest distance between the distribution functions of data and fit that passes without a
warning: 5 % of the rows would have to move."""

LARGEST_RATE = MOST_EVENTS // PLENTY
"""Largest mean of a column of counts that is taken for Poisson; beyond it the Gaussian is as
near."""

FAMILIES = ("gaussian", "exponential", "gamma", "poisson", "categorical")


@dataclass(frozen=True)
class Fitted:
    """A family fitted to a column.

    Attributes:
        family, truth: what an experiment takes.
        distance: largest gap between the distribution functions of data and fit (Kolmogorov and
            Smirnov's), 0 for categories, which fit themselves.
    """

    family: Any
    truth: Any
    distance: float

    @property
    def warning(self) -> str:
        """A sentence where the fit is poor, else nothing."""
        if self.distance <= FAR:
            return ""
        return (
            f"the column is far from {type(self.family).__name__}: their distribution functions "
            f"differ by {self.distance:.2f}; believe the answer for the rows themselves instead"
        )


def fit_column(column: Column, family: str = "auto") -> Fitted:
    """Fit a family, or the one with the smallest distance.

    Args:
        column: of :func:`read_column`.
        family: "auto" or one of `FAMILIES`.

    Raises:
        InputError: the family is unknown, or cannot hold the column.
    """
    wanted = family.lower()
    if wanted not in ("auto", *FAMILIES):
        raise InputError(f"family = {family!r}: allowed are auto, {', '.join(FAMILIES)}")
    if column.categories is not None:
        if wanted not in ("auto", "categorical"):
            raise InputError(f"family = {family!r}: column {column.name!r} holds categories")
        counts = np.array([count for _, count in column.categories], float)
        return Fitted(Categorical(), CategoricalLaw(tuple(counts / counts.sum())), 0.0)
    if wanted == "categorical":
        raise InputError(f"family = 'categorical': column {column.name!r} holds numbers")
    assert column.numbers is not None
    with np.errstate(all="ignore"):  # far out, distribution functions underflow
        found = _candidates(column.numbers)
    if wanted == "auto":
        return min(found.values(), key=lambda f: f.distance)
    if wanted not in found:
        needs = "numbers > 0"
        if wanted == "poisson":
            needs = f"whole numbers >= 0 with a mean of at most {LARGEST_RATE:,}"
        raise InputError(f"family = {family!r}: column {column.name!r} must hold {needs}")
    return found[wanted]


def _candidates(x: NDArray[np.float64]) -> dict[str, Fitted]:
    mean, var = float(x.mean()), float(x.var())
    found = {"gaussian": _fitted(Gaussian(), GaussianLaw(mean, var), x, stats.norm(mean, var**0.5))}
    shape = mean**2 / var
    if x.min() > 0 and 0 < shape < np.inf:
        found["exponential"] = _fitted(Exponential(), PositiveLaw(mean), x, stats.expon(0, mean))
        gamma = stats.gamma(shape, 0, mean / shape)
        found["gamma"] = _fitted(Gamma(shape), PositiveLaw(mean), x, gamma)
    if x.min() >= 0 and (x == np.round(x)).all() and mean <= LARGEST_RATE:
        found["poisson"] = _fitted(Poisson(), PoissonLaw(mean), x, stats.poisson(mean))
    return found


def _fitted(family: Any, truth: Any, x: NDArray[np.float64], law: Any) -> Fitted:
    """Both distribution functions are compared at and just before every distinct value, which
    SciPy's test does not do: it takes continuous laws only.
    """
    values, counts = np.unique(x, return_counts=True)
    upto = np.cumsum(counts) / x.size
    before = law.cdf(np.nextafter(values, -np.inf))
    gap = np.maximum(np.abs(law.cdf(values) - upto), np.abs(before - (upto - counts / x.size)))
    distance = float(gap.max())
    return Fitted(family, truth, distance if np.isfinite(distance) else 1.0)
