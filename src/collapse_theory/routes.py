"""Routes: how data are drawn. Law = the statistic, exactly in law; Raw = rows, then summarised."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array

from collapse_theory.corpus import Items, Sums
from collapse_theory.errors import RouteError
from collapse_theory.families.base import Size, is_convex, refit
from collapse_theory.sampling.counter import at, uniform

FRESH, SYNTHETIC, MIXTURE, SUBSAMPLE, BEGIN, TRAIN = range(1, 7)
ROLES = 8  # addresses set aside for one call; a second call of the same kind takes the next eight


class AbstractRoute(eqx.Module):
    """Draws batches and fits corpora of one kind."""

    @abstractmethod
    def batch(self, family: Any, key: Array, theta: Any, size: Size) -> Any:
        """``size.n`` rows of one model."""

    @abstractmethod
    def pool(self, family: Any, theta: Any) -> Any:
        """A pool of models that holds this one with weight 1."""

    @abstractmethod
    def mixture(self, family: Any, key: Array, models: Any, size: Size) -> Any:
        """``size.n`` rows, each of a model picked from the pool by its weight."""

    @abstractmethod
    def subsample(self, key: Array, corpus: Any, size: Size) -> Any:
        """``size.n`` stored rows without replacement."""

    @abstractmethod
    def fit(self, family: Any, corpus: Any, key: Array, previous: Any) -> Any:
        """The estimate; the key is for training, ``previous`` the last fit (None at the first)."""


class Law(AbstractRoute):
    """Statistics drawn exactly in law: cost and memory flat in n."""

    def batch(self, family: Any, key: Array, theta: Any, size: Size) -> Any:
        """The family's own draw."""
        return family.draw(key, theta, size)

    def pool(self, family: Any, theta: Any) -> Any:
        """Sums of theta: a mixture of one-hot laws is their mean."""
        if not is_convex(family, theta):
            raise RouteError(
                f"route = 'law': mixtures of {type(family).__name__} models need rows; "
                "use route = 'raw'"
            )
        first = jax.tree.leaves(theta)[0]
        return Sums(jnp.ones((), first.dtype), theta)

    def mixture(self, family: Any, key: Array, models: Any, size: Size) -> Any:
        """One batch of the mixed model."""
        return family.draw(key, models.mean, size)

    def subsample(self, key: Array, corpus: Any, size: Size) -> Any:
        """Not possible: sums have no rows."""
        raise RouteError(
            "route = 'law': a workflow that subsamples stored rows needs route = 'raw'"
        )

    def fit(self, family: Any, corpus: Any, key: Array, previous: Any) -> Any:
        """From the statistic."""
        return family.estimate(corpus)


class Raw(AbstractRoute):
    """Rows: the reference, and the only route for learners without a sufficient statistic."""

    def batch(self, family: Any, key: Array, theta: Any, size: Size) -> Items:
        """Rows in ``size.capacity`` slots, of which ``size.n`` count."""
        return _items(family.sample(key, theta, size.capacity), size)

    def pool(self, family: Any, theta: Any) -> Items:
        """A buffer whose rows are models."""
        rows = jax.tree.map(lambda a: a[None], theta)
        weight = jnp.ones((1,), jax.tree.leaves(theta)[0].dtype)
        return Items(rows, weight, jnp.ones((), jnp.int32))

    def mixture(self, family: Any, key: Array, models: Items, size: Size) -> Items:
        """A model for each row by inverse transform on the weights, then one row of each."""
        pick, rows = jr.split(key)
        below = jnp.cumsum(models.weight)
        u = uniform(pick, (size.capacity,), below.dtype) * below[-1]  # in (0, total]
        index = jnp.searchsorted(below, u, side="left")  # never a model of weight 0
        chosen = jax.tree.map(lambda a: a[index], models.rows)
        one = jax.vmap(lambda k, theta: family.sample(k, theta, 1))(
            jr.split(rows, size.capacity), chosen
        )
        return _items(jax.tree.map(lambda a: a[:, 0], one), size)

    def subsample(self, key: Array, corpus: Items, size: Size) -> Items:
        """The rows with the largest of independent uniforms: every subset is equally likely."""
        score = jnp.where(corpus.filled, uniform(key, (corpus.capacity,), jnp.float32), -1)
        chosen = jax.lax.top_k(score, size.capacity)[1]
        return _items(jax.tree.map(lambda a: a[chosen], corpus.rows), size)

    def fit(self, family: Any, corpus: Items, key: Array, previous: Any) -> Any:
        """From the rows."""
        return refit(family, key, corpus, previous)


def _items(rows: Any, size: Size) -> Items:
    counts = (jnp.arange(size.capacity) < size.n).astype(size.n.dtype)
    return Items(rows, counts, jnp.asarray(size.capacity, jnp.int32))


class ChainData:
    """What a workflow sees of one chain at one generation (see :class:`workflows.base.Data`)."""

    def __init__(self, setup: Any, key: Array, generation: Array, theta: Any, truth: Any) -> None:
        self._setup, self._key, self._theta, self._truth = setup, key, theta, truth
        self.generation = generation
        self._calls: dict[int, int] = {}
        self.real: Any = None

    def fresh(self) -> Any:
        """Real rows, new in this generation."""
        s = self._setup
        size = s.real.at(self.generation)
        return s.route.batch(s.family, self._address(FRESH), self._truth, size)

    def synthetic(self) -> Any:
        """Rows of the last fitted model, through the generator."""
        s = self._setup
        model = s.generator.apply(s.family, self._theta)
        size = s.synthetic.at(self.generation)
        return s.route.batch(s.family, self._address(SYNTHETIC), model, size)

    @property
    def truth(self) -> Any:
        """A pool that holds the truth."""
        return self._setup.route.pool(self._setup.family, self._truth)

    @property
    def last(self) -> Any:
        """A pool that holds the last fitted model, seen through the generator."""
        s = self._setup
        return s.route.pool(s.family, s.generator.apply(s.family, self._theta))

    def draw(self, models: Any) -> Any:
        """Rows of models picked from the pool."""
        s = self._setup
        size = s.synthetic.at(self.generation)
        return s.route.mixture(s.family, self._address(MIXTURE), models, size)

    def subsample(self, corpus: Any) -> Any:
        """Stored rows without replacement."""
        s = self._setup
        return s.route.subsample(self._address(SUBSAMPLE), corpus, s.synthetic.at(self.generation))

    def _address(self, role: int) -> Array:
        call = self._calls[role] = self._calls.get(role, -1) + 1
        address: Array = at(self._key, self.generation, role + ROLES * call)
        return address
