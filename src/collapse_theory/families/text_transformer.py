"""Text by a character transformer; the truth is one that was trained on a real text."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError, show
from collapse_theory.families.learned import AbstractLearnedFamily, Learned, trained
from collapse_theory.families.symbols import register_symbols
from collapse_theory.families.text_rows import check_text, fixed_laws, register_text, text_of
from collapse_theory.families.training import Training
from collapse_theory.families.transformer import CharTransformer, Shape, transformer
from collapse_theory.sampling.counter import seed_key, uniform

MOST_WIDE, MOST_LAYERS = 1 << 14, 256
MOST_STEPS, MOST_BATCH = 10**9, 1 << 20  # of the truth's training
OVERLAP = 4
"""Windows of the real text that the truth is trained on begin at every quarter of a window."""


@dataclass(frozen=True)
class TextTransformerLaw:
    """A transformer of the family's sizes, trained on the family's text, training part.

    It is trained once for each family, and kept while the program runs; by Adam, on windows of the
    text. Trained on another kind of device it differs in the last digits.

    Args:
        steps: updates.
        batch: windows in each.
        rate: of learning.
        clip: largest norm of a gradient.
        seed: of its initial weights and minibatches; any whole number from 0.

    Raises:
        InputError: a value is out of range.
    """

    steps: int = 200
    batch: int = 32
    rate: float = 3e-3
    clip: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**63:
            raise InputError(f"truth.seed = {show(self.seed)}: a whole number in [0, 2**63) needed")
        for name, most in (("steps", MOST_STEPS), ("batch", MOST_BATCH)):
            if getattr(self, name) > most:
                raise InputError(
                    f"truth.{name} = {show(getattr(self, name))}: at most {most:,} are allowed"
                )
        try:
            _ = self.training
        except InputError as e:
            raise InputError(str(e).replace("training.", "truth.", 1)) from e

    @property
    def training(self) -> Training:
        """How the truth is trained."""
        return Training("adam", self.rate, self.steps, batch=self.batch, clip=self.clip)


class TextTransformer(AbstractLearnedFamily):
    """Rows of text from a causal transformer, trained on rows by gradient descent.

    The first symbol of a row has a law, too, so rows are samples of the model from beginning to
    end, at temperature 1. Observables over symbols are means over 300 fixed contexts, windows of
    context - 1 symbols of held-out text, none of which is ever trained on. No theorem speaks about
    it; ``NGram`` has the same rows.

    Fields: ``text``, ``unit``, ``most``: see ``read_text``; ``context``: symbols in a row;
    ``width``, ``layers``, ``heads``: sizes, the width a multiple of the heads; ``dropout``: share
    of numbers left out in training; ``tied``: the output reads the embedding's matrix; ``half``:
    products in bfloat16; ``training``: see ``Training``.

    Raises:
        InputError: a field is out of range.
    """

    text: str = "python"
    unit: str = "letter"
    most: int | None = None
    context: int = 16
    width: int = 16
    layers: int = 1
    heads: int = 2
    dropout: float = eqx.field(static=True, default=0.0)  # part of the program
    tied: bool = True
    half: bool = False
    training: Training = Training("adam", 3e-3, 200, batch=32, clip=1.0)
    truth_type: ClassVar[type] = TextTransformerLaw

    def __check_init__(self) -> None:
        check_text(self)
        for name, most in (("width", MOST_WIDE), ("layers", MOST_LAYERS), ("heads", self.width)):
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise InputError(
                    f"family.{name} = {show(value)}: a whole number in 1..{most} is needed"
                )
        if self.width % self.heads:
            raise InputError(
                f"family.heads = {self.heads}: they must divide the width, {self.width}"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"family.dropout = {show(self.dropout)}: a share in [0, 1) is needed")

    @property
    def shape(self) -> Shape:
        """Sizes of the network; the text is read for the number of symbols."""
        symbols = len(text_of(self).alphabet)
        return Shape(symbols, self.context, self.width, self.layers, self.heads, self.tied)

    def build(self, key: Array) -> CharTransformer:
        """The network with its initial weights, float32."""
        return transformer(key, self.shape, dropout=self.dropout, half=self.half)

    def loss(
        self, module: CharTransformer, row: Int[Array, " l"], key: Array | None
    ) -> Float[Array, ""]:
        """The mean of -log p over the symbols of a row, in nats."""
        return -_scores(module, row, key).mean()

    def model(self, truth: TextTransformerLaw) -> Learned:
        """The network trained on the text; kept, so that it is trained once.

        Raises:
            InputError: the text cannot be read, is too short, or the training went wrong.
        """
        return true_model(self, truth)

    def sample(self, key: Array, theta: Learned, n: int) -> Int[Array, "n context"]:
        """Rows of ``context`` indices, int32; probabilities are resolved to 2**-24."""
        module = self.module(theta)
        u = uniform(key, (n, self.context), jnp.float32)
        rows: Array = jax.vmap(module.sample)(u)
        return rows

    def laws(self, theta: Learned, contexts: Int[Array, "c l"]) -> Float[Array, "c s"]:
        """The law of the symbol that follows each context."""
        rows = jnp.concatenate([contexts, contexts[:, :1]], 1)  # what follows is not looked at
        last: Array = jax.vmap(self.module(theta))(rows)[:, -1]
        return jax.nn.softmax(last, -1)

    def scores(self, theta: Learned, rows: Int[Array, "n l"]) -> Float[Array, "n l"]:
        """Log-probability of each symbol given those before it in its row."""
        module = self.module(theta)
        return jax.vmap(lambda row: _scores(module, row, None))(rows)


@functools.lru_cache(maxsize=8)
def true_model(family: TextTransformer, truth: TextTransformerLaw) -> Learned:
    """The network of the family's sizes trained on its text; ``family.training`` has no part in it.

    Raises:
        InputError: the training went wrong, or the text is shorter than a row.
    """
    plain = replace(family, training=truth.training)
    if plain != family:  # what trains is no part of the truth
        return true_model(plain, truth)
    text = text_of(family)
    count = max(1, OVERLAP * len(text.train) // family.context)
    rows = jnp.asarray(text.windows(count, family.context))
    weight = jnp.ones((count,), jnp.float32)
    items = Items(rows, weight, jnp.asarray(count, jnp.int32))
    found = trained(family, jr.fold_in(seed_key(truth.seed), 0), items, None)
    if not bool(jnp.isfinite(found.loss)):
        raise InputError(f"truth.rate = {truth.rate}: the loss became infinite; take a smaller one")
    return found


def _scores(
    module: CharTransformer, row: Int[Array, " l"], key: Array | None
) -> Float[Array, " l"]:
    logits = module(row, key)
    # a product with 0 and 1 instead of a choice: so the gradient needs no scatter
    chosen = jax.nn.one_hot(row, logits.shape[-1], dtype=logits.dtype)
    return (chosen * logits).sum(-1) - jax.nn.logsumexp(logits, -1)


register_symbols(TextTransformer, fixed_laws)
register_text(TextTransformer)
