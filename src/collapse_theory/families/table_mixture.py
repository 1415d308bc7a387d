"""The density of a real table's rows, by a mixture of Gaussians."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError
from collapse_theory.families.base import AbstractFamily
from collapse_theory.families.mixture import GaussianMixture, MixtureFit, log_parts, moments
from collapse_theory.families.table_rows import (
    TableLaw,
    TableTruth,
    check_source,
    empirical,
    picked,
    register_table,
    table_of,
)
from collapse_theory.observables import parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.tables import TableSource


class TableMixture(AbstractFamily[MixtureFit]):
    """K Gaussians fitted to the rows of a table; real rows are rows of the table.

    The fit is that of ``GaussianMixture``. With one component it is the Gaussian of the rows' mean
    and covariance, divisor n. Mean and, but for a millionth, covariance of the mixture are those of
    the rows it was fitted on, so that under replacement the variance shrinks by 1 - 1/n a
    generation whatever the table. ``held_out_loss`` is minus the mean log density at the rows held
    out, in nats, of the columns as they are used: standardised or not.

    Fields: ``data`` the table, without a label: see ``TableSource``; ``components`` K >= 1;
    ``steps`` of expectation-maximisation, >= 1.

    Raises:
        InputError: a field is out of its range.
    """

    data: TableSource = TableSource(columns=("lines", "calls"))
    components: int = 2
    steps: int = 50
    truth_type: ClassVar[type] = TableLaw

    def __check_init__(self) -> None:
        check_source(self)
        self.one()  # checks its fields
        if self.data.label is not None:
            raise InputError(
                "family.data.label: a mixture has no label; leave the column out, or take "
                "TableClassifier"
            )

    def one(self) -> GaussianMixture:
        """The family that fits."""
        return GaussianMixture(self.components, self.steps)

    def model(self, truth: TableLaw) -> TableTruth:  # type: ignore[override]  # no mixture is it
        """The law of the training rows.

        Raises:
            InputError: the table cannot be read, or does not serve.
        """
        return empirical(self)

    def smallest_fit(self, truth: TableLaw) -> int:
        """Two rows a component."""
        return 2 * self.components

    def sample(self, key: Array, theta: MixtureFit | TableTruth, n: int) -> Float[Array, "n d"]:
        """Rows (d,), of the table or of a fit."""
        if isinstance(theta, TableTruth):
            return jnp.asarray(table_of(self).train, theta.mean.dtype)[picked(key, self, n)]
        return self.one().sample(key, theta, n)

    def fit(self, items: Items) -> MixtureFit:
        """Expectation-maximisation on the weighted rows."""
        return self.one().fit(items)


def _moments(theta: MixtureFit | TableTruth) -> tuple[Array, Array]:
    """Mean and variance of every column."""
    if isinstance(theta, TableTruth):
        return theta.mean, theta.variance
    mean, covariance = moments(theta)
    return mean, jnp.diagonal(covariance)


def _scores(family: TableMixture, theta: MixtureFit) -> Float[Array, " m"]:
    rows = jnp.asarray(table_of(family).held_out, theta.shares.dtype)
    logs: Array = jax.nn.logsumexp(log_parts(rows, theta), axis=1)
    return logs - rows.shape[1] * math.log(2 * math.pi) / 2


register_table(TableMixture, _scores)


@parameters.mean.register(TableMixture)
def _(family: TableMixture, snap: Snapshot[Any]) -> Array:
    return _moments(snap.fit)[0][0]


@parameters.mean_squared_error.register(TableMixture)
def _(family: TableMixture, snap: Snapshot[Any]) -> Array:
    return ((_moments(snap.fit)[0] - _moments(snap.truth)[0]) ** 2).sum()


@parameters.variance.register(TableMixture)
def _(family: TableMixture, snap: Snapshot[Any]) -> Array:
    return _moments(snap.fit)[1].sum()
