"""What is measured on laws over finitely many symbols, shared by the families of such laws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from collapse_theory.observables import distances, diversity, parameters, support
from collapse_theory.observables.base import Observable, Snapshot
from collapse_theory.observables.divergences import cross_entropy, kl_forward, kl_reverse

Probs = Float[Array, "contexts symbols"]
Measure = Callable[[Probs, Probs, Probs], Array]

TAIL_MASS = 0.05
ROUNDING = 1e-5  # relative room for sums that should equal TAIL_MASS


def register_symbols(family: type, probabilities: Callable[[Any, Any], Array]) -> None:
    """Give a family every observable of this file that it does not define itself.

    A measure returns one value a context, or one for all; several contexts are averaged.

    Args:
        family: the class.
        probabilities: of a family and its theta, (symbols,) or (contexts, symbols).
    """
    for observable, measure in MEASURES.items():
        observable.register(family)(_on_snapshots(measure, probabilities))


def _on_snapshots(
    measure: Measure, probabilities: Callable[[Any, Any], Array]
) -> Callable[[Any, Snapshot[Any]], Array]:
    def table(family: Any, theta: Any) -> Array:
        p = probabilities(family, theta)
        return p.reshape(-1, p.shape[-1])

    def observe(family: Any, snap: Snapshot[Any]) -> Array:
        fit, truth, first = (table(family, m) for m in (snap.fit, snap.truth, snap.first))
        return measure(fit, truth, first).astype(fit.dtype).mean()

    return observe


def divergence(p: Array, q: Array) -> Array:
    """KL(p || q) along the last axis, in nats; inf where p has a symbol that q lacks.

    Absolute error a few ulps times the entropy of p.
    """
    terms = p * (jnp.log(p) - jnp.log(q))
    return jnp.where(p > 0, terms, 0).sum(-1)


def is_dirac(p: Probs) -> Array:
    """Whether each context has one symbol left: zeros are exact, so no tolerance is used."""
    return ((p > 0).sum(-1) == 1).all()


def _squares(p: Array) -> Array:
    return (p * p).sum(-1)


def _to_a_dead_law(p: Array) -> Array:
    """Half the l1 distance to the nearest Dirac or to the uniform law on the support."""
    alive = p > 0
    even = jnp.where(alive, 1 / alive.sum(-1, keepdims=True), 0)
    return jnp.minimum(1 - p.max(-1), _l1(p, even) / 2)


def _entropy(p: Array) -> Array:
    return -jnp.where(p > 0, p * jnp.log(p), 0).sum(-1)


def _entropy_across(p: Array, q: Array) -> Array:
    return -jnp.where(p > 0, p * jnp.log(q), 0).sum(-1)


def _l1(p: Array, q: Array) -> Array:
    return jnp.abs(p - q).sum(-1)


def tail_recall(fit: Probs, truth: Probs) -> Array:
    """Share of the tail symbols alive; 1 where the truth has no tail."""
    order = jnp.argsort(truth, axis=-1)
    rising = jnp.take_along_axis(truth, order, -1)
    tail = (jnp.cumsum(rising, -1) <= TAIL_MASS * (1 + ROUNDING)) & (rising > 0)
    alive = tail & (jnp.take_along_axis(fit, order, -1) > 0)
    size = tail.sum(-1)
    return jnp.where(size > 0, alive.sum(-1) / jnp.maximum(size, 1), 1)


def closer(now: Array, first: Array) -> Array:
    """Whether a squared distance is strictly below the first one.

    Estimates lie on a lattice and ties are common; rounding must not decide them. A squared
    distance d**2 between points of size 1 carries an error of about eps d.
    """
    return first - now > 8 * float(np.finfo(first.dtype).eps) * jnp.sqrt(first)


def _closer_than_first(fit: Probs, truth: Probs, first: Probs) -> Array:
    return closer(_squares(fit - truth).sum(), _squares(first - truth).sum())


MEASURES: dict[Observable, Measure] = {
    parameters.mean: lambda p, truth, first: p[:, 0],
    parameters.mean_squared_error: lambda p, truth, first: _squares(p - truth),
    diversity.sum_of_squares: lambda p, truth, first: _squares(p),
    diversity.gini: lambda p, truth, first: (p * (1 - p)).sum(-1),
    diversity.entropy: lambda p, truth, first: _entropy(p),
    diversity.support_size: lambda p, truth, first: (p > 0).sum(-1),
    diversity.tail_recall: lambda p, truth, first: tail_recall(p, truth),
    diversity.unseen_mass: lambda p, truth, first: jnp.where(p > 0, 0, truth).sum(-1),
    support.hallucinated_mass: lambda p, truth, first: jnp.where(truth > 0, 0, p).sum(-1),
    support.heat_distance: lambda p, truth, first: _to_a_dead_law(p),
    diversity.all_alive: lambda p, truth, first: ((p > 0) | (truth == 0)).all(),
    diversity.collapsed: lambda p, truth, first: is_dirac(p),
    diversity.fixed_on_first: lambda p, truth, first: is_dirac(p) & (p[:, 0] > 0).all(),
    diversity.generations_survived: lambda p, truth, first: ~is_dirac(p),
    distances.l1_to_truth: lambda p, truth, first: _l1(p, truth),
    distances.l2_to_truth: lambda p, truth, first: jnp.sqrt(_squares(p - truth)),
    distances.tv_to_truth: lambda p, truth, first: _l1(p, truth) / 2,
    distances.l1_to_first: lambda p, truth, first: _l1(p, first),
    distances.l2_to_first: lambda p, truth, first: jnp.sqrt(_squares(p - first)),
    distances.squared_l2_to_first: lambda p, truth, first: _squares(p - first),
    distances.closer_than_first: _closer_than_first,
    cross_entropy: lambda p, truth, first: _entropy_across(p, truth),
    kl_forward: lambda p, truth, first: divergence(truth, p),
    kl_reverse: lambda p, truth, first: divergence(p, truth),
}
