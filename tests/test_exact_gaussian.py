"""Gaussian engines against means and variances computed from raw rows.

Statistical limit: |z| < 4.5 for each comparison (two-sided false-alarm rate 7e-6); about 220
comparisons, so the file raises a false alarm with probability 1.5e-3. Seeds are fixed, never
re-rolled.
"""

import numpy as np
import pytest

from collapse_theory.exact import (
    GaussianReplace,
    accumulate,
    accumulate_second,
    accumulate_subsample,
    c4,
    kappa1,
    kappa2,
    mad_fresh_loop,
    mad_fully_synthetic,
    universal_two,
)

LIMIT = 4.5
CHAINS = 60_000
COVARIANCE = np.array([[1.6, 0.7], [0.7, 0.9]])


def z_scores(samples, predicted):
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return (samples.mean(axis=0) - predicted) / error


def rejects(samples, predicted):
    return np.abs(z_scores(samples, predicted)).max() > LIMIT


def rows(rng, mean, variance, n):
    return mean[:, None] + np.sqrt(variance)[:, None] * rng.standard_normal((CHAINS, n))


def start():
    return np.zeros(CHAINS), np.ones(CHAINS)


def collect(history):
    means, variances = zip(*history, strict=True)
    return np.array(means).T, np.array(variances).T


def replace(sizes, ddof, seed, factors=None):
    rng, (mean, variance), history = np.random.default_rng(seed), start(), []
    for n, factor in zip(sizes, factors or [1.0] * len(sizes), strict=True):
        x = rows(rng, mean, factor * variance, n)
        mean, variance = x.mean(1), x.var(1, ddof=ddof)
        history.append((mean, variance))
    return collect(history)


@pytest.mark.parametrize("ddof", [0, 1])
def test_replace_in_one_dimension(ddof):
    sizes = [14, 9, 17, 11]
    mu, s = replace(sizes, ddof, 501 + ddof)
    exact = GaussianReplace(sizes, ddof)
    reverse, forward = s + mu**2 - 1 - np.log(s), (1 + mu**2) / s - 1 + np.log(s)
    pairs = {
        "mean square": (mu**2, exact.mean_square()),
        "mean fourth": (mu**4, exact.mean_fourth()),
        "variance": (s, exact.variance_mean()),
        "variance second": (s**2, exact.variance_second()),
        "variance spread": ((s - exact.variance_mean()) ** 2, exact.variance_variance()),
        "moment 1.7": (s**1.7, exact.moment(1.7)),
        "moment -0.6": (s**-0.6, exact.moment(-0.6)),
        "deviation": (np.sqrt(s), exact.deviation_mean()),
        "log": (np.log(s), exact.log_variance_mean()),
        "wasserstein": (mu**2 + (np.sqrt(s) - 1) ** 2, exact.wasserstein()),
        "reverse": (reverse / 2, exact.kl_reverse()),
        "forward": (forward / 2, exact.kl_forward()),
    }
    log = np.log(s) - exact.log_variance_mean()
    pairs["log spread"] = (log**2, exact.log_variance_variance())
    for name, (samples, predicted) in pairs.items():
        assert np.abs(z_scores(samples, predicted)).max() < LIMIT, name
    other = GaussianReplace(sizes, 1 - ddof)  # planted: the other divisor
    assert rejects(s, other.variance_mean())
    assert rejects(reverse / 2, other.kl_reverse())
    assert rejects(forward / 2, other.kl_forward())
    assert rejects(mu**4, 1.2 * exact.mean_fourth())


def plane(sizes, ddof, seed):
    """Replace workflow in two dimensions with general covariance: [T, chains, ...]."""
    rng, mean, history = np.random.default_rng(seed), np.zeros((CHAINS, 2)), []
    covariance = np.tile(COVARIANCE, (CHAINS, 1, 1))
    for n in sizes:
        factor = np.linalg.cholesky(covariance)
        x = mean[:, None] + rng.standard_normal((CHAINS, n, 2)) @ factor.transpose(0, 2, 1)
        mean = x.mean(1)
        centred = x - mean[:, None]
        covariance = np.einsum("cni,cnj->cij", centred, centred) / (n - ddof)
        history.append((mean, covariance))
    return history


@pytest.mark.parametrize("ddof", [0, 1])
def test_replace_in_two_dimensions(ddof):
    sizes = [15, 12, 19]
    history, exact = plane(sizes, ddof, 511 + ddof), GaussianReplace(sizes, ddof)
    precision = np.linalg.inv(COVARIANCE)
    logdet, reverse, forward, frobenius = [], [], [], []
    for mean, covariance in history:
        logdet.append(np.linalg.slogdet(covariance)[1] - np.linalg.slogdet(COVARIANCE)[1])
        trace = np.einsum("ij,cji->c", precision, covariance) - 2 - logdet[-1]
        reverse.append((trace + np.einsum("ci,ij,cj->c", mean, precision, mean)) / 2)
        inverse = np.linalg.inv(covariance)
        trace = np.einsum("cij,ji->c", inverse, COVARIANCE) - 2 + logdet[-1]
        forward.append((trace + np.einsum("ci,cij,cj->c", mean, inverse, mean)) / 2)
        frobenius.append(((covariance - COVARIANCE) ** 2).sum((1, 2)))
    logdet, reverse, forward, frobenius = map(np.transpose, (logdet, reverse, forward, frobenius))
    spread = (logdet - exact.logdet_mean(2)) ** 2
    for samples, predicted in (
        (logdet, exact.logdet_mean(2)),
        (spread, exact.logdet_variance(2)),
        (reverse, exact.kl_reverse(2)),
        (forward, exact.kl_forward(2)),
    ):
        assert np.abs(z_scores(samples, predicted)).max() < LIMIT
        assert rejects(samples, 1.05 * predicted)  # planted: 5 % too large
    if ddof == 1:
        assert np.abs(z_scores(frobenius, exact.frobenius(COVARIANCE))).max() < LIMIT
        assert rejects(frobenius, exact.frobenius(1.05 * COVARIANCE))


@pytest.mark.parametrize("first_biased", [False, True])
def test_sampling_bias(first_biased):
    sizes, lam = [9, 6, 12, 8], 0.77
    factors = [lam if first_biased else 1.0] + [lam] * 3
    mu, s = replace(sizes, 1, 521, factors)
    exact = mad_fully_synthetic(sizes, lam, first_biased=first_biased)
    planted = mad_fully_synthetic(sizes, lam, first_biased=not first_biased)
    for samples, predicted, wrong in zip((s, mu**2, np.sqrt(s)), exact, planted, strict=True):
        assert np.abs(z_scores(samples, predicted)).max() < LIMIT
        assert rejects(samples, wrong)


def test_fresh_loop():
    rng, (real, synthetic), lam = np.random.default_rng(522), (3, 7), 1.2
    x = rng.standard_normal((CHAINS, 5))
    history = [(x.mean(1), x.var(1, ddof=1))]
    for _ in range(5):
        mean, variance = history[-1]
        made = rows(rng, mean, lam * variance, synthetic)
        x = np.concatenate([rng.standard_normal((CHAINS, real)), made], axis=1)
        history.append((x.mean(1), x.var(1, ddof=1)))
    mu, s = collect(history)
    exact = mad_fresh_loop(5, (real, synthetic), lam, 6)
    planted = mad_fresh_loop(5, (synthetic, real), lam, 6)
    for samples, predicted, wrong in zip((s, mu**2), exact, planted, strict=True):
        assert np.abs(z_scores(samples, predicted)).max() < LIMIT
        assert rejects(samples, wrong)


@pytest.mark.parametrize("ddof", [0, 1])
def test_accumulate(ddof):
    rng, (mean, variance), pool, history = np.random.default_rng(523), start(), [], []
    sizes = [4, 7, 2, 5, 9]
    for n in sizes:
        pool.append(rows(rng, mean, variance, n))
        x = np.concatenate(pool, axis=1)
        mean, variance = x.mean(1), x.var(1, ddof=ddof)
        history.append((mean, variance))
    mu, s = collect(history)
    exact, planted = accumulate(sizes, ddof), accumulate(sizes, 1 - ddof)
    for samples, predicted, wrong in zip((s, mu**2), exact, planted, strict=True):
        assert np.abs(z_scores(samples, predicted)).max() < LIMIT
        assert rejects(samples, wrong)


@pytest.mark.parametrize("ddof", [0, 1])
def test_accumulate_subsample(ddof):
    rng, (mean, variance), n, history = np.random.default_rng(524), start(), 4, []
    pool = np.zeros((CHAINS, 0))
    for _ in range(6):
        pool = np.concatenate([pool, rows(rng, mean, variance, n)], axis=1)
        order = np.argsort(rng.random(pool.shape), axis=1)[:, :n]
        x = np.take_along_axis(pool, order, axis=1)
        mean, variance = x.mean(1), x.var(1, ddof=ddof)
        history.append((mean, variance))
    mu, s = collect(history)
    exact, planted = accumulate_subsample(n, 6, ddof), accumulate([n] * 6, ddof)
    for samples, predicted, wrong in zip((s, mu**2), exact, planted, strict=True):
        assert np.abs(z_scores(samples, predicted)).max() < LIMIT
        assert rejects(samples, wrong)


def test_second_moments_of_the_pooled_covariance():
    rng, sizes, total = np.random.default_rng(525), [5, 3, 8], []
    mean, covariance = np.zeros((CHAINS, 2)), np.tile(COVARIANCE, (CHAINS, 1, 1))
    pool, first, second = np.zeros((CHAINS, 0, 2)), [], total
    for n in sizes:
        factor = np.linalg.cholesky(covariance).transpose(0, 2, 1)
        made = mean[:, None] + rng.standard_normal((CHAINS, n, 2)) @ factor
        pool = np.concatenate([pool, made], axis=1)
        mean = pool.mean(1)
        centred = pool - mean[:, None]
        covariance = np.einsum("cni,cnj->cij", centred, centred) / pool.shape[1]
        first.append((covariance**2).sum((1, 2)))
        second.append(np.trace(covariance, axis1=1, axis2=2) ** 2)
    exact = accumulate_second(sizes, COVARIANCE)
    for samples, predicted in zip((first, second), exact, strict=True):
        assert np.abs(z_scores(np.transpose(samples), predicted)).max() < LIMIT
        assert rejects(np.transpose(samples), 1.05 * predicted)


def test_values_of_the_catalogue_for_replace():
    near, eleven = {"abs": 6e-6}, GaussianReplace([11] * 7)
    assert 1.7 * eleven.mean_square()[-1] == pytest.approx(1.08182, **near)
    assert 1.7**2 * eleven.mean_fourth()[-1] == pytest.approx(5.164, abs=6e-4)
    assert 1.7**2 * eleven.variance_variance()[-1] == pytest.approx(7.4654, abs=6e-5)
    assert 1.7**0.5 * eleven.deviation_mean()[-1] == pytest.approx(1.09483, **near)
    assert np.log(1.7) + eleven.log_variance_mean()[-1] == pytest.approx(-0.192613, **near)
    assert eleven.log_variance_variance()[-1] == pytest.approx(1.54926, **near)
    assert 1.7 * eleven.wasserstein()[-1] == pytest.approx(1.62684, **near)
    assert eleven.kl_reverse()[-1] == pytest.approx(0.679803, **near)
    spread = GaussianReplace([5, 9, 17, 31, 12]).variance_variance()[-1]
    assert spread == pytest.approx(1.65909, **near)
    nine = GaussianReplace([9] * 6, 0)
    assert 2.3 * nine.variance_mean()[-1] == pytest.approx(1.13452, **near)
    assert 2.3 * nine.mean_square()[-1] == pytest.approx(1.16548, **near)
    assert GaussianReplace([6] * 9, 0).wasserstein()[-1] == pytest.approx(1.43697, **near)
    twelve = GaussianReplace([12] * 6)
    assert twelve.kl_reverse(3)[-1] == pytest.approx(2.57449, **near)
    assert twelve.kl_forward(3)[-1] == pytest.approx(24.095, abs=6e-4)
    assert GaussianReplace([23] * 5).kl_forward()[-1] == pytest.approx(0.33589, **near)
    assert twelve.logdet_variance(3)[-1] == pytest.approx(4.01634, **near)
    assert twelve.logdet_mean(3)[1] == pytest.approx(-1.21633, **near)


def test_values_of_the_catalogue_for_other_workflows():
    near = {"abs": 6e-6}
    biased = mad_fully_synthetic([13] * 8, 0.83, first_biased=True)
    assert [biased[0][-1], biased[1][-1]] == pytest.approx([0.225229, 0.290977], **near)
    loop = mad_fresh_loop(4, (5, 8), 0.8, 10)
    assert [loop[0][-1], loop[1][-1]] == pytest.approx([0.807893, 0.0970983], **near)
    pooled = accumulate([5] * 9)
    assert [pooled[0][-1], pooled[1][-1]] == pytest.approx([0.716925, 0.283075], **near)
    bessel = accumulate([4] * 7, 1)
    assert [bessel[0][-1], bessel[1][-1]] == pytest.approx([0.865155, 0.371739], **near)
    assert accumulate([6, 3, 11, 4, 2, 9])[0][-1] == pytest.approx(0.76701, **near)
    assert accumulate_subsample(6, 8)[1][-1] == pytest.approx(0.368359, **near)
    subsample = accumulate_subsample(6, 8, 1)
    assert [subsample[1][-1], subsample[0][-1]] == pytest.approx([0.430547, 1.01941], **near)
    assert accumulate_subsample(4, 60, 1)[0][-1] == pytest.approx(1.558, abs=6e-4)
    plateau = 50_000 * accumulate_subsample(50_000, 20_000)[1][-1]
    assert plateau == pytest.approx(np.pi**2 / 2 - 2, rel=2e-4)
    small = 1000 * universal_two([1000] + [1] * 200_000)
    assert (small <= 2 - 1000 / np.arange(1000, 201_001)).all()
    assert small[-1] == pytest.approx(1.99453, abs=6e-6)


def test_constants_and_conservation():
    n = np.array([2, 3, 10, 500])
    assert c4(n)[:2] == pytest.approx([(2 / np.pi) ** 0.5, np.pi**0.5 / 2])
    assert kappa1(3) == pytest.approx(-np.euler_gamma)  # chi-square with 2 degrees of freedom
    assert kappa2(3) == pytest.approx(np.pi**2 / 6)
    sizes = [3, 8, 2, 6, 6, 11]
    for variance, square in (
        accumulate(sizes),
        accumulate_subsample(5, 40),
        (GaussianReplace(sizes, 0).variance_mean(), GaussianReplace(sizes, 0).mean_square()),
    ):
        assert variance + square == pytest.approx(1.0, abs=1e-13)


def test_domains_are_stated_not_guessed():
    tight = GaussianReplace([9, 4, 9])
    assert np.isinf(tight.kl_forward(2)).tolist() == [False, True, True]
    assert np.isinf(tight.kl_reverse(4)).tolist() == [False, True, True]
    assert np.isnan(tight.logdet_variance(4)).tolist() == [False, True, True]
    assert np.isinf(tight.moment(-2.0)).tolist() == [False, True, True]
    assert GaussianReplace([9] * 4000).log_moment(0.5)[-1] < -100
    with pytest.raises(ValueError, match=r"sizes\[1\] must be a whole number >= 2"):
        GaussianReplace([5, 1])
    with pytest.raises(ValueError, match="ddof must be 0"):
        GaussianReplace([5, 5], 2)
    with pytest.raises(ValueError, match="frobenius needs ddof = 1"):
        GaussianReplace([5, 5], 0).frobenius(COVARIANCE)
    with pytest.raises(ValueError, match="lam must be finite and >= 0"):
        mad_fresh_loop(5, (2, 3), -0.1, 4)
