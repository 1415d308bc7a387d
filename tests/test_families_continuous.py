"""The continuous families: the law route against raw rows and exact risks; long runs.

Statistical limit: |z| < 5.2 for each two-sample comparison of a mean or a variance between routes
(two-sided false-alarm rate 2e-7); fewer than 3,000 comparisons, so 6e-4 for the whole file. Power:
a chi-square with one degree of freedom too many is refuted, and so is a Gram matrix drawn without
regard to the error. Seeds are fixed, never re-rolled.
"""

import functools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import special, stats

from collapse_theory import discovery
from collapse_theory.corpus import Items
from collapse_theory.engine import run_moments
from collapse_theory.exact import ols
from collapse_theory.experiment import Experiment
from collapse_theory.families.base import Size, draw_tables
from collapse_theory.families.classes import ClassesLaw, GaussianClasses
from collapse_theory.families.exponential import Exponential, Gamma, PositiveLaw
from collapse_theory.families.gaussian_nd import GaussianND, GaussianNDLaw
from collapse_theory.families.known_variance import GaussianMean, MeanLaw
from collapse_theory.families.linear_regression import LinearRegression, RegressionLaw
from collapse_theory.families.uniform import Uniform, UniformLaw
from collapse_theory.observables.base import Observable
from collapse_theory.placement import Plan
from collapse_theory.sampling import wishart
from collapse_theory.sampling.counter import seed_key
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.base import AbstractWorkflow
from collapse_theory.workflows.replace import Replace

LIMIT = 5.2
CHAINS = 40_000
COV = ((2.0, 0.5), (0.5, 1.0))
COV3 = ((2.0, 0.5, -0.3), (0.5, 1.0, 0.2), (-0.3, 0.2, 0.7))

CASES = {  # name: (family, truth, n, n_real)
    "known variance": (GaussianMean(2.0), MeanLaw(0.7), 6, 4),
    "exponential": (Exponential(), PositiveLaw(1.5), 9, 7),
    "gamma": (Gamma(2.5), PositiveLaw(0.8), 6, 4),
    "gamma, small shape": (Gamma(0.4), PositiveLaw(0.8), 24, 20),
    "uniform": (Uniform(), UniformLaw(2.0), 6, 4),
    "gaussian": (GaussianND(), GaussianNDLaw((1.0, -1.0), COV), 20, 18),
    "gaussian, likelihood": (GaussianND(ddof=0), GaussianNDLaw((1.0, -1.0, 0.0), COV3), 20, 18),
    "classes": (GaussianClasses(), ClassesLaw((0.3, -0.5), (1.0, 2.0)), 12, 9),
    "fresh design": (LinearRegression("fresh", 0.7, COV), RegressionLaw((1.0, 2.0)), 20, 18),
    "fixed design": (LinearRegression("fixed", 0.7, COV), RegressionLaw((1.0, 2.0)), 20, 20),
}
SPECIAL = ("exponential", "gamma, small shape", "gaussian, likelihood")  # a shorter program serves


class Tour(AbstractWorkflow):
    """A different mix in every generation: last batch, + fresh, + first real batch, all of them."""

    def init(self, data):
        return data.real

    def step(self, data, memory):
        g = data.generation
        fresh = jnp.where((g == 3) | (g == 5), 1.0, 0.0)
        kept = jnp.where((g == 4) | (g == 5), 0.5, 0.0)
        return data.synthetic().scale(0.8).merge(data.fresh().scale(fresh)).merge(
            memory.scale(kept)
        ), memory


class Patched(AbstractWorkflow):
    """Each fit sees a synthetic batch and a real batch too small for a fit of its own."""

    def init(self, data):
        return None

    def step(self, data, memory):
        return data.synthetic().merge(data.fresh()), None


def supported(family):
    return tuple(o for o in discovery.members(Observable) if o.supports(family))


def moments(experiment, route, seed, chains=CHAINS, dtype="float64"):
    setup = experiment.setup(np.dtype(dtype), route)
    return run_moments(setup, seed, range(chains), Plan(dtype=dtype))


WORKFLOWS = {  # name: (workflow, generations, sizes of the real batches from those of the case)
    "replace": (Replace(), 3, lambda n, n_real: n_real),
    "tour": (Tour(), 5, lambda n, n_real: n_real),
    "accumulate": (Accumulate(), 4, lambda n, n_real: n),
    "patched": (Patched(), 3, lambda n, n_real: (n, 1, 1)),
}
FEW = ("mean_squared_error", "log_det", "frobenius_error", "excess_risk")  # less to compile


@functools.cache  # compiling is most of the time: the planted error and narrow floats reuse runs
def run(name, workflow, route, dtype="float64", planted=None):
    family, truth, n, n_real = CASES[name]
    program, generations, real = WORKFLOWS[workflow]
    experiment = Experiment(
        family=planted or family, truth=truth, workflow=program, n=n, n_real=real(n, n_real),
        generations=generations,
        observables=[o for o in supported(family) if workflow != "patched" or o.name in FEW],
    )  # fmt: skip
    return moments(experiment, route, {"law": 301, "raw": 302}[route], dtype=dtype)


def disagreement(a, b):
    """Largest |z| over the means and variances of two samples; equal constants count as 0."""

    def z(difference, square):
        equal = np.abs(difference) < 1e-9
        return np.abs(np.where(equal, 0, difference / np.sqrt(np.where(equal, 1, square)))).max()

    def spread(m):
        return (m.m4 / m.n - (m.m2 / m.n) ** 2) / m.n

    assert not a.nonfinite.any()
    assert not b.nonfinite.any()
    means = z(a.mean - b.mean, a.m2 / a.n**2 + b.m2 / b.n**2)
    return max(means, z(a.m2 / a.n - b.m2 / b.n, spread(a) + spread(b)))


LAW_TESTS = [(name, "tour") for name in CASES if name not in SPECIAL] + [
    ("gamma, small shape", "replace"),
    ("fresh design", "replace"),
    ("exponential", "accumulate"),
    ("gaussian, likelihood", "patched"),
    ("fresh design", "patched"),
]
LENGTHY = [
    *((name, "tour") for name in ("gaussian", "fixed design", "fresh design", "gamma", "classes")),
    *(("fresh design", w) for w in ("patched", "replace")),
    *(("gaussian, likelihood", "patched"), ("gamma, small shape", "replace")),
    *(("exponential", "accumulate"), ("known variance", "tour"), ("uniform", "tour")),
]


@pytest.mark.parametrize(
    ("name", "workflow"),
    [pytest.param(*t, marks=pytest.mark.slow) if t in LENGTHY else t for t in LAW_TESTS],
)
def test_law_is_raw(name, workflow):
    assert disagreement(run(name, workflow, "law"), run(name, workflow, "raw")) < LIMIT


class OneTooMany(GaussianND):
    """Planted: the scatter has n degrees of freedom."""


@draw_tables.register
def _(family: OneTooMany, truth: GaussianNDLaw, sizes: np.ndarray) -> dict:
    return wishart.bartlett_table(sizes, len(truth.mean))


@pytest.mark.slow
def test_one_degree_of_freedom_too_many_is_refuted():
    planted = run("gaussian", "tour", "law", planted=OneTooMany())
    assert disagreement(planted, run("gaussian", "tour", "raw")) > LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gaussian", "fresh design"])
def test_narrow_floats_give_the_same_chains(name):
    wide, narrow = run(name, "tour", "law"), run(name, "tour", "law", "float32")
    np.testing.assert_allclose(narrow.mean, wide.mean, rtol=1e-4, atol=1e-5)


# The joint law of Gram matrix and estimate, which workflows see only through pooled fits.


def reduced_problem(family, route, n, seed, chains=100_000):
    theta = jax.tree.map(jnp.asarray, family.model(RegressionLaw((1.0, 2.0))))
    size = Size(jnp.asarray(float(n)), n, None)
    tables = draw_tables(family, RegressionLaw((1.0, 2.0)), np.array([n]))
    size = Size(size.n, n, jax.tree.map(lambda a: jnp.asarray(a[0]), tables))

    def one(key):
        if route == "law":
            s = family.draw(key, theta, size)
        else:
            rows = family.sample(key, theta, n)
            s = family.summarise(Items(rows, jnp.ones(n), jnp.asarray(n)))
        u = s.weights - theta.weights
        return s.root @ s.root.T, u, s.moment - s.root.T @ (s.weights - s.origin)

    return [np.asarray(a) for a in jax.jit(jax.vmap(one))(jr.split(seed_key(seed), chains))]


def joint_moments(gram, u, n, noise):
    """Entries of G, u u', G times the risk of u, and the quadratic form u'Gu, by chain."""
    form = np.einsum("ci,cij,cj->c", u, gram, u)
    size = (u**2).sum(1)
    columns = [gram.reshape(-1, 4), u, u[:, :1] * u, gram.reshape(-1, 4) * size[:, None]]
    columns += [form[:, None], form[:, None] ** 2, (form * gram[:, 0, 0])[:, None]]
    return np.concatenate([*columns, gram[:, :1, 0] ** 2], 1)


class WrongGram(LinearRegression):
    """Planted: the Gram matrix is drawn as if it were independent of the error."""


@draw_tables.register
def _(family: WrongGram, truth: RegressionLaw, sizes: np.ndarray) -> dict:
    right = draw_tables.dispatch(LinearRegression)(family, truth, sizes)
    return right | {"gram": wishart.bartlett_table(sizes, 2)}


@pytest.mark.slow
def test_gram_matrix_and_estimate_have_their_joint_law():
    def z(a, b):
        square = (a.var(0) + b.var(0)) / len(a)
        return np.abs((a.mean(0) - b.mean(0)) / np.sqrt(square)).max()

    n, noise = 14, 0.7
    right, wrong = (c("fresh", noise, COV) for c in (LinearRegression, WrongGram))
    gram, u, rest = reduced_problem(right, "law", n, 303)
    assert np.abs(rest).max() < 1e-9
    law = joint_moments(gram, u, n, noise)
    raw = joint_moments(*reduced_problem(right, "raw", n, 304)[:2], n, noise)
    assert z(law, raw) < LIMIT
    planted = joint_moments(*reduced_problem(wrong, "law", n, 303)[:2], n, noise)
    assert z(planted, raw) > LIMIT
    form = np.einsum("ci,cij,cj->c", u, gram, u) / noise**2  # chi-square with d degrees of freedom
    assert stats.kstest(form, stats.chi2(2).cdf).pvalue > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("design", ["fresh", "fixed"])
def test_regression_risks_are_the_exact_ones(design):
    d, n, generations = 3, 12, 4
    for workflow, exact in [
        (Replace(), ols.replace_risk([n] * generations, d, 0.7)),
        (
            Accumulate(),
            ols.accumulate_risk_fresh([n] * generations, d, 0.7)
            if design == "fresh"
            else ols.accumulate_risk_fixed(n, d, 0.7, generations),
        ),
    ]:
        experiment = Experiment(
            family=LinearRegression(design, 0.7, COV3), truth=RegressionLaw((0.0, 1.0, 2.0)),
            workflow=workflow, n=n, generations=generations, observables=("excess_risk",),
        )  # fmt: skip
        m = moments(experiment, "law", 305)
        error = np.sqrt(m.m2[:, 0]) / m.n[:, 0]
        assert np.abs((m.mean[:, 0] - exact) / error).max() < LIMIT


@pytest.mark.slow
def test_scales_stay_finite_for_ten_thousand_generations():
    n, generations, d = 10, 10_000, 2
    drift = special.digamma(n) - np.log(n)
    left = (n - 1 - np.arange(d)) / 2
    drift_nd = (special.digamma(left) + np.log(2) - np.log(n - 1)).sum()
    spread_nd = special.polygamma(1, left).sum()
    for family, name, each, spread in [
        (Exponential(), "log_scale", drift, special.polygamma(1, n)),
        (Uniform(), "log_scale", -1 / n, 1 / n**2),
        (GaussianND(), "log_det", drift_nd, spread_nd),
    ]:
        experiment = Experiment(
            family=family, workflow=Replace(), n=n, generations=generations, observables=(name,)
        )
        m = moments(experiment, "law", 313, chains=64, dtype="float32")
        assert not m.nonfinite.any()
        z = (m.mean[-1, 0] - each * generations) / np.sqrt(spread * generations / 64)
        assert m.mean[-1, 0] < -500
        assert abs(z) < LIMIT
