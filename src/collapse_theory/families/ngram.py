"""Text by counts: the law of a symbol given the few before it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError, show
from collapse_theory.families.base import AbstractFamily
from collapse_theory.families.symbols import register_symbols
from collapse_theory.families.text_rows import check_text, fixed_laws, register_text, text_of
from collapse_theory.sampling.counter import uniform

LARGEST_TABLE = 1 << 22  # probabilities of one model


@dataclass(frozen=True)
class NGramLaw:
    """The counts of the family's text, training part, plus pseudo-counts.

    Args:
        pseudo: what is added to every count of the text, >= 0.

    Raises:
        InputError: ``pseudo`` is not a number >= 0.
    """

    pseudo: float = 0.0

    def __post_init__(self) -> None:
        _check_pseudo(self.pseudo, "truth.pseudo")


class NGramFit(eqx.Module):
    """Probabilities by context, a context being the code of its symbols in the alphabet's base.

    Fields: ``first`` (contexts,), the law of the first symbols of a row; ``probs`` (contexts,
    symbols), the law of the next one.
    """

    first: Float[Array, "*b contexts"]
    probs: Float[Array, "*b contexts symbols"]


class NGram(AbstractFamily[NGramFit]):
    """Rows of text from a Markov chain that looks ``order`` symbols back, fitted by counting.

    The estimate is the maximum of the likelihood of the rows: the shares of their beginnings, and
    of the symbols after each run of ``order``. A run that no row continues is given the shares of
    all symbols. ``Categorical`` is the same with one context and rows of one symbol.

    Fields: ``text``, ``unit``, ``most``: see ``read_text``; ``context``: symbols in a row;
    ``order``: symbols looked back at, from 0; ``pseudo``: what is added to every count, >= 0.

    Raises:
        InputError: a field is out of range.
    """

    text: str = "python"
    unit: str = "letter"
    most: int | None = None
    context: int = 16
    order: int = 1
    pseudo: float = 0.0
    truth_type: ClassVar[type] = NGramLaw

    def __check_init__(self) -> None:
        check_text(self)
        if not 0 <= self.order < self.context:
            raise InputError(
                f"family.order = {show(self.order)}: a whole number from 0 and below the context, "
                f"{self.context}, is needed"
            )
        _check_pseudo(self.pseudo, "family.pseudo")

    def model(self, truth: NGramLaw) -> NGramFit:
        """The counts of the text; rows begin anywhere in it.

        Raises:
            InputError: the text cannot be read, or its table would be too large.
        """
        text = text_of(self)
        symbols = len(text.alphabet)
        if symbols ** (self.order + 1) > LARGEST_TABLE:
            raise InputError(
                f"family.order = {self.order}: {symbols} symbols make a table of "
                f"{symbols}**{self.order + 1} probabilities, {LARGEST_TABLE:,} are allowed"
            )
        counts = tallied(text.train, symbols, self.order)
        return estimated(jnp.asarray(counts.sum(-1)), jnp.asarray(counts), truth.pseudo)

    def smallest_fit(self, truth: NGramLaw) -> int:
        """One row."""
        return 1

    def sample(self, key: Array, theta: NGramFit, n: int) -> Int[Array, "n context"]:
        """Rows of ``context`` indices, int32; probabilities are resolved to 2**-24."""
        contexts, symbols = theta.probs.shape
        u = uniform(key, (n, self.context - self.order + 1), theta.probs.dtype)
        below, code = jnp.cumsum(theta.first), jnp.zeros((n,), jnp.int32)
        if self.order:
            code = (below[None, :-1] < u[:, :1] * below[-1]).sum(-1, dtype=jnp.int32)
        upper = jnp.cumsum(theta.probs, -1)

        def draw(code: Array, here: Array) -> tuple[Array, Array]:
            edges = upper[code]
            symbol = (edges[:, :-1] < (here * edges[:, -1])[:, None]).sum(-1, dtype=jnp.int32)
            return (code * symbols + symbol) % contexts, symbol

        _, rest = jax.lax.scan(draw, code, u[:, 1:].T)
        powers = symbols ** np.arange(self.order - 1, -1, -1)
        begun = code[:, None] // powers.astype(np.int32)[None] % symbols
        return jnp.concatenate([begun.astype(jnp.int32), rest.T], 1)

    def fit(self, items: Items) -> NGramFit:
        """Weighted counts, normalised."""
        symbols = len(text_of(self).alphabet)
        contexts = symbols**self.order
        codes, following = coded(items.rows, symbols, self.order)
        weight = items.weight
        starts = jnp.zeros(contexts, weight.dtype).at[codes[:, 0]].add(weight)
        each = jnp.broadcast_to(weight[:, None], following.shape)
        counts = jnp.zeros((contexts, symbols), weight.dtype).at[codes, following].add(each)
        return estimated(starts, counts, self.pseudo)

    def laws(self, theta: NGramFit, contexts: Int[Array, "c l"]) -> Float[Array, "c s"]:
        """The law of the symbol that follows each context, of which the last ``order`` count."""
        symbols = theta.probs.shape[-1]
        padded = jnp.concatenate([contexts, contexts[:, :1]], 1)
        codes, _ = coded(padded, symbols, self.order)
        return theta.probs[codes[:, -1]]

    def scores(self, theta: NGramFit, rows: Int[Array, "n l"]) -> Float[Array, "n l"]:
        """Log-probabilities, the beginning's shared by its symbols; -inf where one is lost."""
        codes, following = coded(rows, theta.probs.shape[-1], self.order)
        begun = jnp.log(theta.first[codes[:, :1]]) / max(self.order, 1)
        rest = jnp.log(theta.probs[codes, following])
        return jnp.concatenate([jnp.repeat(begun, self.order, 1), rest], 1)


def coded(
    rows: Int[Any, "n l"], symbols: int, order: int
) -> tuple[Int[Any, "n m"], Int[Any, "n m"]]:
    """Code of the ``order`` symbols before each later one, and that one: (rows, l - order)."""
    length = rows.shape[1] - order
    codes = rows[:, :length] * 0
    for i in range(order):
        codes = codes * symbols + rows[:, i : i + length]
    return codes, rows[:, order:]


def tallied(tokens: NDArray[np.int32], symbols: int, order: int) -> NDArray[np.float64]:
    """How often each symbol follows each run of ``order`` in a text: (contexts, symbols)."""
    codes, following = coded(tokens[None].astype(np.int64), symbols, order)
    counts = np.bincount((codes * symbols + following)[0], minlength=symbols ** (order + 1))
    return counts.reshape(-1, symbols).astype(np.float64)


def estimated(starts: Float[Array, " c"], counts: Float[Array, "c s"], pseudo: Any) -> NGramFit:
    """The shares; where a context has none, those of all symbols."""
    added = counts + pseudo
    whole = added.sum(-1, keepdims=True)
    of_all = jnp.broadcast_to(added.sum(0) / added.sum(), added.shape)
    shares = jnp.where(whole > 0, added / jnp.where(whole > 0, whole, 1), of_all)
    return NGramFit(starts / starts.sum(), shares)


def _check_pseudo(pseudo: Any, key: str) -> None:
    if isinstance(pseudo, float | int) and not (pseudo >= 0 and math.isfinite(pseudo)):
        raise InputError(f"{key} = {show(pseudo)}: a number >= 0 is needed")


register_symbols(NGram, fixed_laws)
register_text(NGram)
