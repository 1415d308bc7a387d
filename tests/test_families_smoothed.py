"""Pseudo-counts: the same law from counts and from rows, nothing lost, and what is refused.

Each comparison is a z test at 1e-3 / 12; that an error of 5 % would be seen is asserted.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import collapse_theory as ct
from collapse_theory.catalogue import smoothing
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.families.smoothed import Smoothed

E = replace(
    smoothing.LAPLACE,
    n=7,
    n_real=5,
    generations=3,
    observables=("mean", "sum_of_squares", "all_alive"),
)
LIMIT = float(stats.norm.isf(1e-3 / 12 / 2))


@pytest.mark.parametrize("route", ["law", "raw"])
def test_means_are_the_exact_ones_on_both_routes(route):
    run = ct.simulate(replace(E, route=route), chains=20_000, seed=4)
    for theorem in (smoothing.laplace_mean, smoothing.laplace_squares):
        name, exact = theorem.observable.name, theorem.predict(replace(E, observables=()))
        assert np.abs((run.mean(name) - exact) / run.se(name)).max() < LIMIT
        assert np.abs((run.mean(name) - 1.05 * exact) / run.se(name)).max() > LIMIT  # planted
    assert (run.mean("all_alive") == 1).all()


@pytest.mark.parametrize("pseudo", [0.0, -1.0, float("nan"), (1.0, 0.0)])
def test_pseudo_counts_must_be_positive(pseudo):
    with pytest.raises(ct.InputError, match=r"family\.pseudo"):
        Smoothed(pseudo)


def test_one_pseudo_count_for_each_symbol():
    with pytest.raises(ct.InputError, match=r"2 numbers, truth\.probs 3 symbols"):
        Smoothed((1.0, 2.0)).model(CategoricalLaw((0.5, 0.3, 0.2)))
