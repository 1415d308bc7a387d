"""Poisson regression with Gaussian features."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array

from collapse_theory.errors import InputError, show
from collapse_theory.families.glm import AbstractGLM
from collapse_theory.sampling.poisson import poisson, poisson_plan

TYPICAL = 2.0  # a label that costs one pass of the sampler
MOST_OF_A_LABEL = 1e4


class PoissonGLM(AbstractGLM):
    """x ~ N(0, I), y ~ Poisson(exp(x'w)); w fitted by maximum likelihood.

    New features in every batch. A row whose mean is above 10,000 gets no number, and neither does
    the fit: with coefficients of a norm up to 1 that is a chance of 1e-19 a row.

    Fields: ``firth`` whether to take away the bias of order 1/n; ``iterations`` of Newton's method,
    >= 1: 15 reach rounding from 50 rows a coefficient on, for coefficients up to a norm of 1.

    Raises:
        InputError: ``iterations`` is below 1.
    """

    firth: bool = False
    iterations: int = 15

    def __check_init__(self) -> None:
        if isinstance(self.iterations, bool) or self.iterations < 1:
            raise InputError(f"family.iterations = {show(self.iterations)}: 1 or more are needed")

    def mean(self, eta: Array) -> Array:
        """The rate."""
        return jnp.exp(eta)

    def variance(self, eta: Array) -> Array:
        """The rate."""
        return jnp.exp(eta)

    def skew(self, eta: Array) -> Array:
        """One half."""
        return jnp.full_like(eta, 0.5)

    def fourth(self, eta: Array) -> Array:
        """One."""
        return jnp.ones_like(eta)

    def labels(self, key: Array, eta: Array) -> Array:
        """Counts, as floats; NaN where the mean is above `MOST_OF_A_LABEL`."""
        plan = poisson_plan(TYPICAL)
        rate = jnp.exp(eta)
        rate = jnp.where(rate > MOST_OF_A_LABEL, jnp.nan, rate)
        counts: Array = jax.vmap(lambda k, r: poisson(k, r, plan))(jr.split(key, len(eta)), rate)
        return counts
