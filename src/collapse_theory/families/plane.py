"""Trained densities in the plane: their truth, how they are drawn from, what is measured."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.errors import InputError, show
from collapse_theory.families.learned import AbstractLearnedFamily, Learned
from collapse_theory.families.mixture import (
    Centres,
    GaussianMixture,
    MixtureFit,
    MixtureLaw,
    moments,
)
from collapse_theory.observables import distances, divergences, parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import normal

SIDE, REACH = 48, 6.0  # points of a grid a side; how many deviations it reaches beyond the means


@dataclass(frozen=True)
class PlaneLaw(MixtureLaw):
    """A mixture of round Gaussians of equal share in the plane.

    Args:
        means: a list of points, each of 2 numbers.
        var: the variance of every component in every direction, > 0.

    Raises:
        InputError: they are not such.
    """

    means: Centres = ((1.5, 0.0), (-0.75, 1.3), (-0.75, -1.3))
    var: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.table.shape[1] != 2:
            raise InputError(f"truth.means: points have {self.table.shape[1]} numbers, not 2")


class AbstractPlaneMap(eqx.Module):
    """A smooth map of the plane onto itself; of standard normals it makes rows."""

    @abstractmethod
    def rows(self, z: Float[Array, " 2"]) -> Float[Array, " 2"]:
        """A row from two standard normals."""

    @abstractmethod
    def log_density(self, x: Float[Array, " 2"]) -> Float[Array, ""]:
        """Of a row, in nats."""


class AbstractPlaneFamily(AbstractLearnedFamily):
    """A trained map from standard normals to rows of two numbers, and the density that it makes.

    A subclass gives ``loss``, ``training`` and a ``build`` that returns an ``AbstractPlaneMap``.
    """

    truth_type: ClassVar[type] = PlaneLaw

    def model(self, truth: PlaneLaw) -> MixtureFit:  # type: ignore[override]  # no fit is the truth
        """The mixture."""
        return GaussianMixture(len(truth.means)).model(truth)

    def sample(self, key: Array, theta: Learned | MixtureFit, n: int) -> Float[Array, "n 2"]:
        """Rows (2,), of a fit or of the truth."""
        if isinstance(theta, MixtureFit):
            return GaussianMixture(theta.shares.shape[0]).sample(key, theta, n)
        z = normal(key, (n, 2), theta.loss.dtype)
        rows: Array = jax.vmap(self.module(theta).rows)(z)
        return rows


def check_sizes(family: Any, most: dict[str, int]) -> None:
    """Refuse sizes of a network that are no whole numbers from 1 to these.

    Raises:
        InputError: one is not.
    """
    for name, largest in most.items():
        value = getattr(family, name)
        if isinstance(value, bool) or not 1 <= value <= largest:
            raise InputError(
                f"family.{name} = {show(value)}: a whole number in 1..{largest} is needed"
            )


def grid(low: Float[Array, " 2"], high: Float[Array, " 2"]) -> Float[Array, "m 2"]:
    """Midpoints of the equal cells of a rectangle."""
    steps = (jnp.arange(SIDE, dtype=low.dtype) + 0.5) / SIDE
    x, y = (low[i] + (high[i] - low[i]) * steps for i in range(2))
    return jnp.stack(jnp.meshgrid(x, y), -1).reshape(-1, 2)


def around(truth: MixtureFit) -> tuple[Float[Array, "m 2"], Float[Array, ""]]:
    """Points around the truth, and the area that each stands for."""
    reach = REACH * jnp.sqrt(truth.covariances[0, 0, 0])
    low, high = truth.means.min(0) - reach, truth.means.max(0) + reach
    return grid(low, high), jnp.prod(high - low) / SIDE**2


def log_mixture(truth: MixtureFit, x: Float[Array, "m 2"]) -> Float[Array, " m"]:
    """Log density of round components, in nats."""
    var = truth.covariances[:, 0, 0]
    square = ((x[:, None] - truth.means[None]) ** 2).sum(-1)
    logs = jnp.log(truth.shares / (2 * np.pi * var))[None] - square / (2 * var[None])
    return jax.nn.logsumexp(logs, axis=1)


def log_densities(
    family: AbstractPlaneFamily, theta: Learned | MixtureFit, x: Float[Array, "m 2"]
) -> Float[Array, " m"]:
    """Of a fit, or of the truth, in nats."""
    if isinstance(theta, MixtureFit):
        return log_mixture(theta, x)
    logs: Array = jax.vmap(family.module(theta).log_density)(x)
    return logs


def plane_moments(
    family: AbstractPlaneFamily, theta: Learned | MixtureFit
) -> tuple[Float[Array, " 2"], Float[Array, "2 2"]]:
    """Mean and covariance of a fit, or of the truth.

    Of a fit by the midpoint rule over the normals that it is made of: wherever the fit has gone,
    its mass is in the sum.
    """
    if isinstance(theta, MixtureFit):
        return moments(theta)
    end = jnp.full(2, REACH, theta.loss.dtype)
    z = grid(-end, end)
    weight = jax.nn.softmax(-(z**2).sum(-1) / 2)
    x = jax.vmap(family.module(theta).rows)(z)
    mean = weight @ x
    off = x - mean[None]
    return mean, (weight[:, None] * off).T @ off


@divergences.kl_forward.register(AbstractPlaneFamily)
def kl_forward(family: AbstractPlaneFamily, snap: Snapshot[Any]) -> Array:
    """KL(truth || fit) by the midpoint rule, in nats."""
    points, area = around(snap.truth)
    true, fitted = log_mixture(snap.truth, points), log_densities(family, snap.fit, points)
    divergence: Array = area * (jnp.exp(true) * (true - fitted)).sum()
    return divergence


@distances.closer_than_first.register(AbstractPlaneFamily)
def _(family: AbstractPlaneFamily, snap: Snapshot[Any]) -> Array:
    first = kl_forward(family, snap._replace(fit=snap.first))
    found = kl_forward(family, snap)
    return (found < first).astype(found.dtype)


@parameters.mean.register(AbstractPlaneFamily)
def _(family: AbstractPlaneFamily, snap: Snapshot[Any]) -> Array:
    return plane_moments(family, snap.fit)[0][0]


@parameters.mean_squared_error.register(AbstractPlaneFamily)
def mean_squared_error(family: AbstractPlaneFamily, snap: Snapshot[Any]) -> Array:
    """Squared distance between the means of fit and truth."""
    off = plane_moments(family, snap.fit)[0] - moments(snap.truth)[0]
    return (off**2).sum()


@parameters.variance.register(AbstractPlaneFamily)
def variance(family: AbstractPlaneFamily, snap: Snapshot[Any]) -> Array:
    """The trace of the fit's covariance."""
    return jnp.trace(plane_moments(family, snap.fit)[1])


@parameters.total_variance.register(AbstractPlaneFamily)
def _(family: AbstractPlaneFamily, snap: Snapshot[Any]) -> Array:
    return variance(family, snap) + mean_squared_error(family, snap)
