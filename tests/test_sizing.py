"""How many chains a verdict takes: enough to decide, and enough to be believed."""

from dataclasses import replace

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory.result import TAIL_LIMIT, kurtosis
from collapse_theory.sizing import UNSEEN, chains_for

SQUARE = ct.theorem_named("replace.var_moments.square")
HEAVY = ct.Experiment(family=ct.Gaussian(), workflow=ct.Replace(), n=20, generations=8,
                      observables=(SQUARE.observable,))  # fmt: skip


@pytest.fixture(scope="module")
def pilot():
    return ct.simulate(HEAVY, chains=8192, seed=0)


def test_tails_ask_for_chains(pilot):
    tail = kurtosis(pilot.column(SQUARE.observable)).max()
    asked = UNSEEN * tail / TAIL_LIMIT**2
    assert asked > 8192  # else nothing is tried here
    assert chains_for(SQUARE, HEAVY, pilot, 1.0, 10**9) == np.ceil(asked)


def test_no_chains_are_spent_in_vain(pilot):
    assert chains_for(SQUARE, HEAVY, pilot, 1.0, 8192) < 8192


def test_a_smaller_deviation_takes_more_chains_by_its_square(pilot):
    few, many = (chains_for(SQUARE, HEAVY, pilot, r, 8192) for r in (0.02, 0.01))
    assert many == pytest.approx(4 * few, abs=4)


def test_what_has_no_fourth_moment_asks_for_none():
    theorem = ct.theorem_named("gerstgrasser2024.replace_risk")
    e = replace(theorem.cases[0].experiment, n=6, observables=(theorem.observable,))
    run = ct.simulate(e, chains=2048, seed=0)
    assert not theorem.finite_kurtosis(e)
    assert chains_for(theorem, e, run, 0.01, 10**9) == 2048


def test_a_run_of_that_size_sees_the_deviation():
    """Power 99.9 % at the size asked for: fewer than 18 of 20 runs see it at odds of 1e-6."""
    theorem = ct.theorem_named("replace.log_variance")
    e = replace(HEAVY, observables=(theorem.observable,), n=12, generations=3)
    chains = ct.chains_needed(theorem, e, 0.05)
    seen = 0
    for seed in range(20):
        column = ct.simulate(e, chains=chains, seed=seed).column(theorem.observable)
        wrong = 1.05 * theorem.predict(e)
        seen += ct.judge(theorem, e, column, predicted=wrong).status is ct.Status.REFUTED
    assert seen >= 18


def test_what_cannot_be_asked():
    theorem = ct.theorem_named("replace.log_variance")
    with pytest.raises(ct.InputError, match="relative"):
        ct.chains_needed(theorem, HEAVY, 0.0)
    with pytest.raises(ct.InputError, match="does not cover"):
        ct.chains_needed(theorem, replace(HEAVY, workflow=ct.Accumulate(), observables=()), 0.1)
