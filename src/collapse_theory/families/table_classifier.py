"""Classes of the rows of a real table, told by a network; synthetic labels on real features."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float

from collapse_theory.errors import InputError, show
from collapse_theory.families.glm import Labelled
from collapse_theory.families.learned import AbstractLearnedFamily, Learned
from collapse_theory.families.table_rows import (
    TableLaw,
    TableTruth,
    check_source,
    empirical,
    picked,
    register_table,
    table_of,
)
from collapse_theory.families.training import Training
from collapse_theory.families.transformer import inverse
from collapse_theory.observables import distances, diversity, tables
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import uniform
from collapse_theory.tables import TableSource

MOST_WIDE = 1 << 12
DOCUMENTED = TableSource(label="documented")


class AbstractTableClassifier(AbstractLearnedFamily):
    r"""A network that tells the class of a row of a table, trained on labelled rows.

    Real rows are rows of the table with their labels. Synthetic ones have the features of rows of
    the table, drawn with replacement, and labels drawn from the fit: what the inputs are never
    changes, what is said of them does. The loss of a row is minus the log-probability of its label
    in nats, and half of ``penalty`` times the sum of the squared weights of the network (all arrays
    of two and more dimensions: no offsets); ``held_out_loss`` is without the penalty.

    A subclass gives ``build``, a module that is called as those of Equinox are,
    ``module(features, key=key)``, and returns a logit for each class; its key is for dropout, and
    outside of training the module is in inference mode. It has the fields ``data`` with a label,
    see ``TableSource``; ``penalty`` >= 0; ``training``, see ``Training``.

    Raises:
        InputError: there is no label, or the penalty is out of its range.
    """

    data: eqx.AbstractVar[TableSource]
    penalty: eqx.AbstractVar[float]
    truth_type: ClassVar[type] = TableLaw

    def __check_init__(self) -> None:
        check_source(self)
        if self.data.label is None:
            raise InputError("family.data.label is missing: it names the column of the classes")
        if isinstance(self.penalty, float | int) and not 0 <= self.penalty < float("inf"):
            raise InputError(f"family.penalty = {show(self.penalty)}: a number >= 0 is needed")

    def loss(self, module: Any, row: Labelled, key: Array | None) -> Float[Array, ""]:
        """Minus the log-probability of the label, and the penalty."""
        weights = [a for a in jax.tree.leaves(module) if eqx.is_inexact_array(a) and a.ndim > 1]
        loss = -_score(_logits(module, row.features, key), row.label)
        squares = sum(((a**2).sum() for a in weights), start=jnp.zeros((), loss.dtype))
        return loss + (self.penalty * squares / 2).astype(loss.dtype)

    def model(self, truth: TableLaw) -> TableTruth:  # type: ignore[override]  # no network is it
        """The law of the training rows.

        Raises:
            InputError: the table cannot be read, or does not serve.
        """
        return empirical(self)

    def sample(self, key: Array, theta: Learned | TableTruth, n: int) -> Labelled:
        """Rows of the table, with their own labels, or with labels drawn from a fit.

        Probabilities are resolved to 2**-24.
        """
        first, second = jr.split(key)
        table, which = table_of(self), picked(first, self, n)
        dtype = jax.tree.leaves(theta)[0].dtype
        features = jnp.asarray(table.train, dtype)[which]
        if isinstance(theta, TableTruth):
            return Labelled(features, jnp.asarray(table.train_labels)[which])
        u = uniform(second, (n,), dtype)
        return Labelled(features, jax.vmap(inverse)(self.logits(theta, features), u))

    def logits(self, theta: Learned, features: Float[Array, "n d"]) -> Float[Array, "n k"]:
        """A logit for each row and class."""
        module = self.module(theta)
        found: Array = jax.vmap(lambda x: _logits(module, x, None))(features)
        return found


class Affine(eqx.Module):
    """A product and a sum: ``weight`` (k, d), ``offset`` (k,)."""

    weight: Float[Array, "*c k d"]
    offset: Float[Array, "*c k"]

    def __call__(self, x: Float[Array, " d"]) -> Float[Array, " k"]:
        """Of a vector."""
        return self.weight @ x + self.offset


class Perceptron(eqx.Module):
    """Logits from features, through hyperbolic tangents of hidden units if there are any.

    Fields: ``hidden`` units, None for none; ``outer`` the logits.
    """

    hidden: Affine | None
    outer: Affine

    def __call__(self, x: Float[Array, " d"], *, key: Array | None = None) -> Float[Array, " k"]:
        """A logit for each class; nothing is drawn."""
        return self.outer(x if self.hidden is None else jnp.tanh(self.hidden(x)))


class TableClassifier(AbstractTableClassifier):
    """Softmax regression on the columns of a table, or a network with one layer of hidden units.

    Without hidden units and with a penalty the loss has one minimum, which L-BFGS finds, at a
    longer compilation; the 300 steps of Adam of the default end short of it where classes are
    nearly separable. Without a penalty separable classes have no minimum at all. No theorem speaks
    about it.

    Fields: ``data`` the table, with a label: see ``TableSource``; ``width`` hidden units, 0 for
    softmax regression, in 0..4096; ``penalty`` on squared weights, >= 0; ``training`` see
    ``Training``.

    Raises:
        InputError: a field is out of its range.
    """

    data: TableSource = DOCUMENTED
    width: int = 0
    penalty: float = 1e-3
    training: Training = Training("adam", 5e-2, 300, tolerance=1e-4)

    def __check_init__(self) -> None:
        if isinstance(self.width, bool) or not 0 <= self.width <= MOST_WIDE:
            raise InputError(
                f"family.width = {show(self.width)}: a whole number in 0..{MOST_WIDE} is needed"
            )

    def build(self, key: Array) -> Perceptron:
        """All logits 0; hidden units at random, with standard deviation 1 / sqrt(d)."""
        table, width = table_of(self), self.width
        d, classes = len(table.columns), len(table.classes)
        outer = Affine(jnp.zeros((classes, width or d)), jnp.zeros(classes))
        if not width:
            return Perceptron(None, outer)
        return Perceptron(Affine(jr.normal(key, (width, d)) / d**0.5, jnp.zeros(width)), outer)


def _logits(module: Any, x: Array, key: Array | None) -> Array:
    if key is None:
        module = eqx.nn.inference_mode(module)
    logits: Array = module(x, key=key)
    return logits


def _score(logits: Float[Array, " k"], label: Array) -> Float[Array, ""]:
    # a product with 0 and 1 instead of a choice: so the gradient needs no scatter
    chosen = jax.nn.one_hot(label, logits.shape[-1], dtype=logits.dtype)
    return (chosen * logits).sum() - jax.nn.logsumexp(logits)


def _held_out(family: AbstractTableClassifier, theta: Learned) -> Float[Array, "m k"]:
    return family.logits(theta, jnp.asarray(table_of(family).held_out, theta.loss.dtype))


def _scores(family: AbstractTableClassifier, theta: Learned) -> Float[Array, " m"]:
    return jax.vmap(_score)(_held_out(family, theta), jnp.asarray(table_of(family).held_out_labels))


register_table(AbstractTableClassifier, _scores)


@tables.held_out_accuracy.register(AbstractTableClassifier)
def _(family: AbstractTableClassifier, snap: Snapshot[Any]) -> Array:
    logits = _held_out(family, snap.fit)
    right = logits.argmax(-1) == jnp.asarray(table_of(family).held_out_labels)
    return right.astype(logits.dtype).mean()


@diversity.entropy.register(AbstractTableClassifier)
def _(family: AbstractTableClassifier, snap: Snapshot[Any]) -> Array:
    logs = jax.nn.log_softmax(_held_out(family, snap.fit))
    return -(jnp.exp(logs) * logs).sum(-1).mean()


@distances.l1_to_first.register(AbstractTableClassifier)
def _(family: AbstractTableClassifier, snap: Snapshot[Any]) -> Array:
    fit, first = (jax.nn.softmax(_held_out(family, m)) for m in (snap.fit, snap.first))
    return jnp.abs(fit - first).sum(-1).mean()
