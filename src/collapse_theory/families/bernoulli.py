"""The Bernoulli law: one bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import Items, Sums
from collapse_theory.errors import InputError
from collapse_theory.families.base import AbstractSufficientFamily, Size, draw_tables
from collapse_theory.families.symbols import register_symbols
from collapse_theory.observables import parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import uniform
from collapse_theory.sampling.counts import TreePlan, binomial, tree_plan


@dataclass(frozen=True)
class BernoulliLaw:
    """Probability of a one.

    Args:
        prob: in [0, 1].

    Raises:
        InputError: ``prob`` is not in [0, 1].
    """

    prob: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.prob <= 1:
            raise InputError(f"truth.prob = {self.prob}: a probability must lie in [0, 1]")


class BernoulliFit(eqx.Module):
    """Probability of a one; exactly 0 or 1 once collapsed."""

    prob: Float[Array, "*c"]


class Bernoulli(AbstractSufficientFamily[BernoulliFit, Sums]):
    """P(1) = p, fitted by the share of ones.

    The statistic is the weight of zeros and of ones. A batch is one binomial, exact in law (see
    :func:`sampling.counts.count_below`). The estimate is ones / (zeros + ones), so that a collapsed
    law is exactly 0 or 1 whatever the weights. Symbol observables use the two probabilities (1 - p,
    p); ``mean`` is p and ``mean_squared_error`` is (p - truth)^2.
    """

    truth_type: ClassVar[type] = BernoulliLaw
    convex: ClassVar[bool] = True

    def model(self, truth: BernoulliLaw) -> BernoulliFit:
        """The probability as an array."""
        return BernoulliFit(jnp.asarray(float(truth.prob)))

    def smallest_fit(self, truth: BernoulliLaw) -> int:
        """One row."""
        return 1

    def sample(self, key: Array, theta: BernoulliFit, n: int) -> Float[Array, " n"]:
        """Rows: 0. or 1.; probabilities are resolved to 2**-32 (float64) or 2**-24 (float32)."""
        dtype = theta.prob.dtype
        return (uniform(key, (n,), dtype) <= theta.prob).astype(dtype)

    def draw(self, key: Array, theta: BernoulliFit, size: Size) -> Sums:
        """A binomial number of ones."""
        return _sums(size.n, binomial(key, theta.prob, size.table))

    def summarise(self, items: Items) -> Sums:
        """Weight of zeros and of ones."""
        ones, zeros = items.weight @ items.rows, items.weight @ (1 - items.rows)
        return Sums(items.n, jnp.stack([zeros, ones]))

    def estimate(self, statistic: Sums) -> BernoulliFit:
        """The share of ones."""
        return BernoulliFit(statistic.total[1] / statistic.total.sum())


def _sums(n: Array, ones: Array) -> Sums:
    return Sums(n, jnp.stack([n - ones, ones]))


@draw_tables.register
def _(family: Bernoulli, truth: BernoulliLaw, sizes: np.ndarray) -> TreePlan:
    return tree_plan([int(n) for n in sizes])


register_symbols(Bernoulli, lambda family, theta: jnp.stack([1 - theta.prob, theta.prob], -1))


@parameters.mean.register(Bernoulli)
def _(family: Bernoulli, snap: Snapshot[BernoulliFit]) -> Array:
    return snap.fit.prob


@parameters.mean_squared_error.register(Bernoulli)
def _(family: Bernoulli, snap: Snapshot[BernoulliFit]) -> Array:
    return (snap.fit.prob - snap.truth.prob) ** 2
