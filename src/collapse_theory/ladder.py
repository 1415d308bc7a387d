"""Asymptotic statements: a ladder of sizes and an extrapolation, never a bare tolerance.

On each rung the relative gap between simulation and statement is measured, and polynomials in
x = n^-order are fitted to the gaps by weighted least squares. The statement is consistent when the
line's value at x = 0 is 0 within its error, and refuted when the parabola's is not; between the two
the sizes are too small for the order to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from collapse_theory.catalogue.base import Statement, Status
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.judging import POWER, Verdict, critical

RUNGS = (1, 2, 4, 8)

Array = NDArray[np.float64]


def rung(experiment: Experiment, factor: int) -> Experiment:
    """The experiment with every size multiplied."""

    def grow(n: int | tuple[int, ...]) -> int | tuple[int, ...]:
        return tuple(factor * x for x in n) if isinstance(n, tuple) else factor * n

    real = experiment.n_real
    return replace(experiment, n=grow(experiment.n), n_real=None if real is None else grow(real))


def judge_ladder(
    theorem: Statement, rungs: Sequence[Verdict], sizes: Sequence[float], *, asked: float,
    expected: Status,
) -> Verdict:  # fmt: skip
    """A verdict from those of each size, at every generation; the first one's curve is reported.

    Raises:
        InputError: the theorem states no order.
    """
    if theorem.order is None:
        raise InputError(f"{theorem.name}: an asymptotic statement must state its order")
    single = tuple(rungs)
    gaps, errors = relative_gaps(single)
    x = (np.asarray(sizes, float) / sizes[0]) ** -theorem.order
    use = np.logical_and.reduce([v.trusted & np.isfinite(v.predicted) for v in single])
    line, curve = (np.where(use, _extrapolated(gaps, errors, x, d), np.nan) for d in (1, 2))
    bar = critical(theorem.kind, max(1, int(use.sum())))
    seen = (bar + stats.norm.ppf(POWER)) * line[1]
    detectable = float(np.nanmin(seen)) if use.any() else float("inf")
    z = line[0] / line[1]
    status, reason = _decide(z, curve[0] / curve[1], bar, (detectable, asked))
    return replace(
        single[0], status=status, reason=reason, expected=expected, z=z, trusted=use,
        detectable=detectable, detectable_at=seen, rungs=single,
    )  # fmt: skip


def relative_gaps(rungs: Sequence[Verdict]) -> tuple[Array, Array]:
    """Observed over predicted - 1 on each rung, and its standard error: shapes (rungs, T)."""
    gaps = np.stack([v.observed / v.predicted - 1 for v in rungs])
    return gaps, np.stack([v.se / np.abs(v.predicted) for v in rungs])


def polynomial(gaps: Array, errors: Array, x: Array, degree: int) -> tuple[Array, float]:
    """Weighted least squares over the rungs of one generation.

    Args:
        gaps: shape (rungs,).
        errors: their standard errors, > 0.
        x: where the rungs stand, n^-order in units of the first.
        degree: of the polynomial.

    Returns:
        Coefficients, the value at x = 0 first, and the standard error of that value.
    """
    inverse = np.linalg.pinv(np.vander(x, degree + 1, increasing=True) / errors[:, None])
    return inverse @ (gaps / errors), float(np.linalg.norm(inverse[0]))


def _extrapolated(gaps: Array, errors: Array, x: Array, degree: int) -> Array:
    """Value at x = 0 of the polynomial fitted to gaps (rungs, T), and its error: shape (2, T)."""
    out = np.full((2, gaps.shape[1]), np.nan)
    for t in np.flatnonzero(np.isfinite(gaps).all(0) & (errors > 0).all(0)):
        found, error = polynomial(gaps[:, t], errors[:, t], x, degree)
        out[:, t] = found[0], error
    return out


def _decide(z: Array, z_curve: Array, bar: float, power: tuple[float, float]) -> tuple[Status, str]:
    detectable, asked = power
    if not np.isfinite(z).any():
        return Status.INCONCLUSIVE, "no generation whose standard error may be believed"
    worst = int(np.nanargmax(np.abs(z_curve)))
    if abs(z_curve[worst]) > bar:
        where = f"z = {z_curve[worst]:+.1f} at generation {worst + 1}"
        return Status.REFUTED, f"the limit is missed: {where}"
    if np.nanmax(np.abs(z)) > bar:
        return (
            Status.INCONCLUSIVE,
            "the sizes are too small for the order to show; start from larger n",
        )
    if detectable > asked:
        return Status.INCONCLUSIVE, f"{(detectable / asked) ** 2:.1f} times the chains would decide"
    return Status.CONSISTENT, f"the gap closes as the sizes grow {RUNGS[-1]}-fold"
