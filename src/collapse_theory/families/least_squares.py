"""Least-squares problems, reduced to what a fit needs, and how they are pooled."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse_theory.corpus import AbstractStatistic
from collapse_theory.sampling import wishart


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
    """A least-squares problem, reduced: the rows (X, y) rotated to (root', moment).

    root root' = X'X and root moment = X'y, so root' w = moment where X has full rank. Problems are
    pooled by an orthogonal factorisation of the roots side by side.

    Fields: ``n`` rows; ``root`` (d, d) lower triangular; ``moment`` (d,); ``weights`` (d,) the
    solution, kept because it is drawn directly: where nothing is pooled, the other two are never
    computed.
    """

    n: Float[Array, ""]
    root: Float[Array, "d d"]
    moment: Float[Array, " d"]
    weights: Float[Array, " d"]

    def merge(self, other: LeastSquares) -> LeastSquares:
        """All rows together."""
        left = jnp.concatenate([self.root, self.moment[None]])
        right = jnp.concatenate([other.root, other.moment[None]])
        return solved(self.n + other.n, jnp.concatenate([left, right], 1))

    def scale(self, weight: Any) -> LeastSquares:
        """Multiply the weights of the rows."""
        r = jnp.sqrt(weight)
        return LeastSquares(self.n * weight, self.root * r, self.moment * r, self.weights)


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


def solved(n: Array, rows: Float[Array, "e k"]) -> LeastSquares:
    """Reduce and solve: features are the first d = e - 1 rows, the response is the last."""
    d = len(rows) - 1
    reduced = wishart.lower_factor(rows, d)
    root, moment = reduced[:d], reduced[d]
    return LeastSquares(n, root, moment, wishart.solve_transposed(root, moment))
