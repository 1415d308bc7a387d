"""Bernoulli, categorical and Poisson laws: estimates, and chains against matrices.

Statistical limit: each comparison is a two-sided z test at 1e-3 / COMPARISONS (Bonferroni), so the
whole file raises a false alarm with probability at most 1e-3. Seeds are fixed and never re-rolled.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from collapse_theory.corpus import Items, Sums
from collapse_theory.discovery import members
from collapse_theory.engine import run_moments
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.families.base import Size, draw_tables, is_convex
from collapse_theory.families.bernoulli import Bernoulli, BernoulliFit, BernoulliLaw
from collapse_theory.families.categorical import Categorical, CategoricalFit, CategoricalLaw
from collapse_theory.families.poisson import Poisson, PoissonFit, PoissonLaw
from collapse_theory.observables.base import Observable
from collapse_theory.placement import Plan
from collapse_theory.recursion import start
from collapse_theory.sampling.counter import seed_key
from collapse_theory.workflows.decay import Decay
from collapse_theory.workflows.replace import Replace

COMPARISONS = 600
LIMIT = float(stats.norm.isf(1e-3 / COMPARISONS / 2))
CHAINS = 60_000
CASES = {
    "bernoulli": (Bernoulli(), BernoulliLaw(prob=0.3)),
    "categorical": (Categorical(), CategoricalLaw(probs=(0.5, 0.3, 0.16, 0.04))),
    "contexts": (Categorical(), CategoricalLaw(probs=((0.5, 0.3, 0.2), (0.7, 0.25, 0.05)))),
    "poisson": (Poisson(), PoissonLaw(rate=0.8)),
}
WORKFLOW = {"poisson": Decay(rate=0.5)}  # where it is not Replace: weights must go through


@functools.cache
def observables(family):
    return tuple(o for o in members(Observable) if o.supports(family))


# --- chains ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_sums_and_rows_agree_on_every_observable(name):
    family, truth = CASES[name]
    e = Experiment(
        family=family, truth=truth, workflow=WORKFLOW.get(name, Replace()), n=6, generations=3,
        observables=observables(type(family)()),
    )  # fmt: skip
    chains = range(CHAINS // 4 if name == "poisson" else CHAINS)
    a, b = (
        run_moments(e.setup(np.float64, r), s, chains, Plan())
        for r, s in (("law", 31), ("raw", 32))
    )
    lost = [m.nonfinite / (m.n + m.nonfinite) for m in (a, b)]
    pooled = (lost[0] + lost[1]) / 2
    error = np.sqrt(np.maximum(2 * pooled * (1 - pooled) / len(chains), 1e-30))
    assert np.abs((lost[0] - lost[1]) / error).max() < LIMIT
    gap, error = a.mean - b.mean, np.sqrt(a.m2 / a.n**2 + b.m2 / b.n**2)
    enough = (np.minimum(a.n, b.n) > 1000) & (error > 1e-12)
    assert np.abs(gap[~enough & (error <= 1e-12)]).max(initial=0) < 1e-12
    assert np.abs(gap / np.maximum(error, 1e-300))[enough].max() < LIMIT
    spread = [o.name for o in e.observables].index("mean_squared_error")
    wrong = 1.2 if name == "poisson" else 1.05  # fewer chains
    planted = (wrong * a.mean - b.mean)[:, spread] / error[:, spread]
    assert np.abs(planted).max() > LIMIT


def binomial_chain(n, p, generations):
    """Joint law of (first count, count at t) for t = 1..T, each (n+1, n+1)."""
    k = np.arange(n + 1)
    step = stats.binom.pmf(k[None], n, k[:, None] / n)
    laws = [np.diag(stats.binom.pmf(k, n, p))]
    for _ in range(generations - 1):
        laws.append(laws[-1] @ step)
    return k, np.array(laws)


NARROW = pytest.param(np.float32, marks=pytest.mark.slow)


@pytest.mark.parametrize("dtype", [NARROW, np.float64])
@pytest.mark.parametrize("route", ["law", "raw"])
def test_bernoulli_chain_is_the_binomial_chain(dtype, route):
    n, p, t = 6, 0.5, 4  # p n whole: ties in the distance to the truth are common
    names = ("closer_than_first", "collapsed", "generations_survived", "support_size", "entropy")
    e = Experiment(
        family=Bernoulli(), truth=BernoulliLaw(prob=p), workflow=Replace(), n=n, generations=t,
        observables=names, route=route,
    )  # fmt: skip
    got = run_moments(e.setup(dtype), 33, range(CHAINS), Plan())
    k, laws = binomial_chain(n, p, t)
    now = laws.sum(1)
    far = abs(k - n * p)
    closer = (laws * (far[None, :] < far[:, None])).sum((1, 2))
    dirac = now[:, 0] + now[:, -1]
    q = k / n
    entropy = now @ (stats.entropy(np.stack([q, 1 - q])))
    exact = np.stack([closer, dirac, np.cumsum(1 - dirac), 2 - dirac, entropy], -1)
    error = np.sqrt(got.m2) / got.n
    z = np.where(error > 1e-12, (got.mean - exact) / np.maximum(error, 1e-300), 0)
    np.testing.assert_allclose(got.mean[error <= 1e-12], exact[error <= 1e-12], atol=1e-12)
    assert np.abs(z).max() < LIMIT
    ties = (laws * (far[None, :] <= far[:, None])).sum((1, 2))  # planted: ties counted as closer
    assert (np.abs(got.mean[1:, 0] - ties[1:]) / error[1:, 0]).min() > LIMIT


@pytest.mark.slow
@pytest.mark.parametrize("name", ["categorical", "poisson"])
def test_sizes_may_follow_a_schedule(name):
    family, truth = CASES[name]
    sizes = (20, 3, 7)
    what = {"categorical": "gini", "poisson": "mean_squared_error"}[name]
    e = Experiment(
        family=family, truth=truth, workflow=Replace(), n=sizes, generations=3, observables=(what,),
        route="law",
    )  # fmt: skip
    got = run_moments(e.setup(np.float64), 34, range(CHAINS), Plan())
    if name == "categorical":
        exact = (1 - np.sum(np.square(truth.probs))) * np.cumprod(1 - 1 / np.array(sizes))
    else:
        exact = truth.rate * np.cumsum(1 / np.array(sizes))
    z = (got.mean[:, 0] - exact) * got.n[:, 0] / np.sqrt(got.m2[:, 0])
    assert np.abs(z).max() < LIMIT


# --- estimates ------------------------------------------------------------------------------------


def items(rows, weight):
    return Items(jnp.asarray(rows), jnp.asarray(weight), jnp.asarray(len(weight), jnp.int32))


def test_weighted_rows_are_counted_by_weight():
    weight = [1.0, 0.0, 0.5, 2.0]
    assert Bernoulli().fit(items([1.0, 0, 0, 1], weight)).prob == pytest.approx(3 / 3.5)
    one_hot = np.eye(3)[[0, 1, 2, 2]]
    got = Categorical().fit(items(one_hot, weight)).probs
    np.testing.assert_allclose(got, np.array([1, 0, 2.5]) / 3.5)
    two = np.stack([one_hot, one_hot[::-1]], 1)
    got = Categorical().fit(items(two, weight)).probs
    np.testing.assert_allclose(got, np.array([[1, 0, 2.5], [2, 0.5, 1]]) / 3.5)
    assert Poisson().fit(items([3.0, 9, 1, 0], weight)).rate == pytest.approx(1.0)
    assert Poisson().fit(items([0.0, 0, 0, 0], weight)).rate == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_law_of_one_symbol_is_exactly_so_whatever_the_weights(dtype):
    def batch(total, weight):
        return Sums(jnp.asarray(7.0, dtype), jnp.asarray(total, dtype)).scale(dtype(weight))

    fit = Bernoulli().estimate(batch([0, 7], 0.1).merge(batch([0, 7], 1 / 3)))
    assert fit.prob == 1
    for total in ([0, 7, 0], [[0, 7, 0], [7, 0, 0]]):
        probs = Categorical().estimate(batch(total, 0.1).merge(batch(total, 1 / 3))).probs
        np.testing.assert_array_equal(probs, np.array(total) / 7)  # not even an ulp off


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lost_symbols_stay_lost_on_both_routes(dtype):
    family, theta = Categorical(), CategoricalFit(jnp.asarray([0, 0.3, 0, 0.7, 0], dtype))
    truth = CategoricalLaw(probs=(0, 0.3, 0, 0.7, 0))
    table = jax.tree.map(lambda a: a[0], draw_tables(family, truth, np.array([50_000])))
    size = Size(jnp.asarray(50_000, dtype), 50_000, table)

    @jax.jit
    def both(key):
        return family.sample(key, theta, 50_000), family.draw(key, theta, size).total

    for i in range(5):
        rows, total = both(seed_key(35 + i))
        for counts in (rows.sum(0), total):
            assert (counts[::2] == 0).all()
            assert counts.sum() == 50_000
        assert (rows.sum(-1) == 1).all()
    end = Bernoulli().sample(seed_key(41), BernoulliFit(jnp.asarray(1, dtype)), 1000)
    assert end.sum() == 1000
    assert Poisson().sample(seed_key(42), PoissonFit(jnp.asarray(0, dtype)), 1000).sum() == 0


@pytest.mark.slow
def test_chains_keep_the_dtype_they_are_given():
    for family, truth in CASES.values():
        e = Experiment(
            family=family, truth=truth, workflow=Replace(), n=6, generations=2,
            observables=observables(type(family)()),
        )  # fmt: skip
        for route in ("law", "raw"):
            setup = e.setup(np.float32, route)
            state, values = jax.eval_shape(lambda k, s=setup: start(s, k), seed_key(0))
            kept = (state.truth, state.first, state.theta, values)
            assert {x.dtype for x in jax.tree.leaves(kept)} == {np.dtype(np.float32)}


def test_rows_of_contexts_are_tied_in_a_mixture():
    assert is_convex(Categorical(), CategoricalFit(jnp.ones(3) / 3))
    assert not is_convex(Categorical(), CategoricalFit(jnp.ones((2, 3)) / 3))
    assert is_convex(Bernoulli(), BernoulliFit(jnp.ones(()) / 3))
    assert not is_convex(Poisson(), PoissonFit(jnp.ones(())))


# --- what a user may write ------------------------------------------------------------------------


def test_truths_are_values():
    assert CategoricalLaw(probs=[0.5, 0.5]) == CategoricalLaw(probs=(0.5, 0.5))
    assert hash(CategoricalLaw(probs=[[0.5, 0.5], [1, 0]])) is not None
    assert CategoricalLaw().probs == (0.25,) * 4


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: BernoulliLaw(prob=1.2), "truth.prob"),
        (lambda: BernoulliLaw(prob=float("nan")), "truth.prob"),
        (lambda: CategoricalLaw(probs=[0.5, 0.4]), "truth.probs sums"),
        (lambda: CategoricalLaw(probs=[1.5, -0.5]), "truth.probs holds"),
        (lambda: CategoricalLaw(probs=[[0.5, 0.5], [1.0]]), "truth.probs: a list"),
        (lambda: CategoricalLaw(probs=[1.0]), "truth.probs: a list"),
        (lambda: CategoricalLaw(probs="even"), "truth.probs: a list"),
        (lambda: CategoricalLaw(probs=[]), "truth.probs: a list"),
        (lambda: CategoricalLaw(probs=[float("nan"), 1.0]), "truth.probs holds"),
        (lambda: PoissonLaw(rate=0.0), "truth.rate"),
        (lambda: PoissonLaw(rate=float("inf")), "truth.rate"),
    ],
)
def test_values_out_of_range_are_named(make, key):
    with pytest.raises(InputError, match=key):
        make()
