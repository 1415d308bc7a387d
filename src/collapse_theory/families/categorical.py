"""Laws over finitely many symbols, one or one for each of several contexts."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from collapse_theory.corpus import Items, Sums
from collapse_theory.errors import InputError
from collapse_theory.families.base import (
    AbstractSufficientFamily,
    Size,
    draw_tables,
    is_convex,
)
from collapse_theory.families.symbols import register_symbols
from collapse_theory.sampling.counter import uniform
from collapse_theory.sampling.multinomial import MultinomialPlan, multinomial, multinomial_plan

SUM_TOLERANCE = 1e-9


@dataclass(frozen=True)
class CategoricalLaw:
    """Probabilities of the symbols: a list, or a list of lists of one length, one a context.

    Args:
        probs: shape (symbols,) or (contexts, symbols), each row summing to 1.

    Raises:
        InputError: a probability is below 0, or a row does not sum to 1.
    """

    probs: Any = (0.25, 0.25, 0.25, 0.25)

    def __post_init__(self) -> None:
        table = self.table
        low, off = float(table.min()), float(np.abs(table.sum(-1) - 1).max())
        if not low >= 0:
            raise InputError(f"truth.probs holds {low}: probabilities must be >= 0")
        if not off <= SUM_TOLERANCE:
            raise InputError(
                f"truth.probs sums to 1 only within {off:.3g}: {SUM_TOLERANCE} is allowed"
            )
        frozen = table.tolist()
        if table.ndim == 2:
            frozen = [tuple(row) for row in frozen]
        object.__setattr__(self, "probs", tuple(frozen))

    @property
    def table(self) -> NDArray[np.float64]:
        """The probabilities, (symbols,) or (contexts, symbols)."""
        try:
            table = np.asarray(self.probs)
        except (TypeError, ValueError):  # lists of different lengths
            table = np.zeros(())
        # text and truth values would pass as numbers
        table = table.astype(np.float64) if table.dtype.kind in "iuf" else np.zeros(())
        if table.ndim not in (1, 2) or table.shape[-1] < 2 or table.size == 0:
            raise InputError(
                "truth.probs: a list of two or more probabilities is needed, or a list of such "
                "lists of one length, one for each context"
            )
        return table


class CategoricalFit(eqx.Module):
    """Probabilities, (symbols,) or (contexts, symbols); lost symbols are exactly 0."""

    probs: Float[Array, "*c symbols"]


class Categorical(AbstractSufficientFamily[CategoricalFit, Sums]):
    """P(symbol i) = p_i, fitted by the shares of the symbols.

    A batch is one multinomial, exact in law whatever n (:func:`sampling.multinomial.multinomial`).
    With contexts every row holds one symbol of each, independent, so each context is fitted on its
    own n draws; observables are averages over contexts, except that ``collapsed`` wants all of them
    collapsed and ``closer_than_first`` is about the whole table. Mixtures of such tables tie the
    contexts of a row together: they need rows.
    """

    truth_type: ClassVar[type] = CategoricalLaw
    convex: ClassVar[bool] = True

    def model(self, truth: CategoricalLaw) -> CategoricalFit:
        """The probabilities as an array."""
        return CategoricalFit(jnp.asarray(truth.table))

    def smallest_fit(self, truth: CategoricalLaw) -> int:
        """One row."""
        return 1

    def sample(self, key: Array, theta: CategoricalFit, n: int) -> Float[Array, "n *c symbols"]:
        """Rows: one-hot, (symbols,) or (contexts, symbols).

        Probabilities are resolved to 2**-32 (float64) or 2**-24 (float32).
        """
        p = theta.probs
        upper = jax.lax.cummax(jnp.where(p > 0, jnp.cumsum(p, -1), 0), axis=p.ndim - 1)
        lower = jnp.concatenate([jnp.zeros_like(upper[..., :1]), upper[..., :-1]], -1)
        u = uniform(key, (n, *p.shape[:-1], 1), p.dtype) * upper[None, ..., -1:]  # in (0, total]
        return ((lower[None] < u) & (u <= upper[None])).astype(p.dtype)

    def draw(self, key: Array, theta: CategoricalFit, size: Size) -> Sums:
        """A multinomial, or one for each context."""
        if theta.probs.ndim == 1:
            return Sums(size.n, multinomial(key, theta.probs, size.table))
        keys = jr.split(key, theta.probs.shape[0])
        one = functools.partial(multinomial, row=size.table, nested=True)
        return Sums(size.n, jax.vmap(one)(keys, theta.probs))

    def summarise(self, items: Items) -> Sums:
        """Weight of each symbol."""
        return Sums(items.n, jnp.tensordot(items.weight, items.rows, 1))

    def estimate(self, statistic: Sums) -> CategoricalFit:
        """The shares; divided by their own sum, so that a collapsed law is exactly one-hot."""
        total = statistic.total
        whole = total.sum(-1, keepdims=True)
        # x / x may miss 1 by an ulp: dividing many numbers by one is compiled to a product
        return CategoricalFit(jnp.where(total == whole, 1, total / whole))


@draw_tables.register
def _(family: Categorical, truth: CategoricalLaw, sizes: np.ndarray) -> MultinomialPlan:
    return multinomial_plan([int(n) for n in sizes], truth.table.shape[-1])


@is_convex.register
def _(family: Categorical, theta: CategoricalFit) -> bool:
    return theta.probs.ndim == 1


register_symbols(Categorical, lambda family, theta: theta.probs)
