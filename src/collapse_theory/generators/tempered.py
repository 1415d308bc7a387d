"""Generation at another temperature."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from collapse_theory.errors import InputError
from collapse_theory.families.bernoulli import Bernoulli, BernoulliFit
from collapse_theory.families.categorical import Categorical, CategoricalFit
from collapse_theory.families.exponential import Exponential, PositiveFit
from collapse_theory.families.gaussian import Gaussian, GaussianFit
from collapse_theory.families.gaussian_nd import GaussianND, GaussianNDFit
from collapse_theory.generators.base import AbstractGenerator
from collapse_theory.generators.support import require_method


class Tempered(AbstractGenerator):
    """Synthetic data of the fitted density to a power, renormalised: p^beta / integral p^beta.

    Symbols: p_i^beta / sum_j p_j^beta, lost symbols stay lost. N(mu, v) becomes N(mu, v / beta),
    the exponential law of mean m that of mean m / beta.

    Fields: ``power``: beta > 0, the inverse temperature; 1 is faithful, above 1 favours the likely.

    Raises:
        InputError: ``power`` is not a finite number > 0.
    """

    power: float

    def __check_init__(self) -> None:
        if isinstance(self.power, float | int) and not 0 < self.power < float("inf"):
            raise InputError(f"generator.power = {self.power}: a finite number > 0 is needed")

    def apply(self, family: Any, theta: Any) -> Any:
        """The tempered model."""
        return tempered_model(family, theta, self.power)

    def check(self, family: Any) -> None:
        """Raise InputError unless the tempered law is a member of the family."""
        require_method(self, tempered_model, family)


@functools.singledispatch
def tempered_model(family: Any, theta: Any, power: Any) -> Any:
    """Theta of the density to this power; a method for each family closed under it."""
    raise InputError(f"generator Tempered is not defined for {type(family).__name__}")


@tempered_model.register
def _(family: Gaussian, theta: GaussianFit, power: Any) -> GaussianFit:
    return GaussianFit(theta.mean, theta.log_var - jnp.log(power))


@tempered_model.register
def _(family: GaussianND, theta: GaussianNDFit, power: Any) -> GaussianNDFit:
    return GaussianNDFit(theta.mean, theta.scale.shift(-jnp.log(power) / 2))


@tempered_model.register
def _(family: Exponential, theta: PositiveFit, power: Any) -> PositiveFit:
    return PositiveFit(theta.log_mean - jnp.log(power))


@tempered_model.register
def _(family: Bernoulli, theta: BernoulliFit, power: Any) -> BernoulliFit:
    # -inf or inf once collapsed, and it stays so
    logit = jnp.log(theta.prob) - jnp.log1p(-theta.prob)
    return BernoulliFit(jax.nn.sigmoid(power * logit))


@tempered_model.register
def _(family: Categorical, theta: CategoricalFit, power: Any) -> CategoricalFit:
    return CategoricalFit(jax.nn.softmax(power * jnp.log(theta.probs), axis=-1))
