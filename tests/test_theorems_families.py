"""Formulas about Gaussians and exponential families against rows drawn one by one in NumPy.

Statistical limit: |z| < 4.5 for each comparison (two-sided false-alarm rate 7e-6), bounds
one-sided; about 1000 comparisons (a statement at a generation), so the file raises a false alarm
with probability at most 7e-3. Seeds are fixed, never re-rolled.
"""

import numpy as np
import pytest

from collapse_theory.catalogue import accumulate as kept
from collapse_theory.catalogue import (
    alemohammad2023,
    bertrand2023,
    conservation,
    engine,
    exponential_families,
    he2025,
    jangjoo2025,
    kazdan2024,
    shumailov2024,
    suresh2024,
    xu2025,
)
from collapse_theory.catalogue import replace as replaced
from collapse_theory.catalogue.base import Kind
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.families.gaussian import Gaussian, GaussianLaw
from collapse_theory.families.gaussian_nd import GaussianND, GaussianNDLaw
from collapse_theory.families.known_variance import GaussianMean, MeanLaw
from collapse_theory.generators.scaled import Scaled
from collapse_theory.judging import judge
from collapse_theory.result import simulate
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.accumulate_subsample import AccumulateSubsample
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace
from collapse_theory.workflows.weighted import Weighted
from numpy_rows import CHAINS, FAMILY, LAW, MEAN, TRUTH, VAR, WORKFLOW, measured, simulated

LIMIT = 4.5
SIZES, REAL = (9, 7, 11, 6, 8), (8, 3, 2, 4, 3)
EQUAL, EQUAL_REAL = (7,) * 5, (9, 3, 3, 3, 3)


def compare(theorem, values, predicted):
    """|z| of the mean over chains; bounds on their forbidden side only."""
    mean, se = values.mean(-1), values.std(-1) / np.sqrt(values.shape[-1])
    se = np.maximum(se, 1e-12)
    if theorem.observable.binary:
        p = np.clip(predicted, 0, 1)
        se = np.maximum(se, np.sqrt(p * (1 - p) / values.shape[-1]))
    z = (mean - predicted) / se
    z = {Kind.UPPER: z, Kind.LOWER: -z}.get(theorem.kind, abs(z))
    assert np.isfinite(predicted).any()
    assert np.nanmax(z) < LIMIT, z


def check(theorem, kind, name, *, ddof=0, factor=1.0, sizes=SIZES, real=REAL):
    family = Gaussian(ddof) if kind == "gaussian" else FAMILY[kind]
    scaled = {"generator": Scaled(factor)} if factor != 1 else {}
    e = Experiment(
        family=family, workflow=WORKFLOW[name], truth=TRUTH[kind], n=sizes, n_real=real,
        generations=len(sizes), **scaled,
    )  # fmt: skip
    assert theorem.covers(e)
    m, v = simulated(kind, name, ddof, factor, sizes, real)
    compare(theorem, measured(theorem.observable.name, m, v, LAW[kind]), theorem.predict(e))


UNBIASED = (
    replaced.mean_moments,
    replaced.variance_mean,
    replaced.variance_square,
    replaced.log_variance,
    replaced.kl_reverse,
    replaced.kl_forward,
    shumailov2024.w2_risk,
    bertrand2023.sqrt_cov_decay,
    xu2025.schedule_variance,
    jangjoo2025.martingale,
)
DIVIDED_BY_N = (
    replaced.mle_variance,
    replaced.mle_square,
    replaced.mle_error,
    replaced.log_variance,
    replaced.kl_reverse,
    replaced.kl_forward,
    bertrand2023.sqrt_cov_decay,
    conservation.w2_replace,
    conservation.w2_bound,
)
MATCHED = (conservation.conservation, jangjoo2025.martingale)
LINEAR = (*MATCHED, conservation.w2_bound, engine.engine_error, engine.engine_variance)


@pytest.mark.parametrize("theorem", UNBIASED, ids=lambda t: t.name)
def test_replace_with_the_unbiased_variance(theorem):
    check(theorem, "gaussian", "replace", ddof=1)


@pytest.mark.parametrize("theorem", DIVIDED_BY_N, ids=lambda t: t.name)
def test_replace_with_the_variance_divided_by_n(theorem):
    check(theorem, "gaussian", "replace", ddof=0)


@pytest.mark.parametrize("name", [n for n in WORKFLOW if n != "subsample"])
def test_the_engine_on_gaussian_rows(name):
    real = (SIZES[0], *REAL[1:]) if name == "window" else REAL
    for theorem in LINEAR:
        check(theorem, "gaussian", name, real=real)


@pytest.mark.parametrize(
    "name", ["window", "decay", "weighted_fixed", "refresh", "sources", "share"]
)
@pytest.mark.parametrize("kind", FAMILY)
def test_the_engine_on_families_with_quadratic_variance(kind, name):
    check(engine.quadratic_error, kind, name)
    check(jangjoo2025.martingale, kind, name)
    if kind == "bernoulli":
        check(engine.engine_squares, kind, name)


@pytest.mark.parametrize("kind", ["gaussian", *FAMILY])
def test_fresh_real_rows(kind):
    check(jangjoo2025.real_points_error, kind, "mix_fresh")
    if kind == "gaussian":
        check(jangjoo2025.real_points_variance, kind, "mix_fresh")


def test_data_kept_for_ever():
    for theorem in (kazdan2024.accumulate_variance, kazdan2024.accumulate_error):
        check(theorem, "gaussian", "accumulate")
    check(kazdan2024.accumulate_floor, "gaussian", "accumulate", sizes=EQUAL, real=EQUAL)
    for theorem in (kept.unbiased_variance, kept.unbiased_error):
        check(theorem, "gaussian", "accumulate", ddof=1)
    for kind, ddof in (("gaussian", 0), ("gaussian", 1), ("known", 0), ("poisson", 0)):
        check(kept.universal_two, kind, "accumulate", ddof=ddof, sizes=(1,) * 5, real=(3,) * 5)


@pytest.mark.parametrize("ddof", [0, 1])
def test_data_kept_and_subsampled(ddof):
    for theorem in (kazdan2024.subsample_variance, kazdan2024.subsample_error):
        check(theorem, "gaussian", "subsample", ddof=ddof, sizes=EQUAL, real=EQUAL)
    if ddof == 0:
        for theorem in (*MATCHED, conservation.w2_bound):
            check(theorem, "gaussian", "subsample", sizes=EQUAL, real=EQUAL)


def test_a_sampler_with_too_little_variance():
    for theorem in (
        alemohammad2023.synthetic_variance,
        alemohammad2023.synthetic_error,
        alemohammad2023.synthetic_deviation,
    ):
        check(theorem, "gaussian", "replace", ddof=1, factor=0.8)
    for theorem in (alemohammad2023.fresh_variance, alemohammad2023.fresh_error):
        sizes = {"sizes": EQUAL, "real": EQUAL_REAL}
        check(theorem, "gaussian", "mix_fresh", ddof=1, factor=0.8, **sizes)


def test_bits_and_counts():
    check(suresh2024.bernoulli_replace, "bernoulli", "replace")
    check(suresh2024.bernoulli_accumulate, "bernoulli", "accumulate")
    small = {"sizes": (2, 1, 3, 2, 1), "real": (2, 1, 1, 1, 1)}
    check(suresh2024.poisson_variance, "poisson", "replace", **small)
    check(suresh2024.poisson_extinction, "poisson", "replace", **small)


def test_the_scale_is_lost_at_the_rate_bounded():
    check(suresh2024.gaussian_rate, "gaussian", "replace", ddof=1, sizes=(3,) * 30, real=(3,) * 30)


def test_weights_between_real_and_synthetic_rows():
    check(he2025.weighted_error, "known", "weighted_fresh", sizes=EQUAL, real=EQUAL_REAL)
    for name in ("weighted_fresh", "accumulate", "mix_fixed", "sources"):
        check(xu2025.beat_workflow, "known", name)
    check(xu2025.beat_replace, "known", "replace")
    check(xu2025.beat_workflow, "known", "replace")
    check(xu2025.schedule_variance, "known", "replace")
    growing = (4, 9, 15, 23, 31)
    check(xu2025.schedule_bounded, "known", "replace", sizes=growing, real=growing)


@pytest.mark.parametrize("ddof", [0, 1])
def test_divergences_in_the_plane(ddof):
    sizes, real = (9, 8, 10), (11, 3, 3)
    cov = np.array([[1.7, 0.4], [0.4, 0.6]])
    e = Experiment(
        family=GaussianND(ddof), workflow=Replace(), n=sizes, n_real=real, generations=3,
        truth=GaussianNDLaw((MEAN, 0.9), tuple(map(tuple, cov.tolist()))),
    )  # fmt: skip
    rng = np.random.default_rng(7)
    m, s = np.zeros((CHAINS, 2)), np.broadcast_to(cov, (CHAINS, 2, 2))
    reverse, forward, inverse = [], [], np.linalg.inv(cov)
    for n in (real[0], *sizes[1:]):
        z = rng.standard_normal((CHAINS, n, 2))
        x = m[:, None] + z @ np.linalg.cholesky(s).transpose(0, 2, 1)
        m = x.mean(1)
        s = (x - m[:, None]).transpose(0, 2, 1) @ (x - m[:, None]) / (n - ddof)
        log = np.log(np.linalg.det(s) / np.linalg.det(cov))
        trace = np.einsum("ij,cji->c", inverse, s) + np.einsum("ci,ij,cj->c", m, inverse, m)
        back = np.linalg.inv(s)
        other = np.einsum("cij,ji->c", back, cov) + np.einsum("ci,cij,cj->c", m, back, m)
        reverse.append((trace - 2 - log) / 2)
        forward.append((other - 2 + log) / 2)
    compare(replaced.kl_reverse, np.stack(reverse), replaced.kl_reverse.predict(e))
    compare(replaced.kl_forward, np.stack(forward), replaced.kl_forward.predict(e))


def _at(theorem, workflow, family, truth, n, real, generations):
    e = Experiment(
        family=family, workflow=workflow, truth=truth, n=n, n_real=real, generations=generations
    )
    assert theorem.covers(e)
    return theorem.predict(e)


def test_three_halves_is_approached_as_sizes_grow():
    gaps = []
    for n in (50, 100, 200):
        given = (Replace(), Gaussian(1), GaussianLaw(MEAN, VAR), n, None, 6)
        exact, rule = (
            _at(t, *given) for t in (shumailov2024.w2_risk, shumailov2024.w2_three_halves)
        )
        gaps.append(exact / rule - 1)
    assert np.abs(gaps[0]).max() < 0.03
    np.testing.assert_allclose(gaps[1] / gaps[2], 2, rtol=0.03)  # order 1
    np.testing.assert_allclose(gaps[0] / gaps[1], 2, rtol=0.06)


def test_the_walk_of_the_log_variance_agrees_for_one_size():
    given = (Replace(), Gaussian(1), GaussianLaw(MEAN, VAR), 6, None, 5)
    walk, general = (_at(t, *given) for t in (shumailov2024.as_collapse, replaced.log_variance))
    np.testing.assert_allclose(walk, general, rtol=1e-13)


def test_limits_agree_with_the_engine_after_many_generations():
    """Weight matrices of 60 generations, which know nothing of stationary formulas."""
    real = (5, *(3,) * 59)
    for family, truth in ((Gaussian(0), GaussianLaw(MEAN, VAR)), (Bernoulli(), BernoulliLaw(0.35))):
        given = (Mix("fresh"), family, truth, 4, real, 60)
        limit, exact = _at(jangjoo2025.stationary_error, *given), _at(engine.engine_error, *given)
        assert np.isnan(limit[0])
        np.testing.assert_allclose(limit[-1], exact[-1], rtol=1e-12)
    given = (Mix("fresh"), Gaussian(0), GaussianLaw(MEAN, VAR), 4, real, 60)
    limit, exact = _at(jangjoo2025.stationary_variance, *given), _at(engine.engine_variance, *given)
    np.testing.assert_allclose(limit[-1], exact[-1], rtol=1e-12)
    k = 3 / 8
    given = (Weighted((np.sqrt(k * k + 4 * k) - k) / 2), GaussianMean(VAR), MeanLaw(MEAN), 8, 3, 60)
    limit, exact = _at(he2025.best_error, *given), _at(engine.quadratic_error, *given)
    np.testing.assert_allclose(limit[-1], exact[-1], rtol=1e-12)


@pytest.mark.slow
def test_the_constant_two_is_sharp():
    given = (Accumulate(), GaussianMean(VAR), MeanLaw(MEAN), 1, 100, 2000)
    bound, exact = _at(kept.universal_two, *given), _at(engine.quadratic_error, *given)
    assert 0.97 < exact[-1] / bound[-1] < 1


def test_a_workflow_that_is_not_linear_or_too_long_is_declined():
    given = {"family": Gaussian(0), "truth": GaussianLaw(MEAN, VAR), "n": 6}
    assert not engine.engine_error.covers(
        Experiment(workflow=AccumulateSubsample(), generations=4, **given)
    )
    assert not engine.engine_error.covers(Experiment(workflow=Replace(), generations=2001, **given))
    assert not engine.engine_error.covers(
        Experiment(workflow=Replace(), generations=4, **given | {"family": Gaussian(1)})
    )


def test_a_heavy_tail_is_not_believed():
    """At d + 4 rows KL(truth || fit) has no variance: whatever is seen, the verdict is open."""
    e = Experiment(
        family=Gaussian(1), workflow=Replace(), n=5, generations=2, truth=GaussianLaw(MEAN, VAR),
        observables=("kl_forward",),
    )  # fmt: skip
    run = simulate(e, chains=4096, seed=1)
    verdict = judge(replaced.kl_forward, e, run.column("kl_forward"))
    assert verdict.status.value == "inconclusive"


def test_the_divergence_of_many_rows_grows_by_half_a_parameter_over_n():
    given = (Replace(), Gaussian(0), GaussianLaw(MEAN, VAR), 4000, None, 5)
    rule, exact = (_at(t, *given) for t in (exponential_families.kl_grows, replaced.kl_forward))
    np.testing.assert_allclose(rule, exact, rtol=0.01)  # relative error O(t / n)
