"""What a simulation returns: moments by generation and observable, with Monte Carlo errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.engine import tally_moments
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.families.base import data_digest
from collapse_theory.moments import Moments, Tally
from collapse_theory.observables.base import Observable
from collapse_theory.placement import Plan, check_run
from collapse_theory.recursion import Setup
from collapse_theory.revision import versions
from collapse_theory.stepwise import Pages

if TYPE_CHECKING:
    import xarray

TAIL_LIMIT = 0.1
"""Largest sqrt(kurtosis / chains) at which a standard error is believed.

It bounds the share of the second moment that a single chain carries, and it is the relative error
of the variance estimate itself. Lognormal-like chains whose mean +- SE test fails (z down to -60
for a true mean) show 0.3 and more; at 0.1 the skewness-corrected z keeps its level.
"""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Result:
    """Moments over chains of each observable at generations 1..T.

    Indexing methods take an :class:`Observable` or its name and return arrays of shape (T,).

    Attributes:
        experiment: what was run.
        seed: of the run.
        chains: how many; ids ``first_chain .. first_chain + chains - 1`` were used.
        moments: counts, means and central power sums, float64, shape (T, observables).
        facts: versions, device, dtype, route ("law", "law, reduced" or "raw"); of a family that
            reads real data their digest, ``data``.
        plan: where it was run.
        first_chain: id of the first chain.
        tally: the part that :meth:`extend` builds on.
    """

    experiment: Experiment
    seed: int
    chains: int
    moments: Moments
    facts: dict[str, Any]
    plan: Plan = field(default_factory=Plan)
    first_chain: int = 0
    tally: Tally | None = field(default=None, repr=False, compare=False)

    @property
    def generations(self) -> NDArray[np.int64]:
        """1..T."""
        return np.arange(1, self.experiment.generations + 1)

    @property
    def names(self) -> tuple[str, ...]:
        """Observable names, in order."""
        return tuple(o.name for o in self.experiment.observables)

    def column(self, observable: Observable | str) -> Moments:
        """All moments of one observable.

        Raises:
            InputError: it was not measured.
        """
        name = observable if isinstance(observable, str) else observable.name
        if name not in self.names:
            raise InputError(
                f"observable {name!r} was not measured; there are {', '.join(self.names)}"
            )
        i = self.names.index(name)
        return Moments(*(a[:, i] for a in self.moments))

    def mean(self, observable: Observable | str) -> Array:
        """Mean over chains (finite values only); nan where there are none."""
        m = self.column(observable)
        return np.where(m.n > 0, m.mean, np.nan)

    def variance(self, observable: Observable | str) -> Array:
        """Variance over chains, divisor n - 1; nan where there are none."""
        m = self.column(observable)
        return np.where(m.n > 0, m.m2 / np.maximum(m.n - 1, 1), np.nan)

    def se(self, observable: Observable | str) -> Array:
        """Monte Carlo standard error of the mean."""
        return np.sqrt(self.variance(observable) / np.maximum(self.column(observable).n, 1))

    def skewness(self, observable: Observable | str) -> Array:
        """Third standardised moment; 0 where the variance is 0."""
        return skewness(self.column(observable))

    def kurtosis(self, observable: Observable | str) -> Array:
        """Fourth standardised moment (3 for a Gaussian); 0 where the variance is 0."""
        return kurtosis(self.column(observable))

    def nonfinite(self, observable: Observable | str) -> NDArray[np.int64]:
        """How many chains gave inf or nan."""
        return self.column(observable).nonfinite.astype(np.int64)

    def trusted(self, observable: Observable | str) -> NDArray[np.bool_]:
        """Where the standard error may be believed: all finite, and no few chains carry the
        variance.
        """
        return trusted(self.column(observable))

    def extend(self, chains: int) -> Result:
        """This result with so many further chains: the bits of one longer run.

        Nothing is run again but the chains of the last unit, where it was not whole.

        Args:
            chains: how many more; their ids follow those that were used.

        Raises:
            InputError: chains is not a whole number from 1, or the family's real data have changed.
        """
        check_run(chains, self.seed)
        there, here = self.facts.get("data"), data_digest(self.experiment.family)
        if there not in (None, here):
            raise InputError(f"the real data have changed: their digest was {there}, it is {here}")
        return _simulated(
            self.experiment, self.chains + int(chains), self.seed, self.plan, self.first_chain,
            before=self.tally,
        )  # fmt: skip

    def to_xarray(self) -> xarray.Dataset:
        """A Dataset with dimensions (generation, observable)."""
        from collapse_theory.store import to_dataset

        return to_dataset(self)

    def save(self, path: str | Path) -> Path:
        """Write to a zarr folder; :func:`collapse_theory.load` reads it back."""
        from collapse_theory.store import save

        return save(self, path)


def skewness(m: Moments) -> Array:
    """Third standardised moment; 0 where the variance is 0."""
    variance = m.m2 / np.maximum(m.n, 1)
    safe = np.where(variance > 0, variance, 1)
    return np.where(variance > 0, m.m3 / np.maximum(m.n, 1) / safe**1.5, 0)


def kurtosis(m: Moments) -> Array:
    """Fourth standardised moment; 0 where the variance is 0."""
    variance = m.m2 / np.maximum(m.n, 1)
    safe = np.where(variance > 0, variance, 1)
    return np.where(variance > 0, m.m4 / np.maximum(m.n, 1) / safe**2, 0)


def trusted(m: Moments) -> NDArray[np.bool_]:
    """Where the standard error may be believed (see TAIL_LIMIT)."""
    enough = np.sqrt(kurtosis(m) / np.maximum(m.n, 1)) <= TAIL_LIMIT
    held = np.isfinite(m.mean) & np.isfinite(m.m2) & np.isfinite(m.m4)  # else they overflowed
    believed: NDArray[np.bool_] = (m.nonfinite == 0) & (m.n > 1) & held & enough
    return believed


def simulate(
    experiment: Experiment,
    *,
    chains: int,
    seed: int,
    plan: Plan | None = None,
    route: str | None = None,
    first_chain: int = 0,
    store: str | Path | None = None,
) -> Result:
    """Run chains of an experiment.

    Args:
        experiment: what to run; it must name at least one observable.
        chains: how many independent chains.
        seed: any whole number; the same seed gives the same chains on any plan.
        plan: chunk, devices, dtype, progress.
        route: "law", "raw" or "auto"; the experiment's own if left out.
        first_chain: id of the first chain, to continue an earlier run.
        store: a folder that keeps the run as it goes: stopped, it goes on from there; with more
            chains than it holds, only these are run. The result is the same, bit for bit, as that
            of a run without it, and one with at least so many chains.

    Raises:
        InputError: a value is out of range, the route cannot serve the workflow, or the store holds
            something else, or is in use.

    Example:
        >>> import collapse_theory as ct
        >>> experiment = ct.Experiment(
        ...     family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3,
        ...     observables=("mean_squared_error",),
        ... )
        >>> result = ct.simulate(experiment, chains=1000, seed=0)
        >>> result.mean("mean_squared_error").round(2)  # theory: t / n
        array([0.11, 0.2 , 0.3 ])
        >>> result.extend(1000).chains
        2000
    """
    check_run(chains, seed)
    if not experiment.observables:
        raise InputError("observables is empty: name at least one")
    if route is not None:
        experiment = replace(experiment, route=route)
    plan, chains = plan or Plan(), int(chains)
    if store is None:
        return _simulated(experiment, chains, seed, plan, first_chain)
    from collapse_theory.resuming import open_run

    with open_run(store, experiment, seed, plan, first_chain, chains) as run:
        most = max(chains, run.tally.chains if run.tally else 0)
        so_far = run.tally, run.keep, run.pages
        found = _simulated(experiment, most, seed, plan, first_chain, *so_far)
        return run.finish(found)


def _simulated(
    experiment: Experiment,
    chains: int,
    seed: int,
    plan: Plan,
    first_chain: int,
    before: Tally | None = None,
    keep: Callable[[Tally], None] | None = None,
    pages: Pages | None = None,
) -> Result:
    setup = experiment.setup(plan.resolve_dtype())
    ids = range(first_chain, first_chain + chains)
    moments, tally = tally_moments(setup, seed, ids, plan, before, keep, pages)
    facts = provenance_facts(plan, route_taken(experiment, setup)) | data_facts(experiment)
    return Result(experiment, seed, chains, moments, facts, plan, first_chain, tally)


def route_taken(experiment: Experiment, setup: Setup) -> str:
    """How the data of a setup are drawn, in words."""
    short = ", reduced" if type(setup.family) is not type(experiment.family) else ""
    return type(setup.route).__name__.lower() + short


def data_facts(experiment: Experiment) -> dict[str, str]:
    """The digest of the real data that the family reads, as ``data``; nothing where it reads none.

    Raises:
        InputError: they cannot be read.
    """
    found = data_digest(experiment.family)
    return {} if found is None else {"data": found}


def provenance_facts(plan: Plan, route: str) -> dict[str, Any]:
    """Versions, device and dtype, for the record; no host or user name."""
    device = plan.resolve_devices()[0]
    return {
        "versions": dict(versions()),
        "device": device.device_kind,
        "platform": device.platform,
        "dtype": plan.resolve_dtype().name,
        "route": route,
    }
