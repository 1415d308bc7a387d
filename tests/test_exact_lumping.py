"""The lumped symbol chain against raw multinomial draws.

Statistical limit: |z| < 4.5 for each comparison (two-sided false-alarm rate 7e-6); 122 comparisons,
so the file raises a false alarm with probability 8e-4. Seeds are fixed, never re-rolled.
"""

import numpy as np
import pytest

from collapse_theory.exact import LumpedChain

LIMIT = 4.5
CHAINS = 40_000
TRUTH = np.array([0.42, 0.2, 0.2, 0.1, 0.05, 0.03])
TAIL = TRUTH < 0.06


def z_scores(samples, predicted):
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return (samples.mean(axis=0) - predicted) / error


def simulate(sizes, share, seed):
    """Fits of every chain from multinomial draws, [T, chains, s]."""
    rng = np.random.default_rng(seed)
    fit, fits = np.tile(TRUTH, (CHAINS, 1)), []
    for n in sizes:
        law = share * TRUTH + (1 - share) * fit
        fit = rng.multinomial(n, law / law.sum(1, keepdims=True)) / n
        fits.append(fit)
    return np.array(fits)


def observed(fits):
    logs = np.log(np.where(fits > 0, fits, 1.0))
    return {
        "collapse_probability": (fits.max(2) == 1).astype(float).T,
        "support_size": (fits > 0).sum(2).astype(float).T,
        "entropy": -(fits * logs).sum(2).T,
        "l1_to_truth": np.abs(fits - TRUTH).sum(2).T,
        "sum_of_squares": (fits**2).sum(2).T,
        "unseen_mass": (TRUTH * (fits == 0)).sum(2).T,
        "tail_recall": (fits[:, :, TAIL] > 0).mean(2).T,
        "cubic": ((np.arange(6) - 2.0) * fits**3).sum(2).T,
    }


def predicted(chain):
    return {
        "collapse_probability": chain.collapse_probability(TRUTH),
        "support_size": chain.support_size(TRUTH),
        "entropy": chain.entropy(TRUTH),
        "l1_to_truth": chain.l1_to_truth(TRUTH),
        "sum_of_squares": chain.sum_of_squares(TRUTH),
        "unseen_mass": chain.unseen_mass(TRUTH),
        "tail_recall": chain.tail_recall(TRUTH, TAIL),
        "cubic": chain.expected(TRUTH, lambda i, x: (i - 2.0) * x**3),
    }


@pytest.mark.parametrize(
    ("sizes", "share", "seed"),
    [([8] * 6, 0.0, 301), ([7, 12, 5, 9, 4], 0.0, 302), ([6, 6, 9, 5], 0.23, 303)],
)
def test_every_functional_matches_raw_draws(sizes, share, seed):
    fits = simulate(sizes, share, seed)
    size = sizes[0] if len(set(sizes)) == 1 else sizes
    exact = predicted(LumpedChain(size, len(sizes), share))
    planted = predicted(LumpedChain([n + 1 for n in sizes], len(sizes), share))  # one draw too many
    rejected = []
    for name, samples in observed(fits).items():
        assert np.abs(z_scores(samples, exact[name])).max() < LIMIT, name
        if np.abs(z_scores(samples, planted[name])).max() > LIMIT:
            rejected.append(name)
    assert {"support_size", "entropy", "l1_to_truth", "sum_of_squares"} <= set(rejected)


def test_collapse_time_matches_raw_draws():
    rng = np.random.default_rng(304)
    fit, time, alive = np.tile(TRUTH, (20_000, 1)), np.zeros(20_000), np.ones(20_000, dtype=bool)
    while alive.any():
        fit[alive] = rng.multinomial(9, fit[alive] / fit[alive].sum(1, keepdims=True)) / 9
        time += alive
        alive &= fit.max(1) < 1
    exact = LumpedChain(9, 1).expected_collapse_time(TRUTH)
    assert abs(z_scores(time, exact)) < LIMIT
    assert abs(z_scores(time, exact - 1)) > LIMIT  # planted: counting from 0


def test_collapse_time_equals_the_summed_tail():
    chain = LumpedChain(13, 120)
    tail = 1 - chain.collapse_probability(TRUTH)
    closed = 1 + tail.sum() + tail[-1] * (1 - 1 / 13) * 13  # geometric remainder, rate 1 - 1/n
    assert chain.expected_collapse_time(TRUTH) == pytest.approx(closed, rel=1e-5)
    long = 1 - LumpedChain(13, 600).collapse_probability(TRUTH)
    assert chain.expected_collapse_time(TRUTH) == pytest.approx(1 + long.sum(), rel=1e-11)
    assert chain.expected_collapse_time([0.0, 1.0]) == 0.0
    assert LumpedChain(1, 1).expected_collapse_time(TRUTH) == 1.0


def test_values_of_the_catalogue():
    p = np.array([0.37, 0.29, 0.17, 0.11, 0.06])
    chain = LumpedChain(23, 17)
    assert chain.collapse_probability(p)[-1] == pytest.approx(0.17705, abs=6e-6)
    assert chain.support_size(p)[-1] == pytest.approx(2.1325, abs=6e-5)
    assert chain.entropy(p)[-1] == pytest.approx(0.54494, abs=6e-6)
    assert chain.l1_to_truth(p)[-1] == pytest.approx(1.07506, abs=6e-6)
    assert chain.expected_collapse_time(p) == pytest.approx(37.469, abs=6e-4)
    early = LumpedChain(400, 6).entropy([0.41, 0.23, 0.19, 0.12, 0.05])
    assert early[-1] == pytest.approx(1.393196, abs=6e-7)
    zipf = np.arange(1, 201) ** -1.5
    chain = LumpedChain(40, 7)
    assert chain.support_size(zipf / zipf.sum())[-1] == pytest.approx(5.67599, abs=6e-6)
    assert chain.unseen_mass(zipf / zipf.sum())[-1] == pytest.approx(0.39193, abs=6e-6)
    uniform = np.full(600, 1 / 600)
    for n, time in ((10, 18.479), (50, 97.888), (100, 197.575), (400, 796.61)):
        value = LumpedChain(n, 1).expected_collapse_time(uniform)
        assert value == pytest.approx(time, abs=6e-3 if n == 400 else 6e-4)
    chain = LumpedChain(15, 12)
    assert chain.distribution(0.2)[-1, 0] == pytest.approx(0.576767, abs=6e-7)
    assert chain.expected_collapse_time([0.2, 0.8]) == pytest.approx(13.8248, abs=6e-5)


def test_identities_hold_to_rounding():
    for share, sizes in ((0.0, 60), (0.3, [20, 35, 11, 60, 60] * 8)):
        chain = LumpedChain(sizes, 40, share)
        laws = chain.distribution(0.17)
        counts = np.arange(laws.shape[1])
        assert laws.sum(1) == pytest.approx(1.0, abs=1e-12)
        assert laws @ counts / chain.sizes == pytest.approx(0.17, abs=1e-12)
    gini = 1 - LumpedChain(60, 40).sum_of_squares(TRUTH)
    kept = (1 - (TRUTH**2).sum()) * (1 - 1 / 60) ** np.arange(1, 41)
    assert gini == pytest.approx(kept, abs=1e-12)
    mixed = LumpedChain(31, 80, 1 / 31)  # iid share: closed-form stationary error
    error = mixed.sum_of_squares(TRUTH) - (TRUTH**2).sum()
    limit = (1 - (TRUTH**2).sum()) / (31 - 30 * (1 - 1 / 31) ** 2)
    rate = (1 - 1 / 31) ** 2 * (1 - 1 / 31)
    start = (1 - (TRUTH**2).sum()) / 31
    assert error == pytest.approx(limit + (start - limit) * rate ** np.arange(80), abs=1e-12)


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match="n must have length T = 3"):
        LumpedChain([4, 4], 3)
    with pytest.raises(ValueError, match="n must be a whole number >= 1"):
        LumpedChain(0, 3)
    with pytest.raises(ValueError, match=r"real_share must lie in \[0, 1\]"):
        LumpedChain(4, 3, 1.2)
    with pytest.raises(ValueError, match="probs must sum to 1"):
        LumpedChain(4, 3).entropy([0.5, 0.4])
    with pytest.raises(ValueError, match="needs one size n and real_share = 0"):
        LumpedChain(4, 3, 0.1).expected_collapse_time([0.5, 0.5])
    with pytest.raises(ValueError, match="mask must select a symbol"):
        LumpedChain(4, 3).tail_recall([0.5, 0.5], [False, False])
