"""Linear regression with Gaussian design and noise, fitted by ordinary least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError, show
from collapse_theory.families.base import (
    AbstractSufficientFamily,
    Size,
    begin,
    draw_tables,
    reduced,
)
from collapse_theory.families.covariance import check_covariance
from collapse_theory.families.least_squares import (
    LeastSquares,
    RegressionFit,
    Rows,
    SameDesign,
    Triangle,
    by_rows,
    matrix,
    one_size,
    same_rows,
    solved,
)
from collapse_theory.families.regression_norm import RegressionNorm
from collapse_theory.families.regression_rotated import RegressionRotated
from collapse_theory.observables import distances, parameters
from collapse_theory.observables.base import Observable, Snapshot
from collapse_theory.sampling import wishart
from collapse_theory.sampling.counter import normal, words
from collapse_theory.sampling.gamma import gamma_table, log_gamma_of_normal, words_needed
from collapse_theory.sampling.tilted import tilted, tilted_rows
from collapse_theory.sampling.wishart import LOG2, SMALL

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class RegressionLaw:
    """The true coefficients w*, one a feature. The law of the error does not depend on them.

    Args:
        coefficients: d finite numbers.

    Raises:
        InputError: they are not such.
    """

    coefficients: Sequence[float] = (1.0, -1.0)

    def __post_init__(self) -> None:
        w = np.asarray(self.coefficients, float)
        if w.ndim != 1 or not w.size or not np.isfinite(w).all():
            given = show(self.coefficients)
            raise InputError(f"truth.coefficients = {given}: a list of finite numbers is needed")
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
    n > d + 3 only. Relative error of the risk, pooled fits included: 1e-9 (float64); in float32
    1e-7 to 4e-7 in the median, and for n < d + 9, where chi-squares of few degrees of freedom are
    made of logarithms, 2e-5 in one chain of a hundred and 2e-3 in one of 10,000.

    Where only the size of the error is measured, a smaller family with the same law serves: see
    :mod:`families.regression_norm` and :mod:`families.regression_rotated`.

    Fields: ``design`` "fresh" or "fixed"; ``noise`` standard deviation of the label noise, >= 0;
    ``covariance`` of the features, d rows of d numbers (structural), the identity if left out.

    Raises:
        InputError: an unknown design, ``noise`` below 0, or ``covariance`` is no covariance matrix.

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
        if isinstance(self.noise, float | int) and not 0 <= self.noise < np.inf:  # else traced
            raise InputError(
                f"family.noise = {self.noise}: a standard deviation must be >= 0 and finite"
            )
        if self.covariance is not None:
            check_covariance(self.covariance, len(self.covariance), "family.covariance")

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
        for_x, for_e = jr.split(key)
        e = normal(for_e, (n,), dtype)
        if theta.design_root is None:
            white = normal(for_x, (n, d), dtype)
            x = white if self.covariance is None else white @ self._root(white).T
        else:
            same_rows(theta.design_rows, n)
            x = jnp.pad(theta.design_root.T * np.sqrt(n).astype(dtype), [(0, n - d), (0, 0)])
        return Rows(x, x @ theta.weights + self.noise * e, theta.design_rows)

    def draw(self, key: Array, theta: RegressionFit, size: Size) -> LeastSquares | SameDesign:
        """The reduced problem."""
        if theta.design_root is not None:
            same_rows(theta.design_rows, size.capacity)
            z = wishart.normal_row(key, 0, len(theta.weights), theta.weights.dtype.type)
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
        fit = solved(n, both.T, jnp.zeros(both.shape[-1] - 1, both.dtype))
        if self.design == "fresh":
            return fit
        return SameDesign(n, fit.weights, fit.root / jnp.sqrt(n), rows.design_rows)

    def estimate(self, statistic: LeastSquares | SameDesign) -> RegressionFit:
        """The least-squares solution."""
        if isinstance(statistic, LeastSquares):
            return RegressionFit(statistic.weights)
        return RegressionFit(statistic.weights, statistic.design_root, statistic.design_rows)


def _draw_solution(
    family: LinearRegression, key: Array, theta: RegressionFit, size: Size
) -> LeastSquares:
    """Where n >= d: the error, then the Gram matrix given it (dropped where nothing is pooled)."""
    d, error = theta.weights.shape[-1], size.table["error"]
    z = wishart.normal_row(key, 0, d + 1, theta.weights.dtype.type)
    lifts = words(key, 1, np.arange(words_needed(error) - 1, dtype=np.uint32))[0]
    v = z[:d] / jnp.exp((log_gamma_of_normal(z[d], lifts, error) + LOG2) / 2)
    w = theta.weights + family.noise * family.unwhitened(v)
    triangle = _gram_root(family, key, v, size.table["gram"])
    return LeastSquares(size.n, triangle, theta.weights, w)


def _gram_root(family: LinearRegression, key: Array, v: Array, table: Any) -> Triangle:
    """The root of the Gram matrix of rows whose error is v, and its moment."""
    if len(v) > SMALL:
        white, error = tilted_rows(v, *wishart.bartlett(key, 2, table))
        return jnp.concatenate([family.coloured(white), family.noise * error[None]])
    *root, moment = tilted(v, *wishart.bartlett_numbers(key, 2, table))
    triangle = (*root, tuple(family.noise * x for x in moment))
    if family.covariance is None:
        return triangle
    dense = matrix(triangle)
    return by_rows(jnp.concatenate([family.coloured(dense[:-1]), dense[-1:]]))


def _draw_reduced(
    family: LinearRegression, key: Array, theta: RegressionFit, size: Size
) -> LeastSquares:
    """Any n: the root of the Gram matrix, n < d columns of it if rows are few, then the moment."""
    w = theta.weights
    g = wishart.normal_row(key, 0, len(w), w.dtype.type)
    triangle = _triangle(key, size.table["few"])
    root = family.coloured(triangle)
    moment = jnp.where(jnp.diagonal(triangle) > 0, family.noise * g, 0)
    both = by_rows(jnp.concatenate([root, moment[None]]))
    return LeastSquares(size.n, both, w, w + wishart.solve_transposed(root, moment))


def _triangle(key: Array, table: dict[str, Array]) -> Float[Array, "d d"]:
    log_diag, below = wishart.bartlett(key, 2, table)
    return below + jnp.diag(jnp.exp(log_diag))


@draw_tables.register
def _(family: LinearRegression, truth: RegressionLaw, sizes: np.ndarray) -> dict[str, Any]:
    d = len(truth.coefficients)
    if family.design == "fixed":
        one_size(sizes)
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


@reduced.register
def _(
    family: LinearRegression, observables: tuple[Observable, ...]
) -> RegressionNorm | RegressionRotated | None:
    coloured = family.covariance is not None and parameters.mean_squared_error in observables
    if coloured or type(family) is not LinearRegression:
        return None
    return (RegressionNorm if family.design == "fresh" else RegressionRotated)(family.noise)


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
