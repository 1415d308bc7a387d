"""From moments and a prediction to a verdict.

Two-sided tests for exact statements, one-sided for bounds, at a false-alarm rate of at most 0.001
a verdict, split over the trusted generations. Means of skewed samples are tested with Hall's
transformation of z; indicators by the exact binomial law.

References:
    hall1992
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from collapse_theory.catalogue.base import Kind, Statement, Status
from collapse_theory.experiment import Experiment, describe
from collapse_theory.moments import Moments
from collapse_theory.result import skewness, trusted

ALPHA = 0.001  # false alarms a verdict, at most
LEVEL = ALPHA / 2  # of the tests: half is left for what skewness and tails still do to them
POWER = 0.999  # with which a deviation of size `detectable` would have been seen
ASKED = 0.03  # relative deviation that a verdict of "consistent" must be able to see
ROUNDING = {
    "float32": 2e-6,
    "float64": 1e-8,
}  # relative error of a simulated mean that is not Monte Carlo

FARTHEST = 37.0  # tail probabilities below this many sigma underflow

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What a run says about a theorem.

    Arrays have shape (T,); NaN where the theorem is silent or nothing can be said.

    Attributes:
        theorem: the statement that was judged.
        experiment: the case.
        expected: the verdict that the case should get.
        status: consistent, refuted or inconclusive.
        reason: one sentence.
        chains: how many were simulated.
        predicted: the value or bound, in the unit of the observable.
        observed: the mean over chains.
        se: its Monte Carlo standard error.
        z: standardised deviation of the simulated mean from the prediction (positive: above it).
        trusted: generations whose standard error may be believed, up to the first that may not.
        detectable: the smallest relative deviation, the same at every generation, that this run
            would have seen with 99.9 % power.
        detectable_at: the same for each generation on its own.
        moments: what was judged.
        slack: for bounds, 1 - observed / bound.
        dtype: of the chains.
        rungs: a verdict for each size, for asymptotic statements.
        seconds: what the simulation took.
        planted_seen: whether the theorem's planted error would have been refuted by the same run;
            None where nothing is claimed.
    """

    theorem: Statement
    experiment: Any
    expected: Status
    status: Status
    reason: str
    chains: int
    predicted: Array
    observed: Array
    se: Array
    z: Array
    trusted: NDArray[np.bool_]
    detectable: float
    detectable_at: Array
    moments: Moments
    dtype: str = "float64"
    rungs: tuple[Verdict, ...] = ()
    seconds: float = 0.0
    planted_seen: bool | None = None

    @property
    def case(self) -> str:
        """The experiment in a few words."""
        e = self.experiment
        return describe(e) if isinstance(e, Experiment) else str(e)

    @property
    def slack(self) -> Array:
        """1 - observed / bound."""
        return 1 - self.observed / self.predicted

    @property
    def max_abs_z(self) -> float:
        """Largest |z| over the trusted generations; NaN if there is none."""
        z = np.abs(self.z[self.trusted & np.isfinite(self.predicted)])
        return float(z.max()) if z.size else float("nan")

    @property
    def trusted_until(self) -> int:
        """The last generation of the trusted stretch; 0 if there is none."""
        return int(self.trusted.sum())

    @property
    def as_expected(self) -> bool:
        """Whether the verdict is the one the case should get."""
        return self.status is self.expected

    def __str__(self) -> str:
        return (
            f"{self.theorem.name}  {self.status.value.upper()}  max|z|={self.max_abs_z:.1f}  "
            f"detectable={self.detectable:.2%}  trusted t<={self.trusted_until}  {self.reason}"
        )


def judge(
    theorem: Statement,
    experiment: Any,
    moments: Moments,
    *,
    predicted: Array | None = None,
    asked: float = ASKED,
    dtype: str = "float64",
    expected: Status = Status.CONSISTENT,
) -> Verdict:
    """Hold the moments of one observable against the theorem's prediction.

    Args:
        theorem: the statement.
        experiment: what was run.
        moments: of the theorem's observable, arrays (T,): :meth:`Result.column`.
        predicted: the prediction, shape (T,); the theorem's own if left out.
        asked: the relative deviation that "consistent" must be able to exclude.
        dtype: of the chains, "float32" or "float64": sets what rounding may do.
        expected: the verdict that the case should get.

    Example:
        >>> import collapse_theory as ct
        >>> e = ct.Experiment(
        ...     family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3,
        ...     observables=("mean_squared_error",),
        ... )
        >>> result = ct.simulate(e, chains=200_000, seed=0)
        >>> statement = ct.theorem_named("replace.mean_moments")
        >>> ct.judge(statement, e, result.column("mean_squared_error")).status.value
        'consistent'
    """
    if predicted is None:
        predicted = theorem.predict(experiment)
    speaks = np.isfinite(predicted)
    believed = np.logical_and.accumulate(
        _believed(theorem, experiment, moments, predicted) | ~speaks
    )
    use = speaks & believed
    se = standard_error(theorem, moments, predicted, ROUNDING[dtype])
    z = np.where(speaks, deviation(theorem, moments, predicted, se), np.nan)
    limit = critical(theorem.kind, max(1, int(use.sum())))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(predicted == 0, np.sqrt(moments.m2 / np.maximum(moments.n, 1)), predicted)
        seen = (limit + stats.norm.ppf(POWER)) * se / np.abs(scale)
    seen = np.where(use, seen, np.nan)
    detectable = 0.0 if use.any() else float("inf")  # where nothing spreads, anything is seen
    if not np.isnan(seen).all():
        detectable = float(np.nanmin(seen))
    status, reason = _decide(theorem, z, use, speaks, limit, detectable, asked)
    return Verdict(
        theorem=theorem, experiment=experiment, expected=expected, status=status, reason=reason,
        chains=int(moments.n.max() + moments.nonfinite.max()), predicted=predicted,
        observed=moments.mean, se=se, z=z, trusted=believed, detectable=detectable,
        detectable_at=seen, moments=moments, dtype=dtype,
    )  # fmt: skip


def critical(kind: Kind, generations: int) -> float:
    """The |z| beyond which a verdict is a refutation, Bonferroni over generations."""
    sides = 1 if kind in (Kind.UPPER, Kind.LOWER) else 2
    return float(stats.norm.isf(LEVEL / sides / generations))


def _believed(
    theorem: Statement, experiment: Any, m: Moments, predicted: Array
) -> NDArray[np.bool_]:
    if not theorem.finite_kurtosis(experiment):
        return np.zeros(m.n.shape, bool)
    if theorem.observable.binary:
        finite: NDArray[np.bool_] = m.nonfinite == 0
        return finite  # judged by the exact binomial law
    return trusted(m)


def standard_error(theorem: Statement, m: Moments, predicted: Array, rounding: float) -> Array:
    """Of the mean, as far as the sample shows it; ``rounding`` is relative to the prediction."""
    n = np.maximum(m.n, 2)
    variance = m.m2 / (n - 1)
    if theorem.observable.binary:
        p = np.clip(np.nan_to_num(predicted), 0, 1)
        variance = np.maximum(variance, p * (1 - p))
    # beside the sample's own spread: rounding, and an event of chance 1/n and of the size of the
    # mean that no chain happened to show (a sample without any spread proves nothing about rarer
    # ones)
    error: Array = np.sqrt(variance / n + ((rounding + 1 / n) * np.nan_to_num(predicted)) ** 2)
    return error


def deviation(theorem: Statement, m: Moments, predicted: Array, se: Array) -> Array:
    """Standard normal if the prediction holds and the standard errors may be believed."""
    if theorem.observable.binary:
        return _binomial_z(m, predicted)
    gap = m.mean - predicted
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(gap == 0, 0, gap / se)
    a = np.where(se > 0, skewness(m) / np.sqrt(np.maximum(m.n, 1)), 0)
    endless = np.isinf(z)  # no spread at all, and wrong
    bounded = np.where(endless, 0, z)
    symmetric = bounded + a / 6 + a * bounded**2 / 3 + a**2 * bounded**3 / 27
    return np.where(endless, z, symmetric)


def _binomial_z(m: Moments, predicted: Array) -> Array:
    """The normal quantile of the exact mid-p tail probability of the count."""
    p = np.clip(np.nan_to_num(predicted), 0, 1)
    count = np.round(m.mean * m.n)
    point = stats.binom.pmf(count, m.n, p)
    lower = stats.binom.cdf(count, m.n, p) - point / 2
    upper = stats.binom.sf(count, m.n, p) + point / 2
    z = np.where(upper < lower, stats.norm.isf(upper), stats.norm.ppf(lower))
    return np.clip(np.where(point == 1, 0, z), -FARTHEST, FARTHEST)


def _decide(
    theorem: Statement,
    z: Array,
    use: Any,
    speaks: Any,
    limit: float,
    detectable: float,
    asked: float,
) -> tuple[Status, str]:
    if not use.any():
        return Status.INCONCLUSIVE, "no generation whose standard error may be believed"
    signed = {Kind.UPPER: z, Kind.LOWER: -z}.get(theorem.kind, np.abs(z))
    worst = int(np.nanargmax(np.where(use, signed, -np.inf)))
    if signed[worst] > limit:
        return Status.REFUTED, f"z = {z[worst]:+.1f} at generation {worst + 1}"
    if not use[speaks].all():
        return Status.INCONCLUSIVE, (
            f"consistent up to generation {int(np.flatnonzero(use).max()) + 1}; beyond it a few "
            "chains carry the mean"
        )
    if detectable > asked:
        factor = (detectable / asked) ** 2
        return Status.INCONCLUSIVE, f"{factor:.1f} times the chains would decide at {asked:.1%}"
    return Status.CONSISTENT, "no deviation"


__all__ = [
    "ALPHA", "ASKED", "POWER", "ROUNDING", "Verdict", "critical", "deviation", "judge",
    "standard_error",
]  # fmt: skip
