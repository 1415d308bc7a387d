"""What a fit may see: a corpus, a commutative monoid with weights.

A workflow is a small program over corpora. The same program runs on sums (:class:`Sums` and the
other statistics), on stored rows (:class:`Items`) and on labels (:class:`Provenance`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Self, final

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree
from numpy.typing import NDArray

from collapse_theory.errors import InputError


class AbstractCorpus(eqx.Module):
    """Data with weights.

    ``merge`` is associative and commutative; ``scale`` multiplies every weight.
    """

    @abstractmethod
    def merge(self, other: Self) -> Self:
        """Both together."""

    @abstractmethod
    def scale(self, weight: Any) -> Self:
        """The same rows, each weight multiplied by ``weight`` >= 0 (0 = as if absent)."""

    @abstractmethod
    def reserve(self, batches: int) -> Self:
        """Room for this many batches of the same capacity; no-op unless rows are stored."""


class AbstractStatistic(AbstractCorpus):
    """A sufficient statistic: memory does not grow with n or with generations."""

    @final
    def reserve(self, batches: int) -> Self:
        """No-op: sums need no room."""
        return self


class Sums(AbstractStatistic):
    """Weighted sums, for families whose estimate is a function of a mean of statistics.

    Fields: ``n`` total weight (rows); ``total`` the sums, any pytree of arrays.
    """

    n: Float[Array, ""]
    total: PyTree[Float[Array, ...]]

    def merge(self, other: Self) -> Self:
        """Add."""
        both: Self = jax.tree.map(jnp.add, self, other)
        return both

    def scale(self, weight: Any) -> Self:
        """Multiply."""
        scaled: Self = jax.tree.map(lambda x: x * weight, self)
        return scaled

    @property
    def mean(self) -> PyTree[Float[Array, ...]]:
        """The weighted mean of the row statistics."""
        return jax.tree.map(lambda x: x / self.n, self.total)


class Items(AbstractCorpus):
    """Rows in a buffer of fixed capacity.

    Fields: ``rows`` pytree with leading axis cap; ``weight`` (cap,), 0 = empty slot; ``used`` slots
    written; ``growing``: merges write into the free slots instead of concatenating.
    """

    rows: PyTree[Array]
    weight: Float[Array, cap]
    used: Int[Array, ""]
    growing: bool = eqx.field(static=True, default=False)

    def merge(self, other: Self) -> Self:
        """Rows of both; into the free slots of a reserved buffer when one of them is such."""
        if other.growing and not self.growing:
            return other.merge(self)
        if self._kind() != other._kind():
            raise InputError(
                "the truth is no model of the family's own kind, so the two cannot be picked from "
                "in one pool: take a workflow that mixes rows, such as Mix"
            )
        if not self.growing:
            rows, weight = jax.tree.map(
                lambda a, b: jnp.concatenate([a, b]), self._slots(), other._slots()
            )
            used = jnp.asarray(self.capacity + other.capacity, jnp.int32)
            return type(self)(rows, weight, used)
        rows, weight = jax.tree.map(self._write, self._slots(), other._slots())
        return type(self)(rows, weight, self.used + other.capacity, growing=True)

    def scale(self, weight: Any) -> Self:
        """Multiply the weights."""
        return type(self)(self.rows, self.weight * weight, self.used, self.growing)

    def reserve(self, batches: int) -> Self:
        """A buffer of ``batches`` times the capacity, this one's rows first."""

        def pad(a: Array) -> Array:
            return jnp.pad(a, [(0, a.shape[0] * (batches - 1))] + [(0, 0)] * (a.ndim - 1))

        rows, weight = jax.tree.map(pad, self._slots())
        return type(self)(rows, weight, jnp.asarray(self.capacity, jnp.int32), growing=True)

    @property
    def n(self) -> Float[Array, ""]:
        """Total weight."""
        return self.weight.sum()

    @property
    def capacity(self) -> int:
        """Slots, used or not."""
        return self.weight.shape[0]

    @property
    def filled(self) -> Bool[Array, cap]:
        """Which slots hold a row."""
        return self.weight > 0

    def _kind(self) -> Any:
        return jax.tree.structure(self.rows)

    def _slots(self) -> tuple[PyTree[Array], Array]:
        return self.rows, self.weight

    def _write(self, buffer: Array, new: Array) -> Array:
        return jax.lax.dynamic_update_slice_in_dim(buffer, new.astype(buffer.dtype), self.used, 0)


class Provenance(AbstractCorpus):
    """Labels instead of data: how much weight lies on a row of each batch (host arrays, float64).

    Fields: ``weight`` (batches,): weight of ONE row of each batch; ``sizes`` (batches,): its rows.
    """

    weight: NDArray[np.float64]
    sizes: NDArray[np.float64]

    def merge(self, other: Self) -> Self:
        """Add the weights of the same batch; batches are numbered alike in both."""
        longer = self.sizes if len(self.sizes) >= len(other.sizes) else other.sizes
        gap = len(self.weight) - len(other.weight)
        mine = np.pad(self.weight, (0, max(0, -gap)))
        return type(self)(mine + np.pad(other.weight, (0, max(0, gap))), longer)

    def scale(self, weight: Any) -> Self:
        """Multiply."""
        return type(self)(self.weight * float(weight), self.sizes)

    def reserve(self, batches: int) -> Self:
        """No-op: labels need no room."""
        return self

    @property
    def n(self) -> float:
        """Total weight."""
        return float(self.weight @ self.sizes)

    @property
    def shares(self) -> NDArray[np.float64]:
        """The share of each batch in the whole; sums to one."""
        return self.weight * self.sizes / self.n
