"""What definitions look at: curves of means over chains, with leave-one-group-out replicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from collapse_theory.diagnostics.base import Curves
from collapse_theory.engine import Plan, run_values
from collapse_theory.experiment import Experiment
from collapse_theory.observables import (
    distances,
    divergences,
    diversity,
    parameters,
    support,
)
from collapse_theory.observables.base import Observable, Snapshot
from collapse_theory.result import TAIL_LIMIT

GROUPS = 32
"""Chains are dealt into so many groups; a standard error is the jackknife over them, t with 31
degrees of freedom, whatever the statistic."""

ROUNDING = 1e-12
SCALES = (1, 2, 8)
SCALED_CHAINS = 4096  # at each of the larger sizes: exponents to about 0.01

RISKS = (parameters.excess_risk, divergences.w2_squared, parameters.mean_squared_error)
BOUNDED = (
    distances.l1_to_truth, distances.l2_to_truth, distances.tv_to_truth,
    parameters.mean_squared_error,
)  # fmt: skip
LOOKED_AT = (
    divergences.kl_forward, diversity.gini, diversity.tail_recall, diversity.unseen_mass,
    diversity.collapsed, parameters.log_variance, parameters.log_det, parameters.log_scale,
    parameters.variance, parameters.scale_survives, support.hallucinated_mass,
    support.heat_distance, support.mode_overlap,
)  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """Chains of an experiment, seen through every observable that definitions ask for.

    Args:
        experiment: what was run.
        risk: the observable that measures how bad a fit is, 0 for the truth.
        chains, seed, first_chain: which chains.
        plan: dtype and progress; values are handed over on one device.
    """

    experiment: Experiment
    risk: Observable
    chains: int
    seed: int
    first_chain: int = 0
    plan: Plan = field(default_factory=Plan)
    extra: bool = True

    @cached_property
    def observables(self) -> tuple[Observable, ...]:
        """The risk, and what else is defined for the family."""
        looked_at = [o for o in LOOKED_AT if self.extra and o.supports(self.experiment.family)]
        return tuple(dict.fromkeys([self.risk, *looked_at]))

    def has(self, observable: Observable) -> bool:
        """Whether there are values of it."""
        return observable in self.observables

    def curve(self, observable: Observable) -> Curves:
        """Means over all chains, then without each group: (1 + groups, T)."""
        sums, counts = self._sums[..., self.observables.index(observable)], self._counts
        return _without_each(sums, counts)

    def trusted(self, observable: Observable) -> NDArray[np.bool_]:
        """Where no few chains carry the second moment: (T,)."""
        believed: NDArray[np.bool_] = self._tails[:, self.observables.index(observable)]
        return believed

    def infinite(self) -> Curves:
        """The share of chains whose risk is not finite, as curves."""
        return _without_each(self._lost, self._counts)

    def at_truth(self, observable: Observable) -> float:
        """The observable of the true model itself."""
        truth = self.experiment.family.model(self.experiment.truth)
        return float(observable(self.experiment.family, Snapshot(truth, truth, truth)))

    @cached_property
    def larger(self) -> tuple[Evidence, ...]:
        """The same risk at each of `SCALES` times the rows of every generation, real ones too."""
        chains = min(self.chains, SCALED_CHAINS)
        small = replace(self, chains=chains, extra=False)
        first = self if chains == self.chains else small
        rest = (replace(small, experiment=_scaled(self.experiment, k)) for k in SCALES[1:])
        return first, *rest

    @property
    def _sums(self) -> Curves:
        return self._collected[0]

    @property
    def _counts(self) -> Curves:
        return self._collected[1]

    @property
    def _lost(self) -> Curves:
        return self._collected[2]

    @property
    def _tails(self) -> NDArray[np.bool_]:
        return self._collected[3]

    @cached_property
    def _collected(self) -> tuple[Curves, Curves, Curves, NDArray[np.bool_]]:
        """Sums by group (groups, T, observables), chains by group, infinite risks by group, and
        where tails may be believed (T, observables).
        """
        experiment = replace(self.experiment, observables=self.observables)
        setup = experiment.setup(self.plan.resolve_dtype())
        shape = (experiment.generations, len(self.observables))
        sums, lost = np.zeros((GROUPS, *shape)), np.zeros((GROUPS, shape[0]))
        counts, tails, done = np.zeros((GROUPS, 1)), _Tails(shape), 0
        ids = range(self.first_chain, self.first_chain + self.chains)
        for block in run_values(setup, self.seed, ids):
            group = np.arange(done, done + len(block)) % GROUPS
            np.add.at(sums, group, block)
            np.add.at(lost, group, ~np.isfinite(block[:, :, 0]))
            np.add.at(counts, group, 1.0)
            tails.add(block)
            done += len(block)
            if self.plan.progress is not None:
                self.plan.progress(done, self.chains)
        return sums, counts, lost, tails.believed()


class _Tails:
    """Second and fourth moments about the first block's means."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.pivot: Curves | None = None
        self.n, self.sums = 0, np.zeros((4, *shape))

    def add(self, block: Curves) -> None:
        with np.errstate(invalid="ignore", over="ignore"):
            if self.pivot is None:
                self.pivot = block.mean(0)
            d = block - self.pivot
            self.sums += np.stack([(d**k).sum(0) for k in (1, 2, 3, 4)])
        self.n += len(block)

    def believed(self) -> NDArray[np.bool_]:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            a, b, c, d = self.sums / self.n
            variance = b - a**2
            fourth = d - 4 * a * c + 6 * a**2 * b - 3 * a**4
            share = np.sqrt(fourth / variance**2 / self.n)
        still = variance <= ROUNDING * b
        believed: NDArray[np.bool_] = np.isfinite(variance) & ((share <= TAIL_LIMIT) | still)
        return believed


def default_risk(experiment: Experiment) -> Observable:
    """Excess risk of a regression, squared 2-Wasserstein distance, or squared parameter error."""
    return next(o for o in RISKS if o.supports(experiment.family))


def _scaled(experiment: Experiment, factor: int) -> Experiment:
    def times(n: int | tuple[int, ...]) -> int | tuple[int, ...]:
        return n * factor if isinstance(n, int) else tuple(k * factor for k in n)

    real = None if experiment.n_real is None else times(experiment.n_real)
    return replace(experiment, n=times(experiment.n), n_real=real)


def _without_each(sums: Curves, counts: Curves) -> Curves:
    """Means over all groups, then without each; nan where infinities would cancel."""
    with np.errstate(invalid="ignore"):
        rest = (sums.sum(0) - sums) / (counts.sum() - counts)
    return np.concatenate([sums.sum(0)[None] / counts.sum(), rest])


def combine(f: Callable[..., Curves], *curves: Curves) -> Curves:
    """A function of curves, with the warnings of empty generations silenced."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.asarray(f(*curves))
