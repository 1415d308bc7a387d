"""Least squares on one design, reduced: the error in coordinates that make the design bidiagonal.

Not for users: :class:`families.linear_regression.LinearRegression` brings it in where what is
measured depends on the error e = w_hat - w* through (C'e)'C'e alone, C C' the feature covariance.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import AbstractStatistic
from collapse_theory.families.base import AbstractReducedFamily, Size, begin, draw_tables
from collapse_theory.families.least_squares import one_size, same_rows
from collapse_theory.observables import distances, parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling import wishart
from collapse_theory.sampling.gamma import gamma_table, words_needed

FEW = 8
"""Chi-squares of up to so many degrees of freedom are sums of squares, others quantile maps."""

# an array over the features; up to WRITTEN_OUT of them the numbers one by one, each an array over
# the chains, because loops over these vectorise
Numbers = tuple[Array, ...] | Array


class Bidiagonal(eqx.Module):
    """A lower-bidiagonal matrix B, as solving with its transpose needs it.

    Fields: ``inverse``, d numbers 1 / B_ii; ``ratio``, d numbers B_{i+1,i} / B_ii, the last one 0.
    """

    inverse: Numbers
    ratio: Numbers


class RotatedFit(eqx.Module):
    """A fit as the sum of the noise it has seen.

    Fields: ``score``, d numbers, to each of which a fit to one batch adds N(0, 1); the whitened
    error is noise B'^{-1} score, rotated; ``design`` B, in the truth only; ``design_rows`` the n it
    was drawn for.
    """

    score: Numbers
    design: Bidiagonal | None
    design_rows: int = eqx.field(static=True)


class Scores(AbstractStatistic):
    """Batches that share their design: n times their scores is additive.

    Fields: ``n`` rows; ``score`` of the pooled fit; ``design_rows`` as in the fit.
    """

    n: Float[Array, ""]
    score: Numbers
    design_rows: int = eqx.field(static=True)

    def merge(self, other: Scores) -> Scores:
        """Mean by rows."""
        n = self.n + other.n
        share = other.n / n
        score = jax.tree.map(lambda a, b: a + (b - a) * share, self.score, other.score)
        return Scores(n, score, self.design_rows)

    def scale(self, weight: Any) -> Scores:
        """Multiply the weights of the rows."""
        return Scores(self.n * weight, self.score, self.design_rows)


class RegressionRotated(AbstractReducedFamily[RotatedFit, Scores]):
    """Least squares where one design serves the whole chain.

    Householder reflections from both sides bring the whitened X' to [B 0], B lower bidiagonal with
    independent entries: B_ii ~ chi_{n-i+1}, B_{i+1,i} ~ chi_{d-i}. Those from the left rotate the
    error, those from the right the label noise, which keeps its law: error = B'^{-1} z, O(d), and
    pooled errors are the same means of it. Relative error: as of the full family.

    Fields: ``noise`` the standard deviation of the label noise.

    References:
        derived
    """

    noise: float

    def model(self, truth: Any) -> RotatedFit:
        """No error; the design is drawn by ``begin``."""
        return RotatedFit(_split(jnp.zeros(len(truth.coefficients))), None, 0)

    def draw(self, key: Array, theta: RotatedFit, size: Size) -> Scores:
        """One normal a dimension."""
        same_rows(theta.design_rows, size.capacity)
        one_by_one = isinstance(theta.score, tuple)
        normals = wishart.normals if one_by_one else wishart.normal_row
        z = normals(key, 0, len(theta.score), theta.score[0].dtype.type)
        return Scores(size.n, jax.tree.map(jnp.add, theta.score, z), theta.design_rows)

    def estimate(self, statistic: Scores) -> RotatedFit:
        """The score."""
        return RotatedFit(statistic.score, None, statistic.design_rows)


def _split(x: Float[Array, " d"]) -> Numbers:
    return tuple(x) if len(x) <= wishart.WRITTEN_OUT else x


@draw_tables.register
def _(family: RegressionRotated, truth: Any, sizes: np.ndarray) -> dict[str, Any]:
    one_size(sizes)
    d = len(truth.coefficients)
    many = np.arange(d - 1, FEW, -1) / 2
    return {
        "diagonal": wishart.bartlett_table(sizes, d),
        "below": jax.tree.map(lambda a: a[None], gamma_table(many)) if many.size else None,
    }


@begin.register
def _(family: RegressionRotated, key: Array, theta: RotatedFit, size: Size) -> RotatedFit:
    d, dtype = len(theta.score), theta.score[0].dtype.type
    diagonal, below = size.table["diagonal"], size.table["below"]
    roots = [_chi(key, 2, diagonal, dtype)]
    if below is not None:
        roots.append(_chi(key, 2 + words_needed(diagonal), below, dtype))
    few = min(d - 1, FEW)
    z = wishart.normals(key, 1, few * (few + 1) // 2, dtype) if few else ()
    squares = (
        sum(z[i] ** 2 for i in range(k * (k - 1) // 2, k * (k + 1) // 2)) for k in range(few, 0, -1)
    )
    roots.append(jnp.stack([*map(jnp.sqrt, squares), jnp.zeros((), dtype)]))
    inverse = 1 / roots[0]
    design = Bidiagonal(_split(inverse), _split(jnp.concatenate(roots[1:]) * inverse))
    return RotatedFit(theta.score, design, size.capacity)


def _chi(key: Array, stream: int, table: dict[str, Array], dtype: Any) -> Float[Array, " k"]:
    """Roots of chi-square variates, one for each row of the table."""
    z = wishart.normal_row(key, stream, len(table["log_shape"]), dtype)
    return jnp.exp(wishart.log_chi(z, key, stream + 1, table))


@parameters.mean_squared_error.register(RegressionRotated)
@parameters.excess_risk.register(RegressionRotated)
def _risk(family: RegressionRotated, snap: Snapshot[RotatedFit]) -> Array:
    design: Any = snap.truth.design
    x, risk = jnp.zeros(()), jnp.zeros(())
    for i in reversed(range(len(snap.fit.score))):
        x = design.inverse[i] * snap.fit.score[i] - design.ratio[i] * x
        risk = risk + x * x
    return family.noise**2 * risk


@distances.closer_than_first.register(RegressionRotated)
def _(family: RegressionRotated, snap: Snapshot[RotatedFit]) -> Array:
    first = _risk(family, snap._replace(fit=snap.first))
    return (_risk(family, snap) < first).astype(first.dtype)
