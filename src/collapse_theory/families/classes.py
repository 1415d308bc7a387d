"""Two labelled classes, each a Gaussian with its own mean and variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError
from collapse_theory.families.base import AbstractSufficientFamily, Size, draw_tables
from collapse_theory.families.gaussian import Gaussian, GaussianFit, GaussianLaw, Scatter
from collapse_theory.observables import divergences, parameters, support
from collapse_theory.observables.base import Snapshot


@dataclass(frozen=True)
class ClassesLaw:
    """Mean and variance of each class of the truth.

    Args:
        means: two numbers.
        variances: two numbers > 0.

    Raises:
        InputError: there are not two finite numbers, or a variance is not > 0.
    """

    means: tuple[float, float] = (-1.0, 1.0)
    variances: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("means", "variances"):
            values = tuple(map(float, getattr(self, name)))
            if len(values) != 2 or not np.isfinite(values).all():
                raise InputError(f"truth.{name} = {values}: two finite numbers are needed")
            object.__setattr__(self, name, values)
        if min(self.variances) <= 0:
            raise InputError(f"truth.variances = {self.variances}: variances must be > 0")


class GaussianClasses(AbstractSufficientFamily[GaussianFit, Scatter]):
    """A generator for each of two classes: N(mean_k, var_k), fitted on the rows of its class.

    A row is a pair, one example of each class: ``n`` counts the examples of one class. Arrays of
    models have a trailing axis of classes, (2,). Accuracy is that of ``Gaussian``.

    Fields: ``ddof`` 0 for maximum likelihood, 1 for the unbiased variance.
    """

    ddof: int = 1
    truth_type: ClassVar[type] = ClassesLaw

    def __check_init__(self) -> None:
        self.one()  # checks ddof

    def one(self) -> Gaussian:
        """The family of one class."""
        return Gaussian(self.ddof)

    def model(self, truth: ClassesLaw) -> GaussianFit:
        """Means and log variances, (2,)."""
        return GaussianFit(jnp.asarray(truth.means), jnp.log(jnp.asarray(truth.variances)))

    def smallest_fit(self, truth: ClassesLaw) -> int:
        """Two rows: one row has no variance."""
        return 2

    def sample(self, key: Array, theta: GaussianFit, n: int) -> Float[Array, "n 2"]:
        """Rows: a number for each class."""
        one = self.one()
        return jax.vmap(lambda k, m: one.sample(k, m, n), out_axes=1)(jr.split(key), theta)

    def draw(self, key: Array, theta: GaussianFit, size: Size) -> Scatter:
        """Mean and sum of squares of each class."""
        one = self.one()
        return jax.vmap(lambda k, m: one.draw(k, m, size))(jr.split(key), theta)

    def summarise(self, items: Items) -> Scatter:
        """Two passes for each class."""
        one = self.one()
        return jax.vmap(lambda x: one.summarise(eqx.tree_at(lambda i: i.rows, items, x)))(
            items.rows.T
        )

    def estimate(self, statistic: Scatter) -> GaussianFit:
        """Sample mean and SS / (n - ddof) of each class."""
        return self.one().estimate(statistic)


@draw_tables.register
def _(family: GaussianClasses, truth: ClassesLaw, sizes: np.ndarray) -> dict[str, np.ndarray]:
    tables: dict[str, np.ndarray] = draw_tables(Gaussian(), GaussianLaw(), sizes)
    return tables


@support.mode_overlap.register(GaussianClasses)
def _(family: GaussianClasses, snap: Snapshot[GaussianFit]) -> Array:
    """The Bhattacharyya coefficient, the integral of sqrt(p q), from the log scale."""
    low, high = snap.fit.log_var
    log_sum = jnp.logaddexp(low, high)
    apart = (snap.fit.mean[0] - snap.fit.mean[1]) ** 2 * jnp.exp(-log_sum)
    return jnp.exp((jnp.log(2.0) + (low + high) / 2 - log_sum) / 2 - apart / 4)


@parameters.mean_squared_error.register(GaussianClasses)
def _squared_error(family: GaussianClasses, snap: Snapshot[GaussianFit]) -> Array:
    return ((snap.fit.mean - snap.truth.mean) ** 2).sum()


@divergences.w2_squared.register(GaussianClasses)
def _(family: GaussianClasses, snap: Snapshot[GaussianFit]) -> Array:
    return _squared_error(family, snap) + ((snap.fit.sd - snap.truth.sd) ** 2).sum()


@parameters.variance.register(GaussianClasses)
def _(family: GaussianClasses, snap: Snapshot[GaussianFit]) -> Array:
    return snap.fit.var.sum()


@parameters.log_variance.register(GaussianClasses)
def _(family: GaussianClasses, snap: Snapshot[GaussianFit]) -> Array:
    return snap.fit.log_var.mean()
