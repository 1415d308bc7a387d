"""Generators: their maps by hand, and what they do to a chain.

Statistical limit: each comparison is a two-sided z test at 1e-3 / COMPARISONS (Bonferroni), so the
whole file raises a false alarm with probability at most 1e-3. Seeds are fixed and never re-rolled.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from collapse_theory.engine import run_moments
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliFit
from collapse_theory.families.categorical import Categorical, CategoricalFit, CategoricalLaw
from collapse_theory.families.exponential import Exponential, PositiveFit
from collapse_theory.families.gaussian import Gaussian, GaussianFit
from collapse_theory.families.gaussian_nd import GaussianND, GaussianNDLaw
from collapse_theory.families.poisson import Poisson
from collapse_theory.generators.faithful import Faithful
from collapse_theory.generators.scaled import Scaled
from collapse_theory.generators.tempered import Tempered
from collapse_theory.placement import Plan
from collapse_theory.workflows.replace import Replace

COMPARISONS = 30
LIMIT = float(stats.norm.isf(1e-3 / COMPARISONS / 2))
CHAINS = 40_000


def run(generator, family, observables, route, seed, **more):
    e = Experiment(
        family=family, workflow=Replace(), n=6, generations=3, generator=generator,
        observables=observables, route=route, **more,
    )  # fmt: skip
    return run_moments(e.setup(np.float64), seed, range(CHAINS), Plan())


@pytest.mark.parametrize("route", ["law", pytest.param("raw", marks=pytest.mark.slow)])
def test_scaled_variance_shrinks_by_the_factor_in_each_generation(route):
    got = run(Scaled(factor=0.8), Gaussian(), ("variance",), route, 51)
    z = (got.mean[:, 0] - 0.8 ** np.arange(3)) * got.n[:, 0] / np.sqrt(got.m2[:, 0])
    assert np.abs(z).max() < LIMIT
    planted = (got.mean[:, 0] - 0.8 ** np.arange(1, 4)) * got.n[:, 0] / np.sqrt(got.m2[:, 0])
    assert np.abs(planted).min() > LIMIT  # generation 1 sees the truth, untouched


def test_factor_one_is_faithful_to_the_bit():
    theta = GaussianFit(jnp.asarray(0.3), jnp.asarray(-2.7))
    for generator in (Scaled(factor=1.0), Tempered(power=1.0), Faithful()):
        assert eqx.tree_equal(generator.apply(Gaussian(), theta), theta)


@pytest.mark.slow
def test_tempered_symbols_on_sums_and_rows():
    truth = CategoricalLaw(probs=(0.6, 0.3, 0.1))
    names = ("gini", "support_size", "mean_squared_error")
    a, b = (
        run(Tempered(power=1.7), Categorical(), names, r, s, truth=truth)
        for r, s in (("law", 53), ("raw", 54))
    )
    z = (a.mean - b.mean) / np.sqrt(a.m2 / a.n**2 + b.m2 / b.n**2)
    assert np.abs(z).max() < LIMIT
    faithful = (1 - np.sum(np.square(truth.probs))) * (5 / 6) ** np.arange(1, 4)
    sharper = (a.mean[:, 0] - faithful) * a.n[:, 0] / np.sqrt(a.m2[:, 0])
    assert abs(sharper[0]) < LIMIT
    assert (sharper[1:] < -LIMIT).all()


def tempered_density(density, x, power):
    p = density(x) ** power
    return p / (p.sum() * (x[1] - x[0]))


@pytest.mark.parametrize("power", [0.5, 2.5])
def test_tempered_densities_are_powers(power):
    generator = Tempered(power=power)
    x = np.linspace(-30, 30, 200_001)
    fit = generator.apply(Gaussian(), GaussianFit(jnp.asarray(0.5), jnp.asarray(np.log(2.0))))
    want = tempered_density(lambda x: stats.norm.pdf(x, 0.5, np.sqrt(2)), x, power)
    np.testing.assert_allclose(stats.norm.pdf(x, fit.mean, fit.sd), want, rtol=1e-8, atol=1e-300)
    x = np.linspace(0, 200, 2_000_001)
    fit = generator.apply(Exponential(), PositiveFit(jnp.asarray(np.log(1.5))))
    want = tempered_density(lambda x: stats.expon.pdf(x, scale=1.5), x, power)
    np.testing.assert_allclose(stats.expon.pdf(x, scale=float(fit.mean)), want, rtol=2e-4)


@pytest.mark.parametrize("power", [0.5, 2.5, 60.0])
def test_tempered_symbols_are_powers_and_lost_ones_stay_lost(power):
    p = np.array([[0.5, 0.3, 0.0, 0.2], [0.0, 1.0, 0.0, 0.0]])
    want = p**power / (p**power).sum(1, keepdims=True)
    got = Tempered(power=power).apply(Categorical(), CategoricalFit(jnp.asarray(p))).probs
    np.testing.assert_allclose(got, want, rtol=1e-12)
    assert ((np.asarray(got) == 0) == (p == 0)).all()
    bits = np.array([0.0, 0.2, 0.9, 1.0])
    got = Tempered(power=power).apply(Bernoulli(), BernoulliFit(jnp.asarray(bits))).prob
    np.testing.assert_allclose(got, bits**power / (bits**power + (1 - bits) ** power), rtol=1e-12)


def test_scaled_keeps_the_mean():
    fit = Scaled(factor=0.25).apply(Gaussian(), GaussianFit(jnp.asarray(3.0), jnp.asarray(0.0)))
    assert (float(fit.mean), float(fit.sd)) == pytest.approx((3.0, 0.5))


@pytest.mark.parametrize(
    ("generator", "factor"), [(Scaled(factor=0.3), 0.3), (Tempered(power=4.0), 0.25)]
)
def test_covariances_are_scaled(generator, factor):
    theta = GaussianND().model(GaussianNDLaw(mean=(1.0, 2.0), cov=((2.0, 0.5), (0.5, 1.0))))
    fit = generator.apply(GaussianND(), theta)
    np.testing.assert_allclose(fit.cov, factor * np.array([[2, 0.5], [0.5, 1]]), rtol=1e-12)
    np.testing.assert_array_equal(fit.mean, theta.mean)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Scaled(factor=0.0), "generator.factor = 0.0"),
        (lambda: Scaled(factor=-1), "generator.factor = -1"),
        (lambda: Tempered(power=float("nan")), "generator.power = nan"),
        (lambda: Scaled(factor=0.5).check(Bernoulli()), "Scaled.*Bernoulli.*allowed are.*Gaussian"),
        (lambda: Tempered(power=0.5).check(Poisson()), "Tempered.*Poisson.*Categorical"),
        (lambda: run(Scaled(factor=0.5), Poisson(), (), "law", 1), "Scaled.*Poisson"),
    ],
)
def test_what_is_not_allowed_is_named(make, words):
    with pytest.raises(InputError, match=words):
        make()
