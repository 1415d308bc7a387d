"""What definitions look at: curves of means over chains, with leave-one-group-out replicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from collapse_theory.diagnostics.base import Curves
from collapse_theory.engine import run_values
from collapse_theory.experiment import Experiment
from collapse_theory.moments import moments_of
from collapse_theory.observables import (
    distances,
    divergences,
    diversity,
    parameters,
    support,
)
from collapse_theory.observables.base import Observable
from collapse_theory.placement import Plan
from collapse_theory.result import trusted

GROUPS = 32
"""Chains are dealt into so many groups; a standard error is the jackknife over them, t with 31
degrees of freedom, whatever the statistic."""

SCALES = (1, 2, 8)
SCALED_CHAINS = 4096  # at each of the larger sizes: exponents to 0.01 or 0.02

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
        found = self._collected
        return _without_each(found.sums[..., self.observables.index(observable)], found.chains)

    def trusted(self, observable: Observable) -> NDArray[np.bool_]:
        """Where no few chains carry the second moment: (T,)."""
        return self._collected.trusted[:, self.observables.index(observable)]

    def infinite(self) -> Curves:
        """The share of chains whose risk is not finite, as curves."""
        return _without_each(self._collected.infinite, self._collected.chains)

    def at_truth(self, observable: Observable) -> float:
        """The observable of the true model itself."""
        return observable.at_truth(self.experiment.family, self.experiment.truth)

    @cached_property
    def larger(self) -> tuple[Evidence, ...]:
        """The same risk at each of `SCALES` times the rows of every generation, real ones too."""
        chains = min(self.chains, SCALED_CHAINS)
        small = replace(self, chains=chains, extra=False)
        first = self if chains == self.chains else small
        rest = (replace(small, experiment=_scaled(self.experiment, k)) for k in SCALES[1:])
        return first, *rest

    @cached_property
    def _collected(self) -> _Collected:
        experiment = replace(self.experiment, observables=self.observables)
        setup = experiment.setup(self.plan.resolve_dtype())
        shape = (experiment.generations, len(self.observables))
        found = _Collected(
            np.zeros((GROUPS, *shape)), np.zeros((GROUPS, 1)), np.zeros((GROUPS, shape[0]))
        )
        moments, done = None, 0
        ids = range(self.first_chain, self.first_chain + self.chains)
        for block in run_values(setup, self.seed, ids):
            group = np.arange(done, done + len(block)) % GROUPS
            np.add.at(found.sums, group, block)
            np.add.at(found.infinite, group, ~np.isfinite(block[:, :, 0]))
            np.add.at(found.chains, group, 1.0)
            new = moments_of(block)
            moments = new if moments is None else moments.merge(new)
            done += len(block)
            if self.plan.progress is not None:
                self.plan.progress(done, self.chains)
        assert moments is not None
        return found._replace(trusted=trusted(moments))


class _Collected(NamedTuple):
    """By group of chains: sums (groups, T, observables), chains (groups, 1), chains whose risk is
    not finite (groups, T); and where standard errors may be believed (T, observables).
    """

    sums: Curves
    chains: Curves
    infinite: Curves
    trusted: NDArray[np.bool_] = np.empty(0, bool)


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
