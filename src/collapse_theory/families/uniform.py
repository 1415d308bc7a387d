"""The uniform law on (0, upper): the upper end is fitted, and kept on the log scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse_theory.corpus import AbstractStatistic, Items
from collapse_theory.errors import InputError
from collapse_theory.families.base import AbstractSufficientFamily, Size
from collapse_theory.observables import distances, divergences, parameters, support
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import uniform


@dataclass(frozen=True)
class UniformLaw:
    """Upper end of the truth, > 0; the lower end is 0.

    Args:
        upper: a finite number > 0.

    Raises:
        InputError: ``upper`` is not such a number.
    """

    upper: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.upper < math.inf:
            raise InputError(f"truth.upper = {self.upper}: a finite number > 0 is needed")


class UniformFit(eqx.Module):
    """The fitted upper end on the log scale: it shrinks geometrically and never underflows."""

    log_upper: Float[Array, "*c"]

    @property
    def upper(self) -> Float[Array, "*c"]:
        """The upper end; underflows to 0 where log_upper < -87 (float32) or -745 (float64)."""
        return jnp.exp(self.log_upper)


class LogMaximum(AbstractStatistic):
    """Total weight, and the log of the largest row of positive weight (-inf: no row).

    Weights matter only by being zero or not: a maximum does not see how often a row is counted.
    """

    n: Float[Array, ""]
    log_max: Float[Array, ""]

    def merge(self, other: LogMaximum) -> LogMaximum:
        """The larger one."""
        return LogMaximum(self.n + other.n, jnp.maximum(self.log_max, other.log_max))

    def scale(self, weight: Any) -> LogMaximum:
        """Multiply the weights; 0 removes the rows."""
        present = jnp.asarray(weight) > 0
        return LogMaximum(self.n * weight, jnp.where(present, self.log_max, -jnp.inf))


class Uniform(AbstractSufficientFamily[UniformFit, LogMaximum]):
    """The uniform law on (0, upper), fitted by the largest row (maximum likelihood).

    The fit is biased down by the factor n / (n + 1). The largest of n rows is upper U^(1/n): one
    random word a batch, whatever n. Error of log max: rounding, and the step of U, 2^-24 / n in
    float32 and 2^-32 / n in float64.

    The "mean parameter" that the observables ``mean`` and ``mean_squared_error`` speak of is the
    upper end.
    """

    truth_type: ClassVar[type] = UniformLaw

    def model(self, truth: UniformLaw) -> UniformFit:
        """Log upper end."""
        return UniformFit(jnp.asarray(math.log(truth.upper)))

    def smallest_fit(self, truth: UniformLaw) -> int:
        """One row."""
        return 1

    def sample(self, key: Array, theta: UniformFit, n: int) -> Float[Array, " n"]:
        """Rows: numbers in (0, upper)."""
        return theta.upper * uniform(key, (n,), theta.log_upper.dtype)

    def draw(self, key: Array, theta: UniformFit, size: Size) -> LogMaximum:
        """The largest of the rows."""
        u = uniform(key, (), theta.log_upper.dtype)
        return LogMaximum(size.n, theta.log_upper + jnp.log(u) / size.n)

    def summarise(self, items: Items) -> LogMaximum:
        """The largest row that counts."""
        counted = jnp.where(items.filled, items.rows, 0)
        return LogMaximum(items.weight.sum(), jnp.log(counted.max()))

    def estimate(self, statistic: LogMaximum) -> UniformFit:
        """The largest row."""
        return UniformFit(statistic.log_max)


@parameters.mean.register(Uniform)
def _(family: Uniform, snap: Snapshot[UniformFit]) -> Array:
    return snap.fit.upper


@parameters.mean_squared_error.register(Uniform)
def _squared_error(family: Uniform, snap: Snapshot[UniformFit]) -> Array:
    return (snap.fit.upper - snap.truth.upper) ** 2


@parameters.log_scale.register(Uniform)
def _(family: Uniform, snap: Snapshot[UniformFit]) -> Array:
    return snap.fit.log_upper - snap.truth.log_upper


@divergences.w2_squared.register(Uniform)
def _(family: Uniform, snap: Snapshot[UniformFit]) -> Array:
    return _squared_error(family, snap) / 3  # both are multiples of one uniform, whose E U^2 = 1/3


@distances.closer_than_first.register(Uniform)
def _(family: Uniform, snap: Snapshot[UniformFit]) -> Array:
    first = (snap.first.upper - snap.truth.upper) ** 2
    return (_squared_error(family, snap) < first).astype(first.dtype)


@support.hallucinated_mass.register(Uniform)
def _(family: Uniform, snap: Snapshot[UniformFit]) -> Array:
    return -jnp.expm1(jnp.minimum(snap.truth.log_upper - snap.fit.log_upper, 0))
