"""Linear softmax over one-hot contexts, trained: what the counts are in closed form."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse_theory.errors import InputError, show
from collapse_theory.families.base import counterpart
from collapse_theory.families.categorical import Categorical, CategoricalFit, CategoricalLaw
from collapse_theory.families.learned import AbstractLearnedFamily, Learned, as_learned
from collapse_theory.families.symbols import register_symbols
from collapse_theory.families.training import Training
from collapse_theory.observables.base import Snapshot
from collapse_theory.observables.logit import first_logit

SYMBOLS = Categorical()  # rows are those of the counts


class Logits(eqx.Module):
    """The weights: a logit for every symbol, or for every symbol in every context."""

    table: Float[Array, "*c symbols"]


class Softmax(AbstractLearnedFamily):
    """P(symbol i in context c) = softmax(W_c)_i, W trained from 0 on the cross-entropy.

    Rows and truths are those of ``Categorical``: one symbol of each context, one-hot. The gradient
    is p - frequencies, so a training that ends at the tolerance is that close to the frequencies in
    every entry. A symbol without a row has no best logit: its probability falls to the tolerance,
    and never to 0. What a symbol is worth below ``floor`` is cut off, in sampling and in what is
    measured, as samplers of language models do; with the tolerance below the floor, and the floor
    below 1/n, exactly the symbols without rows are cut, and the chain is that of the counts to
    about the tolerance a generation. ``floor = 0`` cuts nothing.

    Fields: ``symbols`` how many, >= 2; ``contexts`` how many, None for a law without contexts;
    ``floor`` in [0, 1/symbols); ``training`` see :class:`Training`.

    Raises:
        InputError: a field is out of its range.
    """

    symbols: int = 4
    contexts: int | None = None
    floor: float = 1e-5
    training: Training = Training("lbfgs", steps=500, tolerance=1e-6)
    truth_type: ClassVar[type] = CategoricalLaw

    def __check_init__(self) -> None:
        for name, least in (("symbols", 2), ("contexts", 1)):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not int(value) == value >= least):
                raise InputError(f"family.{name} = {show(value)}: a number >= {least} is needed")
        if not 0 <= self.floor < 1 / self.symbols:
            raise InputError(f"family.floor = {show(self.floor)}: [0, 1/symbols) is allowed")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the table of logits."""
        return (self.symbols,) if self.contexts is None else (self.contexts, self.symbols)

    def build(self, key: Array) -> Logits:
        """All zero: the uniform law."""
        return Logits(jnp.zeros(self.shape))

    def loss(self, module: Any, row: Any, key: Array | None) -> Float[Array, ""]:
        """Cross-entropy, in nats, summed over the contexts."""
        loss: Array = -(row * jax.nn.log_softmax(module.table)).sum()
        return loss

    def model(self, truth: CategoricalLaw) -> Learned:
        """Logits that give the probabilities; -inf where one is 0."""
        table = truth.table
        if table.shape != self.shape:
            raise InputError(
                f"truth.probs has the shape {table.shape}, family.contexts and family.symbols "
                f"say {self.shape}"
            )
        return as_learned(Logits(jnp.log(jnp.asarray(table))))

    def sample(self, key: Array, theta: Learned, n: int) -> Float[Array, "n *c symbols"]:
        """Rows: one-hot, (symbols,) or (contexts, symbols)."""
        return SYMBOLS.sample(key, CategoricalFit(self.probabilities(theta)), n)

    def probabilities(self, theta: Learned) -> Float[Array, "*c symbols"]:
        """Of every symbol, 0 below the floor; shape (symbols,) or (contexts, symbols)."""
        p = jax.nn.softmax(theta.arrays.table)
        kept = jnp.where(p < self.floor, 0, p)
        whole = kept.sum(-1, keepdims=True)
        return jnp.where(kept == whole, 1, kept / whole)


@counterpart.register
def _(family: Softmax) -> Categorical:
    return SYMBOLS


register_symbols(Softmax, lambda family, theta: family.probabilities(theta))


@first_logit.register(Softmax)
def _(family: Softmax, snap: Snapshot[Learned]) -> Array:
    logits: Array = snap.fit.arrays.table.reshape(-1)
    return logits[0]
