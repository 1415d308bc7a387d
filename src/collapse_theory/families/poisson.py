"""The Poisson law."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import Items, Sums
from collapse_theory.errors import InputError
from collapse_theory.families.base import AbstractSufficientFamily, Size, draw_tables
from collapse_theory.observables import distances, divergences, diversity, parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.poisson import PoissonPlan, poisson, poisson_plan

ROW_MEAN = 8.0  # the plan of single rows; larger rates are as exact and take more rounds
LARGEST_PLAN = 1e9
MOST_EVENTS = 1e12
"""A batch of so many takes a thousand rounds, one for each `LARGEST_PLAN`."""
MOST_OF_A_ROW = 1e6
"""Largest rate where rows are drawn one by one: by the plan of `ROW_MEAN` it takes 30,000
rounds."""


@dataclass(frozen=True)
class PoissonLaw:
    """Mean number of events.

    Args:
        rate: in events a row, > 0 and finite.

    Raises:
        InputError: ``rate`` is not such a number.
    """

    rate: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.rate < float("inf"):
            raise InputError(f"truth.rate = {self.rate}: a rate must be > 0 and finite")


class PoissonFit(eqx.Module):
    """Mean number of events; exactly 0 once collapsed."""

    rate: Float[Array, "*c"]


class Poisson(AbstractSufficientFamily[PoissonFit, Sums]):
    """P(k) = exp(-rate) rate^k / k!, fitted by the mean of the rows.

    The sum of n rows is Poisson(n rate), drawn exactly (see :func:`sampling.poisson.poisson`). The
    rate moves by steps of 1/n and is absorbed at 0.
    """

    truth_type: ClassVar[type] = PoissonLaw

    def model(self, truth: PoissonLaw) -> PoissonFit:
        """The rate as an array."""
        return PoissonFit(jnp.asarray(float(truth.rate)))

    def smallest_fit(self, truth: PoissonLaw) -> int:
        """One row."""
        return 1

    def sample(self, key: Array, theta: PoissonFit, n: int) -> Float[Array, " n"]:
        """Rows: whole numbers, as floats; nan where the rate is above `MOST_OF_A_ROW`."""
        plan = _row_plan()
        rate = jnp.where(theta.rate > MOST_OF_A_ROW, jnp.nan, theta.rate)
        return jax.vmap(lambda k: poisson(k, rate, plan))(jr.split(key, n))

    def draw(self, key: Array, theta: PoissonFit, size: Size) -> Sums:
        """The sum of the rows."""
        return Sums(size.n, poisson(key, size.n * theta.rate, size.table))

    def summarise(self, items: Items) -> Sums:
        """The weighted sum of the rows."""
        return Sums(items.n, items.weight @ items.rows)

    def estimate(self, statistic: Sums) -> PoissonFit:
        """The mean."""
        return PoissonFit(statistic.mean)


@functools.cache
def _row_plan() -> PoissonPlan:
    return poisson_plan(ROW_MEAN)


@draw_tables.register
def _(family: Poisson, truth: PoissonLaw, sizes: np.ndarray) -> PoissonPlan:
    """One plan, for the largest batch, repeated: smaller means need fewer of its arrivals."""
    events = truth.rate * float(sizes.max())
    if events > MOST_EVENTS:
        raise InputError(
            f"truth.rate = {truth.rate}, n = {sizes.max()}: a batch holds {events:.3g} events on "
            f"average; at most {MOST_EVENTS:g} are drawn in reasonable time"
        )
    plan = poisson_plan(min(events, LARGEST_PLAN))
    rows: PoissonPlan = jax.tree.map(lambda a: np.broadcast_to(a, (len(sizes), *np.shape(a))), plan)
    return rows


def _kl(a: Array, b: Array) -> Array:
    """KL(Poisson(a) || Poisson(b)); inf where b = 0 < a."""
    return jnp.where(a > 0, a * (jnp.log(a) - jnp.log(b)), 0) + (b - a)


@parameters.variance.register(Poisson)
@parameters.mean.register(Poisson)
def _(family: Poisson, snap: Snapshot[PoissonFit]) -> Array:
    return snap.fit.rate


@parameters.mean_squared_error.register(Poisson)
def _(family: Poisson, snap: Snapshot[PoissonFit]) -> Array:
    return (snap.fit.rate - snap.truth.rate) ** 2


@diversity.collapsed.register(Poisson)
def _(family: Poisson, snap: Snapshot[PoissonFit]) -> Array:
    return (snap.fit.rate == 0).astype(snap.fit.rate.dtype)


@diversity.generations_survived.register(Poisson)
def _(family: Poisson, snap: Snapshot[PoissonFit]) -> Array:
    return (snap.fit.rate > 0).astype(snap.fit.rate.dtype)


@distances.closer_than_first.register(Poisson)
def _(family: Poisson, snap: Snapshot[PoissonFit]) -> Array:
    scale = snap.truth.rate  # ties of the lattice must not be decided by rounding
    now, first = jnp.abs(snap.fit.rate - scale), jnp.abs(snap.first.rate - scale)
    return (first - now > 8 * float(np.finfo(scale.dtype).eps) * scale).astype(scale.dtype)


@divergences.kl_forward.register(Poisson)
def _(family: Poisson, snap: Snapshot[PoissonFit]) -> Array:
    return _kl(snap.truth.rate, snap.fit.rate)


@divergences.kl_reverse.register(Poisson)
def _(family: Poisson, snap: Snapshot[PoissonFit]) -> Array:
    return _kl(snap.fit.rate, snap.truth.rate)
