"""Workflows: their weights by hand, and one law on sums, on rows and in the exact engine.

Statistical limit: each comparison is a two-sided z test at 1e-3 / COMPARISONS (Bonferroni), so the
whole file raises a false alarm with probability at most 1e-3. A deviation of 2 x LIMIT standard
errors is caught with probability > 0.99999. Seeds are fixed and never re-rolled.
"""

import functools
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from collapse_theory.corpus import Items
from collapse_theory.engine import run_moments
from collapse_theory.errors import InputError, RouteError
from collapse_theory.exact import second_moments
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.families.categorical import Categorical, CategoricalLaw
from collapse_theory.families.gaussian import Gaussian, GaussianLaw
from collapse_theory.families.poisson import Poisson, PoissonLaw
from collapse_theory.placement import Plan
from collapse_theory.provenance import influence, linear_workflow
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.accumulate_subsample import AccumulateSubsample
from collapse_theory.workflows.decay import Decay
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.mix_share import MixShare
from collapse_theory.workflows.most_recent import MostRecent
from collapse_theory.workflows.random_sources import RandomSources
from collapse_theory.workflows.refresh import Refresh
from collapse_theory.workflows.replace import Replace
from collapse_theory.workflows.weighted import Weighted
from collapse_theory.workflows.window import Window

N, REAL, T = 6, 4, 4
SEEDS = {"law": 20_001, "raw": 20_002}
COMPARISONS = 400
LIMIT = float(stats.norm.isf(1e-3 / COMPARISONS / 2))

WORKFLOWS = {
    "replace": Replace(),
    "accumulate": Accumulate(),
    "mix fixed": Mix(),
    "mix fresh": Mix(real="fresh"),
    "share": MixShare(share=0.3),
    "window": Window(batches=3),
    "weighted fresh": Weighted(weight=0.2),
    "weighted fixed": Weighted(weight=0.2, real="fixed"),
    "decay": Decay(rate=0.5),
    "random sources": RandomSources(),
    "most recent": MostRecent(models=3),
    "refresh": Refresh(every=2),
}
FAMILIES = {
    "bernoulli": (Bernoulli(), BernoulliLaw(prob=0.4), ("mean_squared_error", "collapsed")),
    "gaussian": (Gaussian(), GaussianLaw(mean=1.0), ("mean_squared_error", "variance")),
    "categorical": (
        Categorical(),
        CategoricalLaw(probs=(0.5, 0.3, 0.2)),
        ("gini", "collapsed", "l1_to_truth"),
    ),
    "contexts": (
        Categorical(),
        CategoricalLaw(probs=((0.5, 0.3, 0.2), (0.8, 0.1, 0.1))),
        ("gini", "support_size"),
    ),
    "poisson": (Poisson(), PoissonLaw(rate=0.9), ("mean_squared_error", "closer_than_first")),
}
PAIRS = (
    [("bernoulli", "accumulate")]
    + [("gaussian", "decay")]
    + [
        pytest.param(*pair, marks=pytest.mark.slow)
        for pair in (
            *(("bernoulli", w) for w in ("replace", "mix fresh", "weighted fixed", "share")),
            *(("bernoulli", "random sources"), ("gaussian", "window")),
            ("gaussian", "weighted fresh"),
            *(("contexts", "weighted fixed"), ("categorical", "most recent")),
            ("categorical", "random sources"),
        )
    ]
)
CHAINS = {"bernoulli": 100_000}


def experiment(family, workflow, route="auto"):
    model, truth, observables = FAMILIES[family]
    w = WORKFLOWS[workflow] if isinstance(workflow, str) else workflow
    real = N if isinstance(w, Window) else REAL  # stored batches of a window have one capacity
    return Experiment(
        family=model, truth=truth, workflow=w, n=N, n_real=real, generations=T,
        observables=observables, route=route,
    )  # fmt: skip


@functools.cache
def moments(family, workflow, route):
    setup = experiment(family, workflow, route).setup(np.float64)
    return run_moments(setup, SEEDS[route], range(CHAINS.get(family, 40_000)), Plan())


def z_scores(a, b):
    """Two-sample z of every mean, shape (T, observables); equal constants give 0."""
    gap, error = a.mean - b.mean, np.sqrt(a.m2 / a.n**2 + b.m2 / b.n**2)
    same = (error < 1e-12) & (np.abs(gap) < 1e-12)
    return np.where(same, 0, gap / np.maximum(error, 1e-300))


# --- weights by hand ------------------------------------------------------------------------------

n, m = N, REAL


def rows(*lists):
    table = np.zeros((T, max(len(row) for row in lists)))
    for row, values in zip(table, lists, strict=True):
        row[: len(values)] = np.asarray(values) / np.sum(values)
    return table


BY_HAND = {  # weight of whole batches in the order they are made; batch 0 is real
    "replace": rows([1], [0, 1], [0, 0, 1], [0, 0, 0, 1]),
    "accumulate": rows([m], [m, n], [m, n, n], [m, n, n, n]),
    "mix fixed": rows([m], [m, n], [m, 0, n], [m, 0, 0, n]),
    "mix fresh": rows([m], [0, m, n], [0, 0, 0, m, n], [0, 0, 0, 0, 0, m, n]),
    "share": rows([1], [0, 1], [0, 0, 1], [0, 0, 0, 1]),
    "window": rows([1], [1, 1], [1, 1, 1], [0, 1, 1, 1]),
    "weighted fresh": rows([1], [0, 0.2, 0.8], [0, 0, 0, 0.2, 0.8], [0, 0, 0, 0, 0, 0.2, 0.8]),
    "weighted fixed": rows([1], [0.2, 0.8], [0.2, 0, 0.8], [0.2, 0, 0, 0.8]),
    "decay": rows([m], [m / 2, n], [m / 4, n / 2, n], [m / 8, n / 4, n / 2, n]),
    "random sources": rows([1], [0, 1], [0, 0, 1], [0, 0, 0, 1]),
    "most recent": rows([m], [0, n, n, 0], [0] * 4 + [n, n, n], [0] * 7 + [n, n, n]),
    "refresh": rows([m], [0, n, m], [0, 0, 0, n, 0], [0, 0, 0, 0, 0, n, m]),
}
SOURCES = {  # only where a batch has several
    "share": [[1, 0, 0, 0, 0], [0.3, 0.7, 0, 0, 0], [0.3, 0, 0.7, 0, 0], [0.3, 0, 0, 0.7, 0]],
    "random sources": [
        [1, 0, 0, 0, 0],
        [1 / 2, 1 / 2, 0, 0, 0],
        [1 / 3, 1 / 3, 1 / 3, 0, 0],
        [1 / 4, 1 / 4, 1 / 4, 1 / 4, 0],
    ],
}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_weights_are_those_of_the_formula(name):
    flow = linear_workflow(experiment("bernoulli", name))
    np.testing.assert_allclose(flow.weights, BY_HAND[name], atol=1e-14)
    assert flow.weights.sum(1) == pytest.approx(1, abs=1e-14)
    if name in SOURCES:
        np.testing.assert_allclose(flow.sources, SOURCES[name], atol=1e-14)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_fit_listens_to_the_future(name):
    flow = linear_workflow(experiment("bernoulli", name))
    share = influence(experiment("bernoulli", name))
    assert not np.triu(share, 1).any()  # column s is model s, row 0 is fit 1
    assert share.sum(1) == pytest.approx(1, abs=1e-14)
    assert flow.sources.sum(1) == pytest.approx(1, abs=1e-14)


def test_weights_follow_a_schedule():
    e = Experiment(
        family=Bernoulli(), workflow=Accumulate(), n=(9, 3, 5), n_real=(2, 9, 9), generations=3
    )
    np.testing.assert_allclose(linear_workflow(e).weights[-1], [0.2, 0.3, 0.5], atol=1e-14)
    e = Experiment(
        family=Bernoulli(), workflow=Refresh(every=3), n=(9, 3, 5), n_real=(2, 9, 15), generations=3
    )
    np.testing.assert_allclose(linear_workflow(e).weights[-1], [0, 0, 0, 0.25, 0.75], atol=1e-14)


@pytest.mark.parametrize("real", ["fixed", "fresh"])
def test_weights_of_one_row_add_up_to_the_number_of_rows(real):
    """What a divisor of n - 1 is taken from is the number of rows, whatever their weights are."""
    batches = [Items(jnp.full(k, x), jnp.ones(k), jnp.asarray(k)) for k, x in ((6, 1.0), (9, 2.0))]
    data = SimpleNamespace(real=batches[0], fresh=lambda: batches[0], synthetic=lambda: batches[1])
    workflow = Weighted(weight=0.2, real=real)
    merged, _ = workflow.step(data, workflow.init(data))
    assert float(merged.n) == pytest.approx(15)
    assert float(merged.weight @ merged.rows) == pytest.approx(15 * (0.2 * 1 + 0.8 * 2))


def test_ends_of_the_ranges_are_other_workflows():
    def weights(w):
        return influence(experiment("bernoulli", w))

    np.testing.assert_allclose(weights(Decay(rate=1.0)), weights("accumulate"))
    np.testing.assert_allclose(weights(Decay(rate=0.0)), weights("replace"))
    np.testing.assert_allclose(weights(Refresh(every=1)), weights("mix fresh"))
    np.testing.assert_allclose(weights(Weighted(weight=0.4)), weights("mix fresh"))
    np.testing.assert_allclose(weights(MixShare(share=0)), weights("replace"))


# --- the same law on every route ------------------------------------------------------------------


@pytest.mark.parametrize(("family", "workflow"), PAIRS)
def test_sums_and_rows_have_one_law(family, workflow):
    law, raw = (moments(family, workflow, route) for route in ("law", "raw"))
    assert law.nonfinite.sum() == raw.nonfinite.sum() == 0
    assert np.abs(z_scores(law, raw)).max() < LIMIT


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(w, marks=() if w in ("mix fixed", "decay", "refresh") else pytest.mark.slow)
        for w in WORKFLOWS
    ],
)
def test_sums_match_the_exact_engine(name):
    got = moments("bernoulli", name, "law")
    flow = linear_workflow(experiment("bernoulli", name))
    exact = 0.4 * 0.6 * second_moments(flow, -1.0).variance
    error = np.sqrt(got.m2[:, 0]) / got.n[:, 0]
    assert np.abs((got.mean[:, 0] - exact) / error).max() < LIMIT
    assert np.abs((got.mean[:, 0] - 1.05 * exact) / error).max() > LIMIT  # planted: 5 % too large


def test_another_workflow_is_told_apart():
    fixed, fresh = (moments("gaussian", w, "law") for w in ("decay", "weighted fresh"))
    assert np.abs(z_scores(fixed, fresh)).max() > LIMIT
    share, replace = moments("bernoulli", "share", "law"), moments("bernoulli", "replace", "raw")
    assert np.abs(z_scores(share, replace)).max() > LIMIT


def subsampled_errors(v):
    """E (fit_t - p)^2 for t = 1..T by covariances of stored rows, exchangeable in a batch."""
    sizes, errors = [REAL], [v / REAL]
    c = np.zeros((1, 1))  # covariance of two different rows, by batch
    spread, cross = (
        v / REAL,
        np.array([v / REAL]),
    )  # of the last fit: variance, covariance with a row
    for _ in range(2, T + 1):
        c = np.block([[c, cross[:, None]], [cross[None], np.array([[spread]])]])
        sizes.append(N)
        k, total = np.array(sizes, float), sum(sizes)
        pairs = (np.outer(k, k) - np.diag(k)) / (total * (total - 1))
        spread = v / N + (1 - 1 / N) * (pairs * c).sum()
        cross = (v + (c * k).sum(1) - np.diag(c)) / total
        errors.append(spread)
    return np.array(errors)


def test_accumulate_subsample_keeps_every_row_of_a_pool_larger_than_the_first_batch():
    e = experiment("bernoulli", AccumulateSubsample())
    got = run_moments(e.setup(np.float64), SEEDS["raw"], range(100_000), Plan())
    error, exact = np.sqrt(got.m2[:, 0]) / got.n[:, 0], subsampled_errors(0.24)
    assert np.abs((got.mean[:, 0] - exact) / error).max() < LIMIT
    kept = moments("bernoulli", "accumulate", "law")
    assert np.abs(z_scores(got, kept)[1:, 0]).max() > LIMIT  # planted: nothing is dropped


def test_accumulate_subsample_needs_rows_and_has_no_fixed_weights():
    with pytest.raises(RouteError, match="subsamples"):
        experiment("bernoulli", AccumulateSubsample(), "law")
    with pytest.raises(RouteError, match="no fixed weight matrix"):
        linear_workflow(experiment("bernoulli", AccumulateSubsample()))


def test_mixtures_of_laws_that_are_no_member_need_rows():
    for family in ("gaussian", "poisson", "contexts"):
        with pytest.raises(RouteError, match="mixtures"):
            experiment(family, "random sources", "law")
        assert type(experiment(family, "share").setup(np.float64).route).__name__ == "Raw"


def test_a_window_of_stored_rows_wants_one_batch_size():
    e = Experiment(family=Bernoulli(), workflow=Window(), n=6, n_real=4, generations=3)
    assert type(e.setup(np.float64).route).__name__ == "Law"
    with pytest.raises(InputError, match="memory changes shape"):
        e.setup(np.float64, "raw")


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: Mix(real="stale"), "workflow.real"),
        (lambda: MixShare(share=1.5), "workflow.share"),
        (lambda: MixShare(share=float("nan")), "workflow.share"),
        (lambda: Window(batches=0), "workflow.batches"),
        (lambda: Weighted(weight=-0.1), "workflow.weight"),
        (lambda: Weighted(weight=0.1, real="both"), "workflow.real"),
        (lambda: Decay(rate=2), "workflow.rate"),
        (lambda: Refresh(every=0), "workflow.every"),
        (lambda: MostRecent(models=0), "workflow.models"),
    ],
)
def test_values_out_of_range_are_named(make, key):
    with pytest.raises(InputError, match=key):
        make()


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda: MixShare(share=-0.1), "workflow.share"),
        (lambda: Window(batches=257), "workflow.batches"),
        (lambda: Weighted(weight=1.1), "workflow.weight"),
        (lambda: Decay(rate=-0.1), "workflow.rate"),
        (lambda: Refresh(every=2**31), "workflow.every"),
        (lambda: MostRecent(models=257), "workflow.models"),
        (lambda: MostRecent(models=True), "workflow.models"),
        (lambda: MostRecent(models=1.0), "workflow.models"),
    ],
)
def test_values_just_beyond_the_other_end_are_named(make, key):
    with pytest.raises(InputError, match=key):
        make()


def test_ends_of_the_ranges_are_allowed_and_defaults_are_as_documented():
    for end in (0, 0.0, 1, 1.0):
        assert (MixShare(end).share, Weighted(end).weight, Decay(end).rate) == (end, end, end)
    for end in (1, 256):
        assert (Window(end).batches, MostRecent(end).models) == (end, end)
    assert [Refresh(every).every for every in (1, 2**31 - 1)] == [1, 2**31 - 1]
    assert (Window().batches, MostRecent().models) == (2, 2)
    assert (Mix().real, Weighted(0.1).real) == ("fixed", "fresh")


def test_a_buffer_has_room_for_what_will_come_and_no_more():
    """In units of the first batch, of 4 rows: three batches of 6 follow."""
    setup = experiment("bernoulli", "accumulate", "raw").setup(np.float64)
    assert setup.growth == pytest.approx(N / REAL)
    assert experiment("bernoulli", "replace", "raw").setup(np.float64).growth == 0
    pool = experiment("bernoulli", "random sources", "raw").setup(np.float64)
    assert pool.growth == pytest.approx(1.0)
