"""Families that are trained: the training itself, what divergence does, a user's own network."""

import re
from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import config
from collapse_theory.corpus import Items
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.families.learned import trained
from collapse_theory.sampling.counter import seed_key

LAW = CategoricalLaw((0.5, 0.3, 0.2))
E = ct.Experiment(
    family=ct.Softmax(symbols=3), workflow=ct.Replace(), truth=LAW, n=9, generations=3,
    observables=("mean", "training_loss", "training_steps"),
)  # fmt: skip


def one_hot(counts, weights=None):
    """Rows of these counts; a weight for the rows of each symbol."""
    rows = np.repeat(np.eye(len(counts)), counts, axis=0)
    weight = np.repeat(np.ones(len(counts)) if weights is None else weights, counts)
    return Items(jnp.asarray(rows), jnp.asarray(weight, float), jnp.asarray(len(rows)))


@pytest.mark.parametrize("counts", [(5, 3, 2), (9, 1, 0), (1, 0, 0), (500, 20, 1)])
def test_softmax_ends_at_the_frequencies(counts):
    family = ct.Softmax(symbols=3)
    fit = jax.jit(family.fit)(one_hot(counts))
    frequencies = np.array(counts) / sum(counts)
    raw = np.exp(np.asarray(fit.arrays.table))
    assert np.abs(raw / raw.sum() - frequencies).max() < 1e-5  # before anything is cut off
    assert np.abs(np.asarray(family.probabilities(fit)) - frequencies).max() < 1e-5
    assert ((np.asarray(family.probabilities(fit)) > 0) == (np.array(counts) > 0)).all()


def test_weights_are_weights_and_empty_slots_are_nothing():
    family = ct.Softmax(symbols=3)
    fit = family.probabilities(family.fit(one_hot((2, 1, 4), weights=(1.0, 3.0, 0.0))))
    np.testing.assert_allclose(fit, [0.4, 0.6, 0], atol=1e-6)


@pytest.mark.parametrize(
    "training",
    [
        ct.Training("adam", rate=0.1, steps=600),
        ct.Training("adamw", rate=0.1, steps=600, clip=1.0),
        ct.Training("sgd", rate=1.0, steps=600),
        ct.Training("adam", rate=0.1, steps=600, validation=0.2, patience=1000),
    ],
    ids=lambda t: t.optimiser,
)
def test_every_optimiser_comes_near(training):
    rows = one_hot((50, 30, 20))
    fit = jax.jit(ct.Softmax(symbols=3, training=training).fit)(rows)
    # held-out rows move the optimum by about their own error, 0.05
    near = 0.15 if training.validation else 0.01
    got = jax.nn.softmax(fit.arrays.table)
    assert np.abs(np.asarray(got) - [0.5, 0.3, 0.2]).max() < near


def test_minibatches_are_drawn_by_weight():
    """One step of SGD from 0 moves by rate * (frequencies of the minibatch - 1/3).

    4,000 keys: the mean of a frequency has a standard error below 0.5 / sqrt(16,000) = 0.004; five
    of them are allowed, a false alarm of 6e-7; weights taken as 1 would be off by 0.27.
    """
    how = ct.Training("sgd", rate=1.0, steps=1, batch=4)
    family = ct.Softmax(symbols=3, training=how)
    rows = one_hot((2, 1, 4), weights=(1.0, 6.0, 0.5))
    keys = jr.split(seed_key(1), 4000)
    fits = jax.jit(jax.vmap(lambda k: trained(family, k, rows, None)))(keys)
    moved = np.asarray(fits.arrays.table).mean(0) + 1 / 3
    np.testing.assert_allclose(moved, [0.2, 0.6, 0.2], atol=0.02)


def test_training_stops_early():
    few = ct.Training("sgd", rate=0.5, steps=100_000, tolerance=1e-3)
    fit = jax.jit(ct.Softmax(symbols=3, training=few).fit)(one_hot((5, 3, 2)))
    assert 0 < fit.steps < 100
    slope = np.exp(fit.arrays.table) / np.exp(fit.arrays.table).sum() - [0.5, 0.3, 0.2]
    assert np.linalg.norm(slope) <= 1e-3
    held = ct.Training("sgd", rate=0.5, steps=100_000, validation=0.3, patience=3)
    fit = jax.jit(ct.Softmax(symbols=3, training=held).fit)(one_hot((50, 30, 20)))
    assert fit.steps < 10_000


def test_chains_side_by_side_stop_one_by_one():
    """Each to its own end, and with the numbers that it has alone, to rounding."""
    family = ct.Softmax(symbols=3)
    both = [one_hot((4, 3, 2)), one_hot((9, 0, 0))]
    stacked = jax.tree.map(lambda *a: jnp.stack(a), *both)
    fits = jax.jit(jax.vmap(family.fit))(stacked)
    for i, rows in enumerate(both):
        alone = jax.jit(family.fit)(rows)
        assert fits.steps[i] == alone.steps
        np.testing.assert_allclose(fits.arrays.table[i], alone.arrays.table, rtol=1e-9)
    assert fits.steps[0] != fits.steps[1]


def test_warm_starts_go_on_from_the_last_fit():
    family = ct.Softmax(symbols=3, training=ct.Training("sgd", rate=0.7, steps=1, warm=True))
    rows, key = one_hot((5, 3, 2)), seed_key(0)
    first = trained(family, key, rows, None)
    second = trained(family, key, rows, first)
    p = np.exp(first.arrays.table) / np.exp(first.arrays.table).sum()
    moved = first.arrays.table + 0.7 * (np.array([0.5, 0.3, 0.2]) - p)
    np.testing.assert_allclose(second.arrays.table, moved, rtol=1e-12)


class Exploding(ct.Softmax):
    """Training goes wrong where no row of the last symbol is there."""


@ct.refit.register
def _(family: Exploding, key, items, previous):
    lost = (items.weight @ items.rows)[-1] == 0
    spoiled = replace(items, rows=jnp.where(lost, jnp.nan, items.rows))
    return trained(family, key, spoiled, previous)


def test_divergence_is_counted_and_stays():
    """P(no row of the last symbol among 9) = 0.8^9 = 0.134 at generation 1, and more later.

    The count at generation 1 is binomial: five standard deviations, a false alarm of 6e-7.
    """
    family = Exploding(symbols=3, training=ct.Training("sgd", rate=0.5, steps=20))
    e = replace(E, family=family, observables=("mean", "support_size", "collapsed"))
    found = ct.simulate(e, chains=300, seed=2)
    lost = found.nonfinite("mean")
    assert abs(lost[0] - 40.2) < 5 * np.sqrt(300 * 0.134 * 0.866)
    assert (np.diff(lost) > 0).all()  # none comes back
    for name in e.observables:
        assert (found.nonfinite(name) == lost).all()


def test_too_high_a_rate_ends_in_nan():
    def fit(rate):
        how = ct.Training("sgd", rate=rate, steps=50)
        return Line(training=how).fit(Items(jnp.ones((4, 1)) * 3, jnp.ones(4), jnp.asarray(4)))

    assert np.isfinite(fit(0.1).loss)
    assert np.isnan(fit(1e12).loss)
    assert np.isnan(fit(1e12).arrays.weight).all()


class Line(ct.AbstractLearnedFamily):
    """x ~ N(w, 1) for a single weight w, as a network."""

    training: ct.Training = ct.Training("sgd", rate=0.1, steps=200)
    truth_type = ct.GaussianLaw

    def build(self, key):
        return eqx.nn.Linear(1, 1, use_bias=False, key=key)

    def loss(self, module, row, key):
        return ((row - module(jnp.ones(1, row.dtype))) ** 2).sum() / 2

    def model(self, truth):
        net = self.build(seed_key(0))
        return ct.as_learned(eqx.tree_at(lambda n: n.weight, net, jnp.full((1, 1), truth.mean)))

    def sample(self, key, theta, n):
        return theta.arrays.weight + jr.normal(key, (n, 1), theta.loss.dtype)


def test_a_users_own_network_follows_its_theory():
    """The mean of n rows, each generation: E (w_t - w)^2 = t / n.

    4,000 chains: five standard errors, a false alarm of 2e-6; 1.15 times the value is refuted.
    """
    from collapse_theory.observables.parameters import mean_squared_error

    @mean_squared_error.register(Line)
    def _(family, snap):
        return ((snap.fit.arrays.weight - snap.truth.arrays.weight) ** 2).sum()

    e = ct.Experiment(
        family=Line(), workflow=ct.Replace(), n=20, generations=4,
        observables=("mean_squared_error", "training_loss"),
    )  # fmt: skip
    found = ct.simulate(e, chains=4000, seed=1)
    exact = np.arange(1, 5) / 20
    z = (found.mean("mean_squared_error") - exact) / found.se("mean_squared_error")
    assert np.abs(z).max() < 5
    planted = (found.mean("mean_squared_error") - 1.15 * exact) / found.se("mean_squared_error")
    assert np.abs(planted).max() > 5
    assert config.experiment_from_table(config.to_table(e)).family == Line()


@pytest.mark.slow
def test_the_page_about_it_runs():
    """What docs/how-to/train-a-network.md shows. A fit by maximum likelihood keeps 19/20 of the
    variance: 256 chains, five standard errors, a false alarm of 2e-6.
    """
    page = Path(__file__).parents[1] / "docs" / "how-to" / "train-a-network.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    shown = {"__name__": "page"}
    for block in blocks:
        exec(block.replace("from __future__ import annotations", ""), shown)
    result = shown["result"]
    exact = (19 / 20) ** np.arange(1, 5)
    assert (np.abs(result.mean("variance") - exact) < 5 * result.se("variance")).all()
    assert (result.mean("training_steps") < 400).all()
    assert "REFUTED" not in "".join(map(str, shown["verdicts"]))
    assert len(shown["verdicts"]) > 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"optimiser": "newton"}, "training.optimiser = 'newton': allowed are adam"),
        ({"steps": 0}, "training.steps = 0"),
        ({"batch": 2.5}, "training.batch = 2.5"),
        ({"rate": -1.0}, "training.rate = -1.0"),
        ({"clip": float("nan")}, "training.clip = nan"),
        ({"validation": 1.0}, "training.validation = 1.0"),
        ({"tolerance": float("nan")}, "training.tolerance = nan"),
        ({"optimiser": "lbfgs", "batch": 3}, "batch and clip must be left out"),
    ],
)
def test_bad_trainings_are_refused(given, told):
    with pytest.raises(ct.InputError, match=told):
        ct.Training(**given)


def test_a_training_goes_round_through_a_file():
    e = replace(E, family=ct.Softmax(symbols=3, training=ct.Training(batch=4, clip=0.5)))
    assert config.experiment_from_table(config.parsed(ct.to_toml(e), "")) == e
    table = config.to_table(e)
    table["family"]["training"] = {"rat": 1}
    with pytest.raises(ct.InputError, match=r"family\.training\.rat is unknown"):
        config.experiment_from_table(table)
    table["family"]["training"] = 3
    with pytest.raises(ct.InputError, match=r"family\.training = 3: a table is needed"):
        config.experiment_from_table(table)


@pytest.mark.parametrize("given", [{"symbols": 1}, {"contexts": 0}, {"floor": 0.5}])
def test_bad_tables_are_refused(given):
    with pytest.raises(ct.InputError, match=r"family\."):
        ct.Softmax(**given)
    with pytest.raises(ct.InputError, match="shape"):
        ct.Softmax(symbols=5).model(LAW)
