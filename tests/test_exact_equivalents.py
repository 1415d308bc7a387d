"""Deterministic equivalents: their defining equations, a closed form, and what they refuse."""

import numpy as np
import pytest

from collapse_theory.exact.equivalents import (
    equivalent,
    features_equivalent,
    ridge_chain_risk,
    ridge_risk,
    weighted_step,
)

SPECTRUM = np.array([3.0, 1.0, 0.4, 0.1])
WEIGHTS = np.array([0.5, -1.0, 0.7, 2.0])


@pytest.mark.parametrize(("penalty", "n"), [(0.3, 10), (0.02, 3), (0.0, 3), (5.0, 100)])
def test_the_effective_penalty_solves_its_equation(penalty, n):
    k = equivalent(penalty, n, SPECTRUM).kappa
    assert k - penalty == pytest.approx(k / n * (SPECTRUM / (SPECTRUM + k)).sum(), rel=1e-10)


def test_a_round_spectrum_is_a_quadratic():
    """k^2 + (1 - p - g) k - p = 0 with g = d / n, for s = 1."""
    d, n, p = 6, 9, 0.2
    b = 1 - p - d / n
    expected = (-b + np.sqrt(b * b + 4 * p)) / 2
    assert equivalent(p, n, np.ones(d)).kappa == pytest.approx(expected, rel=1e-12)


def test_one_fit_of_a_chain_from_the_truth_is_one_fit():
    """From its own labels a first fit has the bias and the variance of a fit to real data."""
    one = ridge_chain_risk(0.3, 40, SPECTRUM, WEIGHTS, 0.8, 1)[0]
    assert one == pytest.approx(ridge_risk(0.3, 40, SPECTRUM, WEIGHTS, 0.8), rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(10, 7), (3, 2), (50, 60)])
def test_the_penalty_of_features_solves_its_equation(n, m):
    e = features_equivalent(0.1, n, m, SPECTRUM)
    assert e.z == pytest.approx((SPECTRUM / (SPECTRUM + e.kappa)).sum())
    assert e.kappa * (1 - e.z / n) * (1 - e.z / m) == pytest.approx(0.1, rel=1e-9)
    assert e.z < min(n, m)


def test_a_step_on_real_rows_alone_forgets():
    carried, noise = weighted_step((1.0, 0.0), (50, 20), 5)
    assert noise == pytest.approx(0.1 / 0.9)
    assert carried == pytest.approx(0.0)


REFUSED = {
    "penalty must be finite and >= 0": lambda: equivalent(-1.0, 5, SPECTRUM),
    "n must be finite and > 0": lambda: equivalent(0.1, 0, SPECTRUM),
    "as many coefficients": lambda: ridge_risk(0.0, 4, SPECTRUM, WEIGHTS, 1.0),
    r"spectrum\[1\] must be finite and > 0": lambda: equivalent(0.1, 5, [1.0, 0.0]),
    "spectrum must be a non-empty vector": lambda: equivalent(0.1, 5, []),
    "noise must be finite": lambda: ridge_risk(0.1, 5, SPECTRUM, WEIGHTS, np.nan),
    "generations must be a whole number": lambda: ridge_chain_risk(
        0.1, 5, SPECTRUM, WEIGHTS, 1.0, 0
    ),
    "are too few for d = 9": lambda: weighted_step((0.5, 0.5), (2, 2), 9),
    r"counts\[0\] must be finite": lambda: weighted_step((0.5, 0.5), (0, 2), 9),
    "penalty must be finite and > 0": lambda: features_equivalent(0.0, 5, 5, SPECTRUM),
    "m must be finite and > 0": lambda: features_equivalent(0.1, 5, -1, SPECTRUM),
}


@pytest.mark.parametrize("words", REFUSED)
def test_impossible_arguments_are_refused(words):
    with pytest.raises(ValueError, match=words):
        REFUSED[words]()
