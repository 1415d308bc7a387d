"""Formulas about symbols against rows drawn one by one in NumPy, and against other exact engines.

Statistical limit: |z| < 4.5 for each comparison (two-sided false-alarm rate 7e-6); at most 135
comparisons, so the file raises a false alarm with probability 1e-3. Seeds are fixed, never
re-rolled.
"""

import math

import numpy as np
import pytest
from scipy.stats import binom

from collapse_theory.catalogue import lumping, seddik2024, symbols
from collapse_theory.catalogue.base import Theorem
from collapse_theory.exact import LumpedChain, second_moments
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.families.categorical import Categorical, CategoricalLaw
from collapse_theory.provenance import linear_workflow
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.mix_share import MixShare
from collapse_theory.workflows.random_sources import RandomSources
from collapse_theory.workflows.replace import Replace

LIMIT = 4.5
CHAINS = 20_000
LAW = np.array([0.55, 0.28, 0.13, 0.04])
TAIL = LAW < 0.05
SIZES = (9, 4, 6, 3, 7)
REAL = (8, 2, 5, 1, 3)


def rows(rng, law, n):
    """Shares of n symbols drawn by inversion; law (chains, s) -> (chains, s)."""
    u = rng.random((len(law), n, 1))
    symbol = (u > np.cumsum(law, -1)[:, None, :-1]).sum(-1)
    return (symbol[:, :, None] == np.arange(law.shape[1])).mean(1)


def pooled(batches, sizes):
    return sum(n * b for n, b in zip(sizes, batches, strict=True)) / sum(sizes)


def replace(rng, truth, fits, t, kept):
    return rows(rng, fits[-1], SIZES[t])


def share(rng, truth, fits, t, kept):
    return rows(rng, 0.2 * truth + 0.8 * fits[-1], SIZES[t])


def mix_fixed(rng, truth, fits, t, kept):
    return pooled([fits[0], rows(rng, fits[-1], SIZES[t])], [REAL[0], SIZES[t]])


def mix_constant(rng, truth, fits, t, kept):
    return pooled([fits[0], rows(rng, fits[-1], 6)], [4, 6])


def mix_fresh(rng, truth, fits, t, kept):
    fresh = rows(rng, truth, REAL[t])
    return pooled([fresh, rows(rng, fits[-1], SIZES[t])], [REAL[t], SIZES[t]])


def accumulate(rng, truth, fits, t, kept):
    kept.append(rows(rng, fits[-1], SIZES[t]))
    return pooled(kept, [REAL[0], *SIZES[1 : t + 1]])


def random_sources(rng, truth, fits, t, kept):
    models = np.stack([truth, *fits])
    source = rng.integers(len(models), size=(CHAINS, SIZES[t]))
    drawn = [rows(rng, models[source[:, j], np.arange(CHAINS)], 1) for j in range(SIZES[t])]
    return np.mean(drawn, 0)


def simulate(step, seed, first):
    rng = np.random.default_rng(seed)
    truth = np.tile(LAW, (CHAINS, 1))
    fits = [rows(rng, truth, first)]
    kept = [fits[0]]
    for t in range(1, len(SIZES)):
        fits.append(step(rng, truth, fits, t, kept))
    return np.stack(fits)


def observe(fits):
    alive = fits > 0
    dirac = alive.sum(-1) == 1
    logs = np.log(np.where(alive, fits, 1.0))
    return {
        "sum_of_squares": (fits**2).sum(-1),
        "gini": 1 - (fits**2).sum(-1),
        "mean": fits[..., 0],
        "mean_squared_error": ((fits - LAW) ** 2).sum(-1),
        "collapsed": dirac,
        "generations_survived": np.cumsum(~dirac, 0),
        "support_size": alive.sum(-1),
        "entropy": -(fits * logs).sum(-1),
        "l1_to_truth": np.abs(fits - LAW).sum(-1),
        "unseen_mass": (LAW * ~alive).sum(-1),
        "tail_recall": alive[..., TAIL].mean(-1),
        "kl_reverse": (fits * (logs - np.log(LAW))).sum(-1),
    }


def experiment(workflow, n=SIZES, n_real=REAL, law=LAW, generations=5):
    return Experiment(
        family=Categorical(),
        truth=CategoricalLaw(tuple(law)),
        workflow=workflow,
        n=n,
        n_real=n_real,
        generations=generations,
    )


LUMPED = [v for v in vars(lumping).values() if isinstance(v, Theorem)]
FULL = [seddik2024.s_fully_synthetic, seddik2024.fixation_mean, symbols.collapse_time, *LUMPED]
CASES = {
    "replace": (replace, experiment(Replace()), FULL),
    "share": (share, experiment(MixShare(0.2)), LUMPED),
    "mix fixed": (mix_fixed, experiment(Mix("fixed")), [symbols.partial_error]),
    "mix constant": (
        mix_constant,
        experiment(Mix("fixed"), n=6, n_real=4),
        [seddik2024.s_partial_corrected, symbols.partial_error],
    ),
    "mix fresh": (mix_fresh, experiment(Mix("fresh")), [symbols.fresh_mix_error]),
    "accumulate": (accumulate, experiment(Accumulate()), [symbols.accumulate_gini]),
    "random sources": (
        random_sources,
        experiment(RandomSources()),
        [symbols.randomly_sampled_gini],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_formula_agrees_with_rows(name):
    step, e, judged = CASES[name]
    seen = observe(simulate(step, seed=len(name), first=int(e.real_sizes[0])))
    for theorem in judged:
        assert theorem.covers(e), theorem.name
        values = seen[theorem.observable.name].astype(float)
        predicted = theorem.predict(e)
        error = values.std(1, ddof=1) / math.sqrt(CHAINS)
        gap = np.abs(values.mean(1) - predicted)
        speaks = np.isfinite(predicted)
        assert speaks.any(), theorem.name
        assert (gap <= LIMIT * error + 1e-12)[speaks].all(), (theorem.name, gap / error)


def test_printed_formula_fails_at_the_first_fit():
    e = experiment(Mix("fixed"), n=6, n_real=4)
    right = 1 - (1 - LAW @ LAW) * (1 - 1 / 4)
    assert seddik2024.s_partial_corrected.predict(e)[0] == pytest.approx(right, rel=1e-14)
    assert abs(seddik2024.s_partial_as_printed.predict(e)[0] - right) > 0.01


@pytest.mark.parametrize(("real", "n"), [(7, 5), (3, 11), (40, 1), (13, 400)])
def test_corrected_sums_are_truth_plus_error(real, n):
    e = experiment(Mix("fixed"), n=n, n_real=real, generations=9)
    gap = seddik2024.s_partial_corrected.predict(e) - LAW @ LAW
    np.testing.assert_allclose(gap, symbols.partial_error.predict(e), rtol=1e-12)


@pytest.mark.parametrize("workflow", [Mix("fixed"), Mix("fresh"), Accumulate(), RandomSources()])
def test_errors_agree_with_the_linear_engine(workflow):
    """The recursions against the weight matrices that are read off the workflows' own code."""
    e = experiment(workflow, n=(9, 4, 1, 3, 7))
    gini = {Accumulate: symbols.accumulate_gini, RandomSources: symbols.randomly_sampled_gini}
    start = 1 - LAW @ LAW
    if isinstance(workflow, Mix):
        kind = {"fixed": symbols.partial_error, "fresh": symbols.fresh_mix_error}[workflow.real]
        error = kind.predict(e)
    else:
        error = start - gini[type(workflow)].predict(e)
    exact = start * second_moments(linear_workflow(e), -1.0).variance
    np.testing.assert_allclose(error, exact, rtol=1e-12)


@pytest.mark.parametrize("eta", [0.1, 0.25, 0.35])
@pytest.mark.parametrize("real", [7, 30])
def test_maximal_synthetic_data_is_sharp(eta, real):
    most = math.floor(eta * real**2 / (3 * real - (1 + eta) * (2 * real + 1)))
    allowed = (1 + eta) * (1 - LAW @ LAW) / real
    errors = [
        symbols.partial_error.predict(experiment(Mix("fixed"), n=n, n_real=real, generations=400))
        for n in (most, most + 1)
    ]
    assert errors[0].max() <= allowed * (1 + 1e-12)
    assert errors[1].max() > allowed
    bound = symbols.partial_max_synthetic.predict(experiment(Mix("fixed"), n=most, n_real=real))
    assert (bound <= allowed * (1 + 1e-12)).all()
    assert (errors[0][: bound.size] <= bound).all()


def test_fresh_point_keeps_two_thirds():
    e = experiment(Mix("fresh"), n=4, n_real=1, generations=40)
    kept = symbols.single_real_point.predict(e)
    error = symbols.fresh_mix_error.predict(e)
    assert np.isnan(kept[0])
    assert kept[-1] == pytest.approx((1 - LAW @ LAW) - error[-1], rel=1e-6)


@pytest.mark.parametrize("n", [2, 10])
def test_closed_form_of_random_sources_and_its_limit(n):
    generations = 400
    sources = experiment(RandomSources(), n=n, n_real=n, generations=generations)
    everything = experiment(Accumulate(), n=n, n_real=n, generations=generations)
    gini = symbols.randomly_sampled_gini.predict(sources)
    np.testing.assert_allclose(gini, symbols.accumulate_gini.predict(everything), rtol=1e-10)
    limit = (1 - LAW @ LAW) * np.sinc(1 / math.sqrt(n))
    assert gini[-1] == pytest.approx(limit, rel=2 / (n * generations))


def test_what_the_diffusion_bound_rests_on():
    """2 n E[y' ln(y'/y)] >= 1 - y on the lattice: along the chain the bound falls by one a
    generation.
    """
    for n in (*range(2, 101), 200, 500):
        y, k = np.arange(1, n) / n, np.arange(n + 1)
        x = k / n
        grown = binom.pmf(k, n, y[:, None]) @ (x * np.log(np.maximum(x, 1e-300)))
        assert (2 * n * (grown - y * np.log(y)) - (1 - y)).min() > 0.3 / n**2


@pytest.mark.parametrize("n", [2, 3, 7, 30])
def test_collapse_bounds_hold_for_the_exact_chain(n):
    rng = np.random.default_rng(n)
    for alpha in (0.1, 0.5, 2.0):
        p = rng.dirichlet(np.full(6, alpha))
        e = experiment(Replace(), n=n, n_real=None, law=p / p.sum(), generations=60 * n)
        survived = LumpedChain(n, 1).expected_collapse_time(e.truth.probs) - 1
        rho = LumpedChain(n, e.generations).collapse_probability(e.truth.probs)
        below = (
            seddik2024.collapse_time_upper,
            symbols.collapse_time_diffusion,
            symbols.collapse_time_two_n,
        )
        for theorem in below:
            assert np.nanmin(theorem.predict(e), initial=np.inf) >= survived * (1 - 1e-12)
        assert np.nanmax(seddik2024.collapse_time_lower.predict(e)) <= survived * (1 + 1e-12)
        assert symbols.collapse_time.predict(e)[-1] == pytest.approx(survived, rel=1e-9)
        assert np.nanmax(seddik2024.rho_lower.predict(e) - rho) <= 1e-12
        assert np.nanmin(seddik2024.rho_upper.predict(e) - rho) >= -1e-12
        assert seddik2024.fixation_probability.predict(e)[-1] == e.truth.probs[0]


def test_bits_and_contexts():
    bits = Experiment(
        family=Bernoulli(),
        truth=BernoulliLaw(0.3),
        workflow=Mix("fresh"),
        n=5,
        n_real=4,
        generations=3,
    )
    two = experiment(Mix("fresh"), n=5, n_real=4, law=(0.7, 0.3), generations=3)
    error = symbols.fresh_mix_error
    np.testing.assert_allclose(2 * error.predict(bits), error.predict(two), rtol=1e-14)
    table = Experiment(
        family=Categorical(),
        truth=CategoricalLaw(((0.7, 0.3), (0.4, 0.6))),
        workflow=Replace(),
        n=5,
        generations=3,
    )
    every = [
        v
        for m in (lumping, seddik2024, symbols)
        for v in vars(m).values()
        if isinstance(v, Theorem)
    ]
    assert not any(t.covers(table) for t in every)
