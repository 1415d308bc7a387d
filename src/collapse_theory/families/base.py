"""Families: a statistical model with its estimator."""

from __future__ import annotations

import functools
from abc import abstractmethod
from typing import Any, ClassVar, Generic, NoReturn, TypeVar, final

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

from collapse_theory.corpus import AbstractStatistic, Items
from collapse_theory.errors import RouteError
from collapse_theory.observables.base import Observable

Theta = TypeVar("Theta")
Statistic = TypeVar("Statistic", bound=AbstractStatistic)


class Size(eqx.Module):
    """How many rows to draw in this generation.

    Fields: ``n`` the number, a float array (schedules are traced, so that they do not recompile);
    ``capacity`` the most rows of any generation, static (0 on the law route, where no rows are
    stored, except for families with a :func:`begin` of their own); ``table`` the family's row of
    :func:`draw_tables`.
    """

    n: Float[Array, ""]
    capacity: int = eqx.field(static=True)
    table: PyTree[Array] = None


class AbstractFamily(eqx.Module, Generic[Theta]):
    """A model one can sample from and fit.

    ``truth_type`` is what a user writes as the truth: a class of plain numbers with defaults.
    ``convex``: a mixture of members is a member, and theta mixes linearly (one-hot laws).

    Example:
        >>> import collapse_theory as ct
        >>> family = ct.Gaussian()
        >>> family.truth_type()
        GaussianLaw(mean=0.0, var=1.0)
        >>> family.smallest_fit(family.truth_type())
        2
    """

    truth_type: ClassVar[type]
    convex: ClassVar[bool] = False

    @abstractmethod
    def model(self, truth: Any) -> Theta:
        """The truth as fitted models are kept: a pytree of float arrays."""

    @abstractmethod
    def smallest_fit(self, truth: Any) -> int:
        """The fewest rows the estimator accepts."""

    @abstractmethod
    def sample(self, key: Array, theta: Theta, n: int) -> PyTree[Array]:
        """``n`` rows, independent: a pytree of arrays with leading axis n."""

    @abstractmethod
    def fit(self, items: Items) -> Theta:
        """The estimate from stored, weighted rows."""


class AbstractSufficientFamily(AbstractFamily[Theta], Generic[Theta, Statistic]):
    """A family whose estimate needs a statistic only, which ``draw`` samples exactly in law."""

    @abstractmethod
    def draw(self, key: Array, theta: Theta, size: Size) -> Statistic:
        """The statistic of ``size.n`` rows, in law the summary of ``sample``."""

    @abstractmethod
    def summarise(self, items: Items) -> Statistic:
        """The statistic of stored, weighted rows."""

    @abstractmethod
    def estimate(self, statistic: Statistic) -> Theta:
        """The fitted model."""

    @final
    def fit(self, items: Items) -> Theta:
        """Summarise, then estimate."""
        return self.estimate(self.summarise(items))


class AbstractReducedFamily(AbstractSufficientFamily[Theta, Statistic], Generic[Theta, Statistic]):
    """A family that stands in for another on the law route, where :func:`reduced` brings it in.

    Users neither name it nor see it in lists. It is made ready from the truth of the family it
    stands in for; it has no rows; its statistics may refuse to be merged or scaled by raising
    RouteError, and then the other family serves.
    """

    listed: ClassVar[bool] = False

    @final
    def smallest_fit(self, truth: Any) -> int:
        """Checked before, by the family it stands in for."""
        return 1

    @final
    def sample(self, key: Array, theta: Theta, n: int) -> NoReturn:
        """Not possible."""
        raise RouteError(f"{type(self).__name__} has no rows")

    @final
    def summarise(self, items: Items) -> NoReturn:
        """Not possible."""
        raise RouteError(f"{type(self).__name__} has no rows")


@functools.singledispatch
def reduced(
    family: Any, observables: tuple[Observable, ...]
) -> AbstractReducedFamily[Any, Any] | None:
    """A family with less to draw and to keep, in which these observables have the same joint law.

    None where there is none. It must keep the law under every workflow that it does not refuse, for
    data drawn from fitted models as they are (the generator Faithful). A family registers its own
    reductions; it should decline for its subclasses, which may draw otherwise.
    """
    return None


@functools.singledispatch
def draw_tables(family: Any, truth: Any, sizes: np.ndarray) -> PyTree[np.ndarray]:
    """Host-computed constants that ``draw`` needs for each size.

    Arrays with leading axis len(sizes), or None. A family whose samplers need none registers
    nothing.

    Args:
        family: the family.
        truth: its true parameters, as a user writes them.
        sizes: rows in a batch, whole numbers, shape (T,), or (1,) where all generations have one.
    """
    return None


@functools.singledispatch
def begin(family: Any, key: Array, theta: Any, size: Size) -> Any:
    """The true model as a chain starts with it.

    What is drawn once per chain and kept is drawn here.

    Args:
        family: the family.
        key: of this chain, for this purpose alone.
        theta: the true model, of :meth:`AbstractFamily.model`.
        size: of the first real batch.
    """
    return theta


@functools.singledispatch
def refit(family: Any, key: Array, items: Items, previous: Any) -> Any:
    """The estimate from stored rows, by a family that needs more than the rows.

    The rows alone by default. A family that is trained registers its training: it may draw (initial
    weights, minibatches) and may go on from the last fit.

    Args:
        family: the family.
        key: of this chain and generation, for this purpose alone.
        items: the rows, weighted.
        previous: the fit of the generation before; None at generation 1.
    """
    return family.fit(items)


@functools.singledispatch
def failed(theta: Any) -> Array | None:
    """Whether a fit went wrong, so that whatever is measured on it is no number.

    None, for never, where the type of the fit registers nothing.

    Args:
        theta: the fit.
    """
    return None


@functools.singledispatch
def counterpart(family: Any) -> AbstractFamily[Any] | None:
    """The family whose chain this one follows when its training ends where it should.

    It has the same truths and the same observables, and its theory may be drawn beside; None where
    there is none.

    Args:
        family: one that is trained.
    """
    return None


@functools.singledispatch
def data_digest(family: Any) -> str | None:
    """Sixteen hexadecimal digits of the real data that a family reads; None where it reads none.

    They are recorded with every result, so that other data under the same name are noticed.

    Args:
        family: the family.
    """
    return None


@functools.singledispatch
def is_convex(family: Any, theta: Any) -> bool:
    """Whether a mixture of members like theta is a member; it may depend on the shape of theta."""
    return bool(family.convex)


def weighted_sums(items: Items, statistic: PyTree[Array]) -> PyTree[Array]:
    """Sum over rows of weight times statistic; every leaf has leading axis cap."""
    return jax.tree.map(lambda s: items.weight @ s, statistic)
