"""Plans for budgets, tails, biased generators and verifiers: against other paths and simulation.

Certificates as in test_planning: three standard errors asked at a true distance of five.
"""

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory.cli.app import run
from collapse_theory.exact.gaussian_pooling import mad_fresh_loop
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.planning.spreading import exchanged

ZIPF = CategoricalLaw(tuple((1 / np.arange(1, 31)) / (1 / np.arange(1, 31)).sum()))


SLOW = [pytest.param(f, marks=pytest.mark.slow) for f in (ct.Poisson(), ct.Exponential())]


def ask(family, real, **wishes):
    return {a.name: a for a in ct.plan(family, real=real, **wishes)}


def pooled_risk(real, sizes):
    """Risk of a mean of all rows so far, over the first, step by step: sum of n_t / N_t^2."""
    total, risk = real, 1 / real
    for n in sizes:
        total += n
        risk += n / total**2
    return risk * real


def test_the_best_spread_is_the_best_of_all_spreads():
    real, budget, steps = 6, 12, 3
    every = [
        (a, b - a, budget - b)
        for a, b in combinations_with_replacement(range(1, budget), 2)
        if b > a and b < budget
    ]
    assert all(sum(x) == budget and len(x) == steps for x in every)
    best = min(every, key=lambda x: pooled_risk(real, x))
    advice = ask(ct.GaussianMean(), real, budget=budget, generations=steps + 1)["spread"]
    assert tuple(advice.table.values()) == best
    assert advice.value == pytest.approx(pooled_risk(real, best), rel=1e-12)
    assert "Replace: equal sizes are best" in advice.words


@pytest.mark.parametrize("family", [ct.GaussianMean(), *SLOW])
def test_simulation_certifies_the_spread(family):
    advice = ask(family, 10, budget=40, generations=5)["spread"]
    assert advice.table["generation 2"] == 37  # all that can be drawn from the first fit
    found = ct.certify(advice, seed=2)
    assert found.holds
    swapped = replace(advice.limit, inside=advice.limit.outside, outside=advice.limit.inside)
    assert not ct.certify(replace(advice, limit=swapped), chains=found.chains, seed=2).holds


def test_exchanges_find_the_optimum_of_a_separable_risk():
    cost = np.array([1.0, 4.0, 9.0, 16.0])  # sum c_i / n_i is least for n_i in proportion to sqrt c
    found = exchanged(lambda n: float((cost / n).sum()), np.array([25, 25, 25, 25]), 1)
    np.testing.assert_array_equal(found, [10, 20, 30, 40])


@pytest.mark.parametrize("wish", [0.4, 0.7])
def test_rows_that_keep_the_tail(wish):
    advice = ask(ct.Categorical(), 200, truth=ZIPF, tail_recall=wish, generations=4)["tail_size"]
    p, n = np.asarray(ZIPF.probs), int(advice.value)
    tail = np.sort(p)[np.cumsum(np.sort(p)) <= 0.05]
    rng = np.random.default_rng(8)
    kept = {}
    for size in (n, n - max(2, n // 10)):  # counts of all symbols, generation by generation
        counts = rng.multinomial(200, p, 20_000)
        for _ in range(3):
            counts = rng.multinomial(size, counts / counts.sum(1, keepdims=True))
        alive = (counts[:, np.argsort(p)[: tail.size]] > 0).mean(1)
        kept[size] = alive.mean(), alive.std() / np.sqrt(len(alive))
    (inside, se), (outside, other) = kept.values()
    assert inside > wish - 4 * se
    assert outside < wish - 3 * other
    assert "rarest symbols" in advice.words


@pytest.mark.slow
def test_simulation_certifies_the_tail():
    law = CategoricalLaw((0.6, 0.36, 0.04))
    advice = ask(ct.Categorical(), 30, truth=law, tail_recall=0.3, generations=3)["tail_size"]
    assert advice.value > 1
    assert ct.certify(advice, seed=1).holds


def test_a_tail_that_the_first_fit_loses_is_lost():
    advice = ask(ct.Categorical(), 200, truth=ZIPF, tail_recall=0.9, generations=4)["tail_size"]
    assert advice.value is None
    assert "first fit falls short" in advice.words


def test_a_narrowing_generator_limits_even_new_real_data():
    wishes = {"fixed": False, "generator": ct.Scaled(0.8), "diversity": 0.86, "generations": 12}
    found = ask(ct.Gaussian(ddof=1), 6, **wishes)
    advice = found["max_synthetic_biased"]
    n = int(advice.value)
    kept, lost = (mad_fresh_loop(6, (6, k), 0.8, 12)[0] for k in (n, n + 1))
    assert kept.min() >= 0.86 > lost.min()
    assert "optimal_weight" not in found  # its closed form is about faithful generation
    assert ct.certify(advice, seed=4).holds


def test_a_faithful_generator_asks_no_question_about_bias():
    wishes = {"fixed": False, "diversity": 0.9, "inflation": 1.2, "generations": 5}
    assert "max_synthetic_biased" not in ask(ct.Gaussian(ddof=1), 20, **wishes)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(0.9, 0.2), *(pytest.param(*p, marks=pytest.mark.slow) for p in ((0.8, 0.5), (1.0, 0.0)))],
)
def test_a_verifier_breaks_down_where_right_and_wrong_balance(right, wrong):
    wishes = {"verifier": (right, wrong), "wrong": 0.3, "inflation": 1.2}
    advice = ask(ct.GaussianMean(), 20, **wishes)["verifier"]
    p = advice.value
    assert right * (1 - p) == pytest.approx(wrong * p, abs=1e-12)
    rng = np.random.default_rng(1)
    bad = rng.random(400_000) < 0.3
    kept = rng.random(bad.size) < np.where(bad, wrong, right)
    share, se = bad[kept].mean(), 0.5 / np.sqrt(kept.sum())
    assert advice.table["wrong among them"] == pytest.approx(share, abs=5 * se)
    assert advice.table["rows kept"] == pytest.approx(kept.mean(), abs=5 * 0.5 / np.sqrt(bad.size))


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"budget": 3}, "budget"), ({"tail_recall": 0.0}, "tail_recall"),
        ({"verifier": (0.0, 0.0)}, "verifier"), ({"verifier": (0.5, 1.5)}, "verifier"),
        ({"wrong": 1.0}, "wrong"), ({"generator": ct.Scaled(0.9)}, "Scaled"),
    ],
)  # fmt: skip
def test_bad_wishes_are_named(wish, message):
    with pytest.raises(ct.InputError, match=message):
        ct.plan(ct.Categorical(), real=20, inflation=1.2, generations=10, **wish)


def test_the_command_takes_them(capsys):
    words = ["plan", "--family", "{name = 'Gaussian', ddof = 1}", "--real", "20", "--no-fixed"]
    more = ["--generator", "{name = 'Scaled', factor = 0.9}", "--diversity", "0.9",
            "--verifier", "0.9", "0.2", "--wrong", "0.3", "--generations", "10"]  # fmt: skip
    assert run([*words, *more]) == 0
    out = capsys.readouterr().out
    assert "max_synthetic_biased: " in out
    assert "81.8%" in out
    assert run([*words, "--budget", "100", "--generations", "5"]) == 0
    assert "spread: accumulate: 97 rows from fit 1, 1 row from fits 2 to 4" in (
        capsys.readouterr().out
    )
    assert run([*words, "--generator", "{name = 'Nosuch'}"]) == 2
