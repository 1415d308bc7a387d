"""Ridge and least-norm fits: against NumPy on rows, the law route against rows, exact risks.

Statistical limit: |z| < 5.2 (2e-7 each, below 200 comparisons); an error of a quarter exceeds
it.
"""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory.corpus import Items
from collapse_theory.families.least_squares import Rows
from collapse_theory.families.linear_regression import RegressionLaw
from collapse_theory.families.ridge import Ridge

LIMIT = 5.2
COV = ((2.0, 0.5, 0.0), (0.5, 1.0, 0.2), (0.0, 0.2, 0.7))
TRUTH = RegressionLaw((1.0, -0.5, 0.8))


@pytest.mark.parametrize("n", [2, 3, 9])
@pytest.mark.parametrize("penalty", [0.0, 0.3])
def test_fits_are_those_of_numpy(n, penalty):
    rng = np.random.default_rng(n)
    x, y, weight = rng.standard_normal((n, 3)), rng.standard_normal(n), rng.uniform(0.5, 2, n)
    items = Items(Rows(jnp.asarray(x), jnp.asarray(y)), jnp.asarray(weight), jnp.asarray(n))
    fit = Ridge(penalty).fit(items).weights
    root = np.sqrt(weight)[:, None]
    if penalty:
        gram = (root * x).T @ (root * x) + weight.sum() * penalty * np.eye(3)
        expected = np.linalg.solve(gram, x.T @ (weight * y))
    else:
        expected = np.linalg.pinv(root * x) @ (root[:, 0] * y)
    np.testing.assert_allclose(fit, expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("family", "n", "workflow"),
    [
        pytest.param(Ridge(0.2, 0.7, COV), 8, ct.Accumulate(), marks=pytest.mark.slow),
        pytest.param(Ridge(0.2, 0.7, COV), 2, ct.Replace(), marks=pytest.mark.slow),
        (Ridge(0.0, 0.5), 1, ct.Mix("fresh")),
        pytest.param(Ridge(0.1, 0.7, COV), 6, ct.Weighted(0.4), marks=pytest.mark.slow),
    ],
)
def test_the_law_route_is_the_law_of_rows(family, n, workflow):
    e = ct.Experiment(
        family=family, truth=TRUTH, workflow=workflow, n=n, generations=4,
        observables=("mean_squared_error", "excess_risk"),
    )  # fmt: skip
    law, raw = (ct.simulate(e, chains=10_000, seed=s, route=r) for s, r in ((1, "law"), (2, "raw")))
    for name in law.names:
        noise = np.hypot(law.se(name), raw.se(name))
        assert (np.abs(law.mean(name) - raw.mean(name)) < LIMIT * noise).all()
        assert (np.abs(1.25 * law.mean(name) - raw.mean(name)) > LIMIT * noise).any()


def test_least_norm_forgets_as_the_exact_law_says():
    n, d, fits = 2, 9, 5
    e = ct.Experiment(
        family=Ridge(0.0, 0.4), truth=RegressionLaw((0.5,) * d), workflow=ct.Replace(), n=n,
        generations=fits, observables=("mean_squared_error",),
    )  # fmt: skip
    run = ct.simulate(e, chains=20_000, seed=4)
    eta, t = n / d, np.arange(1, fits + 1)
    lost = 1 - eta**t
    exact = lost * d / 4 + lost / (1 - eta) * 0.4**2 * n / (d - n - 1)
    z = (run.mean("mean_squared_error") - exact) / run.se("mean_squared_error")
    assert np.abs(z).max() < LIMIT
    assert run.trusted("mean_squared_error").all()


def test_without_a_penalty_it_is_least_squares():
    rows = Ridge().sample(jr.key(0), Ridge().model(TRUTH), 20)
    items = Items(rows, jnp.ones(20), jnp.asarray(20))
    np.testing.assert_allclose(
        Ridge().fit(items).weights, ct.LinearRegression().fit(items).weights, rtol=1e-8
    )


@pytest.mark.parametrize("penalty", [-1.0, float("nan"), float("inf")])
def test_a_penalty_must_not_be_negative(penalty):
    with pytest.raises(ct.InputError, match=r"family\.penalty"):
        Ridge(penalty)


def test_dimensions_must_agree():
    with pytest.raises(ct.InputError, match="covariance is 3 x 3"):
        ct.Experiment(
            family=Ridge(0.1, 1.0, COV), truth=RegressionLaw((1.0,)), workflow=ct.Replace(), n=5,
            generations=2,
        )  # fmt: skip
