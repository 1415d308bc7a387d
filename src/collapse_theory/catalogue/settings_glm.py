"""Experiments shared by the theorems about generalised linear models, and what formulas read off
one.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from collapse_theory.catalogue.settings_symbols import Vector, batch_sizes, doses
from collapse_theory.exact.second_order import Refits, gaussian_features
from collapse_theory.experiment import Experiment
from collapse_theory.families.glm import NODES, SHARES
from collapse_theory.families.linear_regression import RegressionLaw
from collapse_theory.families.logistic import Logistic
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

ROWS = 10  # a coefficient and generation, from which on anything is offered
SHARE, DOUBLE = 0.25, 0.5  # of the first order that the second may add: to be left out, or kept


def _logistic(workflow: Any, *, firth: bool, n: int, generations: int) -> Experiment:
    """Two coefficients; five steps of Newton's method leave an error of 1e-5 at most."""
    return Experiment(
        family=Logistic(firth=firth, iterations=5), workflow=workflow,
        truth=RegressionLaw((0.6, -0.3)), n=n, generations=generations,
    )  # fmt: skip


REPLACE = _logistic(Replace(), firth=True, n=120, generations=2)
ACCUMULATE = _logistic(Accumulate(), firth=True, n=80, generations=2)
DRIFTING = _logistic(Replace(), firth=False, n=80, generations=3)
DRIFTING_KEPT = _logistic(Accumulate(), firth=False, n=80, generations=2)


def dimension(e: Experiment) -> int:
    """Coefficients."""
    return len(e.truth.coefficients)


def first_order(e: Experiment) -> Vector:
    """Squared error in the metric of one row's information: d times the sum of the doses."""
    return np.asarray(dimension(e) * np.cumsum(doses(e)))


def refits(e: Experiment) -> Refits:
    """The chain of fits as the second order sees it; the cumulants by quadrature, 80 nodes."""
    family, size = e.family, np.linalg.norm(e.truth.coefficients)
    eta = jnp.asarray(size * NODES)
    second = np.asarray(family.variance(eta), float)
    third, fourth = 2 * np.asarray(family.skew(eta)), np.asarray(family.fourth(eta))
    derivatives = (second, second * third, second * fourth)
    cumulants = gaussian_features(dimension(e), NODES, SHARES, derivatives)
    return Refits(cumulants, batch_sizes(e), isinstance(e.workflow, Accumulate), family.firth)


def _within(e: Experiment, share: float) -> bool:
    """Whether every batch has 10 d t rows, and the second order is a small share of the first."""
    if batch_sizes(e).min() < ROWS * dimension(e) * e.generations:
        return False
    return bool(np.abs(refits(e).fisher() / first_order(e) - 1).max() <= share)


def first_order_holds(e: Experiment) -> bool:
    """Whether 10 d t rows are there and the second order adds at most a quarter."""
    return _within(e, SHARE)


def second_order_holds(e: Experiment) -> bool:
    """Whether 10 d t rows are there and the second order adds at most a half."""
    return _within(e, DOUBLE)
