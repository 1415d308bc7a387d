"""Weights and the probability to beat the first fit, against raw rows.

Statistical limit: |z| < 4.5 for each comparison (two-sided false-alarm rate 7e-6); 19 comparisons,
so the file raises a false alarm with probability 1.3e-4. Seeds are fixed, never re-rolled.
"""

import numpy as np
import pytest

from collapse_theory.exact import (
    LinearWorkflow,
    optimal_variance_weight,
    optimal_weight,
    prob_beat,
    prob_beat_bivariate,
    prob_beat_replace,
    second_moments,
    variance_weight,
    weighted_mse,
)

LIMIT = 4.5
CHAINS = 60_000


def z_scores(samples, predicted):
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return (samples.mean(axis=0) - predicted) / error


def rejects(samples, predicted):
    return np.abs(z_scores(samples, predicted)).max() > LIMIT


def test_weights_of_mean_and_variance():
    rng, n, m, w = np.random.default_rng(526), 5, 8, 0.3
    x = rng.standard_normal((CHAINS, n))
    theta, s, means, spreads = x.mean(1), x.var(1, ddof=1), [x.mean(1)], [x.var(1, ddof=1)]
    for _ in range(5):
        x = rng.standard_normal((CHAINS, n))
        made = rng.standard_normal((CHAINS, m))
        theta = w * x.mean(1) + (1 - w) * (theta[:, None] + made).mean(1)
        synthetic = np.sqrt(s)[:, None] * rng.standard_normal((CHAINS, m))
        s = w * x.var(1, ddof=1) + (1 - w) * synthetic.var(1, ddof=1)
        means.append(theta)
        spreads.append(s)
    errors, gaps = np.array(means).T ** 2, (np.array(spreads).T - 1) ** 2
    assert np.abs(z_scores(errors, weighted_mse(n, m, w, 6))).max() < LIMIT
    assert rejects(errors, weighted_mse(m, n, w, 6))  # planted: roles swapped
    assert np.abs(z_scores(gaps, variance_weight(n, m, w, 6))).max() < LIMIT
    assert rejects(gaps, variance_weight(m, n, w, 6))


@pytest.mark.parametrize("d", [1, 3])
def test_probability_to_beat_the_first_fit(d):
    rng, later = np.random.default_rng(527), [7, 4, 9]
    first = rng.standard_normal((CHAINS, 6, d)).mean(1)
    error, wins = first, []
    for n in later:
        error = error + rng.standard_normal((CHAINS, n, d)).mean(1)
        wins.append((error**2).sum(1) < (first**2).sum(1))
    samples, exact = np.array(wins, dtype=float).T, prob_beat_replace(6, later, d)
    assert np.abs(z_scores(samples, exact)).max() < LIMIT
    assert rejects(samples, prob_beat_replace(4, later, d))  # planted: another first size


def test_probability_to_beat_from_the_linear_engine():
    rng, n, m, w = np.random.default_rng(528), 5, 40, 0.35
    first = rng.standard_normal((CHAINS, n)).mean(1)
    fit = first
    for _ in range(2):
        real = rng.standard_normal((CHAINS, n)).mean(1)
        fit = w * real + (1 - w) * (fit + rng.standard_normal((CHAINS, m)).mean(1))
    sources = [[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    weights = [[1, 0, 0, 0, 0], [0, w, 1 - w, 0, 0], [0, 0, 0, w, 1 - w]]
    r = second_moments(LinearWorkflow([n, n, m, n, m], sources, weights), 0.0).covariance
    wins = (np.abs(fit) < np.abs(first)).astype(float)
    assert abs(z_scores(wins, prob_beat_bivariate(r[1, 1], r[3, 3], r[1, 3]))) < LIMIT
    assert abs(z_scores(wins, prob_beat_bivariate(r[1, 1], r[3, 3], 0.0))) > LIMIT  # planted
    assert prob_beat_bivariate(1.0, 1.7, 1.0) == pytest.approx(float(prob_beat(0.7)))


def test_values_of_the_catalogue():
    near = {"abs": 6e-6}
    assert weighted_mse(6, 10, 0.45, 9)[-1] == pytest.approx(0.0917615, abs=6e-8)
    assert optimal_weight(7, 7) == pytest.approx((5**0.5 - 1) / 2)
    assert variance_weight(7, 9, 0.5, 8)[-1] == pytest.approx(0.212156, **near)
    assert optimal_variance_weight(7, 9) == pytest.approx((0.6, 0.2))
    assert float(prob_beat(1.0)) == pytest.approx(0.3524, abs=6e-5)
    assert float(prob_beat(np.pi**2 / 6 - 1)) == pytest.approx(0.3785, abs=6e-5)
    assert float(prob_beat(3.0, 3)) == pytest.approx(0.115292, abs=6e-7)
    assert float(prob_beat(sum(k**-2 for k in range(2, 7)), 4)) == pytest.approx(0.260972, abs=6e-7)


def test_the_optimal_weights_are_optimal():
    grid = np.linspace(0.05, 1.0, 191)
    best = optimal_weight(6, 13)
    values = [weighted_mse(6, 13, w, 600)[-1] for w in (*grid, best)]
    assert min(values) == values[-1] == pytest.approx(best / 6)
    best, least = optimal_variance_weight(6, 13)
    values = [variance_weight(6, 13, w, 600)[-1] for w in (*grid[20:], best)]
    assert min(values) == values[-1] == pytest.approx(least)


def test_domains_are_stated_not_guessed():
    with pytest.raises(ValueError, match=r"weight must lie in \[0, 1\]"):
        weighted_mse(5, 5, 1.1, 3)
    with pytest.raises(ValueError, match=r"covariance\^2 must be <="):
        prob_beat_bivariate(1.0, 1.0, 1.1)
    with pytest.raises(ValueError, match="n must be a whole number >= 2"):
        variance_weight(1, 5, 0.5, 3)
    with pytest.raises(ValueError, match="m must be finite and > 0"):
        optimal_weight(3, 0)
    with pytest.raises(ValueError, match="ratio must be >= 0"):
        prob_beat(-0.1)
    assert np.isnan(prob_beat_bivariate(1.0, 1.0, 1.0))


def test_one_row_of_each_kind_is_enough():
    np.testing.assert_allclose(weighted_mse(1, 1, 0.5, 2), [1, 0.25 + 0.25 * 2])
    assert weighted_mse(1, 1, 0.5, 1).shape == (1,)
    for n, m, generations, name in ((0, 1, 1, "n"), (1, 0, 1, "m"), (1, 1, 0, "generations")):
        with pytest.raises(ValueError, match=f"{name} must be a whole number >= 1"):
            weighted_mse(n, m, 0.5, generations)
    assert weighted_mse(3, 5, 0.5, 2, initial=0.0)[1] == pytest.approx(0.25 / 3 + 0.25 / 5)
