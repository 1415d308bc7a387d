r"""Covariance recursions for count models: one-hot symbols fitted by weighted frequencies.

Everything is reported as $V_t/(1-S_0)$ with $V_t = E\lVert p_t - p\rVert^2$ and
$S_0 = \sum_i p_i^2$: for deterministic weights the recursions depend on the alphabet and on p
through $S_0$ only. They are written directly in the covariances and share no code with the linear
engine, so each one checks the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from collapse_theory.exact.validation import Matrix, Sizes, Vector, schedule

ROW_SUM_TOLERANCE = 1e-9


def batch_covariance(sizes: Sizes, weights: ArrayLike) -> Vector:
    r"""Mean squared error of every fit when the batches are kept and used again.

    Batch 0 is real and batch j holds `n_j` draws from fit j. Fit $p_t = \sum_{j<t} a_{tj} b_j$. In
    units of $1-S_0$, $B_{00} = 1/n_0$, $V_t = a_t^\top B a_t$, $B_{tt} = (1-V_t)/n_t + V_t$,
    $B_{it} = \sum_{k<t} a_{tk}B_{ik}$.

    Args:
        sizes: draws in batches 0..T-1, shape [T].
        weights: share of batch j in fit t (row t-1), shape [T, T], lower triangular, rows sum to 1.

    Returns:
        V_t / (1 - S_0) for t = 1..T, shape [T]; absolute error about 1e-14.

    Raises:
        ValueError: wrong shape, size below 1, weight on a batch that does not exist yet, or a row
            sum.

    References:
        derived
    """
    n = schedule("sizes", sizes, 1)
    a = _causal_weights(weights, n.size)
    kernel = np.zeros((n.size, n.size))
    error = np.zeros(n.size)
    kernel[0, 0] = 1.0 / n[0]
    for t in range(1, n.size + 1):
        row = a[t - 1, :t]
        cross = kernel[:t, :t] @ row
        error[t - 1] = row @ cross
        if t < n.size:
            kernel[:t, t] = kernel[t, :t] = cross
            kernel[t, t] = (1.0 - error[t - 1]) / n[t] + error[t - 1]
    return error


def fresh_covariance(weights: ArrayLike, sizes: ArrayLike, *, iid: bool = False) -> Vector:
    r"""Mean squared error of every fit when each fit sees new draws from any past models.

    $p_t = \sum_{s<t} w_{ts}\hat p_{s,t}$ with `n_ts` new draws from fit s (s = 0: fresh real data).
    In units of $1-S_0$, with $C_{st} = E\langle p_s-p,\,p_t-p\rangle$ and $C_{0\cdot}=0$:
    $C_{tu} = \sum_s w_{ts}C_{su}$ for u < t and
    $C_{tt} = \sum_s w_{ts}^2(1-C_{ss})/n_{ts} + w_t^\top C w_t$. If the `n_t` draws are iid from
    the mixture $\sum_s w_{ts}p_s$ (random source of each draw), the first sum becomes
    $(1-w_t^\top C w_t)/n_t$.

    Args:
        weights: weight of model s = 0..T-1 in fit t (row t-1), [T, T], lower triangular.
        sizes: draws `n_ts`, shape [T, T]; or draws `n_t`, shape [T], when `iid`.
        iid: whether all rows of a generation are drawn iid from the mixture.

    Returns:
        V_t / (1 - S_0) for t = 1..T, shape [T]; absolute error about 1e-14.

    Raises:
        ValueError: wrong shape, no draws under a positive weight, a future source, or a row sum.

    References:
        derived
    """
    counts = np.asarray(sizes, dtype=np.float64)
    w = _causal_weights(weights, counts.shape[0] if counts.ndim else 0)
    _check_draws(counts, w, iid)
    kernel = np.zeros((len(w) + 1, len(w) + 1))
    for t in range(1, len(w) + 1):
        row = w[t - 1, :t]
        cross = kernel[:t, :t] @ row
        carried = row @ cross
        if iid:
            noise = (1.0 - carried) / counts[t - 1]
        else:
            on = row != 0.0
            noise = row[on] ** 2 @ ((1.0 - np.diagonal(kernel)[:t][on]) / counts[t - 1, :t][on])
        kernel[:t, t] = kernel[t, :t] = cross
        kernel[t, t] = noise + carried
    return np.diagonal(kernel)[1:].copy()


def _check_draws(counts: Matrix, weights: Matrix, iid: bool) -> None:
    steps = weights.shape[0]
    if counts.shape != ((steps,) if iid else (steps, steps)):
        raise ValueError(f"sizes must have shape {'[T]' if iid else '[T, T]'}, got {counts.shape}")
    needed = np.ones(steps, dtype=bool) if iid else weights != 0.0
    if not (counts[needed] >= 1.0).all():
        raise ValueError("sizes must be >= 1 wherever the weight is not zero")


def _causal_weights(weights: ArrayLike, steps: int) -> Matrix:
    array = np.asarray(weights, dtype=np.float64)
    if steps < 1 or array.shape != (steps, steps):
        raise ValueError(f"weights must have shape [T, T] with T = {steps} >= 1, got {array.shape}")
    if not np.isfinite(array).all() or np.triu(array, 1).any():
        raise ValueError(
            "weights must be finite and lower triangular: fit t uses columns 0..t-1 only"
        )
    gap = np.abs(array.sum(axis=1) - 1.0)
    if gap.max() > ROW_SUM_TOLERANCE:
        t = int(np.argmax(gap))
        raise ValueError(f"weights row {t} must sum to 1 (in float64), got {array[t].sum()!r}")
    return array
