"""Definitions of collapse: what theory expects of them, and how often they are wrong.

A test of a definition has a false-alarm rate of 1 % in either direction. That rate is checked by
100 experiments without any effect: more than 6 alarms have probability 7e-5 at 1 %. Its power is
checked by planting an effect. Values are held against exact ones at z = 4.5 (7e-6 each).
"""

import json
from dataclasses import replace
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

import collapse_theory as ct
from collapse_theory import discovery
from collapse_theory.cli.app import run
from collapse_theory.diagnostics.base import Answer, Measurement
from collapse_theory.diagnostics.evidence import GROUPS, Evidence, default_risk
from collapse_theory.diagnostics.growth import endless
from collapse_theory.diagnostics.judging import answer
from collapse_theory.exact.lumping import LumpedChain
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.families.classes import ClassesLaw
from collapse_theory.families.gaussian import GaussianFit
from collapse_theory.observables import diversity, parameters, support
from collapse_theory.observables.base import Snapshot

TAILED = CategoricalLaw((0.4, 0.35, 0.2, 0.02, 0.02, 0.01))
YES, NO, UNDECIDED, NONE = Answer.YES, Answer.NO, Answer.UNDECIDED, Answer.NOT_APPLICABLE
NAMED = {d.name: d for d in ct.definitions()}


def experiment(family, workflow, n, generations, truth=None):
    e = ct.Experiment(family=family, workflow=workflow, n=n, generations=generations, truth=truth)
    return replace(e, observables=(default_risk(e),))


CASES = {  # name: (experiment, what theory says)
    "symbols, replace": (
        experiment(ct.Categorical(), ct.Replace(), 40, 100, TAILED),
        {
            "catastrophic_increase": YES, "any_increase": YES, "diverging_risk": NO,
            "collapsing_variance": YES, "lost_tails": YES, "hallucinated_data": NO,
            "early_collapse": YES, "total_collapse": YES, "entangled_modes": NONE,
            "strong_collapse": NO,
        },
    ),
    "symbols, fresh real data": (
        experiment(ct.Categorical(), ct.Mix("fresh"), 40, 24, TAILED),
        {
            "catastrophic_increase": NO, "any_increase": NO, "collapsing_variance": NO,
            "lost_tails": NO, "total_collapse": NO, "heat_death": NO, "late_collapse": NO,
        },
    ),
    "pseudo-counts": (
        experiment(ct.Smoothed(1.0), ct.Replace(), 40, 24, CategoricalLaw((0.7, 0.3, 0.0))),
        {"hallucinated_data": YES, "total_collapse": NO, "strong_collapse": NO},
    ),
    "gaussian, replace": (
        experiment(ct.Gaussian(), ct.Replace(), 40, 40),
        {
            "catastrophic_increase": YES, "any_increase": YES, "diverging_risk": YES,
            "collapsing_variance": YES, "lost_tails": YES,
            "hallucinated_data": YES, "heat_death": NONE,
        },
    ),
    "least squares, accumulate": (
        experiment(ct.LinearRegression(), ct.Accumulate(), 30, 32),
        {
            "catastrophic_increase": NO, "any_increase": YES, "scaling_law_change": NO,
            "strong_collapse": NO, "collapsing_variance": NONE,
        },
    ),
    "half the scale from the generator": (
        replace(experiment(ct.Gaussian(), ct.Mix("fresh"), 50, 12), generator=ct.Scaled(0.5)),
        {"strong_collapse": YES, "scaling_law_change": YES, "late_collapse": NO},
    ),
    "two classes": (
        experiment(ct.GaussianClasses(), ct.Replace(), 30, 12),
        {"entangled_modes": NO, "collapsing_variance": YES, "lost_tails": NONE},
    ),
    "classes that spread": (
        replace(experiment(ct.GaussianClasses(), ct.Mix("fresh"), 50, 30),
                generator=ct.Scaled(1.5)),
        {"entangled_modes": YES, "diverging_risk": NO},
    ),
}  # fmt: skip


LENGTHY = (
    "symbols, replace", "two classes", "symbols, fresh real data", "pseudo-counts",
    "least squares, accumulate",
)  # fmt: skip


@pytest.fixture(
    scope="module",
    params=[pytest.param(c, marks=pytest.mark.slow) if c in LENGTHY else c for c in CASES],
)
def diagnosed(request):
    e, expected = CASES[request.param]
    found = ct.diagnose(ct.simulate(e, chains=4000, seed=11))
    return e, expected, {d.definition.name: d for d in found}


def test_answers_are_those_of_theory(diagnosed):
    _, expected, found = diagnosed
    assert {name: found[name].answer for name in expected} == expected
    for d in found.values():
        assert d.why or d.answer in (YES, NO)
        if d.answer is YES:
            assert d.onset is not None
            assert d.onset <= d.at


def test_least_squares_risk_grows_as_the_exact_one():
    e = experiment(ct.LinearRegression(), ct.Replace(), 30, 20)
    found = answer(NAMED["catastrophic_increase"], Evidence(e, e.observables[0], 40_000, 3))
    assert found.answer is YES
    assert abs(found.value - 20) < 4.5 * found.se  # E_t = t E_1
    assert abs(found.value - 21) > 4.5 * found.se  # a generation too many would be seen
    assert abs(found.onset - 11) <= 1


def test_collapsed_share_is_the_lumped_chains():
    e = experiment(ct.Bernoulli(), ct.Replace(), 15, 20, ct.Bernoulli.truth_type(0.3))
    evidence = Evidence(e, e.observables[0], 4000, 5)
    found = answer(NAMED["total_collapse"], evidence)
    exact = LumpedChain(15, 20).collapse_probability([0.3, 0.7])[-1]
    assert abs(found.value - exact) < 4.5 * found.se


def test_jackknife_is_the_standard_error_of_a_mean():
    e = experiment(ct.Gaussian(), ct.Accumulate(), 10, 5)
    plain = ct.simulate(e, chains=20_000, seed=2)
    curve = Evidence(e, e.observables[0], 20_000, 2).curve(e.observables[0])
    np.testing.assert_allclose(curve[0], plain.mean("w2_squared"), rtol=1e-9)
    spread = ((curve[1:] - curve[1:].mean(0)) ** 2).sum(0) * (GROUPS - 1) / GROUPS
    ratio = spread / plain.se("w2_squared") ** 2
    assert (ratio < stats.chi2.isf(1e-5, GROUPS - 1) / (GROUPS - 1)).all()
    assert (ratio > stats.chi2.ppf(1e-5, GROUPS - 1) / (GROUPS - 1)).all()


def test_no_effect_is_found_as_rarely_as_promised():
    new_data = experiment(ct.GaussianMean(), ct.Weighted(1.0), 5, 3)  # no synthetic row counts
    said = [
        answer(NAMED["any_increase"], Evidence(new_data, new_data.observables[0], 320, seed)).answer
        for seed in range(100)
    ]
    assert said.count(YES) <= 6
    assert said.count(NO) <= 6
    planted = experiment(ct.GaussianMean(), ct.Weighted(0.5), 5, 3)
    seen = answer(NAMED["any_increase"], Evidence(planted, planted.observables[0], 3200, 0))
    assert seen.answer is not UNDECIDED


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (lambda t: t, YES), (np.log, YES), (lambda t: 1 - 1 / t, NO), (lambda t: t**-1.0, NO),
        (lambda t: np.ones_like(t), NO), (lambda t: 5 + 0.01 * np.sqrt(t), NO),
    ],
)  # fmt: skip
def test_growth_is_told_from_approach_to_a_limit(curve, expected):
    t = np.arange(1.0, 65)
    noise = 1 + 1e-6 * np.random.default_rng(0).standard_normal((GROUPS + 1, 1))
    curves = curve(t) * noise
    e = SimpleNamespace()
    found = answer(
        replace(NAMED["diverging_risk"], measure=lambda _: [endless("x", curves, curves)]), e
    )
    assert found.answer is expected


def test_too_few_generations_are_undecided():
    curves = np.arange(1.0, 5) * np.ones((GROUPS + 1, 1))
    d = replace(NAMED["diverging_risk"], measure=lambda _: [endless("x", curves, curves)])
    found = answer(d, SimpleNamespace())
    assert found.answer is UNDECIDED
    assert "few generations" in found.why


def test_any_measurement_that_says_yes_is_enough():
    up, down = np.ones((GROUPS + 1, 3)), -np.ones((GROUPS + 1, 3))
    both = [Measurement("a", "> 0", down, (down,)), Measurement("b", "> 0", up, (up,))]
    d = replace(NAMED["diverging_risk"], measure=lambda _: both)
    assert answer(d, SimpleNamespace()).statistic == "b"
    d = replace(d, measure=lambda _: [Measurement("c", "> 0", up, (up, down))])
    assert answer(d, SimpleNamespace()).answer is NO


@pytest.mark.slow
def test_infinite_risk_diverges():
    e = experiment(ct.Categorical(), ct.Replace(), 20, 10, TAILED)
    found = {d.definition.name: d for d in ct.diagnose(ct.simulate(e, chains=640, seed=1),
                                                         risk="kl_forward")}  # fmt: skip
    assert found["diverging_risk"].answer is YES
    assert "infinite" in found["catastrophic_increase"].why


def test_the_eight_and_their_theory():
    assert sorted(d.number for d in NAMED.values() if d.number) == list(range(1, 9))
    every = [*ct.theorems(), *ct.calculations(), *ct.trials()]
    assert {i for d in NAMED.values() for i in d.theory} <= {s.name for s in every}
    assert all(d.statement.endswith(".") for d in NAMED.values())
    assert len(discovery.members(ct.Definition)) == len(NAMED) == 13


GRID = np.linspace(-12, 12, 200_001)


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (0.4, 0.6), (-1.0, 1.5), (3.0, 0.1)])
def test_normal_tails_against_integrals(mean, sd):
    snap = Snapshot(
        *(GaussianFit(jnp.asarray(m), jnp.asarray(v)) for m, v in
          ((0.5, np.log(4.0)), (0.0, 0.0), (0.5 + 2 * mean, np.log(4 * sd**2))))
    )  # fmt: skip
    p, q = stats.norm.pdf(GRID), stats.norm.pdf(GRID, mean, sd)
    tail = np.abs(GRID) > stats.norm.isf(0.025)
    covered = integrate.trapezoid(np.where(tail, np.minimum(p, q), 0), GRID) / 0.05
    assert float(diversity.tail_recall(ct.Gaussian(), snap)) == pytest.approx(covered, abs=0.02)
    beyond = stats.norm.cdf(stats.norm.ppf(5e-5), mean, sd)
    beyond += stats.norm.sf(stats.norm.isf(5e-5), mean, sd)
    assert float(support.hallucinated_mass(ct.Gaussian(), snap)) == pytest.approx(beyond)


def test_overlap_of_classes_against_an_integral():
    family, truth = ct.GaussianClasses(), ClassesLaw((-1.0, 0.5), (0.5, 2.0))
    model = family.model(truth)
    p, q = stats.norm.pdf(GRID, -1, 0.5**0.5), stats.norm.pdf(GRID, 0.5, 2**0.5)
    overlap = integrate.trapezoid(np.sqrt(p * q), GRID)
    assert float(support.mode_overlap(family, Snapshot(model, model, model))) == pytest.approx(
        overlap, rel=1e-6
    )
    assert float(parameters.variance(family, Snapshot(model, model, model))) == pytest.approx(2.5)


def test_too_few_chains_or_a_foreign_risk_is_refused():
    e = experiment(ct.Bernoulli(), ct.Replace(), 5, 3)
    with pytest.raises(ct.InputError, match="at least 64"):
        ct.diagnose(ct.simulate(e, chains=63, seed=0))
    with pytest.raises(ct.InputError, match="w2_squared"):
        ct.diagnose(ct.simulate(e, chains=64, seed=0), risk="w2_squared")


def test_the_command_prints_every_definition(tmp_path, capsys):
    file = tmp_path / "e.toml"
    file.write_text(str(experiment(ct.Bernoulli(), ct.Replace(), 9, 12)))
    assert run(["diagnose", str(file), "--chains", "640", "--no-cache"]) == 0
    assert "collapsing variance" in capsys.readouterr().out
    assert run(["diagnose", str(file), "--chains", "640", "--json", "--no-cache"]) == 0
    found = json.loads(capsys.readouterr().out)["diagnoses"]
    assert [d["definition"] for d in found] == list(NAMED)
    assert run(["diagnose", str(file), "--chains", "5"]) == 2
