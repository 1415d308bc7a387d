"""Are standard errors what they say? Held against the scatter of independent means, against
bootstraps, and against variances that are known exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from collapse_theory import discovery
from collapse_theory.calibration.blocks import Values, blocks, moments_by_block
from collapse_theory.catalogue import exponential_families, settings_ols, settings_symbols
from collapse_theory.catalogue import settings_families as setting
from collapse_theory.experiment import Experiment, describe
from collapse_theory.families.classes import ClassesLaw, GaussianClasses
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.jobs import theorem_named
from collapse_theory.moments import Moments
from collapse_theory.observables import parameters
from collapse_theory.observables.base import Observable
from collapse_theory.result import kurtosis, trusted
from collapse_theory.workflows.replace import Replace

RESAMPLES = 400
FALSE_ALARM = 1e-4  # of each ratio that is judged

CLASSES = Experiment(
    family=GaussianClasses(), workflow=Replace(), truth=ClassesLaw((0.3, -0.5), (1.0, 2.0)),
    n=12, generations=4,
)  # fmt: skip
FEW_ROWS = Experiment(
    family=Gaussian(1), workflow=Replace(), n=4, generations=12,
    observables=(parameters.scale_survives,),
)  # fmt: skip
EXPERIMENTS = (
    setting.UNBIASED, FEW_ROWS, exponential_families.EXPONENTIAL, settings_ols.REPLACE, CLASSES,
    setting.POISSON, setting.SPACE_UNBIASED, exponential_families.GREATEST,
    settings_symbols.REPLACE,
)  # fmt: skip
"""Every observable is supported by one of these, but those of families fitted by iteration, on
texts or on tables, which would take an hour; their standard errors come from the same lines."""


def _stated(name: str) -> Callable[[Experiment], Any]:
    return lambda e: theorem_named(name).predict(e)


def _of_variance(e: Experiment) -> Any:
    mean, square = (_stated(f"replace.var_moments.{part}")(e) for part in ("mean", "square"))
    return square - mean**2


KNOWN: dict[tuple[Experiment, str], Callable[[Experiment], Any]] = {
    (setting.UNBIASED, "mean"): _stated("replace.mean_moments"),
    (setting.UNBIASED, "variance"): _of_variance,
    (exponential_families.EXPONENTIAL, "mean"): _stated("nefqvf.martingale.replace"),
    (setting.POISSON, "mean"): _stated("nefqvf.martingale.replace"),
}
"""Exact variances of one chain's value, by generation."""


@dataclass(frozen=True)
class Spread:
    """Standard errors of one observable over blocks of chains.

    Ratios are NaN where nothing can be said: the observable is constant or infinite, no variance is
    known, or so few chains carry the variance that even that of all blocks cannot be believed.

    Args:
        observable: its name.
        case: the experiment in a few words.
        generation: where they were taken: the last one, or the second where it is constant then.
        blocks: how many.
        chains: in each.
        believed: share of the blocks whose standard error the guard believes.
        scatter: standard deviation of the blocks' means over the standard error they report.
        error: standard error of ``scatter``.
        bootstrap: of one block, by the bootstrap, over the standard error it reports.
        known: standard error from the exact variance over the one reported.
        known_error: standard error of ``known``.
    """

    observable: str
    case: str
    generation: int
    blocks: int
    chains: int
    believed: float
    scatter: float
    error: float
    bootstrap: float
    known: float
    known_error: float

    @property
    def judged(self) -> bool:
        """Whether there is a ratio."""
        return bool(np.isfinite(self.scatter))

    @property
    def wrong(self) -> bool:
        """Whether a ratio is farther from 1 than chance allows, at 0.0001 each."""
        bar = stats.norm.isf(FALSE_ALARM / 2)
        boot_error = 1 / np.sqrt(2 * RESAMPLES)
        pairs = ((self.scatter, self.error), (self.bootstrap, boot_error),
                 (self.known, self.known_error))  # fmt: skip
        off = [abs(np.log(r)) > bar * error for r, error in pairs if np.isfinite(r)]
        return any(off)


def standard_errors(
    experiments: Sequence[Experiment] = EXPERIMENTS,
    *,
    count: int,
    chains: int,
    seed: int = 0,
    shrink: float = 1.0,
) -> tuple[Spread, ...]:
    """Hold the standard errors of every observable of some experiments to account.

    Args:
        experiments: what to run; where one names no observable, every one that its family has.
        count: blocks.
        chains: in each.
        seed: of the first experiment; each has its own.
        shrink: what reported standard errors are multiplied by: a fault to plant.
    """
    found: list[Spread] = []
    for i, e in enumerate(experiments):
        every = tuple(o for o in discovery.members(Observable) if o.supports(e.family))
        measured = replace(e, observables=e.observables or every)
        at = sorted({min(2, e.generations), e.generations})
        runs = blocks(
            measured, chains=chains, count=count, seeds=range(seed + i, seed + i + 1),
            keep=np.subtract(at, 1),
        )  # fmt: skip
        values = np.concatenate(list(runs))  # (blocks, chains, generations, observables)
        for j, o in enumerate(measured.observables):
            g = max([k for k in range(len(at)) if _varies(values[:, :, k, j])], default=-1)
            rng = np.random.default_rng([seed, i, j])
            blank = Spread(o.name, describe(e), at[g], count, chains, *(float("nan"),) * 6)
            found.append(_filled(blank, e, values[:, :, g, j], shrink, rng))
    return tuple(found)


def _filled(blank: Spread, e: Experiment, values: Values, shrink: float, rng: Any) -> Spread:
    m = moments_by_block(values)
    spread = replace(blank, believed=float(trusted(m).mean()))
    every = _all(m)
    if not trusted(every) or every.m2 == 0:
        return spread  # a constant, or nothing that has a standard error
    se = shrink * np.sqrt(m.m2 / (m.n - 1) / m.n)
    typical, heavy = float(np.sqrt((se**2).mean())), float(kurtosis(every))
    noise = np.sqrt((heavy - 1) / values.size) / 2
    of_means = np.sqrt((2 + (heavy - 3) / spread.chains) / (spread.blocks - 1)) / 2
    most = int(np.argmax(m.m2 > 0))
    exact = KNOWN.get((replace(e, observables=()), spread.observable))
    true = np.sqrt(exact(e)[spread.generation - 1] / spread.chains) if exact else np.nan
    return replace(
        spread,
        scatter=float(m.mean.std(ddof=1)) / typical,
        error=float(np.hypot(noise, of_means)),
        bootstrap=_bootstrap(values[most], rng) / float(se[most]),
        known=float(true) / typical,
        known_error=float(noise),
    )


def _varies(values: Values) -> bool:
    return bool(values.min() != values.max())


def _bootstrap(values: Values, rng: Any) -> float:
    """Standard deviation of the means of resamples."""
    picks = rng.integers(0, len(values), (RESAMPLES, len(values)))
    return float(values[picks].mean(1).std(ddof=1))


def _all(m: Moments) -> Moments:
    """Moments of all blocks together."""
    total = Moments(*(a[0] for a in m))
    for i in range(1, len(m.n)):
        total = total.merge(Moments(*(a[i] for a in m)))
    return total


__all__ = ["EXPERIMENTS", "Spread", "standard_errors"]
