"""Experiments shared by the theorems about least squares, and what their formulas read off an
experiment.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.experiment import Experiment
from collapse_theory.families.linear_regression import LinearRegression, RegressionLaw
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace

Vector = NDArray[np.float64]

LAW = RegressionLaw((1.5, -0.7, 0.4))
NOISE = 1.3
COVARIANCE = ((2.0, 0.5, 0.1), (0.5, 1.0, -0.3), (0.1, -0.3, 0.7))
FRESH = LinearRegression("fresh", NOISE, COVARIANCE)
FIXED = LinearRegression("fixed", NOISE, COVARIANCE)
HEAVY = 6  # rows at which the risk of three coefficients has a mean and no variance


def _experiment(family: Any, workflow: Any, n: Any, **more: Any) -> Experiment:
    return Experiment(family=family, workflow=workflow, truth=LAW, n=n, generations=6, **more)


REPLACE = _experiment(FRESH, Replace(), 14)
REPLACE_SCHEDULE = _experiment(FRESH, Replace(), (19, 13, 22, 15, 40, 17))
REPLACE_HEAVY = _experiment(FRESH, Replace(), HEAVY)
REPLACE_FIXED = _experiment(FIXED, Replace(), 14)
ACCUMULATE = _experiment(FRESH, Accumulate(), 14)
ACCUMULATE_SCHEDULE = _experiment(FRESH, Accumulate(), (19, 2, 13, 1, 40, 3))
ACCUMULATE_FIXED = _experiment(FIXED, Accumulate(), 14)
MIX = _experiment(FRESH, Mix("fresh"), 9, n_real=14)


def rows(e: Experiment) -> NDArray[np.int64]:
    """Rows of the batch that arrives before each fit: real first, synthetic later; shape (T,)."""
    return np.concatenate([e.real_sizes[:1], e.sizes[1:]])


def model(e: Experiment) -> LinearRegression:
    """The family, as what it is."""
    assert isinstance(e.family, LinearRegression)
    return e.family


def noise(e: Experiment) -> float:
    """Standard deviation of the label noise."""
    return float(model(e).noise)


def dimension(e: Experiment) -> int:
    """Number of coefficients."""
    return len(e.truth.coefficients)


def one_size(e: Experiment) -> bool:
    """Whether every batch has the same number of rows, the real one included."""
    return bool(np.ptp(rows(e)) == 0)


def has_mean(e: Experiment) -> bool:
    """Whether the risk of the first fit, alone on its rows, has a mean."""
    return bool(rows(e)[0] > dimension(e) + 1)


def has_kurtosis(e: Experiment) -> bool:
    """Whether the risk of the first fit, alone on its rows, has a fourth moment."""
    return bool(rows(e)[0] > dimension(e) + 7)


def harmonic(steps: int, power: int) -> Vector:
    """Partial sums of 1 / i^power, shape (steps,)."""
    return np.cumsum(1 / np.arange(1, steps + 1.0) ** power)
