"""Linear regression with Gaussian design and noise, fitted by ordinary least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError
from collapse_theory.families.base import AbstractSufficientFamily, Size, begin, draw_tables
from collapse_theory.families.gaussian_nd import check_covariance
from collapse_theory.families.least_squares import (
    LeastSquares,
    RegressionFit,
    Rows,
    SameDesign,
    solved,
)
from collapse_theory.observables import distances, parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling import wishart
from collapse_theory.sampling.counter import normal_from_bits, words
from collapse_theory.sampling.gamma import gamma_table, log_gamma_variate, words_needed

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class RegressionLaw:
    """The true coefficients w*, one a feature. The law of the error does not depend on them."""

    coefficients: Sequence[float] = (1.0, -1.0)

    def __post_init__(self) -> None:
        w = np.asarray(self.coefficients, float)
        if w.ndim != 1 or not w.size or not np.isfinite(w).all():
            raise InputError(
                f"truth.coefficients = {self.coefficients}: a list of finite numbers is needed"
            )
        object.__setattr__(self, "coefficients", tuple(w.tolist()))


class LinearRegression(AbstractSufficientFamily[RegressionFit, LeastSquares | SameDesign]):
    r"""y = x'w + noise e, x ~ N(0, covariance), e ~ N(0, 1); w fitted by ordinary least squares.

    Design "fresh": new x in every batch. With C the root of the covariance, the whitened error
    v = C'(w_hat - w) / noise is z / sqrt(chi2_{n-d+1}), z ~ N(0, I): O(d), no design drawn. Pooling
    also needs the Gram matrix G; given v it is C Wishart(n+1, (I + vv')^{-1}) C', because
    W = C^{-1} G C'^{-1} and v have the joint density
    $|W|^{(n-d-1)/2} e^{-\mathrm{tr} W/2} |W|^{1/2} e^{-v'Wv/2}$ up to a constant. Batches with
    n < d rows have no solution of their own and are drawn as (G, X'y) instead; they pool correctly
    (a fit to such a batch alone is not finite).

    Design "fixed": one X for all batches of a chain, drawn at its start; sizes must not change.
    Only X'X enters: w_hat = w + noise R'^{-1} z / sqrt(n) with R R' = X'X / n. Rows, where asked
    for, are the rotated design X = [sqrt(n) R'; 0], whose least-squares fits have the same law.

    A fit needs n >= d rows; its risk has a finite mean for n > d + 1 only, a finite variance for
    n > d + 3 only. Relative error of an estimate: 1e-9 (float64), 3e-8 rms (float32).

    Fields: ``design`` "fresh" or "fixed"; ``noise`` standard deviation of the label noise, >= 0;
    ``covariance`` of the features, d rows of d numbers (structural), the identity if left out.

    References:
        bartlett1933; the law of G given the error is derived
    """

    design: str = "fresh"
    noise: float = 1.0
    covariance: Matrix | None = eqx.field(
        static=True, default=None, converter=lambda c: None if c is None else tuple(map(tuple, c))
    )
    truth_type: ClassVar[type] = RegressionLaw

    def __check_init__(self) -> None:
        if self.design not in ("fresh", "fixed"):
            raise InputError(f"family.design = {self.design!r}: allowed are 'fresh' and 'fixed'")
        if not self.noise >= 0:
            raise InputError(f"family.noise = {self.noise}: a standard deviation must be >= 0")
        if self.covariance is not None:
            cov = np.asarray(self.covariance, float)
            check_covariance(cov, len(cov), "family.covariance")

    def coloured(self, triangle: Float[Array, "d d"]) -> Float[Array, "d d"]:
        """C triangle, C the lower-triangular root of the feature covariance.

        White features to real ones.
        """
        if self.covariance is None:
            return triangle
        return wishart.lower_product(self._root(triangle), triangle)

    def whitened(self, error: Float[Array, " d"]) -> Float[Array, " d"]:
        """C' error: its squared length is the risk of the error."""
        if self.covariance is None:
            return error
        return wishart.lower_product(self._root(error).T, error[:, None])[:, 0]

    def unwhitened(self, error: Float[Array, " d"]) -> Float[Array, " d"]:
        """The inverse of ``whitened``."""
        if self.covariance is None:
            return error
        return wishart.solve_transposed(self._root(error), error)

    def _root(self, like: Array) -> Float[Array, "d d"]:
        return jnp.asarray(np.linalg.cholesky(np.asarray(self.covariance, float)), like.dtype)

    def model(self, truth: RegressionLaw) -> RegressionFit:
        """The coefficients; a fixed design is drawn by ``begin``."""
        d = self.smallest_fit(truth)
        root = jnp.eye(d) if self.design == "fixed" else None
        return RegressionFit(jnp.asarray(truth.coefficients), root)

    def smallest_fit(self, truth: RegressionLaw) -> int:
        """As many rows as coefficients (the mean risk is finite from d + 2 rows on)."""
        d = len(truth.coefficients)
        if self.covariance is not None and len(self.covariance) != d:
            raise InputError(
                f"family.covariance is {len(self.covariance)} x {len(self.covariance)}: "
                f"{d} x {d} is needed for {d} truth.coefficients"
            )
        return d

    def sample(self, key: Array, theta: RegressionFit, n: int) -> Rows:
        """Rows (x, y)."""
        d, dtype = theta.weights.shape[-1], theta.weights.dtype
        e = _normals(key, 0, (n,), dtype)
        if theta.design_root is None:
            white = _normals(key, 1, (n, d), dtype)
            x = white if self.covariance is None else white @ self._root(white).T
        else:
            _same_rows(theta, n)
            x = jnp.pad(theta.design_root.T * np.sqrt(n).astype(dtype), [(0, n - d), (0, 0)])
        return Rows(x, x @ theta.weights + self.noise * e, theta.design_rows)

    def draw(self, key: Array, theta: RegressionFit, size: Size) -> LeastSquares | SameDesign:
        """The reduced problem."""
        if theta.design_root is not None:
            _same_rows(theta, size.capacity)
            z = _normals(key, 0, theta.weights.shape, theta.weights.dtype)
            error = wishart.solve_transposed(theta.design_root, z) / jnp.sqrt(size.n)
            w = theta.weights + self.noise * error
            return SameDesign(size.n, w, theta.design_root, theta.design_rows)
        if "few" in size.table:
            return _draw_reduced(self, key, theta, size)
        return _draw_solution(self, key, theta, size)

    def summarise(self, items: Items) -> LeastSquares | SameDesign:
        """An orthogonal factorisation of the weighted rows."""
        rows, n = items.rows, items.weight.sum()
        both = jnp.concatenate([rows.x, rows.y[:, None]], 1) * jnp.sqrt(items.weight)[:, None]
        fit = solved(n, both.T)
        if self.design == "fresh":
            return fit
        return SameDesign(n, fit.weights, fit.root / jnp.sqrt(n), rows.design_rows)

    def estimate(self, statistic: LeastSquares | SameDesign) -> RegressionFit:
        """The least-squares solution."""
        if isinstance(statistic, LeastSquares):
            return RegressionFit(statistic.weights)
        return RegressionFit(statistic.weights, statistic.design_root, statistic.design_rows)


def _same_rows(theta: RegressionFit, n: int) -> None:
    if n != theta.design_rows:
        raise InputError(
            f"n = {n}, n_real = {theta.design_rows}: family.design = 'fixed' needs the same number "
            "of rows in every batch, and no mixtures of rows"
        )


def _draw_solution(
    family: LinearRegression, key: Array, theta: RegressionFit, size: Size
) -> LeastSquares:
    """Where n >= d: the error, then the Gram matrix given it (dropped where nothing is pooled)."""
    d, dtype = theta.weights.shape[-1], theta.weights.dtype
    # a slice of one stream: 6x slower
    gamma_bits = _bits(key, 2, words_needed(size.table["error"]))
    chi = jnp.exp((log_gamma_variate(gamma_bits, size.table["error"]) + wishart.LOG2) / 2)
    v = _normals(key, 0, (d,), dtype) / chi
    w = theta.weights + family.noise * family.unwhitened(v)
    tilted = wishart.lower_product(_tilt(v), _triangle(key, size.table["gram"]))
    root = family.coloured(tilted)
    return LeastSquares(size.n, root, wishart.lower_product(root.T, w[:, None])[:, 0], w)


def _draw_reduced(
    family: LinearRegression, key: Array, theta: RegressionFit, size: Size
) -> LeastSquares:
    """Any n: the root of the Gram matrix, n < d columns of it if rows are few, then the moment."""
    g = _normals(key, 0, theta.weights.shape, theta.weights.dtype)
    triangle = _triangle(key, size.table["few"])
    present = jnp.diagonal(triangle) > 0
    root = family.coloured(triangle)
    clean = wishart.lower_product(root.T, theta.weights[:, None])[:, 0]
    moment = clean + jnp.where(present, family.noise * g, 0)
    return LeastSquares(size.n, root, moment, wishart.solve_transposed(root, moment))


def _tilt(v: Float[Array, " d"]) -> Float[Array, "d d"]:
    """The lower-triangular root of (I + vv')^-1, column by column and without cancellation."""
    tail = 1 + jnp.cumsum((v * v)[::-1])[::-1]
    after = jnp.append(tail[1:], jnp.ones((1,), v.dtype))
    below = jnp.tril(-v[:, None] * (v / jnp.sqrt(tail * after))[None, :], -1)
    return below + jnp.diag(jnp.sqrt(after / tail))


def _triangle(key: Array, table: dict[str, Array]) -> Float[Array, "d d"]:
    log_diag, below = wishart.bartlett(_bits(key, 1, wishart.bartlett_words(table)), table)
    return below + jnp.diag(jnp.exp(log_diag))


def _bits(key: Array, stream: int, count: int) -> Array:
    """Words of one of several streams under a key: what is not used is not computed."""
    return jnp.concatenate(words(key, stream, np.arange(-(-count // 2), dtype=np.uint32)))[:count]


def _normals(key: Array, stream: int, shape: tuple[int, ...], dtype: Any) -> Array:
    count = int(np.prod(shape))
    return normal_from_bits(_bits(key, stream, count), dtype.type).reshape(shape)


@draw_tables.register
def _(family: LinearRegression, truth: RegressionLaw, sizes: np.ndarray) -> dict[str, Any]:
    d = len(truth.coefficients)
    if family.design == "fixed":
        if (sizes != sizes[0]).any():
            raise InputError(
                f"n = {sizes.tolist()}: family.design = 'fixed' needs one size for all generations"
            )
        return {"gram": wishart.bartlett_table(sizes, d)}
    if (sizes < d).any():
        return {"few": wishart.bartlett_table(sizes, d)}
    gram = wishart.bartlett_table(sizes + 1, d)
    return {"error": gamma_table((sizes - d + 1) / 2), "gram": gram}


@begin.register
def _(family: LinearRegression, key: Array, theta: RegressionFit, size: Size) -> RegressionFit:
    if family.design == "fresh":
        return theta
    root = family.coloured(_triangle(key, size.table["gram"]))
    return RegressionFit(theta.weights, root / jnp.sqrt(size.n), size.capacity)


@parameters.mean_squared_error.register(LinearRegression)
def _(family: LinearRegression, snap: Snapshot[RegressionFit]) -> Array:
    return ((snap.fit.weights - snap.truth.weights) ** 2).sum()


@parameters.excess_risk.register(LinearRegression)
def _risk(family: LinearRegression, snap: Snapshot[RegressionFit]) -> Array:
    return (family.whitened(snap.fit.weights - snap.truth.weights) ** 2).sum()


@distances.closer_than_first.register(LinearRegression)
def _(family: LinearRegression, snap: Snapshot[RegressionFit]) -> Array:
    first = _risk(family, snap._replace(fit=snap.first))
    return (_risk(family, snap) < first).astype(first.dtype)
