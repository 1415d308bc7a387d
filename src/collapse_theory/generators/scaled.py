"""Generation with too little, or too much, variance."""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp

from collapse_theory.errors import InputError
from collapse_theory.families.classes import GaussianClasses
from collapse_theory.families.gaussian import Gaussian, GaussianFit
from collapse_theory.families.gaussian_nd import GaussianND, GaussianNDFit
from collapse_theory.generators.base import AbstractGenerator
from collapse_theory.generators.support import require_method


class Scaled(AbstractGenerator):
    """Synthetic data of the fitted mean and ``factor`` times the fitted variance.

    N(mu, S) is sampled as N(mu, factor S): a factor below 1 is quality bought with diversity.

    Fields: ``factor``: lambda > 0; 1 is faithful.

    Raises:
        InputError: ``factor`` is not a finite number > 0.

    References:
        alemohammad2023
    """

    factor: float

    def __check_init__(self) -> None:
        if isinstance(self.factor, float | int) and not 0 < self.factor < float("inf"):
            raise InputError(f"generator.factor = {self.factor}: a finite number > 0 is needed")

    def apply(self, family: Any, theta: Any) -> Any:
        """The model with its variance multiplied."""
        return scaled_model(family, theta, self.factor)

    def check(self, family: Any) -> None:
        """Raise InputError unless the family can fit a variance of its own."""
        require_method(self, scaled_model, family)


@functools.singledispatch
def scaled_model(family: Any, theta: Any, factor: Any) -> Any:
    """Theta with the variance of a row times ``factor``, the mean kept; a method a family."""
    raise InputError(f"generator Scaled is not defined for {type(family).__name__}")


@scaled_model.register(Gaussian)
@scaled_model.register(GaussianClasses)
def _(family: Gaussian | GaussianClasses, theta: GaussianFit, factor: Any) -> GaussianFit:
    return GaussianFit(theta.mean, theta.log_var + jnp.log(factor))


@scaled_model.register
def _(family: GaussianND, theta: GaussianNDFit, factor: Any) -> GaussianNDFit:
    return GaussianNDFit(theta.mean, theta.scale.shift(jnp.log(factor) / 2))
