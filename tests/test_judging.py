"""Numbers behind a verdict, each against a second way to it; nothing here is drawn at random."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import collapse_theory as ct
from collapse_theory import sizing
from collapse_theory.judging import critical, deviation, judge, standard_error
from collapse_theory.ladder import judge_ladder, polynomial, relative_gaps, rung
from collapse_theory.moments import moments_of
from collapse_theory.planting import planted_seen
from collapse_theory.verdicts import judge_case, planted

MEAN = SimpleNamespace(observable=SimpleNamespace(binary=False))
EVENT = SimpleNamespace(observable=SimpleNamespace(binary=True))
SAMPLE = np.random.default_rng(1).gamma(0.5, size=(50, 3)) + np.arange(3)


def bits(ones, of):
    return moments_of(np.repeat([1.0, 0.0], [ones, of - ones])[:, None])


def stated(kind=ct.Kind.EXACT, order=None, finite=True):
    """A statement that the value is 1."""
    return ct.Trial(
        "x", "$1$", kind, ct.Source(None), lambda: [1.0, 1.0], lambda rng, n: None, ({},),
        order=order, finite_kurtosis=lambda r: finite,
    )  # fmt: skip


def seen(mean, kind=ct.Kind.EXACT, sd=1.0, n=10_000, order=None, finite=True):
    """A verdict on chains with this mean (two generations) and no skew."""
    x = np.repeat([-sd, sd], n // 2)[:, None] + np.asarray(mean, float)
    return judge(stated(kind, order, finite), None, moments_of(x), predicted=np.ones(2))


def test_limits_are_those_of_the_normal_table():
    """Two-sided 0.0005: 3.4808; one-sided 3.2905; two-sided over ten generations 4.0556."""
    assert critical(ct.Kind.EXACT, 1) == pytest.approx(3.4808, abs=1e-4)
    assert critical(ct.Kind.ASYMPTOTIC, 10) == pytest.approx(4.0556, abs=1e-4)
    for kind in (ct.Kind.UPPER, ct.Kind.LOWER):
        assert critical(kind, 1) == pytest.approx(3.2905, abs=1e-4)


def test_standard_errors_of_means():
    m = moments_of(SAMPLE)
    got = standard_error(MEAN, m, np.zeros(3), 1e-8)
    np.testing.assert_allclose(got, SAMPLE.std(0, ddof=1) / np.sqrt(50), rtol=1e-12)
    equal = moments_of(np.full((50, 1), 2.0))  # what shows no spread is known to 1 / n
    assert standard_error(MEAN, equal, np.array([2.0]), 0.1) == pytest.approx(2 * (0.1 + 1 / 50))
    assert standard_error(MEAN, equal, np.array([np.nan]), 0.1) == 0


def test_standard_errors_of_events():
    """The larger of the binomial variance that is stated and that of the sample."""
    for p, variance in ((0.5, 0.25), (0.0, 40 / 39 * 0.1 * 0.9)):
        got = standard_error(EVENT, bits(4, 40), np.array([p]), 0.0)
        assert got == pytest.approx(np.sqrt(variance / 40 + (p / 40) ** 2))


def test_a_skewed_mean_is_transformed_as_hall_does():
    """His cubic is that of a completed cube: ((1 + a z / 3)^3 - 1) / a + a / 6."""
    m, predicted = moments_of(SAMPLE), SAMPLE.mean(0) + np.array([0.1, -0.2, 0.0])
    se = standard_error(MEAN, m, predicted, 0.0)
    z, a = (SAMPLE.mean(0) - predicted) / se, stats.skew(SAMPLE) / np.sqrt(50)
    expected = ((1 + a * z / 3) ** 3 - 1) / a + a / 6
    np.testing.assert_allclose(deviation(MEAN, m, predicted, se), expected, rtol=1e-9)


def test_a_mean_without_spread_is_right_or_infinitely_wrong():
    m = moments_of(np.full((50, 2), 2.0))
    z = deviation(MEAN, m, np.array([2.0, 3.0]), np.zeros(2))
    assert z[0] == 0
    assert z[1] == -np.inf
    found = judge(stated(), None, m, predicted=np.zeros(2))
    assert found.status is ct.Status.REFUTED
    assert np.isnan(deviation(MEAN, m, np.array([np.nan, 2.0]), np.ones(2))[0])


@pytest.mark.parametrize(("ones", "p"), [(3, 0.2), (11, 0.2), (0, 0.01), (20, 0.9)])
def test_events_are_judged_by_the_binomial_law(ones, p):
    """Mid-p: half of the point, and all that lies beyond it."""
    table = stats.binom.pmf(np.arange(21), 20, p)
    below = table[:ones].sum() + table[ones] / 2
    z = deviation(EVENT, bits(ones, 20), np.array([p]), np.ones(1))
    assert z == pytest.approx(stats.norm.ppf(below), rel=1e-9)


def test_events_that_must_or_cannot_be():
    for ones, p, z in ((20, 1.0, 0), (0, 0.0, 0), (1, 0.0, 37), (19, 1.0, -37)):
        assert deviation(EVENT, bits(ones, 20), np.array([p]), np.ones(1)) == z


@pytest.mark.parametrize(
    ("kind", "mean", "status"),
    [
        (ct.Kind.EXACT, (1, 1.05), "refuted"),
        (ct.Kind.EXACT, (0.95, 1), "refuted"),
        (ct.Kind.EXACT, (1, 1.001), "inconclusive"),  # 7 % would be seen, 3 % is asked
        (ct.Kind.UPPER, (0.5, 0.5), "inconclusive"),
        (ct.Kind.UPPER, (0.5, 1.05), "refuted"),
        (ct.Kind.LOWER, (1.5, 0.95), "refuted"),
    ],
)
def test_means_against_one(kind, mean, status):
    """Standard errors are 0.01."""
    v = seen(mean, kind)
    assert v.status.value == status
    np.testing.assert_allclose(v.slack, 1 - np.array(mean))
    assert v.chains == 10_000


def test_what_would_have_been_seen():
    """(3.6623 + 3.0902) standard errors, two generations, at a power of 0.999."""
    v = seen((1, 1), sd=0.1)
    assert v.status is ct.Status.CONSISTENT
    assert v.detectable == pytest.approx((3.6623 + 3.0902) * np.hypot(1e-3, 1e-4), rel=1e-3)
    assert v.max_abs_z == pytest.approx(0, abs=1e-9)
    assert v.trusted_until == 2
    assert seen((1, 1), finite=False).reason.startswith("no generation")


def test_of_a_mean_of_zero_parts_of_the_spread_are_seen():
    """There is nothing to be relative to: standard deviations instead, of 10,000 chains."""
    x = np.repeat([-3.0, 3.0], 5000)[:, None] + np.zeros(2)
    v = judge(stated(), None, moments_of(x), predicted=np.zeros(2))
    assert v.detectable == pytest.approx((3.6623 + 3.0902) * 0.01, rel=1e-3)


def test_how_many_more_chains_would_decide():
    """Standard errors fall with the root of the chains."""
    v = seen((1, 1.001))
    assert v.reason == f"{(v.detectable / 0.03) ** 2:.1f} times the chains would decide at 3.0%"


# --- ladders --------------------------------------------------------------------------------------


def test_a_rung_multiplies_every_size():
    given = {"family": ct.Gaussian(), "workflow": ct.Mix(), "generations": 2}
    one = rung(ct.Experiment(n=3, n_real=(5, 7), **given), 4)
    assert (one.n, one.n_real) == (12, (20, 28))
    assert rung(ct.Experiment(n=3, **given), 2).n_real == ct.Experiment(n=6, **given).n_real


def test_polynomials_are_those_of_weighted_least_squares():
    x, errors = np.array([1, 0.5, 0.25, 0.125]), np.array([1.0, 2, 3, 4])
    gaps = 0.3 - 0.2 * x + 0.1 * x**2
    found, error = polynomial(gaps, errors, x, 2)
    np.testing.assert_allclose(found, [0.3, -0.2, 0.1], rtol=1e-10)
    design = np.stack([x**k for k in range(3)], 1)
    covariance = np.linalg.inv(design.T @ np.diag(1 / errors**2) @ design)
    assert error == pytest.approx(np.sqrt(covariance[0, 0]))


def ladder(offset, curve=0.0, sd=0.05):
    """Gaps offset + x + curve (x^2 - x), x = 1/size: a line if there is no curve."""
    x = 1 / np.array([1.0, 2, 4, 8])
    gaps = offset + 0.1 * x + curve * (x**2 - x)
    return [seen((1 + g, 1 + g), ct.Kind.ASYMPTOTIC, sd, order=1.0) for g in gaps]


@pytest.mark.parametrize(
    ("offset", "curve", "asked", "status"),
    [(0.0, 0.0, 0.03, "consistent"), (0.03, 0.0, 0.03, "refuted"), (-0.03, 0.0, 0.03, "refuted"),
     (0.0, 0.3, 0.03, "inconclusive"), (0.0, 0.0, 1e-3, "inconclusive")],
)  # fmt: skip
def test_a_ladder_says_where_its_gaps_lead(offset, curve, asked, status):
    rungs = ladder(offset, curve)
    found = judge_ladder(
        rungs[0].theorem, rungs, (1, 2, 4, 8), asked=asked, expected=ct.Status.CONSISTENT
    )
    assert found.status.value == status
    gaps, errors = relative_gaps(rungs)
    value, error = polynomial(gaps[:, 0], errors[:, 0], 1 / np.array([1.0, 2, 4, 8]), 1)
    np.testing.assert_allclose(found.z, value[0] / error, rtol=1e-9, atol=1e-9)
    assert found.detectable == pytest.approx((3.6623 + 3.0902) * error, rel=1e-4)


def test_a_ladder_of_what_is_not_believed_or_has_no_order():
    rungs = [seen((1, 1), order=1.0, finite=False)] * 4
    given = {"asked": 0.03, "expected": ct.Status.CONSISTENT}
    found = judge_ladder(rungs[0].theorem, rungs, (1, 2, 4, 8), **given)
    assert found.status is ct.Status.INCONCLUSIVE
    with pytest.raises(ct.InputError, match="order"):
        judge_ladder(stated(), ladder(0), (1, 2, 4, 8), **given)


@pytest.mark.parametrize("kind", [ct.Kind.UPPER, ct.Kind.LOWER])
def test_a_bound_is_planted_five_per_cent_beyond_what_was_seen(kind):
    """0.95 or 1.05 of the observed mean is missed by 5 %, hence seen at 1 % and not at 20 %."""
    mean = (0.5, 0.5) if kind is ct.Kind.UPPER else (1.5, 1.5)
    for sd, expected in ((0.1, True), (40.0, False)):
        v = replace(seen(mean, kind, sd=sd), status=ct.Status.CONSISTENT)
        assert planted_seen(v) is expected


# --- one statement, one case ----------------------------------------------------------------------


def test_one_case_of_one_statement():
    name = "kazdan2024.accumulate_gaussian.variance"
    v = judge_case(name, 1, chains=64)
    assert (v.theorem.name, v.chains) == (name, 64)
    for case in (0, 2):
        with pytest.raises(ct.InputError, match=f"case = {case}: {name} has 1"):
            judge_case(name, case)
    with pytest.raises(ct.InputError, match="several"):
        judge_case("gerstgrasser2024")
    with pytest.raises(ct.InputError, match="both sides"):
        judge_case(ct.calculations()[0].name)
    other = ct.Experiment(family=ct.Gaussian(), workflow=ct.Replace(), n=9, generations=2)
    with pytest.raises(ct.InputError, match="does not cover"):
        judge_case(name, experiment=other)
    with pytest.raises(ct.InputError, match="replicates"):
        judge_case("ols.martingale", experiment=other)
    assert judge_case("discrete.absorption").theorem.name == "discrete.absorption"


def test_a_planted_error_need_be_seen_on_one_case_only():
    v = seen((1, 1))
    cases = [replace(v, planted_seen=x) for x in (None, False, True, False)]
    assert planted(cases) == {"x": True}
    assert planted(cases[:2]) == {"x": False}
    assert planted(cases[:1]) == {}


def test_how_many_chains_are_needed():
    """The squared error of a mean: a chi-square, whose standard deviation is sqrt(2) means.

    (3.4808 + 3.0902)^2 * 2 / 0.05^2 chains. The variance of the pilot has kurtosis 15, hence a
    standard error of 1.5 %; at 6 % a false alarm has probability 6e-5.
    """
    e = ct.Experiment(family=ct.Gaussian(ddof=1), workflow=ct.Replace(), n=10, generations=1)
    theorem = ct.theorem_named("replace.mean_moments")
    needed = sizing.chains_needed(theorem, e, 0.05, pilot=1 << 16)
    assert needed == pytest.approx((3.4808 + 3.0902) ** 2 * 2 / 0.05**2, rel=0.06)
    for relative in (0, 1, -0.1):
        with pytest.raises(ct.InputError, match="relative"):
            sizing.chains_needed(theorem, e, relative)
    with pytest.raises(ct.InputError, match="does not cover"):
        sizing.chains_needed(ct.theorem_named("kazdan2024.accumulate_gaussian.variance"), e)
