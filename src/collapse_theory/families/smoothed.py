"""Laws over finitely many symbols, fitted with pseudo-counts: Laplace smoothing, conjugate MAP."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.corpus import Items, Sums
from collapse_theory.errors import InputError, show
from collapse_theory.families.base import AbstractSufficientFamily, Size, draw_tables, is_convex
from collapse_theory.families.categorical import Categorical, CategoricalFit, CategoricalLaw
from collapse_theory.families.symbols import register_symbols
from collapse_theory.sampling.multinomial import MultinomialPlan

SYMBOLS = Categorical()  # rows and batches are those of the plain law


class Smoothed(AbstractSufficientFamily[CategoricalFit, Sums]):
    """P(symbol i) = p_i, fitted by (count_i + pseudo_i) / (n + sum of pseudo).

    No symbol is ever lost, but the truth is: every generation draws towards the pseudo-counts.

    Fields: ``pseudo`` what is added to the count of each symbol, a number for all or one for each,
    > 0; 1 is Laplace's rule, a - 1 is the mode under a Dirichlet(a) prior.

    Raises:
        InputError: ``pseudo`` holds a number that is not > 0.
    """

    pseudo: float | tuple[float, ...] = 1.0
    truth_type: ClassVar[type] = CategoricalLaw
    convex: ClassVar[bool] = True

    def __check_init__(self) -> None:
        added = np.atleast_1d(np.asarray(self.pseudo, float))
        if not (np.isfinite(added) & (added > 0)).all():
            raise InputError(f"family.pseudo = {show(self.pseudo)}: numbers > 0 are needed")

    def model(self, truth: CategoricalLaw) -> CategoricalFit:
        """The probabilities as an array."""
        symbols = truth.table.shape[-1]
        if isinstance(self.pseudo, tuple) and len(self.pseudo) != symbols:
            raise InputError(
                f"family.pseudo has {len(self.pseudo)} numbers, truth.probs {symbols} symbols"
            )
        return SYMBOLS.model(truth)

    def smallest_fit(self, truth: CategoricalLaw) -> int:
        """One row."""
        return 1

    def sample(self, key: Array, theta: CategoricalFit, n: int) -> Float[Array, "n *c symbols"]:
        """Rows: one-hot, as those of ``Categorical``."""
        return SYMBOLS.sample(key, theta, n)

    def draw(self, key: Array, theta: CategoricalFit, size: Size) -> Sums:
        """A multinomial, or one for each context."""
        return SYMBOLS.draw(key, theta, size)

    def summarise(self, items: Items) -> Sums:
        """Weight of each symbol."""
        return SYMBOLS.summarise(items)

    def estimate(self, statistic: Sums) -> CategoricalFit:
        """Counts and pseudo-counts, normalised."""
        counts = statistic.total + jnp.asarray(self.pseudo, statistic.total.dtype)
        return CategoricalFit(counts / counts.sum(-1, keepdims=True))


@draw_tables.register
def _(family: Smoothed, truth: CategoricalLaw, sizes: np.ndarray) -> MultinomialPlan:
    plan: MultinomialPlan = draw_tables(SYMBOLS, truth, sizes)
    return plan


@is_convex.register
def _(family: Smoothed, theta: CategoricalFit) -> bool:
    return theta.probs.ndim == 1


register_symbols(Smoothed, lambda family, theta: theta.probs)
