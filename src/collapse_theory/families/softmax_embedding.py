"""Softmax over features of the contexts, shared by all of them: a log-linear language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from collapse_theory.errors import InputError
from collapse_theory.families.categorical import Categorical, CategoricalFit
from collapse_theory.families.learned import AbstractLearnedFamily, Learned, as_learned
from collapse_theory.families.symbols import register_symbols
from collapse_theory.families.training import Training

SYMBOLS = Categorical()
Matrix = tuple[tuple[float, ...], ...]


def _matrix(given: Any, name: str) -> NDArray[np.float64]:
    try:
        table = np.asarray(given, float)
    except (TypeError, ValueError):  # lists of different lengths
        table = np.zeros(())
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise InputError(f"{name}: a list of lists of one length of finite numbers is needed")
    return table


@dataclass(frozen=True)
class EmbeddingLaw:
    """The true weights W, d rows of one number a symbol.

    Args:
        weights: shape (d, symbols), at least two symbols.

    Raises:
        InputError: they are not such.
    """

    weights: Sequence[Sequence[float]] = ((0.5, 0.0, -0.5), (0.3, -0.3, 0.0))

    def __post_init__(self) -> None:
        table = _matrix(self.weights, "truth.weights")
        if table.shape[1] < 2:
            raise InputError("truth.weights: two or more symbols are needed")
        object.__setattr__(self, "weights", tuple(map(tuple, table.tolist())))


class Weights(eqx.Module):
    """The table W, (d, symbols)."""

    table: Float[Array, "*c d symbols"]


class SoftmaxEmbedding(AbstractLearnedFamily):
    """P(symbol i in context c) = softmax(features_c W)_i, W trained from 0 on the cross-entropy.

    Rows are those of ``Categorical`` with contexts: one symbol of each, one-hot. Where the training
    ends the mean of features times symbols is that of the rows, so that it is a martingale under
    resampling; the probabilities themselves are not, unless the features tell all contexts apart.

    Fields: ``features`` of each context, (contexts, d); ``symbols`` how many, >= 2; ``floor`` below
    which a probability is cut off, see ``Softmax``; ``training`` see :class:`Training`.

    Raises:
        InputError: a field is not such.
    """

    features: Matrix = eqx.field(
        static=True, default=((1.0, -1.0), (1.0, 0.0), (1.0, 1.0)),
        converter=lambda rows: tuple(map(tuple, _matrix(rows, "family.features").tolist())),
    )  # fmt: skip
    symbols: int = 3
    floor: float = 0.0
    training: Training = Training("lbfgs", steps=60, tolerance=1e-4)
    truth_type: ClassVar[type] = EmbeddingLaw

    def __check_init__(self) -> None:
        if isinstance(self.symbols, bool) or self.symbols < 2:
            raise InputError(f"family.symbols = {self.symbols}: 2 or more are needed")
        if not 0 <= self.floor < 1 / self.symbols:
            raise InputError(f"family.floor = {self.floor}: [0, 1/symbols) is allowed")

    def build(self, key: Array) -> Weights:
        """All zero: the uniform law."""
        return Weights(jnp.zeros((len(self.features[0]), self.symbols)))

    def loss(self, module: Any, row: Any, key: Array | None) -> Float[Array, ""]:
        """Cross-entropy, in nats, summed over the contexts."""
        loss: Array = -(row * jax.nn.log_softmax(self._logits(module))).sum()
        return loss

    def model(self, truth: EmbeddingLaw) -> Learned:
        """The true weights."""
        table = np.asarray(truth.weights)
        if table.shape != (len(self.features[0]), self.symbols):
            raise InputError(
                f"truth.weights has the shape {table.shape}, family.features and family.symbols "
                f"say {(len(self.features[0]), self.symbols)}"
            )
        return as_learned(Weights(jnp.asarray(table)))

    def sample(self, key: Array, theta: Learned, n: int) -> Float[Array, "n contexts symbols"]:
        """Rows: one-hot, (contexts, symbols)."""
        return SYMBOLS.sample(key, CategoricalFit(self.probabilities(theta)), n)

    def probabilities(self, theta: Learned) -> Float[Array, "contexts symbols"]:
        """Of every symbol in every context, 0 below the floor."""
        p = jax.nn.softmax(self._logits(theta.arrays))
        kept = jnp.where(p < self.floor, 0, p)
        found: Array = kept / kept.sum(-1, keepdims=True)
        return found

    def _logits(self, module: Any) -> Array:
        logits: Array = jnp.asarray(self.features, module.table.dtype) @ module.table
        return logits


register_symbols(SoftmaxEmbedding, lambda family, theta: family.probabilities(theta))
