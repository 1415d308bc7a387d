"""Expectation-maximisation and the other fits of this room, against NumPy on raw rows."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, stats

import collapse_theory as ct
from collapse_theory.corpus import Items
from collapse_theory.families.linear_regression import RegressionLaw
from collapse_theory.families.mixture import MixtureFit, MixtureLaw, moments
from collapse_theory.families.softmax_embedding import EmbeddingLaw
from collapse_theory.sampling.counter import seed_key

RNG = np.random.default_rng(5)


def items(rows, weight):
    return Items(rows, jnp.asarray(weight, float), jnp.asarray(len(weight)))


def log_likelihood(x, weight, fit):
    parts = [
        s * stats.multivariate_normal(m, c).pdf(x)
        for s, m, c in zip(*(np.asarray(a) for a in (fit.shares, fit.means, fit.covariances)),
                           strict=True)
    ]  # fmt: skip
    return weight @ np.log(np.sum(parts, 0)) / weight.sum()


@pytest.mark.parametrize("d", [1, 2])
def test_em_climbs_and_keeps_the_moments(d):
    x = np.concatenate([RNG.normal(-2, 1, (60, d)), RNG.normal(2, 0.5, (40, d))])
    weight = RNG.integers(0, 3, 100).astype(float)
    given = items(jnp.asarray(x), weight)
    fits = [ct.GaussianMixture(steps=k).fit(given) for k in (1, 5, 60)]
    climbed = [log_likelihood(x, weight, fit) for fit in fits]
    assert climbed == sorted(climbed)
    mean = weight @ x / weight.sum()
    spread = (weight[:, None] * (x - mean)).T @ (x - mean) / weight.sum()
    for fit in fits:
        np.testing.assert_allclose(moments(fit)[0], mean, rtol=1e-9)
        np.testing.assert_allclose(moments(fit)[1], spread, rtol=1e-5, atol=1e-5)


def test_em_ends_where_a_minimiser_does():
    x = np.concatenate([RNG.normal(-2, 1, 200), RNG.normal(2, 0.5, 150)])[:, None]
    one = np.ones(len(x))
    fit = ct.GaussianMixture(steps=400).fit(items(jnp.asarray(x), one))

    def objective(v):
        share = 1 / (1 + np.exp(-v[0]))
        pdf = share * stats.norm(v[1], np.exp(v[2])).pdf(x[:, 0])
        return -np.log(pdf + (1 - share) * stats.norm(v[3], np.exp(v[4])).pdf(x[:, 0])).mean()

    best = optimize.minimize(objective, [0, -2, 0, 2, -0.7], method="BFGS").x
    np.testing.assert_allclose(np.asarray(fit.means)[:, 0], best[[1, 3]], atol=1e-3)
    np.testing.assert_allclose(np.sqrt(np.asarray(fit.covariances).ravel()), np.exp(best[[2, 4]]),
                               atol=1e-3)  # fmt: skip


def test_rows_of_a_mixture_have_its_moments():
    """20,000 rows: five standard errors of mean and variance."""
    fit = MixtureFit(jnp.array([0.3, 0.7]), jnp.array([[-1.0, 0], [2.0, 1]]),
                     jnp.array([[[1.0, 0.5], [0.5, 2]], [[0.5, 0], [0, 0.1]]]))  # fmt: skip
    rows = np.asarray(ct.GaussianMixture().sample(seed_key(1), fit, 20_000))
    mean, spread = (np.asarray(a) for a in moments(fit))
    assert (np.abs(rows.mean(0) - mean) < 5 * np.sqrt(np.diag(spread) / 20_000)).all()
    np.testing.assert_allclose(np.cov(rows.T), spread, atol=0.1)


def test_a_poisson_fit_is_the_optimum():
    x, weight = RNG.normal(size=(80, 2)), RNG.integers(0, 3, 80).astype(float)
    y = RNG.poisson(np.exp(x @ [0.4, -0.3])).astype(float)

    def objective(w):
        return weight @ (np.exp(x @ w) - y * (x @ w))

    best = optimize.minimize(objective, np.zeros(2), method="BFGS", options={"gtol": 1e-9}).x
    given = items((jnp.asarray(x), jnp.asarray(y)), weight)
    np.testing.assert_allclose(ct.PoissonGLM().fit(given).weights, best, atol=1e-6)


@pytest.mark.slow
def test_a_poisson_chain_follows_the_first_order():
    """E|w_t - w|^2_I near 2 t / n at n = 400: within 5 % and five standard errors."""
    family, law = ct.PoissonGLM(iterations=10), RegressionLaw((0.4, -0.3))
    a, b, _ = family.fisher(jnp.asarray(law.coefficients))
    assert a == pytest.approx(np.exp(0.125), rel=1e-8)  # |w| = 1/2
    assert b == pytest.approx(np.exp(0.125) * 1.25, rel=1e-8)
    e = ct.Experiment(
        family=family, workflow=ct.Replace(), truth=law, n=400, generations=2,
        observables=("fisher_error",),
    )  # fmt: skip
    run = ct.simulate(e, chains=1024, seed=3)
    exact = 2 * np.arange(1, 3) / 400
    off = np.abs(run.mean("fisher_error") - exact)
    assert (off < 0.05 * exact + 5 * run.se("fisher_error")).all()
    assert (off < 0.35 * exact).all()  # what the line above allows at most: t - 1 for t is seen


def test_features_are_matched():
    """Where the training ends, features times probabilities are features times rows."""
    family = ct.SoftmaxEmbedding()
    rows = np.eye(3)[RNG.integers(0, 3, (40, 3))]
    weight = RNG.integers(0, 3, 40).astype(float)
    fit = family.fit(items(jnp.asarray(rows), weight))
    shares = np.tensordot(weight, rows, 1) / weight.sum()
    phi = np.asarray(family.features)
    np.testing.assert_allclose(phi.T @ np.asarray(family.probabilities(fit)), phi.T @ shares,
                               atol=2e-4)  # fmt: skip
    assert np.abs(np.asarray(family.probabilities(fit)) - shares).max() > 1e-3  # two features


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: ct.GaussianMixture(components=0), "family.components = 0"),
        (lambda: ct.GaussianMixture(steps=0), "family.steps = 0"),
        (lambda: ct.GaussianMixture(components=3).model(MixtureLaw()), "truth.means has 2 points"),
        (lambda: MixtureLaw(((1.0,), (2.0, 3.0))), "truth.means"),
        (lambda: MixtureLaw(var=-1.0), "truth.var = -1.0"),
        (lambda: ct.SoftmaxEmbedding(features=((1.0,), (1.0, 2.0))), "family.features"),
        (lambda: ct.SoftmaxEmbedding(symbols=1), "family.symbols"),
        (lambda: ct.SoftmaxEmbedding(floor=0.5), "family.floor"),
        (lambda: EmbeddingLaw(((1.0,),)), "two or more symbols"),
        (lambda: ct.SoftmaxEmbedding(symbols=4).model(EmbeddingLaw()), "truth.weights has"),
        (lambda: ct.PoissonGLM(iterations=0), "family.iterations = 0"),
    ],
)
def test_bad_input_is_refused(make, told):
    with pytest.raises(ct.InputError, match=told):
        make()
