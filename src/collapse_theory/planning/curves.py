"""Exact curves of an experiment, and searches along them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from collapse_theory.catalogue import quadratic
from collapse_theory.catalogue.base import Kind, Theorem
from collapse_theory.experiment import Experiment
from collapse_theory.observables import parameters
from collapse_theory.observables.base import Observable
from collapse_theory.planning.base import Situation
from collapse_theory.prediction import Prediction, predictions
from collapse_theory.workflows.replace import Replace

LARGEST = 10**6  # rows beyond which a search gives up
Curve = NDArray[np.float64]


def risk_of(s: Situation) -> Observable:
    """Excess risk of a regression, squared error of the mean otherwise."""
    excess = parameters.excess_risk
    return excess if excess.supports(s.family) else parameters.mean_squared_error


def exact(e: Experiment, observable: Observable) -> tuple[str, Curve] | None:
    """An exact prediction for all generations and the id of its theorem; None if there is none."""
    found = _exact(e, observable)
    return None if found is None else (found.theorem.name, found.values)


def ruling(e: Experiment, observable: Observable) -> Theorem | None:
    """The theorem of :func:`exact`, for searches over numbers that it covers alike."""
    found = _exact(e, observable)
    return None if found is None else found.theorem


def _exact(e: Experiment, observable: Observable) -> Prediction | None:
    for found in predictions(e, observable):
        if found.theorem.kind is Kind.EXACT and np.isfinite(found.values).all():
            return found
    return None


def inflation(e: Experiment, observable: Observable) -> tuple[str, Curve] | None:
    """The risk over that of the first fit."""
    found = exact(e, observable)
    return found and (found[0], found[1] / found[1][0])


def bends(s: Situation) -> float | None:
    """v2 of the variance function V(m) = v0 + v1 m + v2 m^2 where the mean's error depends on it
    alone; None elsewhere.
    """
    if not s.faithful:
        return None
    e = s.experiment(Replace(), s.rows, 2)
    try:
        found = quadratic.quadratic(e)
    except TypeError:
        return None
    return found.v2 if quadratic.maximum_likelihood(e) else None


def largest(keeps: Callable[[int], bool | None]) -> int | float:
    """The largest whole number that keeps a condition which larger ones lose: 0, or inf if none
    up to `LARGEST` loses it.
    """
    high = 1
    while keeps(high):
        high *= 2
        if high > LARGEST:
            return float("inf")
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
    return low


def smallest(keeps: Callable[[int], bool | None], least: int = 1) -> int | None:
    """The smallest whole number that keeps a condition which larger ones keep; None if there is
    none up to `LARGEST`. Where theory is silent, as about means that do not exist, it is not kept.
    """
    high = least
    while not keeps(high):
        high *= 2
        if high > LARGEST:
            return None
    low = max(high // 2, least - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if keeps(middle) else (middle, high)
    return high
