"""Least-squares problems, reduced to what a fit needs, and how they are pooled."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import AbstractStatistic
from collapse_theory.errors import InputError
from collapse_theory.sampling import wishart
from collapse_theory.sampling.wishart import SMALL

# up to SMALL dimensions problems are pooled number by number: every number is an array over the
# chains, and loops over these vectorise, where loops of length d over rows do not
Numbers = tuple[tuple[Array, ...], ...]
Triangle = Numbers | Array


class RegressionFit(eqx.Module):
    """Fitted coefficients, and the design where one design serves the whole chain.

    Fields: ``weights`` (d,); ``design_root`` (d, d), the lower-triangular root of X'X / n, None for
    fresh designs; ``design_rows`` the n it was drawn for (0: not drawn).
    """

    weights: Float[Array, "*c d"]
    design_root: Float[Array, "*c d d"] | None = None
    design_rows: int = eqx.field(static=True, default=0)


class Rows(eqx.Module):
    """Stored rows.

    Fields: ``x`` (cap, d) features; ``y`` (cap,) responses; ``design_rows`` as in the fit.
    """

    x: Float[Array, "*c d"]
    y: Float[Array, "*c"]
    design_rows: int = eqx.field(static=True, default=0)


class LeastSquares(AbstractStatistic):
    """A least-squares problem, reduced: the rows (X, y - X origin) rotated to (root', moment).

    root root' = X'X and root moment = X'(y - X origin), so root'(w - origin) = moment where X has
    full rank: what is solved for is as small as the errors are, and so is its rounding. Problems
    are pooled by an orthogonal factorisation of the roots side by side.

    Fields: ``n`` rows; ``triangle`` the lower-triangular root and below it the moment, a matrix
    (d + 1, d), or for d <= SMALL the numbers that may differ from 0, a tuple a row; ``origin``
    (d,); ``weights`` (d,) the solution, kept because it is drawn directly: where nothing is pooled,
    the triangle is never computed.
    """

    n: Float[Array, ""]
    triangle: Triangle
    origin: Float[Array, " d"]
    weights: Float[Array, " d"]

    @property
    def root(self) -> Float[Array, "d d"]:
        """The root as a matrix."""
        return matrix(self.triangle)[:-1]

    @property
    def moment(self) -> Float[Array, " d"]:
        """The moment."""
        return matrix(self.triangle)[-1]

    def merge(self, other: LeastSquares) -> LeastSquares:
        """All rows together."""
        n, shift = self.n + other.n, other.origin - self.origin
        left, right = self.triangle, other.triangle
        if not (isinstance(left, tuple) and isinstance(right, tuple)):
            moved = wishart.lower_product(other.root.T, shift[:, None])[:, 0] + other.moment
            both = [matrix(left), jnp.concatenate([other.root, moved[None]])]
            return solved(n, jnp.concatenate(both, 1), self.origin)
        *root, moment = right
        columns = [[row[j] for row in root[j:]] for j in range(len(root))]
        moments = (
            sum((a * b for a, b in zip(column, shift[j:], strict=True)), moment[j])
            for j, column in enumerate(columns)
        )
        pooled = _side_by_side(left, (*root, tuple(moments)))
        weights = self.origin + jnp.stack(_back_substituted(pooled))
        return LeastSquares(n, pooled, self.origin, weights)

    def scale(self, weight: Any) -> LeastSquares:
        """Multiply the weights of the rows."""
        r = jnp.sqrt(weight)
        triangle = jax.tree.map(lambda x: x * r, self.triangle)
        return LeastSquares(self.n * weight, triangle, self.origin, self.weights)


class SameDesign(AbstractStatistic):
    """Solutions of least-squares problems that share their design: n times them is additive.

    Fields: ``n`` rows; ``weights`` (d,) the pooled solution; ``design_root`` and ``design_rows`` as
    in the fit.
    """

    n: Float[Array, ""]
    weights: Float[Array, " d"]
    design_root: Float[Array, "d d"]
    design_rows: int = eqx.field(static=True)

    def merge(self, other: SameDesign) -> SameDesign:
        """Mean by rows: the Gram matrices are proportional."""
        n = self.n + other.n
        weights = self.weights + (other.weights - self.weights) * (other.n / n)
        return SameDesign(n, weights, self.design_root, self.design_rows)

    def scale(self, weight: Any) -> SameDesign:
        """Multiply the weights of the rows."""
        return SameDesign(self.n * weight, self.weights, self.design_root, self.design_rows)


def solved(n: Array, rows: Float[Array, "e k"], origin: Float[Array, " d"]) -> LeastSquares:
    """Reduce and solve: features are the first d = e - 1 rows, the centred response is the last."""
    d = len(rows) - 1
    reduced = wishart.lower_factor(rows, d)
    weights = origin + wishart.solve_transposed(reduced[:d], reduced[d])
    return LeastSquares(n, by_rows(reduced), origin, weights)


def by_rows(reduced: Float[Array, "e d"]) -> Triangle:
    """A lower triangle with a row below it, as the statistic keeps it."""
    d = reduced.shape[1]
    if d > SMALL:
        return reduced
    return tuple(tuple(row[j] for j in range(min(i + 1, d))) for i, row in enumerate(reduced))


def matrix(triangle: Triangle) -> Float[Array, "e d"]:
    """The inverse of :func:`by_rows`."""
    if not isinstance(triangle, tuple):
        return triangle
    zero = jnp.zeros_like(triangle[0][0])
    d = len(triangle) - 1
    return jnp.stack([jnp.stack([*row, *[zero] * (d - len(row))]) for row in triangle])


def _side_by_side(a: Numbers, b: Numbers) -> Numbers:
    """L with L L' = A A' + B B' for triangles A and B, by Householder reflections.

    The row below the triangles is carried along in the same basis. Reflection j takes the row j of
    B, which ends at j, into the diagonal: d^3 / 3 multiplications, as many as for the sum of the
    matrices and its Cholesky factor, and no condition number is squared.
    """
    left, right = [list(row) for row in a], [list(row) for row in b]
    for j in range(len(left) - 1):
        head, x = left[j][j], right[j]
        norm = jnp.sqrt(sum((y * y for y in x), head * head))
        safe = jnp.where(norm > 0, norm, 1)
        inverse, half = 1 / safe, 1 / (safe + head)
        left[j][j] = norm
        for i in range(j + 1, len(left)):
            row, old = right[i], left[i][j]
            left[i][j] = sum((y * z for y, z in zip(row, x, strict=False)), head * old) * inverse
            turn = (left[i][j] + old) * half
            right[i] = [y - turn * z for y, z in zip(row, x, strict=False)] + row[j + 1 :]
    return tuple(map(tuple, left))


def _back_substituted(triangle: Numbers) -> list[Array]:
    """The solution of root' x = moment."""
    *root, moment = triangle
    rest = list(moment)
    for j in reversed(range(len(root))):
        rest[j] = rest[j] / root[j][j]
        rest[:j] = [m - r * rest[j] for m, r in zip(rest[:j], root[j], strict=False)]
    return rest


def one_size(sizes: np.ndarray) -> None:
    """Check that a fixed design can serve all generations.

    Raises:
        InputError: their sizes differ.
    """
    if (sizes != sizes[0]).any():
        raise InputError(
            f"n = {sizes.tolist()}: family.design = 'fixed' needs one size for all generations"
        )


def same_rows(design_rows: int, n: int) -> None:
    """Check that a batch has the rows of the design.

    Raises:
        InputError: it has not.
    """
    if n != design_rows:
        raise InputError(
            f"n = {n}, n_real = {design_rows}: family.design = 'fixed' needs the same number of "
            "rows in every batch, and no mixtures of rows"
        )
