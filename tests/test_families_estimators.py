"""Estimators of the continuous families against NumPy; their algebra, tables and errors."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from collapse_theory.corpus import Items
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.families.base import draw_tables
from collapse_theory.families.exponential import Exponential, Gamma, PositiveLaw
from collapse_theory.families.gaussian_nd import GaussianND, GaussianNDLaw
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.families.least_squares import Rows
from collapse_theory.families.linear_regression import LinearRegression, RegressionLaw
from collapse_theory.families.uniform import Uniform, UniformLaw
from collapse_theory.observables import divergences, parameters
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling import wishart
from collapse_theory.workflows.replace import Replace

COV = ((2.0, 0.5), (0.5, 1.0))
COV3 = ((2.0, 0.5, -0.3), (0.5, 1.0, 0.2), (-0.3, 0.2, 0.7))


def weighted(rows, seed=306):
    weight = jnp.asarray(np.random.default_rng(seed).integers(0, 3, len(rows)).astype(float))
    return Items(rows, weight, jnp.asarray(len(rows))), np.asarray(weight)


def test_estimates_of_the_scalar_families():
    x = np.random.default_rng(307).gamma(2.0, 1.0, 15)
    items, w = weighted(jnp.asarray(x))
    average = np.average(x, weights=w)
    assert GaussianMean().fit(items).mean == pytest.approx(average)
    assert Gamma(2.0).fit(items).mean == pytest.approx(average)
    assert Exponential().fit(items).mean == pytest.approx(average)
    assert Uniform().fit(items).upper == pytest.approx(x[w > 0].max())


@pytest.mark.parametrize("ddof", [0, 1])
def test_estimate_of_the_covariance(ddof):
    x = np.random.default_rng(308).normal(size=(15, 3)) @ np.linalg.cholesky(np.array(COV3)).T
    items, w = weighted(jnp.asarray(x))
    fit = GaussianND(ddof=ddof).fit(items)
    np.testing.assert_allclose(fit.cov, np.cov(x.T, fweights=w.astype(int), ddof=ddof))
    np.testing.assert_allclose(fit.mean, np.average(x, axis=0, weights=w))
    assert np.array_equal(fit.root, np.tril(fit.root))


def test_estimate_of_the_coefficients():
    rng = np.random.default_rng(309)
    x, y = rng.normal(size=(15, 3)), rng.normal(size=15)
    items, w = weighted(jnp.asarray(x))
    items = Items(Rows(items.rows, jnp.asarray(y)), items.weight, items.used)
    r = np.sqrt(w)
    expected = np.linalg.lstsq(x * r[:, None], y * r)[0]
    np.testing.assert_allclose(LinearRegression().fit(items).weights, expected)


@pytest.mark.slow
def test_pooling_statistics_is_pooling_rows():
    rng = np.random.default_rng(310)
    x, y = rng.normal(size=(9, 3)), rng.normal(size=9)
    parts = [slice(0, 1), slice(1, 3), slice(3, 9)]  # two of them too small for a fit
    for family, rows in [
        (GaussianND(), jnp.asarray(x)),
        (LinearRegression(), Rows(jnp.asarray(x), jnp.asarray(y))),
    ]:

        def take(part, weight=None, rows=rows, family=family):
            chosen = jax.tree.map(lambda leaf: leaf[part], rows)
            weight = np.ones(len(range(9)[part])) if weight is None else weight
            return family.summarise(Items(chosen, jnp.asarray(weight), jnp.asarray(len(weight))))

        def same(statistic, other, family=family):
            fits = family.estimate(statistic), family.estimate(other)
            jax.tree.map(functools.partial(np.testing.assert_allclose, atol=1e-12), *fits)

        a, b, c = map(take, parts)
        same(c.merge(b).merge(a), take(slice(0, 9)))
        mixed = b.scale(2.0).merge(a.merge(c)).merge(b.scale(0)).scale(3.0)
        same(mixed, take(slice(0, 9), np.repeat([3.0, 6.0, 3.0], [1, 2, 6])))


@pytest.mark.slow
def test_triangles():
    rng = np.random.default_rng(311)
    rows = jnp.asarray(rng.normal(size=(4, 7)))
    root = wishart.lower_factor(rows, 4)
    np.testing.assert_allclose(root, np.linalg.cholesky(rows @ rows.T), atol=1e-13)
    b = jnp.asarray(rng.normal(size=(4, 3)))
    np.testing.assert_allclose(wishart.lower_product(root, b), root @ b, atol=1e-13)
    np.testing.assert_allclose(wishart.solve_lower(root, root @ b), b, atol=1e-12)
    np.testing.assert_allclose(
        wishart.solve_transposed(root, root.T @ b[:, 0]), b[:, 0], atol=1e-12
    )
    dependent = wishart.lower_factor(jnp.zeros((3, 5)).at[0].set(1.0), 3)
    assert np.isfinite(dependent).all()


@pytest.mark.slow
def test_divergences_of_gaussians():
    rng = np.random.default_rng(312)
    for d in (1, 2, 3):
        family = GaussianND()
        a, b = (rng.normal(size=(d, d + 2)) for _ in range(2))
        laws = [GaussianNDLaw(tuple(rng.normal(size=d)), (m @ m.T).tolist()) for m in (a, b)]
        p, q = map(family.model, laws)
        snap = Snapshot(p, p, q)
        s, t = np.array(laws[0].cov), np.array(laws[1].cov)
        shift = np.subtract(laws[0].mean, laws[1].mean)
        logs = [np.linalg.slogdet(m)[1] for m in (s, t)]
        kl = np.trace(np.linalg.solve(t, s)) - d + logs[1] - logs[0]
        kl += shift @ np.linalg.solve(t, shift)
        assert divergences.kl_forward(family, snap) == pytest.approx(kl / 2)
        values = np.linalg.eigvals(s @ t).real
        w2 = shift @ shift + np.trace(s + t) - 2 * np.sqrt(values).sum()
        assert divergences.w2_squared(family, snap) == pytest.approx(w2)
        assert divergences.w2_squared(family, Snapshot(p, p, p)) < 1e-28
        assert parameters.log_det(family, snap) == pytest.approx(logs[1])


def test_tables_have_one_row_a_size():
    sizes = np.array([3, 20, 7])
    for family, truth in [
        (Gamma(2.5), PositiveLaw()),
        (GaussianND(), GaussianNDLaw()),
        (LinearRegression(), RegressionLaw()),
        (LinearRegression(), RegressionLaw((0.0,) * 5)),
    ]:
        for leaf in jax.tree.leaves(draw_tables(family, truth, sizes)):
            assert len(leaf) == len(sizes)
    table = draw_tables(GaussianND(), GaussianNDLaw((0.0,) * 4), sizes)
    empty = np.isinf(table["log_shape"])
    assert empty.tolist() == [[False, False, True, True], [False] * 4, [False] * 4]


def test_few_words_are_enough():
    table = draw_tables(GaussianND(), GaussianNDLaw(), np.array([11]))
    assert table["lift"].shape == (1, 2, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianMean(0.0), "family.var = 0.0"),
        (lambda: Gamma(-1.0), "family.shape = -1.0"),
        (lambda: PositiveLaw(0.0), "truth.mean = 0.0"),
        (lambda: UniformLaw(-2.0), "truth.upper = -2.0"),
        (lambda: GaussianND(ddof=2), "family.ddof = 2"),
        (lambda: GaussianNDLaw((0.0, 0.0), ((1.0, 2.0), (2.0, 1.0))), "positive definite"),
        (lambda: GaussianNDLaw((0.0, 0.0), ((1.0, 0.5), (0.0, 1.0))), "symmetric"),
        (lambda: GaussianNDLaw((0.0,), COV), "1 x 1 is needed"),
        (lambda: LinearRegression("random"), "family.design = 'random'"),
        (lambda: LinearRegression(noise=-1.0), "family.noise = -1.0"),
        (lambda: regression(LinearRegression(covariance=COV3)), "family.covariance is 3 x 3"),
        (lambda: regression(LinearRegression("fixed"), n=(9, 8)), "needs one size"),
        (lambda: regression(LinearRegression("fixed"), n_real=8), "n = 9, n_real = 8"),
        (lambda: regression(LinearRegression("fixed"), n_real=8, route="raw"), "n_real = 8"),
        (lambda: regression(LinearRegression(), n=1), "needs at least 2 rows"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


def regression(family, n=9, n_real=None, route="law"):
    experiment = Experiment(
        family=family, workflow=Replace(), n=n, n_real=n_real, generations=2, route=route
    )
    return experiment.setup(np.float32)
