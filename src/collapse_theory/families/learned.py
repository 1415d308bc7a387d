"""Families that are trained: an Equinox module, a loss, and how to train."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from collapse_theory.corpus import Items
from collapse_theory.families.base import AbstractFamily, failed, refit
from collapse_theory.families.training import Training, train
from collapse_theory.observables import training as observables
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import seed_key


class Learned(eqx.Module):
    """A trained network: its floating-point arrays; the rest of it is built anew.

    Fields: ``arrays`` the module with None for what is no floating-point array; ``loss`` the last
    loss on the rows it was trained on, in the unit of the loss, NaN where the training went wrong;
    ``steps`` the updates taken. Of a model that was not trained both are 0.
    """

    arrays: PyTree[Array]
    loss: Float[Array, "*c"]
    steps: Float[Array, "*c"]


class AbstractLearnedFamily(AbstractFamily[Learned]):
    """A family whose estimate is trained by gradient descent.

    A subclass gives ``build``, ``loss``, ``sample``, ``model`` and a ``truth_type``, and holds the
    field ``training``. The network is whatever ``build`` returns, its floating-point arrays are
    trained, and everything else of it is a constant. Training is for rows: a learned family has no
    statistic, and runs on route "raw".
    """

    training: eqx.AbstractVar[Training]

    @abstractmethod
    def build(self, key: Array) -> eqx.Module:
        """The network with its initial weights; it is called often, and is cheap in Python.

        Only weights may depend on the key.
        """

    @abstractmethod
    def loss(self, module: Any, row: Any, key: Array | None) -> Float[Array, ""]:
        """The loss of one row; the key is for dropout and the like, None in evaluation."""

    def smallest_fit(self, truth: Any) -> int:
        """One row; two where some are held out."""
        return 2 if self.training.validation else 1

    def module(self, theta: Learned) -> Any:
        """The network of a fit."""
        return eqx.combine(theta.arrays, self.static)

    @property
    def static(self) -> Any:
        """The network without its floating-point arrays."""
        return eqx.filter(self.build(seed_key(0)), eqx.is_inexact_array, inverse=True)

    @final
    def fit(self, items: Items) -> Learned:
        """Trained from scratch, with a key of its own: outside of chains."""
        return trained(self, seed_key(0), items, None)


def as_learned(module: eqx.Module) -> Learned:
    """A network as a fit that was not trained, as :meth:`AbstractFamily.model` returns it.

    Args:
        module: with at least one floating-point array.
    """
    arrays = eqx.filter(module, eqx.is_inexact_array)
    dtype = jax.tree.leaves(arrays)[0].dtype
    return Learned(arrays, jnp.zeros((), dtype), jnp.zeros((), dtype))


@refit.register
def trained(
    family: AbstractLearnedFamily, key: Array, items: Items, previous: Learned | None
) -> Learned:
    """Train on rows, from scratch or from the last fit.

    A chain whose training went wrong stays so: from scratch it could come back, and nobody would
    know.
    """
    dtype = items.weight.dtype
    first, later = jax.random.split(key)
    start, static = eqx.partition(family.build(first), eqx.is_inexact_array)
    if family.training.warm and previous is not None:
        start = previous.arrays
    start = jax.tree.map(lambda a: a.astype(dtype), start)
    end = train(family.loss, start, static, items, (family.training, later))
    found = Learned(end.arrays, end.loss, end.step.astype(dtype))
    if previous is None:
        return found
    lost = ~jnp.isfinite(previous.loss)
    kept: Learned = jax.tree.map(lambda a: jnp.where(lost, jnp.nan, a), found)
    return kept


@failed.register
def _(theta: Learned) -> Array:
    return ~jnp.isfinite(theta.loss)


@observables.training_loss.register(AbstractLearnedFamily)
def _(family: AbstractLearnedFamily, snap: Snapshot[Learned]) -> Array:
    return snap.fit.loss


@observables.training_steps.register(AbstractLearnedFamily)
def _(family: AbstractLearnedFamily, snap: Snapshot[Learned]) -> Array:
    return snap.fit.steps
