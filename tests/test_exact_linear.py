"""The linear second-moment engine against raw rows, for seven families and mixed batches.

Statistical limit: |z| < 4.5 for each comparison (two-sided false-alarm rate 7e-6); 77 comparisons,
so the file raises a false alarm with probability 5e-4. Seeds are fixed, never re-rolled.
"""

import numpy as np
import pytest

from collapse_theory.exact import LinearWorkflow, coefficients, second_moments, variance_function

LIMIT = 4.5
CHAINS = 100_000
SIZES = [5, 3, 7, 4, 6, 0]
SOURCES = [
    [1, 0, 0, 0, 0],
    [1, 0, 0, 0, 0],
    [0, 1, 0, 0, 0],
    [0.3, 0.5, 0.2, 0, 0],
    [0, 0, 0.6, 0.4, 0],
    [0, 0, 0, 0, 0],
]
WEIGHTS = [
    [0.7, 0.3, 0, 0, 0, 0],
    [0.2, 0.3, 0.5, 0, 0, 0],
    [0.1, 0, 0.4, 0.5, 0, 0],
    [0.15, 0.05, 0.2, 0.25, 0.35, 0],
]
FAMILIES = {  # name: (mean, V(mean), v2, sampler of rows with a given mean)
    "poisson": (0.8, 0.8, 0.0, lambda g, m: g.poisson(m)),
    "exponential": (1.3, 1.69, 1.0, lambda g, m: g.exponential(m)),
    "gamma": (0.9, 0.81 / 2.5, 0.4, lambda g, m: g.gamma(2.5, m / 2.5)),
    "bernoulli": (0.35, 0.35 * 0.65, -1.0, lambda g, m: g.random(m.shape) < m),
    "binomial": (1.1, 1.1 - 1.1**2 / 3, -1 / 3, lambda g, m: g.binomial(3, np.minimum(m / 3, 1))),
    "known variance": (-0.4, 2.25, 0.0, lambda g, m: g.normal(m, 1.5)),
}


PLAN = (SIZES, SOURCES, WEIGHTS)
SPREAD = (  # two independent real fits, then two rows from their even mixture
    [2, 2, 2],
    [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0.5, 0.5, 0]],
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
)


def workflow():
    return LinearWorkflow(*PLAN)


def z_scores(samples, predicted):
    """(mean - predicted) / standard error over the chains (axis 0)."""
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return (samples.mean(axis=0) - predicted) / error


def raw_rows(draw, truth, seed, two_moments=False, plan=PLAN):
    """Fits of every chain from rows, one row at a time: [chains, T] means and variances."""
    sizes, sources, weight_rows = plan
    rng = np.random.default_rng(seed)
    models = [(np.full(CHAINS, truth), np.ones(CHAINS))]
    batches = {}
    for t, weights in enumerate(np.array(weight_rows), start=1):
        for b, size in enumerate(sizes):
            latest = max((s for s, w in enumerate(sources[b]) if w > 0), default=-1)
            if latest == t - 1:
                rows = []
                for _ in range(size):
                    source = rng.choice(t, size=CHAINS, p=sources[b][:t])
                    mean = np.choose(source, [model[0] for model in models])
                    spread = np.sqrt(np.choose(source, [model[1] for model in models]))
                    rows.append(rng.normal(mean, spread) if two_moments else draw(rng, mean))
                batches[b] = np.array(rows, dtype=float)
        mean = sum(weights[b] * rows.mean(0) for b, rows in batches.items())
        spread = sum(weights[b] * ((rows - mean) ** 2).mean(0) for b, rows in batches.items())
        models.append((mean, np.maximum(spread, 0.0)))
    return np.array([m[0] for m in models[1:]]).T, np.array([m[1] for m in models[1:]]).T


def products(errors):
    return np.stack([errors[:, i] * errors[:, j] for i in range(4) for j in range(i + 1)], axis=1)


def lower(covariance):
    return np.array([covariance[i + 1, j + 1] for i in range(4) for j in range(i + 1)])


@pytest.mark.parametrize("name", FAMILIES)
def test_covariances_match_raw_rows(name):
    mean, scale, v2, draw = FAMILIES[name]
    fits, _ = raw_rows(draw, mean, seed=101)
    samples = products(fits - mean) / scale
    predicted = lower(second_moments(workflow(), v2).covariance)
    assert np.abs(z_scores(samples, predicted)).max() < LIMIT
    assert np.abs(z_scores(samples, 1.05 * predicted)).max() > LIMIT  # planted: 5 % too large
    wrong = lower(second_moments(workflow(), v2 + 1.0).covariance)  # planted: another family
    assert np.abs(z_scores(samples, wrong)).max() > LIMIT


def test_gaussian_two_moments_match_raw_rows():
    means, spreads = raw_rows(None, 0.0, seed=102, two_moments=True)
    moments = second_moments(workflow(), -1.0)
    assert np.abs(z_scores(products(means), lower(moments.covariance))).max() < LIMIT
    assert np.abs(z_scores(spreads, moments.variance_function)).max() < LIMIT
    shifted = np.concatenate(([1.0], moments.variance_function[:-1]))  # planted: index off by one
    assert np.abs(z_scores(spreads, shifted)).max() > LIMIT


def test_dropping_the_spread_between_the_models_of_a_mixture_is_rejected():
    mean, scale, v2, draw = FAMILIES["known variance"]
    fits, _ = raw_rows(draw, mean, seed=106, plan=SPREAD)
    samples = (fits - mean) ** 2 / scale
    assert np.abs(z_scores(samples, [0.5, 0.5, 0.875])).max() < LIMIT  # by hand: .25 + 1.25/2
    predicted = second_moments(LinearWorkflow(*SPREAD), v2).variance
    assert predicted == pytest.approx([0.5, 0.5, 0.875], rel=1e-15)
    assert np.abs(z_scores(samples, [0.5, 0.5, 0.75])).max() > LIMIT  # planted: no spread


def chain(sizes, steps):
    """Batch g from fit g-1; the training statistic moves by the share steps[g] of the new batch."""
    count = len(sizes)
    weights = np.zeros((count, count))
    row = np.zeros(count)
    for t, a in enumerate(steps):
        row = (1 - a) * row
        row[t] += a
        weights[t] = row
    return LinearWorkflow(sizes, np.eye(count, count + 1), weights)


def test_values_of_the_catalogue():
    exp = second_moments(chain([3] * 8, 1 / np.arange(1, 9)), 1.0).variance[-1]
    assert exp == pytest.approx(0.582725, abs=6e-7)
    assert second_moments(chain([5] * 7, np.ones(7)), 1.0).variance[-1] == pytest.approx(1.2**7 - 1)
    window = np.tril(np.ones((12, 12))) - np.tril(np.ones((12, 12)), -3)
    sliding = LinearWorkflow([4] * 12, np.eye(12, 13), window / window.sum(1, keepdims=True))
    assert second_moments(sliding, -1.0).variance[-1] == pytest.approx(0.63658, abs=6e-6)
    ema = chain([np.inf] + [5] * 9, [1.0] + [0.37] * 9)  # nine steps away from the truth itself
    assert variance_function(ema, -1.0)[-1] == pytest.approx(0.77891, abs=6e-6)
    ema = chain([5] * 9, [1.0] + [0.37] * 8)  # nine fits, the first on real rows only
    assert variance_function(ema, -1.0)[-1] == pytest.approx(0.8 * (1 - 0.37**2 / 5) ** 8)
    sizes = np.array([6, 3, 11, 4, 2, 9])
    kept = chain(sizes, sizes / np.cumsum(sizes))
    assert variance_function(kept, -1.0)[-1] == pytest.approx(0.76701, abs=6e-6)
    assert coefficients(kept)[-1] == pytest.approx(sizes / np.cumsum(sizes))


@pytest.mark.parametrize("v2", [-1.0, -0.5, 0.0, 0.7])
def test_product_formula_for_any_step_sizes(v2):
    rng = np.random.default_rng(103)
    sizes, steps = rng.integers(2, 9, 15), np.append(1.0, rng.random(14))
    factor = np.cumprod(1 + v2 * steps**2 / sizes)
    assert variance_function(chain(sizes, steps), v2) == pytest.approx(factor, rel=1e-12)
    assert second_moments(chain(sizes, steps), v2).variance_function == pytest.approx(factor)


def test_variance_function_is_accurate_where_it_nearly_vanishes():
    values = variance_function(chain([3] * 300, np.ones(300)), -1.0)
    assert np.log(values) == pytest.approx(np.arange(1, 301) * np.log(2 / 3), rel=1e-12)


def random_workflow(seed, steps=12, batches=40):
    rng = np.random.default_rng(seed)
    latest = np.sort(rng.integers(0, steps, batches))
    latest[0] = 0
    sources = rng.random((batches, steps + 1)) * (np.arange(steps + 1) <= latest[:, None])
    sources[::3] = np.eye(steps + 1)[latest[::3]]
    weights = rng.random((steps, batches)) * (latest < np.arange(1, steps + 1)[:, None])
    rows = sources.sum(1, keepdims=True), weights.sum(1, keepdims=True)
    return rng.integers(1, 20, batches), sources / rows[0], weights / rows[1]


@pytest.mark.parametrize("v2", [-1.0, -0.25, 0.5, 1.0])
def test_two_code_paths_agree(v2):
    flow = LinearWorkflow(*random_workflow(104))
    moments = second_moments(flow, v2)
    assert variance_function(flow, v2) == pytest.approx(moments.variance_function, abs=1e-12)


def test_unused_batches_are_harmless_and_infinite_batches_are_noiseless():
    sizes, sources, weights = random_workflow(105)
    base = second_moments(LinearWorkflow(sizes, sources, weights), 0.3).covariance
    junk = np.full((1, sources.shape[1]), np.nan)
    padded = LinearWorkflow(
        np.append(sizes, 0), np.vstack([sources, junk]), np.pad(weights, ((0, 0), (0, 1)))
    )
    np.testing.assert_array_equal(second_moments(padded, 0.3).covariance, base)
    assert variance_function(padded, 0.3) == pytest.approx(1 + 0.3 * np.diagonal(base)[1:])
    population = LinearWorkflow(np.full(sizes.shape, np.inf), sources, weights)
    np.testing.assert_array_equal(second_moments(population, 0.3).covariance, 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("sizes", 0, -3.0), r"sizes\[0\] must be > 0"),
        (("weights", (1, 2), 0.6), "weights row 1 must sum to 1"),
        (("sources", (3, 0), 0.4), "sources row 3 must sum to 1"),
        (
            ("sources", (2, slice(None)), [0, 0, 1, 0, 0]),
            "batch 2 must come from fits before",
        ),
        (("sources", (3, slice(None)), [1.5, -0.5, 0, 0, 0]), "sources must be >= 0"),
        (("weights", (0, 0), np.nan), "must be finite"),
    ],
)
def test_impossible_workflows_are_refused(change, message):
    field, place, value = change
    parts = {"sizes": SIZES, "sources": SOURCES, "weights": WEIGHTS}
    parts = {name: np.array(array, dtype=float) for name, array in parts.items()}
    parts[field][place] = value
    with pytest.raises(ValueError, match=message):
        LinearWorkflow(**parts)


def test_shapes_and_v2_are_checked():
    with pytest.raises(ValueError, match=r"sources must have shape \[B, T\+1\]"):
        LinearWorkflow([1.0], np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(ValueError, match="v2 must be finite and >= -1"):
        second_moments(workflow(), -1.2)
