"""Reduced least squares: the law of the full chain, of raw rows, and the exact moments.

Limits: |z| < 5.2 for each comparison of a mean or a second moment (two-sided false-alarm rate 2e-7,
fewer than 300 of them: 6e-5), p > 1e-5 for each of 12 Kolmogorov-Smirnov tests (1e-4). Power: a
chi-square with a degree of freedom too few or too many is refuted. Seeds are fixed.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import collapse_theory as ct
from collapse_theory import discovery
from collapse_theory.engine import run_paths
from collapse_theory.exact import ols
from collapse_theory.families import regression_norm, regression_rotated
from collapse_theory.families.base import draw_tables
from collapse_theory.families.least_squares import LeastSquares, by_rows, matrix
from collapse_theory.recursion import prepare
from collapse_theory.sampling import wishart
from collapse_theory.sampling.gamma import gamma_table
from collapse_theory.sampling.tilted import tilted, tilted_rows

LIMIT, KS = 5.2, 1e-5
CHAINS = 20_000
COV = ((2.0, 0.5, -0.3), (0.5, 1.0, 0.2), (-0.3, 0.2, 0.7))
OBSERVABLES = ("excess_risk", "closer_than_first")
CASES = {  # (d, sizes, noise)
    "usual": (3, (11,) * 4, 0.7),
    "one dimension": (1, (8,) * 4, 1.3),
    "schedule": (3, (12, 9, 30, 10), 0.7),
    "many": (11, (40,) * 4, 1.0),
}


def experiment(name, design="fresh", workflow=None, **kw):
    d, sizes, noise = CASES[name]
    family = ct.LinearRegression(design, noise, COV if d == 3 else None)
    given = {"observables": OBSERVABLES} | kw
    return ct.Experiment(
        family=family, truth=family.truth_type((1.0,) * d), workflow=workflow or ct.Replace(),
        n=sizes if len(set(sizes)) > 1 else sizes[0], generations=len(sizes), **given,
    )  # fmt: skip


@functools.cache
def risks(name, design="fresh", route="auto", accumulate=False, planted=None):
    """Values (chains, T) of the two observables."""
    e = experiment(name, design, ct.Accumulate() if accumulate else None)
    setup = e.setup(np.dtype("float64"), route)
    if planted:
        small = dataclasses.replace(e, family=planted(e.family.noise))
        setup = prepare(small, ct.Law(), np.dtype("float64"))
    seed = {"auto": 21, "law": 22}[route]
    return [np.asarray(v) for v in run_paths(setup, seed, np.arange(CHAINS))[1]]


@functools.cache
def rows(name, design="fresh", accumulate=False):
    """The same from rows in NumPy; white features, because the law is free of their covariance."""
    d, sizes, noise = CASES[name]
    rng, chains = np.random.default_rng(23), CHAINS
    w, gram, moment, out, x = np.zeros((chains, d)), 0.0, 0.0, [], None
    for n in sizes:
        if x is None or design == "fresh":
            x = rng.standard_normal((chains, n, d))
        y = (x @ w[:, :, None])[:, :, 0] + noise * rng.standard_normal((chains, n))
        keep = 1.0 if accumulate else 0.0
        gram = keep * gram + x.transpose(0, 2, 1) @ x
        moment = keep * moment + x.transpose(0, 2, 1) @ y[:, :, None]
        w = np.linalg.solve(gram, moment)[:, :, 0]
        out.append((w**2).sum(1))
    risk = np.stack(out, 1)
    return [risk, (risk < risk[:, :1]).astype(float)]


def disagreement(a, b):
    """Largest |z| over means, and over second moments of the root of the risk, by generation."""

    def z(x, y):
        square = x.var(0) / len(x) + y.var(0) / len(y)
        return np.abs((x.mean(0) - y.mean(0)) / np.sqrt(np.where(square > 0, square, 1))).max()

    return max(z(np.sqrt(a[0]), np.sqrt(b[0])), z(a[0], b[0]), z(a[1], b[1]))


def ks(a, b):
    return stats.ks_2samp(a[0][:, -1], b[0][:, -1]).pvalue


SLOW = pytest.mark.slow
LAWS = [
    pytest.param("usual", "fresh", False, marks=SLOW),
    pytest.param("schedule", "fresh", False, marks=SLOW),
    pytest.param("usual", "fixed", True, marks=SLOW),
    pytest.param("one dimension", "fixed", False, marks=SLOW),
    pytest.param("usual", "fixed", False, marks=SLOW),
    ("one dimension", "fresh", False),
    pytest.param("many", "fresh", False, marks=SLOW),
    pytest.param("many", "fixed", False, marks=SLOW),
]


@pytest.mark.parametrize(("name", "design", "accumulate"), LAWS)
@pytest.mark.slow
def test_the_reduced_law_is_that_of_the_full_chain_and_of_rows(name, design, accumulate):
    small = risks(name, design, "auto", accumulate)
    fulls = [rows(name, design, accumulate)]
    if name == "usual":
        fulls.append(risks(name, design, "law", accumulate))
    for full in fulls:
        assert disagreement(small, full) < LIMIT
        assert ks(small, full) > KS


@pytest.mark.parametrize("name", CASES)
def test_moments_are_the_exact_ones(name):
    d, sizes, noise = CASES[name]
    risk = risks(name)[0]
    error = risk.std(0) / np.sqrt(CHAINS)
    assert np.abs((risk.mean(0) - ols.replace_risk(sizes, d, noise)) / error).max() < LIMIT
    if name == "many":  # the square of the risk has a variance of its own
        square = risks(name)[0] ** 2
        exact = ols.replace_fourth_moment(sizes, d, noise)
        assert np.abs((square.mean(0) - exact) / square.std(0) * CHAINS**0.5).max() < LIMIT


class TooFew(regression_norm.RegressionNorm):
    """Planted: n - d degrees of freedom below."""


class TooMany(regression_norm.RegressionNorm):
    """Planted: d degrees of freedom across the error."""


@draw_tables.register
def _(family: TooFew, truth: object, sizes: np.ndarray) -> dict:
    right = draw_tables.dispatch(regression_norm.RegressionNorm)(family, truth, sizes)
    return right | {"error": gamma_table((sizes - len(truth.coefficients)) / 2)}


@draw_tables.register
def _(family: TooMany, truth: object, sizes: np.ndarray) -> dict:
    right = draw_tables.dispatch(regression_norm.RegressionNorm)(family, truth, sizes)
    return right | {"across": gamma_table(np.full(len(sizes), len(truth.coefficients) / 2))}


@pytest.mark.parametrize("planted", [TooFew, TooMany])
def test_one_degree_of_freedom_more_or_less_is_refuted(planted):
    wrong, raw = risks("usual", planted=planted), rows("usual")
    assert disagreement(wrong, raw) > LIMIT
    assert ks(wrong, raw) < KS


def family_of(e, route=None):
    return type(e.setup(np.dtype("float64"), route).family)


class Own(ct.LinearRegression):
    """A user's own family, which may draw otherwise."""


class Peek(ct.AbstractWorkflow):
    """A user's own workflow, which looks at the coefficients."""

    def init(self, data):
        return data.real.weights

    def step(self, data, memory):
        return data.synthetic(), memory


def test_reductions_are_used_where_they_hold_and_only_there():
    e = experiment("usual")
    assert family_of(e) is regression_norm.RegressionNorm
    assert family_of(experiment("usual", "fixed")) is regression_rotated.RegressionRotated
    for full in (
        experiment("usual", workflow=ct.Accumulate()),
        experiment("usual", workflow=ct.Mix("fresh")),
        experiment("usual", workflow=Peek()),
        experiment("usual", observables=("mean_squared_error",)),
        experiment("usual", observables=()),
        dataclasses.replace(e, family=Own("fresh", 0.7, COV)),
    ):
        assert family_of(full) in (ct.LinearRegression, Own)
    assert family_of(e, "law") is family_of(e, "raw") is ct.LinearRegression
    white = experiment("many", observables=("mean_squared_error",))
    assert family_of(white) is regression_norm.RegressionNorm
    listed = discovery.classes(ct.AbstractFamily)
    assert ct.LinearRegression in listed
    assert regression_norm.RegressionNorm not in listed


@pytest.mark.slow
def test_results_say_so_and_replay_is_the_chain_of_the_run():
    e = experiment("usual")
    together = np.asarray(run_paths(e.setup(np.dtype("float64")), 5, np.arange(100))[1][0])
    path = ct.replay(e, 5, 17)
    assert np.array_equal(path.values["excess_risk"], together[17])
    np.testing.assert_allclose(path.fits.error_norm**2, path.values["excess_risk"])
    assert ct.replay(e, 5, 17, route="law").fits.weights.shape == (4, 3)
    said = [ct.simulate(e, chains=10, seed=0, route=r).facts["route"] for r in ("auto", "law")]
    assert said == ["law, reduced", "law"]


def test_without_noise_there_is_no_error():
    e = experiment("usual")
    for design in ("fresh", "fixed"):
        quiet = dataclasses.replace(e, family=ct.LinearRegression(design, 0.0))
        assert (ct.simulate(quiet, chains=50, seed=0).mean("excess_risk") == 0).all()


def test_a_fixed_design_refuses_other_sizes():
    with pytest.raises(ct.InputError, match="fixed"):
        experiment("usual", "fixed", n_real=12).setup(np.dtype("float64"))
    with pytest.raises(ct.InputError, match="fixed"):
        experiment("schedule", "fixed").setup(np.dtype("float64"))


# Pooling: number by number up to SMALL dimensions, by the library beyond.


def problem(rng, n, mixing, dtype):
    """A reduced problem in this dtype, and its rows, white ones times a matrix."""
    d = len(mixing)
    x, y = rng.standard_normal((n, d)) @ mixing, rng.standard_normal(n)
    both = np.linalg.qr(np.concatenate([x, y[:, None]], 1), mode="r")[:d]
    reduced = jnp.asarray((both * np.sign(np.diag(both))[:, None]).T, dtype)
    zero = jnp.zeros(d, dtype)
    return LeastSquares(jnp.asarray(float(n), dtype), by_rows(reduced), zero, zero), x, y


merged = jax.jit(lambda a, b: a.merge(b))


@pytest.mark.parametrize("d", [6, 13])
def test_pooling_squares_no_condition_number(d):
    """Singular values from 1 to 1e-4: in float32 the Gram matrix has lost the smallest."""
    rng = np.random.default_rng(31)
    mixing = np.geomspace(1, 1e-4, d)[:, None] * np.linalg.qr(rng.normal(size=(d, d)))[0]
    for dtype, limit in (("float32", 5e-3), ("float64", 1e-10)):
        (a, *first), (b, *second) = (problem(rng, d + 3, mixing, dtype) for _ in range(2))
        x, y = (np.concatenate(pair) for pair in zip(first, second, strict=True))
        assert np.linalg.cond(x) > 1e4
        exact = np.linalg.lstsq(x, y, rcond=None)[0]
        found = np.asarray(merged(a, b).weights, float)
        assert np.linalg.norm(found - exact) < limit * np.linalg.norm(exact)


def test_number_by_number_is_the_same_as_by_arrays():
    rng = np.random.default_rng(32)
    d = 4
    parts = [problem(rng, n, np.eye(d), "float64")[0] for n in (6, 9)]
    origin = jnp.asarray(rng.normal(size=d))
    parts[1] = dataclasses.replace(parts[1], origin=origin)
    dense = [dataclasses.replace(p, triangle=matrix(p.triangle)) for p in parts]
    a, b = merged(*parts), merged(*dense)
    np.testing.assert_allclose(a.weights, b.weights, atol=1e-12)
    np.testing.assert_allclose(matrix(a.triangle), matrix(b.triangle), atol=1e-12)
    v, log_diag = jnp.asarray(rng.normal(size=d)), jnp.asarray(rng.normal(size=d))
    below = jnp.tril(jnp.asarray(rng.normal(size=(d, d))), -1)
    numbers = tuple(below[i, j] for i in range(d) for j in range(i))
    *root, moment = tilted(v, log_diag, numbers)
    dense_root, dense_moment = tilted_rows(v, log_diag, below)
    np.testing.assert_allclose(matrix((*root, moment))[:-1], dense_root, atol=1e-12)
    np.testing.assert_allclose(jnp.stack(moment), dense_moment, atol=1e-12)
    np.testing.assert_allclose(dense_root.T @ v, dense_moment, atol=1e-12)


def test_the_library_agrees_with_what_is_written_out(monkeypatch):
    rng = np.random.default_rng(33)
    rows = jnp.asarray(rng.normal(size=(6, 9)))
    b = jnp.asarray(rng.normal(size=(5, 2)))
    root = wishart.lower_factor(rows, 5)[:5]

    def all_of_them():
        return [
            wishart.lower_factor(rows, 5), wishart.lower_product(root, b),
            wishart.solve_lower(root, b), wishart.solve_transposed(root, b[:, 0]),
        ]  # fmt: skip

    written = jax.jit(all_of_them)()
    monkeypatch.setattr(wishart, "SMALL", 0)
    monkeypatch.setattr(wishart, "WRITTEN_OUT", 0)
    for a, b_ in zip(written, jax.jit(lambda: all_of_them())(), strict=True):
        np.testing.assert_allclose(a, b_, atol=1e-12)
    many = wishart.normal_row(ct_key(), 0, wishart.MANY + 1, np.float64)
    assert many.shape == (wishart.MANY + 1,)


def ct_key():
    from collapse_theory.sampling.counter import seed_key

    return seed_key(1)


@pytest.mark.slow
def test_chains_along_the_last_axis_are_the_same_numbers():
    key = jax.random.split(ct_key(), 6)
    together = jax.vmap(lambda k: jnp.stack(wishart.normals(k, 3, 7, np.float64)))(key)
    for i in range(6):
        alone = jnp.stack(wishart.normals(key[i], 3, 7, np.float64))
        np.testing.assert_allclose(alone, together[i], rtol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3, 8, 13, 40])
def test_numbers_below_the_diagonal_are_placed_once_each(d):
    numbers = np.arange(1, d * (d - 1) // 2 + 1, dtype=np.float32)
    placed = np.asarray(wishart.strictly_lower(jnp.asarray(numbers), d))
    assert placed.shape == (d, d)
    assert not np.triu(placed).any()
    np.testing.assert_array_equal(np.sort(placed[np.tril_indices(d, -1)]), numbers)
