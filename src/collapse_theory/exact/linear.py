r"""Exact second moments of every workflow that fits by weighted pooled maximum likelihood.

Batch `b` holds `n_b` rows drawn iid from the mixture `sum_s pi_bs model_s` of earlier fits (model 0
is the truth), and fit `t` is the weighted mean `theta_t = sum_b W_tb xbar_b`. Centre each batch at
its conditional mean, `xi_b = xbar_b - sum_s pi_bs theta_s`. The `xi_b` are martingale differences,
so they are uncorrelated, and

$$\theta_t - m = \sum_b A_{tb}\,\xi_b,\qquad A_0 = 0,\quad
  A_t = \sum_b W_{tb}\Big(e_b + \sum_s \pi_{bs} A_s\Big).$$

Nothing but the mean and the quadratic variance function `V(m) = v0 + v1 m + v2 m^2` of the family
is used.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from collapse_theory.exact.validation import Matrix, Vector, at_least

ROW_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class LinearWorkflow:
    r"""A workflow as two matrices: where each batch came from, and how much each fit listens to it.

    A batch that no fit uses (a column of zeros in `weights`) is ignored altogether: its size may be
    0 and its sources may be anything. Sizes may be `inf` (a population batch). Weights may be
    negative, as in de-biased estimators, as long as every fitted parameter stays in the mean domain
    of the family.

    Attributes:
        sizes: rows in each batch, shape [B].
        sources: mixture weights of the models that the rows of a batch were drawn iid from, shape
            [B, T+1]; column 0 is the truth, column s the s-th fit; rows of used batches are >= 0
            and sum to 1.
        weights: share of batch b in the training set of fit t, shape [T, B]; rows sum to 1.

    Raises:
        ValueError: wrong shape, non-finite entry, row sum, size of a used batch, or a fit that uses
            a batch drawn from itself or from a later fit.
    """

    sizes: Vector
    sources: Matrix
    weights: Matrix

    def __post_init__(self) -> None:
        for name in ("sizes", "sources", "weights"):
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        _check_shapes(self)
        _check_values(self)

    @property
    def generations(self) -> int:
        """Number of fits T."""
        return int(self.weights.shape[0])

    @property
    def used(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Which batches at least one fit uses, shape [B]."""
        used: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = (self.weights != 0.0).any(axis=0)
        return used


@dataclass(frozen=True, eq=False)
class SecondMoments:
    """Covariances of the fits, in units of the variance function at the truth.

    Attributes:
        covariance: Cov(theta_s, theta_t) / V(m), shape [T+1, T+1]; row and column 0 (truth) are 0.
        v2: quadratic coefficient of the variance function.
    """

    covariance: Matrix
    v2: float

    @property
    def variance(self) -> Vector:
        """Var(theta_t) / V(m) for t = 1..T, shape [T]."""
        return np.diagonal(self.covariance)[1:].copy()

    @property
    def variance_function(self) -> Vector:
        """E V(theta_t) / V(m) = 1 + v2 Var_t, shape [T], absolute error 1e-13."""
        return np.asarray(1.0 + self.v2 * self.variance, dtype=np.float64)


def coefficients(workflow: LinearWorkflow) -> Matrix:
    r"""Error coefficients of every fit on the noise of every batch.

    $A = (I - W \Pi_{\ge 1})^{-1} W$ with $\Pi_{\ge 1}$ the columns 1..T of `sources`: one
    triangular solve.

    Args:
        workflow: the workflow.

    Returns:
        A, shape [T+1, B], row 0 zero; relative error about 1e-14 for non-negative weights.

    References:
        derived
    """
    used = workflow.used
    result = np.zeros((workflow.generations + 1, used.size))
    weights = workflow.weights[:, used]
    feedback = weights @ workflow.sources[used, 1:]
    result[1:, used] = solve_triangular(-feedback, weights, lower=True, unit_diagonal=True)
    return result


def second_moments(workflow: LinearWorkflow, v2: float) -> SecondMoments:
    r"""Covariances of all fits in a natural exponential family with quadratic variance function.

    $r_{st} = \sum_b A_{sb}A_{tb}\,\nu_b$ in units of $V(m)$, where the noise of a batch from a
    mixture is

    $$\nu_b = \frac{1 + (1+v_2)\sum_s \pi_{bs} r_{ss} - \pi_b^\top r\,\pi_b}{n_b},$$

    which is $(1+v_2 r_{ss})/n_b$ for a single source. Values of `v2`: Gaussian with fitted variance
    (first two moments, ddof 0) and one-hot symbols -1; Binomial(N) -1/N; known-variance Gaussian
    and Poisson 0; Gamma of shape a 1/a (exponential 1). With v2 = -1 the mean fitted covariance is
    `1 - variance`, for any truth.

    Args:
        workflow: the workflow.
        v2: quadratic coefficient of the variance function, >= -1.

    Returns:
        The covariances; absolute error about 1e-13 when `variance` is of order one.

    Raises:
        ValueError: if v2 is not finite or below -1.

    References:
        derived
    """
    v2 = at_least("v2", v2, -1.0)
    matrix = coefficients(workflow)
    covariance = (matrix * _batch_noise(workflow, matrix, v2)) @ matrix.T
    return SecondMoments((covariance + covariance.T) / 2.0, v2)


def variance_function(workflow: LinearWorkflow, v2: float) -> Vector:
    r"""E V(theta_t) / V(m) = 1 + v2 Var_t with a small relative error even where it is e^-100.

    The kernel $h_{xy} = 1 + v_2\,\mathrm{Cov}(x,y)/V(m)$ between fits and batch means is linear in
    both arguments; only the diagonal of a batch differs:
    $h_{bb} = (1-1/n_b)\,\pi_b^\top h\,\pi_b + (1+v_2)\sum_s\pi_{bs}h_{ss}/n_b$. For weights >= 0
    nothing is subtracted (v2 = -1: h is the chance that two draws are not copies of one ancestor).

    Args:
        workflow: the workflow.
        v2: quadratic coefficient of the variance function, >= -1.

    Returns:
        Shape [T]; relative error about 1e-12. Time O(T B (T+B)), memory (T+B)^2 floats.

    Raises:
        ValueError: if v2 is not finite or below -1.

    References:
        derived
    """
    at_least("v2", v2, -1.0)
    first = workflow.generations + 1
    kernel = np.zeros((first + workflow.sizes.size,) * 2)
    kernel[0, :] = kernel[:, 0] = 1.0
    for t, new in enumerate(_arrivals(workflow), start=1):
        sources = workflow.sources[new, :t]
        rows = sources @ kernel[:t]
        block = rows[:, :t] @ sources.T
        share = 1.0 / workflow.sizes[new]
        own = (1.0 - share) * np.diagonal(block)
        np.fill_diagonal(block, own + (1.0 + v2) * share * (sources @ np.diagonal(kernel)[:t]))
        kernel[first + new, :] = rows
        kernel[:, first + new] = rows.T
        kernel[np.ix_(first + new, first + new)] = block
        lo, hi = np.flatnonzero(workflow.weights[t - 1])[[0, -1]] + [0, 1]
        weights = workflow.weights[t - 1, lo:hi]
        kernel[t, :] = kernel[:, t] = weights @ kernel[first + lo : first + hi]
        kernel[t, t] = weights @ kernel[t, first + lo : first + hi]
    return np.diagonal(kernel)[1:first].copy()


def _batch_noise(workflow: LinearWorkflow, matrix: Matrix, v2: float) -> Vector:
    """Noise variance of every batch mean given its models, units of V(m), shape [B]."""
    mixed = workflow.used & ((workflow.sources > 0.0).sum(axis=1) > 1)
    place = np.cumsum(mixed) - 1
    centre = (workflow.sources[mixed] @ matrix) ** 2
    noise, variance = np.zeros(workflow.sizes.size), np.zeros(workflow.generations + 1)
    for t, new in enumerate(_arrivals(workflow), start=1):
        single, several = new[~mixed[new]], new[mixed[new]]
        total = 1.0 + (1.0 + v2) * (workflow.sources[several] @ variance)
        total -= centre[place[several]] @ noise
        noise[several] = np.maximum(total, 0.0) / workflow.sizes[several]
        noise[single] = max(1.0 + v2 * variance[t - 1], 0.0) / workflow.sizes[single]
        variance[t] = matrix[t] ** 2 @ noise
    return noise


def _arrivals(workflow: LinearWorkflow) -> list[np.ndarray[tuple[int, ...], np.dtype[np.intp]]]:
    """Used batches whose latest source is fit t-1, one index array for each t = 1..T."""
    latest = np.where(workflow.used, _latest_source(workflow.sources), -1)
    order = np.argsort(latest, kind="stable")
    edges = np.searchsorted(latest[order], np.arange(workflow.generations + 1))
    return [order[a:b] for a, b in itertools.pairwise(edges)]


def _latest_source(sources: Matrix) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    columns = sources.shape[1]
    return np.asarray(columns - 1 - np.argmax(sources[:, ::-1] > 0.0, axis=1), dtype=np.intp)


def _check_shapes(workflow: LinearWorkflow) -> None:
    if workflow.weights.ndim != 2 or 0 in workflow.weights.shape:
        raise ValueError(f"weights must be a non-empty [T, B], got shape {workflow.weights.shape}")
    steps, batches = workflow.weights.shape
    if workflow.sizes.shape != (batches,):
        raise ValueError(f"sizes must have shape [B] = {(batches,)}, got {workflow.sizes.shape}")
    if workflow.sources.shape != (batches, steps + 1):
        allowed = (batches, steps + 1)
        raise ValueError(
            f"sources must have shape [B, T+1] = {allowed}, got {workflow.sources.shape}"
        )


def _check_values(workflow: LinearWorkflow) -> None:
    used, weights = workflow.used, workflow.weights
    if not (np.isfinite(weights).all() and np.isfinite(workflow.sources[used]).all()):
        raise ValueError("weights and sources must be finite")
    if (workflow.sources[used] < 0.0).any():
        raise ValueError("sources must be >= 0 (mixture weights)")
    for name, sums in (("weights", weights.sum(1)), ("sources", workflow.sources[used].sum(1))):
        gap = np.abs(sums - 1.0)
        if gap.max() > ROW_SUM_TOLERANCE:
            i = int(np.argmax(gap))
            row = i if name == "weights" else int(np.flatnonzero(used)[i])
            raise ValueError(f"{name} row {row} must sum to 1 (in float64), got {sums[i]!r}")
    if not (workflow.sizes[used] > 0.0).all():
        b = int(np.flatnonzero(used & ~(workflow.sizes > 0.0))[0])
        raise ValueError(f"sizes[{b}] must be > 0: a fit uses batch {b}, got {workflow.sizes[b]}")
    first_use = 1 + np.argmax(weights != 0.0, axis=0)
    acausal = used & (_latest_source(workflow.sources) >= first_use)
    if acausal.any():
        b = int(np.flatnonzero(acausal)[0])
        raise ValueError(
            f"batch {b} must come from fits before fit {first_use[b]}, the first to use it"
        )
