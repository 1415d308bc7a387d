"""Families of rows of a real table: what they share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int

from collapse_theory.errors import InputError, show
from collapse_theory.families.base import data_digest
from collapse_theory.observables import texts
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.multinomial import scaled
from collapse_theory.tables import Table, TableSource


@dataclass(frozen=True)
class TableLaw:
    """The empirical law of the training rows of the family's table.

    Real data are rows of the table, drawn with replacement, all alike; the rows held out are never
    drawn. It takes no values: which table it is says the family.
    """


class TableTruth(eqx.Module):
    """The truth as chains keep it: its moments. The rows are in the table, which all chains share.

    Fields: ``mean`` and ``variance`` (divisor n) of every column, (d,).
    """

    mean: Float[Array, "*c d"]
    variance: Float[Array, "*c d"]


class TableFamily(Protocol):
    """What a family of rows of a table has beside the methods of every family: ``data``."""

    data: TableSource


def table_of(family: TableFamily) -> Table:
    """The table of a family; read once."""
    return family.data.read()


def empirical(family: TableFamily) -> TableTruth:
    """The law of the training rows.

    Raises:
        InputError: the table cannot be read, or does not serve.
    """
    rows = table_of(family).train
    return TableTruth(jnp.asarray(rows.mean(0)), jnp.asarray(rows.var(0)))


def check_source(family: TableFamily) -> None:
    """Refuse what is no source of a table; the table itself is read when needed.

    Raises:
        InputError: it is none.
    """
    if not isinstance(family.data, TableSource):
        raise InputError(f"family.data = {show(family.data)}: a TableSource is needed")


def picked(key: Array, family: TableFamily, n: int) -> Int[Array, " n"]:
    """Which rows of the training part are drawn, with replacement.

    Every row has the same probability, but for 2**-32 at most.
    """
    rows = jnp.asarray(len(table_of(family).train), jnp.int32)
    return scaled(jr.bits(key, (n,), jnp.uint32), rows)


def register_table(family: type, scores: Callable[[Any, Any], Array]) -> None:
    """Give a family of rows of a table its held-out loss, and the digest of its data.

    Args:
        family: the class.
        scores: of a family and a fit, the log of the density, or of the probability of the label,
            at each row held out.
    """

    def held_out_loss(family: Any, snap: Snapshot[Any]) -> Array:
        return -scores(family, snap.fit).mean()

    texts.held_out_loss.register(family)(held_out_loss)
    data_digest.register(family)(lambda family: table_of(family).digest)
