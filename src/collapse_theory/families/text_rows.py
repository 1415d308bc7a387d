"""Families of rows of text: what they share, and what is measured on them."""

from __future__ import annotations

from typing import Any, Protocol, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from collapse_theory.errors import InputError, show
from collapse_theory.families.base import data_digest
from collapse_theory.families.symbols import tail_recall
from collapse_theory.observables import diversity, texts
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import seed_key
from collapse_theory.texts import Text, Unit, read_text

CONTEXTS = 300
"""Fixed contexts at which next-symbol laws are compared: even distances apart in held-out text."""
HELD_OUT = 64  # windows of held-out text whose loss is measured
SAMPLED = 64  # rows that a fit generates to be looked at
SAMPLED_SEED = 3
"""The same uniforms serve every fit, so that fits that are equal look equal."""
ALIVE = 0.1  # of its true probability is what a symbol must keep
LONGEST_CONTEXT = 1 << 14


class TextFamily(Protocol):
    """What a family of rows of text has beside the methods of every family.

    ``text``, ``unit``, ``most``: see :func:`collapse_theory.texts.read_text`; ``context``: symbols
    in a row.
    """

    text: str
    unit: str
    most: int | None
    context: int

    def laws(self, theta: Any, contexts: Int[Array, "c l"]) -> Float[Array, "c s"]:
        """The law of the symbol that follows each context."""

    def scores(self, theta: Any, rows: Int[Array, "n l"]) -> Float[Array, "n l"]:
        """Log-probability of each symbol given those before it in its row."""

    def sample(self, key: Array, theta: Any, n: int) -> Any:
        """Rows, int32, (n, context)."""


def text_of(family: TextFamily) -> Text:
    """The text of a family; read once."""
    unit: Any = family.unit
    return read_text(family.text, unit, most=family.most)


def check_text(family: TextFamily) -> None:
    """Refuse sizes and units that no text could serve; the text itself is read when needed.

    Raises:
        InputError: the context is out of range, or the unit unknown.
    """
    if not 2 <= family.context <= LONGEST_CONTEXT:
        raise InputError(
            f"family.context = {show(family.context)}: a whole number in 2..{LONGEST_CONTEXT} is "
            "needed"
        )
    if family.unit not in get_args(Unit):
        allowed = ", ".join(get_args(Unit))
        raise InputError(f"family.unit = {show(family.unit)}: allowed are {allowed}")


def contexts(family: TextFamily) -> NDArray[np.int32]:
    """The fixed contexts, int32, (300, context - 1)."""
    return text_of(family).windows(CONTEXTS, family.context - 1, held_out=True)


def register_text(family: type) -> None:
    """Give a family of text the observables of this file, and the digest of its text."""
    diversity.tail_recall.register(family)(_tail_recall)
    texts.held_out_loss.register(family)(_held_out_loss)
    texts.truth_perplexity.register(family)(_truth_perplexity)
    texts.distinct_trigrams.register(family)(_distinct_trigrams)
    data_digest.register(family)(lambda family: text_of(family).digest)


def fixed_laws(family: TextFamily, theta: Any) -> Float[Array, "c s"]:
    """Laws of the next symbol at the fixed contexts: what observables over symbols look at."""
    return family.laws(theta, jnp.asarray(contexts(family)))


def _tail_recall(family: TextFamily, snap: Snapshot[Any]) -> Array:
    fit, truth = fixed_laws(family, snap.fit), fixed_laws(family, snap.truth)
    kept: Array = tail_recall(jnp.where(fit >= ALIVE * truth, fit, 0), truth).astype(fit.dtype)
    return kept.mean()


def _held_out_loss(family: TextFamily, snap: Snapshot[Any]) -> Array:
    rows = text_of(family).windows(HELD_OUT, family.context, held_out=True)
    return -family.scores(snap.fit, jnp.asarray(rows)).mean()


def _truth_perplexity(family: TextFamily, snap: Snapshot[Any]) -> Array:
    return jnp.exp(-family.scores(snap.truth, _generated(family, snap.fit)).mean())


def _distinct_trigrams(family: TextFamily, snap: Snapshot[Any]) -> Array:
    rows = _generated(family, snap.fit)
    symbols = len(text_of(family).alphabet)  # beyond 1,290 some different ones look alike
    codes = (rows[:, :-2] * symbols + rows[:, 1:-1]) * symbols + rows[:, 2:]
    ordered = jnp.sort(codes.reshape(-1))
    different = 1 + (ordered[1:] != ordered[:-1]).sum()
    first = jax.tree.leaves(snap.fit)[0]
    return different.astype(first.dtype) / codes.size


def _generated(family: TextFamily, theta: Any) -> Int[Array, "n l"]:
    rows: Array = family.sample(seed_key(SAMPLED_SEED), theta, SAMPLED)
    return rows
