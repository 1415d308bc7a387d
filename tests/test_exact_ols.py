"""Least squares: exact risks against designs, labels and fits drawn row by row.

Rows have a correlated covariance and risks use its norm, so that affine invariance is tested too.
Statistical limit: |z| < 4.5 for each comparison (two-sided false-alarm rate 7e-6); 28 comparisons,
so the file raises a false alarm with probability 2e-4. Seeds are fixed, never re-rolled.
"""

import numpy as np
import pytest

from collapse_theory.exact import (
    accumulate_limit_fresh,
    accumulate_risk_fixed,
    accumulate_risk_fresh,
    fresh_real_plus_synthetic,
    pooled_groups_kappa,
    replace_fourth_moment,
    replace_fourth_moment_fixed,
    replace_risk,
)

LIMIT = 4.5
CHAINS = 100_000
FACTOR = np.array([[1.3, 0.0], [-0.8, 0.6]])  # Sigma = F F'
TRUTH = np.array([0.7, -1.9])


def z_scores(samples, predicted):
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return (samples.mean(axis=0) - predicted) / error


def design(rng, n):
    return rng.standard_normal((CHAINS, n, 2)) @ FACTOR.T


def labels(rng, x, w, noise):
    return np.einsum("cnd,cd->cn", x, w) + noise * rng.standard_normal(x.shape[:2])


def fit(x, y):
    gram = np.einsum("cni,cnj->cij", x, x)
    return np.linalg.solve(gram, np.einsum("cni,cn->ci", x, y)[..., None])[..., 0]


def risk(w):
    return (((w - TRUTH) @ FACTOR) ** 2).sum(1)


def truth():
    return np.tile(TRUTH, (CHAINS, 1))


def test_replace_with_a_schedule():
    rng, w, risks = np.random.default_rng(401), truth(), []
    sizes, noise = [15, 12, 18], [0.8, 1.4, 0.5]
    for n, s in zip(sizes, noise, strict=True):
        x = design(rng, n)
        w = fit(x, labels(rng, x, w, s))
        risks.append(risk(w))
    samples = np.array(risks).T
    assert np.abs(z_scores(samples, replace_risk(sizes, 2, noise))).max() < LIMIT
    assert np.abs(z_scores(samples**2, replace_fourth_moment(sizes, 2, noise))).max() < LIMIT
    wrong = np.cumsum(np.square(noise) * 2 / np.array(sizes))  # planted: leading order only
    assert np.abs(z_scores(samples, wrong)).max() > LIMIT
    dose = np.square(noise) * 2 / (np.array(sizes) - 3)
    cross = 2 * np.cumsum(np.append(0, np.cumsum(dose)[:-1]) * dose)
    planted = replace_fourth_moment(sizes, 2, noise) - cross  # doses taken as orthogonal
    assert np.abs(z_scores(samples**2, planted)).max() > LIMIT
    fixed = replace_fourth_moment_fixed(15, 2, 0.8, 1)
    assert replace_fourth_moment([15], 2, 0.8) == pytest.approx(fixed)


def test_replace_with_one_design():
    rng, w, risks = np.random.default_rng(402), truth(), []
    x = design(rng, 14)
    for _ in range(4):
        w = fit(x, labels(rng, x, w, 0.9))
        risks.append(risk(w))
    samples = np.array(risks).T
    assert np.abs(z_scores(samples, replace_risk([14] * 4, 2, 0.9))).max() < LIMIT
    exact = replace_fourth_moment_fixed(14, 2, 0.9, 4)
    assert np.abs(z_scores(samples**2, exact)).max() < LIMIT
    planted = replace_fourth_moment([14] * 4, 2, 0.9)  # the fresh-design moment
    assert np.abs(z_scores(samples**2, planted)).max() > LIMIT


@pytest.mark.parametrize("fresh", [True, False])
def test_accumulate(fresh):
    rng, w, risks = np.random.default_rng(403), truth(), []
    sizes, noise = ([9, 1, 6, 4], [0.7, 1.5, 1.0, 1.2]) if fresh else ([9] * 4, [0.7] * 4)
    xs, ys = [], []
    for n, s in zip(sizes, noise, strict=True):
        xs.append(design(rng, n) if fresh or not xs else xs[0])
        ys.append(labels(rng, xs[-1], w, s))
        w = fit(np.concatenate(xs, axis=1), np.concatenate(ys, axis=1))
        risks.append(risk(w))
    samples = np.array(risks).T
    fixed = accumulate_risk_fixed(9, 2, 0.7, 4)
    exact = accumulate_risk_fresh(sizes, 2, noise) if fresh else fixed
    assert np.abs(z_scores(samples, exact)).max() < LIMIT
    planted = fixed if fresh else accumulate_risk_fresh(sizes, 2, noise)  # the other design
    assert np.abs(z_scores(samples, planted)).max() > LIMIT


def test_pooled_groups():
    rng, counts = np.random.default_rng(404), [4, 6, 2]
    noise = np.array([0.5, 0.9, 1.4])
    offsets = np.array([[1.0, 0.4], [-0.6, 1.1], [0.3, -1.7]])
    x = [design(rng, n) for n in counts]
    parts = zip(x, offsets, noise, strict=True)
    y = [labels(rng, part, truth() + u, s) for part, u, s in parts]
    samples = risk(fit(np.concatenate(x, axis=1), np.concatenate(y, axis=1)))
    gram = (offsets @ FACTOR) @ (offsets @ FACTOR).T
    kappa = pooled_groups_kappa(counts, 2)
    rest = 2 / (12 - 3) * np.dot(noise**2, counts) / 12
    assert abs(z_scores(samples, (kappa * gram).sum() + rest)) < LIMIT
    share = np.array(counts) / 12  # planted: groups enter through their shares
    assert abs(z_scores(samples, share @ gram @ share + rest)) > LIMIT
    assert kappa.sum() == pytest.approx(1.0)


def test_fresh_real_plus_synthetic():
    rng, risks = np.random.default_rng(405), []
    x = design(rng, 8)
    w = fit(x, labels(rng, x, truth(), 1.1))
    risks.append(risk(w))
    for _ in range(4):
        real, synthetic = design(rng, 4), design(rng, 7)
        y = np.concatenate(
            [labels(rng, real, truth(), 1.1), labels(rng, synthetic, w, 1.1)], axis=1
        )
        w = fit(np.concatenate([real, synthetic], axis=1), y)
        risks.append(risk(w))
    samples = np.array(risks).T
    exact = fresh_real_plus_synthetic((4, 7), 2, 1.1, 5, n_first=8)
    assert np.abs(z_scores(samples, exact)).max() < LIMIT
    swapped = fresh_real_plus_synthetic((7, 4), 2, 1.1, 5, n_first=8)  # planted
    assert np.abs(z_scores(samples, swapped)).max() > LIMIT


def test_values_of_the_catalogue():
    near = {"abs": 6e-6}
    fresh = accumulate_risk_fresh([9] * 6, 4, 1.1)
    assert fresh[[1, 5]] == pytest.approx([1.39615, 1.54918], **near)
    assert accumulate_risk_fixed(9, 4, 1.1, 6)[-1] == pytest.approx(1.80458, **near)
    schedule = accumulate_risk_fresh([8, 5, 13, 4], 3, [0.9, 1.2, 0.5, 1.7])
    assert schedule[-1] == pytest.approx(0.853622, abs=6e-7)
    rows = accumulate_risk_fresh([12] + [1] * 20, 3, 1.0)
    assert rows[-1] == pytest.approx(0.565522, abs=6e-7)
    assert replace_fourth_moment_fixed(14, 5, 1.0, 4)[-1] == pytest.approx(11.6667, abs=6e-5)
    assert replace_fourth_moment([14] * 3, 5, 1.0)[-1] == pytest.approx(5.46875)
    groups = np.array([[1.0, 0.3, 0.0, -0.5], [-0.7, 1.2, 0.4, 0.0], [0.2, 0.2, -2.0, 1.0]])
    pooled = (pooled_groups_kappa([5, 7, 3], 4) * (groups @ groups.T)).sum()
    noise = 4 / 10 * (5 * 0.25 + 7 + 3 * 2.25) / 15
    assert pooled + noise == pytest.approx(1.73678, **near)
    assert fresh_real_plus_synthetic((4, 9), 3, 0.8, 7)[-1] == pytest.approx(0.47216, **near)
    mix = fresh_real_plus_synthetic((9, 14), 6, 0.77, 6)
    assert mix[-1] == pytest.approx(0.410861, abs=6e-7)
    unstable = fresh_real_plus_synthetic((6, 18), 20, 1.0, 3)
    assert unstable == pytest.approx([6.67, 18.46, 39.3], abs=6e-3)
    assert pooled_groups_kappa((6, 18), 20)[1, 1] == pytest.approx(1.768, abs=6e-4)


def test_accumulate_limit_is_the_limit():
    partial = accumulate_risk_fresh([9] * 100_000, 4, 1.1)[-1]
    tail = 1.1**2 * 4 / 9 / 100_000.5
    assert accumulate_limit_fresh(9, 4, 1.1) == pytest.approx(partial + tail, rel=1e-9)
    wide = accumulate_limit_fresh(100_000, 1, 1.0) / replace_risk([100_000], 1, 1.0)[0]
    assert wide == pytest.approx(np.pi**2 / 6, rel=1e-4)
    assert wide < np.pi**2 / 6


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match=r"sizes\[1\] must be a whole number >= 6"):
        replace_risk([9, 5], 4, 1.0)
    with pytest.raises(ValueError, match=r"sizes\[0\] must be a whole number >= 6"):
        accumulate_risk_fresh([5, 9], 4, 1.0)
    with pytest.raises(ValueError, match="n must be a whole number >= 8"):
        replace_fourth_moment_fixed(7, 4, 1.0, 3)
    with pytest.raises(ValueError, match="sum of counts must be a whole number >= 6"):
        pooled_groups_kappa([2, 3], 4)
    with pytest.raises(ValueError, match="noise must be >= 0"):
        replace_risk([9, 9], 4, [1.0, -1.0])
    with pytest.raises(ValueError, match=r"noise must be finite, a number or shape \[2\]"):
        replace_risk([9, 9], 4, [1.0, 1.0, 1.0])
