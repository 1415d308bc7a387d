"""Logistic regression with Gaussian features."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array

from collapse_theory.errors import InputError, show
from collapse_theory.families.glm import AbstractGLM
from collapse_theory.sampling.counter import uniform


class Logistic(AbstractGLM):
    """x ~ N(0, I), P(y = 1) = 1 / (1 + exp(-x'w)); w fitted by maximum likelihood.

    New features in every batch. Data that a plane separates have no largest likelihood: the fit is
    then whatever the last step of Newton's method reached, large and finite; with Firth's
    correction there is one always. Rare from some 30 rows a coefficient on.

    Fields: ``firth`` whether to take away the bias of order 1/n; ``iterations`` of Newton's method,
    >= 1: 12 reach rounding from 50 rows a coefficient on, for coefficients up to 2.

    Raises:
        InputError: ``iterations`` is below 1.
    """

    firth: bool = False
    iterations: int = 12

    def __check_init__(self) -> None:
        if isinstance(self.iterations, bool) or self.iterations < 1:
            raise InputError(f"family.iterations = {show(self.iterations)}: 1 or more are needed")

    def mean(self, eta: Array) -> Array:
        """The probability of 1."""
        small = jnp.exp(-jnp.abs(eta))
        return jnp.where(eta < 0, small, 1) / (1 + small)

    def variance(self, eta: Array) -> Array:
        """The variance p (1 - p) of a label."""
        small = jnp.exp(-jnp.abs(eta))  # one exponential serves all three
        both: Array = small / (1 + small) ** 2
        return both

    def skew(self, eta: Array) -> Array:
        """Half of 1 - 2 p."""
        small = jnp.exp(-jnp.abs(eta))
        return -jnp.sign(eta) * (1 - small) / (1 + small) / 2

    def fourth(self, eta: Array) -> Array:
        """1 - 6 p (1 - p)."""
        return 1 - 6 * self.variance(eta)

    def labels(self, key: Array, eta: Array) -> Array:
        """0 or 1, with 32 random bits each (24 in float32)."""
        one: Array = uniform(key, eta.shape, eta.dtype) < self.mean(eta)
        return one.astype(eta.dtype)
