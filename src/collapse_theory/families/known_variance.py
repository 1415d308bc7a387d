"""The Gaussian whose variance is known: only the mean is fitted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse_theory.corpus import Items, Sums
from collapse_theory.errors import InputError
from collapse_theory.families.base import AbstractSufficientFamily, Size, weighted_sums
from collapse_theory.families.normal_tails import implausible_mass, tail_recall
from collapse_theory.observables import distances, divergences, diversity, parameters, support
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import normal


@dataclass(frozen=True)
class MeanLaw:
    """Mean of the truth; any real number.

    Args:
        mean: in the unit of the rows.

    Raises:
        InputError: ``mean`` is not finite.
    """

    mean: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise InputError(f"truth.mean = {self.mean}: a finite number is needed")


class MeanFit(eqx.Module):
    """The fitted mean."""

    mean: Float[Array, "*c"]


class GaussianMean(AbstractSufficientFamily[MeanFit, Sums]):
    """N(mean, var) with var known, fitted by the sample mean.

    The sum of n rows is N(n mean, n var): one random word a batch, whatever n, rounding error only.

    Fields: ``var`` the known variance of one row, > 0.

    Raises:
        InputError: ``var`` is not > 0.
    """

    var: float = 1.0
    truth_type: ClassVar[type] = MeanLaw

    def __check_init__(self) -> None:
        if not 0 < self.var < math.inf:
            raise InputError(f"family.var = {self.var}: a variance must be > 0 and finite")

    def model(self, truth: MeanLaw) -> MeanFit:
        """The mean."""
        return MeanFit(jnp.asarray(float(truth.mean)))

    def smallest_fit(self, truth: MeanLaw) -> int:
        """One row."""
        return 1

    def sample(self, key: Array, theta: MeanFit, n: int) -> Float[Array, " n"]:
        """Rows: real numbers."""
        return theta.mean + jnp.sqrt(self.var) * normal(key, (n,), theta.mean.dtype)

    def draw(self, key: Array, theta: MeanFit, size: Size) -> Sums:
        """The sum of the rows."""
        z = normal(key, (), theta.mean.dtype)
        return Sums(size.n, size.n * theta.mean + jnp.sqrt(size.n * self.var) * z)

    def summarise(self, items: Items) -> Sums:
        """Weighted sum."""
        return Sums(items.weight.sum(), weighted_sums(items, items.rows))

    def estimate(self, statistic: Sums) -> MeanFit:
        """The sample mean."""
        return MeanFit(statistic.mean)


@parameters.mean.register(GaussianMean)
def _(family: GaussianMean, snap: Snapshot[MeanFit]) -> Array:
    return snap.fit.mean


@parameters.mean_squared_error.register(GaussianMean)
@divergences.w2_squared.register(GaussianMean)
def _squared_error(family: GaussianMean, snap: Snapshot[MeanFit]) -> Array:
    return (snap.fit.mean - snap.truth.mean) ** 2


@divergences.kl_forward.register(GaussianMean)
@divergences.kl_reverse.register(GaussianMean)
def _(family: GaussianMean, snap: Snapshot[MeanFit]) -> Array:
    return _squared_error(family, snap) / (2 * family.var)  # symmetric: the variances are equal


@distances.closer_than_first.register(GaussianMean)
def _(family: GaussianMean, snap: Snapshot[MeanFit]) -> Array:
    first = (snap.first.mean - snap.truth.mean) ** 2
    return (_squared_error(family, snap) < first).astype(first.dtype)


@diversity.tail_recall.register(GaussianMean)
def _(family: GaussianMean, snap: Snapshot[MeanFit]) -> Array:
    return tail_recall(*_standardised(family, snap))


@support.hallucinated_mass.register(GaussianMean)
def _(family: GaussianMean, snap: Snapshot[MeanFit]) -> Array:
    return implausible_mass(*_standardised(family, snap))


def _standardised(family: GaussianMean, snap: Snapshot[MeanFit]) -> tuple[Array, Array]:
    shift = (snap.fit.mean - snap.truth.mean) / family.var**0.5
    return shift, jnp.zeros_like(shift)
