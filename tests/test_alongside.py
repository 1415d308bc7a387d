"""A softmax trained to convergence, held against the theorems about counts."""

from dataclasses import replace

import pytest

import collapse_theory as ct
from collapse_theory.catalogue import settings_symbols
from collapse_theory.catalogue.base import Status

OBSERVABLES = (
    "entropy", "gini", "l1_to_truth", "mean", "sum_of_squares", "support_size", "unseen_mass",
)  # fmt: skip
E = replace(settings_symbols.REPLACE, family=ct.Softmax(symbols=6), observables=OBSERVABLES)
CHAINS = 4096


def test_the_chain_passes_the_theorems_of_the_counts():
    """14 verdicts at a false-alarm rate of 0.001 each, on one seed; the power is `detectable`."""
    found = ct.judge_alongside(ct.simulate(E, chains=CHAINS, seed=0))
    assert not [v.theorem.name for v in found if v.status is Status.REFUTED]
    seen = [v for v in found if v.status is Status.CONSISTENT and v.detectable <= 0.05]
    assert len({v.theorem.name for v in seen}) >= 8
    assert all(v.planted_seen for v in seen)
    assert {v.experiment for v in found} == {E}


@pytest.mark.slow
def test_a_softmax_that_is_not_the_counts_is_refuted():
    """A floor of 0.12 cuts the symbols with one row of eleven, which the counts keep."""
    wrong = replace(E, family=ct.Softmax(symbols=6, floor=0.12))
    found = ct.judge_alongside(ct.simulate(wrong, chains=CHAINS, seed=0))
    refuted = {v.theorem.name for v in found if v.status is Status.REFUTED}
    assert {"seddik2024.S_fully_synthetic", "expfam.mean_martingale.mean"} <= refuted


def test_where_no_family_is_followed_no_theorem_is_offered():
    e = ct.Experiment(family=ct.Gaussian(), workflow=ct.Replace(), n=5, generations=2)
    assert ct.experiment_alongside(e) is None
    run = ct.simulate(replace(e, observables=("variance",)), chains=100, seed=0)
    with pytest.raises(ct.InputError, match="no theorem"):
        ct.judge_alongside(run)
