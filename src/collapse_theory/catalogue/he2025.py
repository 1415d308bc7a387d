"""Recursive Learning Without Collapse: A Weighting-Based Stabilization Framework.

Fresh real data and synthetic data, weighted. The paper's text was not read; the optimal weight was
seen in a summary of it.
"""

from __future__ import annotations

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.quadratic import settled
from collapse_theory.exact.validation import Vector
from collapse_theory.exact.weighting import optimal_weight, weighted_mse
from collapse_theory.experiment import Experiment
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.observables import parameters
from collapse_theory.workflows.weighted import Weighted

DERIVED = Source("he2025")
ROUNDING = 1e-6  # how far a weight written by hand may be from the best one


def _fresh(e: Experiment) -> bool:
    later = setting.constant(e.sizes[1:]) and setting.constant(e.real_sizes[1:])
    return e.workflow.real == "fresh" and later


def _best(e: Experiment) -> float:
    return optimal_weight(float(e.real_sizes[-1]), float(e.sizes[-1]))


def _curve(e: Experiment) -> Vector:
    n, m = int(e.real_sizes[-1]), int(e.sizes[-1])
    first = 1 / e.real_sizes[0]
    error = weighted_mse(n, m, e.workflow.weight, e.generations, initial=first)
    values: Vector = e.family.var * error
    return values


@theorem(
    "he2025.weighted_mse",
    observable=parameters.mean_squared_error,
    kind=Kind.EXACT,
    source=DERIVED,
    family=GaussianMean,
    workflow=Weighted,
    where=_fresh,
    cases=(setting.GOLDEN, setting.WEIGHTED_BEST),
)
def weighted_error(e: Experiment) -> Vector:
    r"""$\mathrm{MSE}_t = \frac{w^2\sigma^2}n +
    (1-w)^2\big(\frac{\sigma^2}m+\mathrm{MSE}_{t-1}\big)$, started at $\sigma^2/n_1$.

    n fresh real rows of weight w and m rows of the last fit in every generation after the first;
    known variance.
    """
    return _curve(e)


@theorem(
    "he2025.optimal_weight",
    observable=parameters.mean_squared_error,
    kind=Kind.LIMIT,
    source=DERIVED,
    family=GaussianMean,
    workflow=Weighted,
    where=lambda e: _fresh(e) and abs(e.workflow.weight - _best(e)) < ROUNDING,
    cases=(setting.GOLDEN, setting.WEIGHTED_BEST),
    planted=lambda values: values / setting.GOLDEN.workflow.weight,  # no gain from synthetic rows
)
def best_error(e: Experiment) -> Vector:
    r"""$\mathrm{MSE}_\infty = w^*\,\frac{\sigma^2}n$ at the best weight
    $w^* = \frac{\sqrt{k^2+4k}-k}2$, $k=n/m$: for n = m it is $\frac{\sqrt5-1}2$.

    n fresh real rows of weight $w^*$ and m rows of the last fit in every generation; known
    variance; judged where the exact curve is within a millionth of its limit. So n fresh rows are
    worth $n/w^*$.
    """
    return settled(_curve(e), _best(e) * e.family.var / float(e.real_sizes[-1]))
