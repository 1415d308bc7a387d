"""Asymptotic statements: a ladder of sizes and an extrapolation, never a bare tolerance.

On each rung the relative gap between simulation and statement is measured; a + b n^-order is fitted
to the gaps by weighted least squares, and the statement is consistent when a = 0 within its error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import stats

from collapse_theory.catalogue.base import Status, Theorem
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.judging import POWER, Verdict, critical, judge
from collapse_theory.result import Result

RUNGS = (1, 2, 4, 8)


def rung(experiment: Experiment, factor: int) -> Experiment:
    """The experiment with every size multiplied."""

    def grow(n: int | tuple[int, ...]) -> int | tuple[int, ...]:
        return tuple(factor * x for x in n) if isinstance(n, tuple) else factor * n

    real = experiment.n_real
    return replace(experiment, n=grow(experiment.n), n_real=None if real is None else grow(real))


def judge_ladder(
    theorem: Theorem, runs: Sequence[Result], *, asked: float, expected: Status
) -> Verdict:
    """A verdict from one run on each rung, at every generation; the first rung's curve is reported.

    Raises:
        InputError: the theorem states no order.
    """
    if theorem.order is None:
        raise InputError(f"{theorem.name}: an asymptotic statement must state its order")
    single = [
        judge(
            theorem, r.experiment, r.column(theorem.observable), dtype=r.facts["dtype"], asked=asked
        )
        for r in runs
    ]
    gaps = np.stack([v.observed / v.predicted - 1 for v in single])
    errors = np.stack([v.se / np.abs(v.predicted) for v in single])
    sizes = np.asarray([r.experiment.sizes[0] for r in runs], float)
    limit_gap, limit_se = _extrapolate(gaps, errors, (sizes / sizes[0]) ** -theorem.order)
    use = np.logical_and.reduce([v.trusted & np.isfinite(v.predicted) for v in single])
    z = np.where(use, limit_gap / limit_se, np.nan)
    bar = critical(theorem.kind, max(1, int(use.sum())))
    seen = np.where(use, (bar + stats.norm.ppf(POWER)) * limit_se, np.nan)
    detectable = float(np.nanmin(seen)) if use.any() else float("inf")
    status, reason = _decide(z, bar, use, detectable, asked)
    return replace(
        single[0], status=status, reason=reason, expected=expected, z=z, trusted=use,
        detectable=detectable, detectable_at=seen,
    )  # fmt: skip


def _extrapolate(
    gaps: np.ndarray, errors: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Intercept of gaps = a + b x and its error, by generation; gaps and errors are (rungs, T)."""
    w = 1 / errors**2
    sw, sx, sxx = w.sum(0), (w * x[:, None]).sum(0), (w * x[:, None] ** 2).sum(0)
    sy, sxy = (w * gaps).sum(0), (w * gaps * x[:, None]).sum(0)
    det = sw * sxx - sx**2
    return (sxx * sy - sx * sxy) / det, np.sqrt(sxx / det)


def _decide(
    z: np.ndarray, bar: float, use: np.ndarray, detectable: float, asked: float
) -> tuple[Status, str]:
    if not use.any():
        return Status.INCONCLUSIVE, "no generation whose standard error may be believed"
    worst = int(np.nanargmax(np.abs(z)))
    if abs(z[worst]) > bar:
        return Status.REFUTED, f"the limit is missed: z = {z[worst]:+.1f} at generation {worst + 1}"
    if detectable > asked:
        return Status.INCONCLUSIVE, f"{(detectable / asked) ** 2:.1f} times the chains would decide"
    return Status.CONSISTENT, f"the gap closes as the sizes grow {RUNGS[-1]}-fold"
