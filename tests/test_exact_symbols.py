"""The covariance recursions for symbols against the linear engine and raw multinomial draws.

Statistical limit: |z| < 4.5 for each comparison (two-sided false-alarm rate 7e-6); 16 comparisons,
so the file raises a false alarm with probability 1e-4. Seeds are fixed, never re-rolled.
"""

import numpy as np
import pytest

from collapse_theory.exact import (
    LinearWorkflow,
    batch_covariance,
    fresh_covariance,
    second_moments,
)

LIMIT = 4.5
CHAINS = 40_000
TRUTH = np.array([0.44, 0.27, 0.16, 0.09, 0.04])


def z_scores(samples, predicted):
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return (samples.mean(axis=0) - predicted) / error


def scaled_error(fit):
    return ((fit - TRUTH) ** 2).sum(1) / (1 - (TRUTH**2).sum())


def causal(steps, seed):
    weights = np.tril(np.random.default_rng(seed).random((steps, steps)))
    return weights / weights.sum(1, keepdims=True)


def draws(rng, count, laws):
    return rng.multinomial(count, laws) / count


def test_kept_batches_match_raw_draws():
    rng = np.random.default_rng(201)
    sizes, weights = [7, 4, 11, 3, 6], causal(5, 202)
    law, batches, errors = np.tile(TRUTH, (CHAINS, 1)), [], []
    for t in range(5):
        batches.append(draws(rng, sizes[t], law))
        law = np.einsum("b,bcs->cs", weights[t, : t + 1], np.array(batches))
        law /= law.sum(1, keepdims=True)
        errors.append(scaled_error(law))
    samples, predicted = np.array(errors).T, batch_covariance(sizes, weights)
    assert np.abs(z_scores(samples, predicted)).max() < LIMIT
    planted = batch_covariance([7, 11, 4, 3, 6], weights)  # two batches swapped
    assert np.abs(z_scores(samples, planted)).max() > LIMIT


@pytest.mark.parametrize("iid", [False, True])
def test_fresh_draws_match_raw_draws(iid):
    rng = np.random.default_rng(203)
    weights = causal(5, 204)
    sizes = rng.integers(2, 9, 5) if iid else rng.integers(2, 9, (5, 5))
    models, errors = [np.tile(TRUTH, (CHAINS, 1))], []
    for t in range(5):
        if iid:  # the source of every single draw is random
            fit = np.zeros((CHAINS, TRUTH.size))
            for _ in range(sizes[t]):
                source = rng.choice(t + 1, size=CHAINS, p=weights[t, : t + 1])
                fit += rng.multinomial(1, np.array(models)[source, np.arange(CHAINS)]) / sizes[t]
        else:
            fit = sum(
                w * draws(rng, n, p)
                for w, n, p in zip(weights[t, : t + 1], sizes[t, : t + 1], models, strict=True)
            )
        models.append(fit / fit.sum(1, keepdims=True))
        errors.append(scaled_error(models[-1]))
    samples, predicted = np.array(errors).T, fresh_covariance(weights, sizes, iid=iid)
    assert np.abs(z_scores(samples, predicted)).max() < LIMIT
    other = np.tile(sizes[:, None], 5) if iid else sizes.sum(1)  # planted: other scheme
    planted = fresh_covariance(weights, other, iid=not iid)
    assert np.abs(z_scores(samples, planted)).max() > LIMIT


def test_kept_batches_equal_the_linear_engine():
    steps, weights = 30, causal(30, 205)
    sizes = np.random.default_rng(206).integers(1, 25, steps)
    linear = second_moments(LinearWorkflow(sizes, np.eye(steps, steps + 1), weights), -1.0)
    assert batch_covariance(sizes, weights) == pytest.approx(linear.variance, rel=1e-11)


@pytest.mark.parametrize("iid", [False, True])
def test_fresh_draws_equal_the_linear_engine(iid):
    steps, weights = 14, causal(14, 207)
    weights[5, 2] = 0.0
    weights[5] /= weights[5].sum()
    rng = np.random.default_rng(208)
    if iid:
        sizes = rng.integers(1, 25, steps)
        flow = LinearWorkflow(sizes, np.pad(weights, ((0, 0), (0, 1))), np.eye(steps))
    else:
        sizes = rng.integers(1, 25, (steps, steps))
        shares = np.zeros((steps, steps * steps))
        for t in range(steps):
            shares[t, t * steps : (t + 1) * steps] = weights[t]
        flow = LinearWorkflow(sizes.ravel(), np.tile(np.eye(steps, steps + 1), (steps, 1)), shares)
    predicted = fresh_covariance(weights, sizes, iid=iid)
    assert predicted == pytest.approx(second_moments(flow, -1.0).variance, rel=1e-11)


def test_values_of_the_catalogue():
    steps = 25
    pooled = np.tril(np.ones((steps, steps))) / np.arange(1, steps + 1)[:, None]
    kept = batch_covariance([9] * steps, pooled)
    assert kept == pytest.approx(1 - np.cumprod(1 - 1 / (9 * np.arange(1, steps + 1) ** 2)))
    sizes = np.array([31, 7, 12, 5, 20, 9, 14, 3])
    mixed = np.zeros((8, 8))
    for t in range(1, 9):
        recent = slice(max(1, t - 3), t)
        mixed[t - 1, 0], mixed[t - 1, recent] = 31, 0.6 * sizes[recent]
    value = batch_covariance(sizes, mixed / mixed.sum(1, keepdims=True))[-1]
    gini = 1 - np.sum(np.square([0.41, 0.23, 0.19, 0.12, 0.05]))
    assert gini * kept[-1] == pytest.approx(0.122981, abs=6e-7)
    assert gini * value == pytest.approx(0.0274098, abs=6e-8)
    window = np.tril(np.ones((30, 30))) - np.tril(np.ones((30, 30)), -4)
    recent = fresh_covariance(window / window.sum(1, keepdims=True), np.full((30, 30), 3))
    assert 1 - gini * (1 - recent[-1]) == pytest.approx(0.58507, abs=6e-6)


def test_closed_forms():
    replace = batch_covariance([23] * 17, np.eye(17))
    assert replace == pytest.approx(1 - (1 - 1 / 23) ** np.arange(1, 18))
    real, synthetic, steps = 13, 40, 9  # fixed corpus and the last batch
    weights = np.zeros((steps, steps))
    weights[0, 0] = 1.0
    for t in range(1, steps):
        weights[t, 0], weights[t, t] = real / 53, synthetic / 53
    alpha = synthetic / 53
    beta, base = alpha * ((1 + 1 / real) * alpha - 1 / real), 1 + (1 + 1 / real) * alpha
    m = np.arange(steps)
    kept = (1 - 1 / real) * (1 + alpha + alpha / real * beta**m) / base
    fixed = batch_covariance([real] + [synthetic] * (steps - 1), weights)
    assert 1 - fixed == pytest.approx(kept, rel=1e-12)
    counts = np.zeros((steps, steps), dtype=int)
    counts[0, 0] = 6
    for t in range(1, steps):  # fresh real data and the last fit
        weights[t, 0], weights[t, t] = 6 / 106, 100 / 106
        counts[t, 0], counts[t, t] = 6, 100
    fresh = fresh_covariance(weights, counts)
    limit = 106 / (36 + 2 * 6 * 100 + 100)
    rate = (100 / 106) ** 2 * 0.99
    assert fresh == pytest.approx(limit + (1 / 6 - limit) * rate**m, rel=1e-12)


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match="lower triangular"):
        batch_covariance([3, 3], [[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(ValueError, match="must sum to 1"):
        batch_covariance([3, 3], [[1.0, 0.0], [0.5, 0.4]])
    with pytest.raises(ValueError, match="must be >= 1 wherever"):
        fresh_covariance([[1.0, 0.0], [0.5, 0.5]], [[3, 0], [3, 0]])
    with pytest.raises(ValueError, match=r"sizes must have shape \[T\]"):
        fresh_covariance([[1.0, 0.0], [0.5, 0.5]], [[3, 3], [3, 3]], iid=True)
    with pytest.raises(ValueError, match=r"sizes\[1\] must be a whole number >= 1"):
        batch_covariance([3, 0.5], np.eye(2))
