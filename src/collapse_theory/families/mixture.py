"""Gaussian mixtures with a fixed number of components, fitted by expectation-maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError, show
from collapse_theory.families.base import AbstractFamily
from collapse_theory.observables import parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import normal, uniform

FAINT = 1e-6  # of the total variance: what a component keeps, so that none falls onto a row
Centres = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class MixtureLaw:
    """A mixture of round Gaussians.

    Args:
        means: a list of K points, each of d numbers.
        var: the variance of every component in every direction, > 0.

    Raises:
        InputError: they are not such.
    """

    means: Centres = ((-2.0,), (2.0,))
    var: float = 1.0

    def __post_init__(self) -> None:
        table = self.table
        object.__setattr__(self, "means", tuple(map(tuple, table.tolist())))
        if not 0 < self.var < np.inf:
            raise InputError(f"truth.var = {show(self.var)}: a finite number > 0 is needed")

    @property
    def table(self) -> NDArray[np.float64]:
        """The means, (components, d)."""
        try:
            table = np.asarray(self.means, float)
        except (TypeError, ValueError):
            table = np.zeros(())
        if table.ndim != 2 or not table.size or not np.isfinite(table).all():
            raise InputError("truth.means: a list of points is needed, each a list of d numbers")
        return table


class MixtureFit(eqx.Module):
    """Shares (K,), means (K, d) and covariances (K, d, d)."""

    shares: Float[Array, "*c k"]
    means: Float[Array, "*c k d"]
    covariances: Float[Array, "*c k d d"]


class GaussianMixture(AbstractFamily[MixtureFit]):
    """K Gaussians in d dimensions with shares of their own, fitted by a fixed number of EM steps.

    From groups of equal weight along the first coordinate. Each step keeps the mean and, but for
    what keeps a component from falling onto one row (a millionth of the total variance), the
    covariance of the rows: those of the whole mixture follow the laws of a single Gaussian with the
    divisor n, whatever becomes of the components.

    Fields: ``components`` K >= 1, as many as the truth has means; ``steps`` of
    expectation-maximisation, >= 1.

    Raises:
        InputError: a field is below 1.
    """

    components: int = 2
    steps: int = 50
    truth_type: ClassVar[type] = MixtureLaw

    def __check_init__(self) -> None:
        for name, value in (("components", self.components), ("steps", self.steps)):
            if isinstance(value, bool) or value < 1:
                raise InputError(f"family.{name} = {show(value)}: 1 or more are needed")

    def model(self, truth: MixtureLaw) -> MixtureFit:
        """Equal shares and round components."""
        k, d = truth.table.shape
        if k != self.components:
            raise InputError(f"truth.means has {k} points, family.components = {self.components}")
        spread = jnp.broadcast_to(truth.var * jnp.eye(d), (k, d, d))
        return MixtureFit(jnp.full(k, 1 / k), jnp.asarray(truth.table), spread)

    def smallest_fit(self, truth: MixtureLaw) -> int:
        """As many rows a component as it has dimensions, and one more."""
        k, d = truth.table.shape
        return int(k * (d + 1))

    def sample(self, key: Array, theta: MixtureFit, n: int) -> Float[Array, "n d"]:
        """Rows (d,)."""
        first, second = jax.random.split(key)
        below = jnp.cumsum(theta.shares)
        u = uniform(first, (n,), below.dtype) * below[-1]  # in (0, total]
        which = jnp.searchsorted(below, u, side="left")
        z = normal(second, (n, theta.means.shape[-1]), below.dtype)
        return theta.means[which] + jnp.einsum("nij,nj->ni", _roots(theta)[which], z)

    def fit(self, items: Items) -> MixtureFit:
        """Expectation-maximisation on the weighted rows."""
        x, weight = items.rows, items.weight / items.weight.sum()
        order = jnp.argsort(x[:, 0])
        middle = jnp.cumsum(weight[order]) - weight[order] / 2  # of each row's part of the weight
        group = jnp.floor(middle * self.components).astype(jnp.int32)
        ranks = jnp.zeros_like(group).at[order].set(jnp.minimum(group, self.components - 1))
        sure = jax.nn.one_hot(ranks, self.components, dtype=x.dtype)
        start = _maximised(x, weight, sure)

        def step(_: Any, theta: MixtureFit) -> MixtureFit:
            return _maximised(x, weight, jax.nn.softmax(log_parts(x, theta)))

        found: MixtureFit = jax.lax.fori_loop(0, self.steps, step, start)
        return found


def moments(theta: MixtureFit) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
    """Mean and covariance of the whole mixture."""
    mean = theta.shares @ theta.means
    off = theta.means - mean[None]
    between = jnp.einsum("k,ki,kj->ij", theta.shares, off, off)
    return mean, jnp.einsum("k,kij->ij", theta.shares, theta.covariances) + between


def _roots(theta: MixtureFit) -> Float[Array, "k d d"]:
    roots: Array = jnp.linalg.cholesky(theta.covariances)
    return roots


def log_parts(x: Array, theta: MixtureFit) -> Float[Array, "n k"]:
    """Logarithms of share times density, but for the constant -d/2 log(2 pi)."""
    roots = _roots(theta)
    off = x[:, None] - theta.means[None]  # (n, K, d)
    solved = jax.vmap(
        lambda root, some: jax.scipy.linalg.solve_triangular(root, some.T, lower=True),
        in_axes=(0, 1),
    )(roots, off)  # (K, d, n)
    scale = jnp.log(jnp.diagonal(roots, axis1=1, axis2=2)).sum(-1)
    logs: Array = (jnp.log(theta.shares) - scale)[None] - (solved**2).sum(1).T / 2
    return logs


def _maximised(x: Array, weight: Array, given: Float[Array, "n k"]) -> MixtureFit:
    """Shares, means and covariances of rows that belong to components in these parts."""
    part = weight[:, None] * given
    shares = part.sum(0)
    safe = jnp.where(shares > 0, shares, 1)
    means = part.T @ x / safe[:, None]
    off = x[:, None] - means[None]
    covariances = jnp.einsum("nk,nki,nkj->kij", part, off, off) / safe[:, None, None]
    mean = weight @ x
    total = weight @ ((x - mean[None]) ** 2).sum(-1)
    faint = FAINT * total * jnp.eye(x.shape[1], dtype=x.dtype)
    return MixtureFit(shares, means, covariances + faint[None])


@parameters.mean.register(GaussianMixture)
def _(family: GaussianMixture, snap: Snapshot[MixtureFit]) -> Array:
    return moments(snap.fit)[0][0]


@parameters.mean_squared_error.register(GaussianMixture)
def _(family: GaussianMixture, snap: Snapshot[MixtureFit]) -> Array:
    return ((moments(snap.fit)[0] - moments(snap.truth)[0]) ** 2).sum()


@parameters.variance.register(GaussianMixture)
def _(family: GaussianMixture, snap: Snapshot[MixtureFit]) -> Array:
    return jnp.trace(moments(snap.fit)[1])
