"""The Gaussian in several dimensions, mean and covariance fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import AbstractStatistic, Items
from collapse_theory.errors import InputError, show
from collapse_theory.families.base import AbstractSufficientFamily, Size, draw_tables
from collapse_theory.families.covariance import check_covariance
from collapse_theory.observables import distances, divergences, parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling import wishart
from collapse_theory.sampling.counter import normal


@dataclass(frozen=True)
class GaussianNDLaw:
    """Mean vector and covariance matrix of the truth; the identity where no covariance is given.

    Args:
        mean: d numbers.
        cov: d rows of d numbers, symmetric and positive definite.

    Raises:
        InputError: they are not such, or do not fit each other.
    """

    mean: Sequence[float] = (0.0, 0.0)
    cov: Sequence[Sequence[float]] | None = None

    def __post_init__(self) -> None:
        mean = np.asarray(self.mean, float)
        if mean.ndim != 1 or not mean.size or not np.isfinite(mean).all():
            raise InputError(f"truth.mean = {show(self.mean)}: a list of finite numbers is needed")
        given = np.eye(mean.size) if self.cov is None else self.cov
        cov = check_covariance(given, mean.size, "truth.cov")
        object.__setattr__(self, "mean", tuple(mean.tolist()))
        object.__setattr__(self, "cov", tuple(map(tuple, cov.tolist())))


class Root(eqx.Module):
    """A lower-triangular root on the log scale: unit diag(exp(log_diag)), unit's diagonal being 1.

    Directions shrink at different rates, so one common scale would not do. Columns may be absent
    (log_diag = -inf); then the matrix is singular.

    Fields: ``log_diag`` (d,), the log of the diagonal; ``unit`` (d, d), lower triangular.
    """

    log_diag: Float[Array, "*c d"]
    unit: Float[Array, "*c d d"]

    @property
    def dense(self) -> Float[Array, "d d"]:
        """The root itself; entries below the smallest float underflow to 0."""
        return self.unit * jnp.exp(self.log_diag)[None, :]

    def shift(self, log_factor: Any) -> Root:
        """The root times exp(log_factor)."""
        return Root(self.log_diag + log_factor, self.unit)

    def times(self, log_diag: Float[Array, " d"], below: Float[Array, "d d"]) -> Root:
        """This root times a lower-triangular matrix, given by log diagonal and strictly lower part.

        Column j of the factor is divided by its diagonal and carried through this root's scales, so
        that a product of thousands of factors neither underflows nor loses digits.
        """
        total = self.log_diag + log_diag
        ratio = jnp.exp(self.log_diag[:, None] - total[None, :])
        moved = jnp.where(jnp.isfinite(total)[None, :], below * ratio, 0)
        # The upper part of ``ratio`` may overflow; ``below`` is zero there and must win over inf.
        moved = jnp.where(below == 0, 0, moved) + jnp.eye(len(total), dtype=below.dtype)
        return Root(total, wishart.lower_product(self.unit, moved))


def _factor(rows: Float[Array, "d k"], log_scale: Any) -> Root:
    """The root of exp(2 log_scale) rows rows'."""
    dense = wishart.lower_factor(rows, len(rows))
    diag = jnp.diagonal(dense)
    unit = dense / jnp.where(diag > 0, diag, 1)[None, :]
    unit = jnp.where(jnp.eye(len(diag), dtype=bool), jnp.ones_like(unit), unit)
    return Root(jnp.log(diag) + log_scale, unit)


class GaussianNDFit(eqx.Module):
    """Mean, and the root of the covariance on the log scale.

    Fields: ``mean`` (d,); ``scale``, whose ``dense`` times its transpose is the covariance.
    """

    mean: Float[Array, "*c d"]
    scale: Root

    @property
    def root(self) -> Float[Array, "d d"]:
        """Lower-triangular root of the covariance."""
        return self.scale.dense

    @property
    def cov(self) -> Float[Array, "d d"]:
        """The covariance."""
        return self.root @ self.root.T


class ScatterND(AbstractStatistic):
    """Count, mean, and the root of the scatter matrix (sum of squared deviations from the mean).

    Additive up to the term between the means; pooled by an orthogonal factorisation of the roots
    side by side, which keeps twice the digits that adding the matrices would.

    Fields: ``n`` rows; ``mean`` (d,); ``root`` of the (d, d) scatter matrix.

    References:
        chan1983
    """

    n: Float[Array, ""]
    mean: Float[Array, " d"]
    root: Root

    def merge(self, other: ScatterND) -> ScatterND:
        """Pool two samples; one of them may be empty."""
        n = self.n + other.n
        shift = other.mean - self.mean
        weight = (jnp.log(self.n) + jnp.log(other.n) - jnp.log(n)) / 2
        between = weight + jnp.log(jnp.abs(shift))
        top = jnp.maximum(jnp.maximum(self.root.log_diag, other.root.log_diag), between).max()
        top = jnp.where(jnp.isfinite(top), top, 0)
        gap = jnp.sign(shift) * jnp.exp(between - top)
        parts = [self.root.shift(-top).dense, other.root.shift(-top).dense, gap[:, None]]
        root = _factor(jnp.concatenate(parts, 1), top)
        return ScatterND(n, self.mean + shift * (other.n / n), root)

    def scale(self, weight: Any) -> ScatterND:
        """Multiply the weights."""
        return ScatterND(self.n * weight, self.mean, self.root.shift(jnp.log(weight) / 2))


class GaussianND(AbstractSufficientFamily[GaussianNDFit, ScatterND]):
    """N(mean, covariance) in d dimensions, fitted by the sample mean and scatter / (n - ddof).

    The batch is drawn exactly: mean ~ N(mu, S/n), scatter = R A A' R' with R the root of S and A
    Bartlett's triangle for Wishart(I, n-1), independent. The product of two triangles is the new
    root: no factorisation, and no digits lost as the condition number grows. d (d+3)/2 words a
    batch for n >= d + 9, whatever n. Batches of n <= d rows have a singular scatter, which pools
    correctly.
    Relative error of each diagonal entry: 1e-9 (float64), 3e-8 rms (float32).

    Fields: ``ddof`` 0 for maximum likelihood, 1 for the unbiased covariance.

    Raises:
        InputError: ``ddof`` is neither 0 nor 1.

    References:
        bartlett1933
    """

    ddof: int = 1
    truth_type: ClassVar[type] = GaussianNDLaw

    def __check_init__(self) -> None:
        if self.ddof not in (0, 1):
            raise InputError(f"family.ddof = {self.ddof}: allowed are 0 and 1")

    def model(self, truth: GaussianNDLaw) -> GaussianNDFit:
        """Mean and root of the covariance."""
        root = np.linalg.cholesky(np.asarray(truth.cov, float))
        diag = np.diag(root)
        scale = Root(jnp.asarray(np.log(diag)), jnp.asarray(root / diag[None, :]))
        return GaussianNDFit(jnp.asarray(truth.mean), scale)

    def smallest_fit(self, truth: GaussianNDLaw) -> int:
        """Rows for a covariance that is not singular: d + 1."""
        return len(truth.mean) + 1

    def sample(self, key: Array, theta: GaussianNDFit, n: int) -> Float[Array, "n d"]:
        """Rows: vectors."""
        z = normal(key, (n, theta.mean.shape[-1]), theta.mean.dtype)
        return theta.mean[None] + z @ theta.root.T

    def draw(self, key: Array, theta: GaussianNDFit, size: Size) -> ScatterND:
        """Mean and scatter, independent."""
        z = wishart.normal_row(key, 0, len(theta.mean), theta.mean.dtype.type)
        move = wishart.lower_product(theta.root, z[:, None])[:, 0] / jnp.sqrt(size.n)
        root = theta.scale.times(*wishart.bartlett(key, 1, size.table))
        return ScatterND(size.n, theta.mean + move, root)

    def summarise(self, items: Items) -> ScatterND:
        """Two passes: mean, then an orthogonal factorisation of the weighted deviations."""
        n = items.weight.sum()
        mean = (items.weight @ items.rows) / n
        deviations = (items.rows - mean[None]) * jnp.sqrt(items.weight)[:, None]
        return ScatterND(n, mean, _factor(deviations.T, 0))

    def estimate(self, statistic: ScatterND) -> GaussianNDFit:
        """Sample mean and scatter / (n - ddof)."""
        log_n = jnp.log(statistic.n - self.ddof)
        return GaussianNDFit(statistic.mean, statistic.root.shift(-log_n / 2))


@draw_tables.register
def _(family: GaussianND, truth: GaussianNDLaw, sizes: np.ndarray) -> dict[str, np.ndarray]:
    return wishart.bartlett_table(sizes - 1, len(truth.mean))


@parameters.mean.register(GaussianND)
def _(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    return snap.fit.mean[0]


@parameters.mean_squared_error.register(GaussianND)
def _squared_error(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    return ((snap.fit.mean - snap.truth.mean) ** 2).sum()


@parameters.variance.register(GaussianND)
def _(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    return (snap.fit.root**2).sum()


@parameters.total_variance.register(GaussianND)
def _(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    return (snap.fit.root**2).sum() + ((snap.fit.mean - snap.truth.mean) ** 2).sum()


@parameters.log_det.register(GaussianND)
def _(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    return 2 * snap.fit.scale.log_diag.sum()


@parameters.frobenius_error.register(GaussianND)
def _(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    return ((snap.fit.cov - snap.truth.cov) ** 2).sum()


@divergences.w2_squared.register(GaussianND)
def _(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    """Bures: the roots are compared after the best rotation, so that nothing cancels."""
    truth, fit = snap.truth.root, snap.fit.root
    return _squared_error(family, snap) + ((fit - truth @ _polar(truth.T @ fit)) ** 2).sum()


@divergences.kl_forward.register(GaussianND)
def _(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    return _kl(snap.truth, snap.fit)


@divergences.kl_reverse.register(GaussianND)
def _(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    return _kl(snap.fit, snap.truth)


@distances.closer_than_first.register(GaussianND)
def _(family: GaussianND, snap: Snapshot[GaussianNDFit]) -> Array:
    first = ((snap.first.mean - snap.truth.mean) ** 2).sum()
    return (_squared_error(family, snap) < first).astype(first.dtype)


def _polar(m: Float[Array, "d d"]) -> Float[Array, "d d"]:
    """The orthogonal matrix nearest to m, where det m > 0; by a formula for d <= 2."""
    if len(m) == 1:
        return jnp.ones_like(m)
    if len(m) == 2:
        c, s = m[0, 0] + m[1, 1], m[1, 0] - m[0, 1]
        r = jnp.hypot(c, s)
        return jnp.stack([jnp.stack([c, -s]), jnp.stack([s, c])]) / jnp.where(r > 0, r, 1)
    left, _, right = jnp.linalg.svd(m)
    return left @ right


def _kl(p: GaussianNDFit, q: GaussianNDFit) -> Array:
    """KL(p || q) by triangular solves; ratios of scales are formed on the log scale."""
    both = jnp.concatenate([p.root, (p.mean - q.mean)[:, None]], 1)
    white = wishart.solve_lower(q.scale.unit, both) * jnp.exp(-q.scale.log_diag)[:, None]
    log_ratio = 2 * (p.scale.log_diag - q.scale.log_diag)
    d = len(log_ratio)
    rest = jnp.where(jnp.eye(d, d + 1, dtype=bool), 0, white)
    return ((jnp.expm1(log_ratio) - log_ratio).sum() + (rest**2).sum()) / 2
