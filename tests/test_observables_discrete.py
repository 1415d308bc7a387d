"""Observables of laws over symbols and of the Poisson law, against values worked out by hand."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from collapse_theory.discovery import members
from collapse_theory.families.bernoulli import Bernoulli, BernoulliFit
from collapse_theory.families.categorical import Categorical, CategoricalFit
from collapse_theory.families.poisson import Poisson, PoissonFit
from collapse_theory.observables.base import Observable, Snapshot, find_observable


def observables(family):
    return tuple(o for o in members(Observable) if o.supports(family))


TRUTH, FIRST = np.array([0.5, 0.46, 0.03, 0.01]), np.array([0.4, 0.5, 0.1, 0.0])
FIT = np.array([0.7, 0.28, 0.0, 0.02])
BY_HAND = {
    "mean": 0.7,
    "mean_squared_error": 0.2**2 + 0.18**2 + 0.03**2 + 0.01**2,
    "sum_of_squares": 0.7**2 + 0.28**2 + 0.02**2,
    "gini": 1 - 0.7**2 - 0.28**2 - 0.02**2,
    "entropy": -(0.7 * np.log(0.7) + 0.28 * np.log(0.28) + 0.02 * np.log(0.02)),
    "support_size": 3,
    "tail_recall": 0.5,
    "unseen_mass": 0.03,
    "hallucinated_mass": 0,
    "heat_distance": 0.3,  # to the first symbol; to (1/3, 1/3, 1/3) on the support it is 0.367
    "all_alive": 0,
    "cross_entropy": -(0.7 * np.log(0.5) + 0.28 * np.log(0.46) + 0.02 * np.log(0.01)),
    "collapsed": 0,
    "fixed_on_first": 0,
    "generations_survived": 1,
    "l1_to_truth": 0.42,
    "l2_to_truth": np.sqrt(0.2**2 + 0.18**2 + 0.03**2 + 0.01**2),
    "tv_to_truth": 0.21,
    "l1_to_first": 0.3 + 0.22 + 0.1 + 0.02,
    "l2_to_first": np.sqrt(0.3**2 + 0.22**2 + 0.1**2 + 0.02**2),
    "squared_l2_to_first": 0.3**2 + 0.22**2 + 0.1**2 + 0.02**2,
    "closer_than_first": 0,
    "kl_reverse": 0.7 * np.log(1.4) + 0.28 * np.log(0.28 / 0.46) + 0.02 * np.log(2),
    "kl_forward": np.inf,
}


def snapshot(truth, first, fit):
    return Snapshot(*(CategoricalFit(jnp.asarray(p)) for p in (truth, first, fit)))


@pytest.mark.parametrize("name", BY_HAND)
def test_observables_of_symbols_by_hand(name):
    observe = find_observable(name)
    assert observe(Categorical(), snapshot(TRUTH, FIRST, FIT)) == pytest.approx(BY_HAND[name])
    same = snapshot(*(np.stack([p, p]) for p in (TRUTH, FIRST, FIT)))
    assert observe(Categorical(), same) == pytest.approx(BY_HAND[name])


def test_every_observable_of_symbols_is_checked_by_hand():
    assert {o.name for o in observables(Categorical())} == set(BY_HAND)


def test_mass_on_symbols_the_truth_never_shows_is_hallucinated():
    snap = snapshot(np.array([0.6, 0.4, 0.0]), np.array([0.6, 0.4, 0.0]), np.array([0.5, 0.2, 0.3]))
    assert find_observable("hallucinated_mass")(Categorical(), snap) == pytest.approx(0.3)
    assert find_observable("heat_distance")(Categorical(), snap) == pytest.approx(1 / 6)


def test_contexts_are_averaged_and_collapse_together():
    table = np.stack([FIT, [0, 1, 0, 0]])
    snap = snapshot(np.stack([TRUTH, TRUTH]), np.stack([FIRST, FIRST]), table)
    assert find_observable("support_size")(Categorical(), snap) == 2
    assert find_observable("collapsed")(Categorical(), snap) == 0
    snap = snap._replace(fit=CategoricalFit(jnp.asarray([[0.0, 0, 1, 0], [0, 1, 0, 0]])))
    assert find_observable("collapsed")(Categorical(), snap) == 1
    assert find_observable("fixed_on_first")(Categorical(), snap) == 0
    assert find_observable("generations_survived")(Categorical(), snap) == 0
    assert find_observable("kl_reverse")(Categorical(), snap) == pytest.approx(
        -(np.log(0.03) + np.log(0.46)) / 2
    )


def test_a_law_without_a_tail_loses_none():
    even = np.full(4, 0.25)
    snap = snapshot(even, even, [1.0, 0, 0, 0])
    assert find_observable("fixed_on_first")(Categorical(), snap) == 1
    assert find_observable("tail_recall")(Categorical(), snap) == 1


def test_bernoulli_is_a_law_over_two_symbols():
    p, first, fit = 0.35, 0.5, 0.2
    bits = Snapshot(*(BernoulliFit(jnp.asarray(x)) for x in (p, first, fit)))
    pairs = snapshot(*([1 - x, x] for x in (p, first, fit)))
    for o in observables(Bernoulli()):
        if o.name not in ("mean", "mean_squared_error"):
            assert o(Bernoulli(), bits) == pytest.approx(float(o(Categorical(), pairs)), rel=1e-12)
    assert find_observable("mean")(Bernoulli(), bits) == pytest.approx(fit)
    assert find_observable("mean_squared_error")(Bernoulli(), bits) == pytest.approx(0.15**2)


def test_observables_of_the_poisson_law_by_hand():
    def value(name, rate):
        snap = Snapshot(*(PoissonFit(jnp.asarray(x)) for x in (2.0, 1.0, rate)))
        return float(find_observable(name)(Poisson(), snap))

    k = np.arange(200)
    for rate in (0.7, 3.0):
        a, b = stats.poisson.logpmf(k, 2.0), stats.poisson.logpmf(k, rate)
        assert value("kl_forward", rate) == pytest.approx(np.exp(a) @ (a - b))
        assert value("kl_reverse", rate) == pytest.approx(np.exp(b) @ (b - a))
    assert value("kl_forward", 0.0) == np.inf
    assert value("kl_reverse", 0.0) == 2.0
    assert value("collapsed", 0.0) == 1
    assert value("generations_survived", 0.0) == 0
    assert value("variance", 0.7) == value("mean", 0.7) == 0.7
    assert value("mean_squared_error", 0.7) == pytest.approx(1.69)
    assert [value("closer_than_first", r) for r in (1.0, 3.0, 2.9, 0.9)] == [0, 0, 1, 0]
