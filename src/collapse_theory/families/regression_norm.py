"""Least squares reduced: the size of the error in place of the coefficients.

Not for users: :class:`families.linear_regression.LinearRegression` brings them in where what is
measured depends on the error e = w_hat - w* through (C'e)'C'e alone, C C' the feature covariance.
"""

from __future__ import annotations

from typing import Any, NoReturn

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import AbstractStatistic
from collapse_theory.errors import RouteError
from collapse_theory.families.base import AbstractReducedFamily, Size, draw_tables
from collapse_theory.observables import distances, parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import normal_from_bits, normal_pair, words
from collapse_theory.sampling.gamma import gamma_table, log_gamma_of_normal, words_needed
from collapse_theory.sampling.wishart import LOG2


class ErrorNorm(eqx.Module):
    """How far the fit is from the truth, and no more.

    Fields: ``error_norm``: the length of C'(w_hat - w*), the root of the excess risk.
    """

    error_norm: Float[Array, "*c"]


class SingleBatch(AbstractStatistic):
    """A fit to one batch; how far a fit to two is off depends on more than two lengths.

    Fields: ``n`` rows; ``error_norm`` as in the fit.
    """

    n: Float[Array, ""]
    error_norm: Float[Array, ""]

    def merge(self, other: SingleBatch) -> NoReturn:
        """Not possible."""
        raise RouteError("lengths of errors cannot be pooled")

    def scale(self, weight: Any) -> NoReturn:
        """Not possible."""
        raise RouteError("lengths of errors cannot be weighted")


class RegressionNorm(AbstractReducedFamily[ErrorNorm, SingleBatch]):
    r"""The length r of the whitened error of least squares, a fresh design in every batch.

    A fit adds noise v to the error, v = z / sqrt(c) with z ~ N(0, I) and c ~ chi2_{n-d+1}
    independent. v keeps its law under rotations, so r is a Markov chain. With z split into its part
    a along the error and the rest, a ~ N(0, 1) and s ~ chi2_{d-1} independent,
    $r'^2 = (r + noise\, a / \sqrt c)^2 + noise^2 s / c$: the work does not depend on n or d.
    Relative error of a step: 1e-9 (float64), 1e-7 (float32).

    Fields: ``noise`` the standard deviation of the label noise.

    References:
        derived
    """

    noise: float

    def model(self, truth: Any) -> ErrorNorm:
        """No error."""
        return ErrorNorm(jnp.zeros(()))

    def draw(self, key: Array, theta: ErrorNorm, size: Size) -> SingleBatch:
        """Three variates."""
        dtype = theta.error_norm.dtype.type
        across, error = size.table["across"], size.table["error"]
        a, y = normal_pair(key, 0, 0, dtype)
        first, *lifts = (
            w
            for i in range(words_needed(error) + words_needed(across) - 1)
            for w in words(key, 0, 1 + i)
        )
        count = words_needed(error) - 1
        shrink = jnp.exp(-(log_gamma_of_normal(y, lifts[:count], error) + LOG2) / 2)
        z = normal_from_bits(first, dtype)
        spread = jnp.exp((log_gamma_of_normal(z, lifts[count:], across) + LOG2) / 2)
        step = self.noise * shrink
        return SingleBatch(
            size.n, jnp.sqrt((theta.error_norm + step * a) ** 2 + (step * spread) ** 2)
        )

    def estimate(self, statistic: SingleBatch) -> ErrorNorm:
        """The length."""
        return ErrorNorm(statistic.error_norm)


@draw_tables.register
def _(family: RegressionNorm, truth: Any, sizes: np.ndarray) -> dict[str, Any]:
    d = len(truth.coefficients)
    across = gamma_table(np.full(len(sizes), (d - 1) / 2))
    return {"across": across, "error": gamma_table((sizes - d + 1) / 2)}


@parameters.mean_squared_error.register(RegressionNorm)
@parameters.excess_risk.register(RegressionNorm)
def _(family: RegressionNorm, snap: Snapshot[ErrorNorm]) -> Array:
    return snap.fit.error_norm**2


@distances.closer_than_first.register(RegressionNorm)
def _(family: RegressionNorm, snap: Snapshot[ErrorNorm]) -> Array:
    r, first = snap.fit.error_norm, snap.first.error_norm
    return (r < first).astype(r.dtype)
