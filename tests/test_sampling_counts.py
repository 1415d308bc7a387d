"""Counts have their exact law: goodness of fit with stated error rates, and invariants bit for bit.

Every statistical test has false-alarm rate ALPHA = 1e-4 (half for the chi-square over cells, half
for the mean) and a fixed seed. Power: a mean off by 2.6e-3 at n = 40, p = 0.3 is 8 standard errors
at 8e7 draws and is found with probability > 0.9999; the planted errors below must be found.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from collapse_theory.errors import InputError
from collapse_theory.sampling import counts
from collapse_theory.sampling.counter import chain_key, seed_key
from collapse_theory.sampling.counts import binomial, count_below, tree_plan

jax.config.update("jax_enable_x64", True)

ALPHA = 1e-4
CHUNK = 1_000_000
CASES = ((1, 0.3), (2, 0.5), (7, 0.11), (40, 0.3), (100, 0.05), (1000, 0.5), (100_000, 1e-4))
DTYPES = (jnp.float32, jnp.float64)


def row_of(*sizes: int, index: int = 0):
    return jax.tree.map(lambda a: jnp.asarray(a[index]), tree_plan(sizes))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _chunk(sampler: Callable, size: int, seed, first, args):
    ids = first + jnp.arange(size, dtype=jnp.uint32)
    root = jax.random.wrap_key_data(seed, impl=jax.random.key_impl(seed_key(0)))
    return jax.vmap(lambda i: sampler(chain_key(root, i, jnp.uint32(0)), *args))(ids)


def draws(sampler: Callable, size: int, seed: int, *args):
    """``sampler(key, *args)`` for chains 0 .. size - 1, in chunks of NumPy arrays."""
    data = jax.random.key_data(seed_key(seed))
    for first in range(0, size, CHUNK):
        yield np.asarray(_chunk(sampler, min(CHUNK, size - first), data, jnp.uint32(first), args))


def histogram(chunks) -> np.ndarray:
    total = np.zeros(1, np.int64)
    for chunk in chunks:
        new = np.bincount(chunk.astype(np.int64), minlength=len(total))
        new[: len(total)] += total
        total = new
    return total


def chi_square(seen: np.ndarray, pmf: np.ndarray) -> float:
    """P-value of Pearson's statistic; cells that expect 20 or fewer are one cell."""
    expected = pmf * seen.sum()
    big = expected > 20
    seen = np.append(seen[big], seen[~big].sum())
    expected = np.append(expected[big], expected[~big].sum())
    if expected[-1] <= 20:  # too small still: joins the last one
        seen, expected = (np.append(a[:-2], a[-2] + a[-1]) for a in (seen, expected))
    return float(stats.chi2.sf(((seen - expected) ** 2 / expected).sum(), max(len(seen) - 1, 1)))


def fit(seen: np.ndarray, law) -> tuple[float, float]:
    """The chi-square p-value and the z of the mean of a histogram against a frozen scipy law."""
    seen = np.append(seen, np.zeros(max(0, 2 + int(law.isf(1e-12)) - len(seen)), np.int64))
    k = np.arange(len(seen))
    mean = (seen * k).sum() / seen.sum()
    return chi_square(seen, law.pmf(k)), (mean - law.mean()) / (law.std() / seen.sum() ** 0.5)


def rejected(seen: np.ndarray, law) -> bool:
    p, z = fit(seen, law)
    return min(p, 2 * stats.norm.sf(abs(z))) < ALPHA / 2


def binomial_histogram(n: int, p: float, dtype, size: int, seed: int, row=None) -> np.ndarray:
    return histogram(draws(binomial, size, seed, jnp.asarray(p, dtype), row or row_of(n)))


LAWS = [
    pytest.param(n, p, dtype, marks=pytest.mark.slow)
    if dtype == jnp.float64 and n != 40
    else (n, p, dtype)
    for n, p in CASES
    for dtype in DTYPES
]


@pytest.mark.parametrize(("n", "p", "dtype"), LAWS)
def test_binomial_law(n, p, dtype):
    seen = binomial_histogram(n, p, dtype, 10_000_000, seed=n)
    assert not rejected(seen, stats.binom(n, float(dtype(p))))


@pytest.mark.slow
@pytest.mark.parametrize(("n", "p", "dtype"), [(40, 0.3, jnp.float64)])
def test_binomial_law_where_others_are_biased(n, p, dtype):
    size = 80_000_000
    seen = binomial_histogram(n, p, dtype, size, seed=n)
    assert not rejected(seen, stats.binom(n, float(dtype(p))))


@pytest.mark.slow
def test_the_law_test_finds_a_biased_probability():
    seen = binomial_histogram(40, 0.3 * (1 + 2.6e-3 / 12), jnp.float32, 80_000_000, seed=1)
    assert rejected(seen, stats.binom(40, 0.3))


@pytest.mark.parametrize("n", [100, 1000])
def test_the_law_test_finds_a_wrong_median(n, monkeypatch):
    right = counts._median_quantile
    monkeypatch.setattr(counts, "_median_quantile", lambda m: right(m + 1))
    seen = binomial_histogram(n, 0.5, jnp.float32, 10_000_000, seed=2, row=row_of(n))
    assert rejected(seen, stats.binom(n, 0.5))


def keys(size: int, seed: int):
    ids = jnp.arange(size, dtype=jnp.uint32)
    return jax.vmap(lambda i: chain_key(seed_key(seed), i, jnp.uint32(0)))(ids)


@pytest.mark.parametrize(
    ("n", "dtype"),
    [(n, jnp.float32) for n in (0, 3, 32, 1_000_000)]
    + [(33, jnp.float64)]
    + [pytest.param(n, jnp.float32, marks=pytest.mark.slow) for n in (1, 31, 999)]
    + [pytest.param(n, jnp.float64, marks=pytest.mark.slow) for n in (2, 1_000_000)],
)
def test_invariants(n, dtype):
    edges = jnp.asarray([0, -1.0, 1e-30, 0.1, 0.1, 0.5, 0.9999999, 1, 1, 1.5], dtype)
    counted = jax.jit(jax.vmap(lambda k: count_below(k, edges, row_of(n))))(keys(1000, 5))
    counted = np.asarray(counted)
    assert counted.dtype == dtype
    assert (counted[:, :2] == 0).all()
    assert (counted[:, -3:] == n).all()
    assert (counted[:, 3] == counted[:, 4]).all()
    assert (counted == counted.round()).all()
    order = np.argsort(np.asarray(edges), kind="stable")
    assert (np.diff(counted[:, order]) >= 0).all()


@pytest.mark.slow
def test_a_size_in_a_schedule_equals_the_size_alone():
    """One traced row for all sizes: no recompilation, and the same numbers as a plan of its own."""
    sizes = (1000, 0, 40)
    plan = jax.tree.map(jnp.asarray, tree_plan(sizes))
    p = jnp.asarray(0.3)
    body = jax.vmap(lambda key, row: binomial(key, p, row), (0, None))

    @jax.jit
    def schedule(keys):
        return jax.lax.map(lambda row: body(keys, row), plan)

    got = np.asarray(schedule(keys(500, 8)))
    for i, n in enumerate(sizes):
        np.testing.assert_array_equal(got[i], np.asarray(jax.jit(body)(keys(500, 8), row_of(n))))


def test_tiny_probabilities_in_float32():
    """At n = 1e6 and p = 1e-9 a float32 uniform would be useless; the mean stays exact (ALPHA)."""
    row, p = row_of(1_000_000), jnp.asarray(1e-9, jnp.float32)
    total = sum(chunk.sum() for chunk in draws(binomial, 4_000_000, 9, p, row))
    mean = 4e6 * 1e-3
    assert stats.poisson(mean).cdf(total) > ALPHA / 2
    assert stats.poisson(mean).sf(total) > ALPHA / 2


def test_nan_and_bad_sizes():
    assert np.isnan(binomial(seed_key(0), jnp.asarray(jnp.nan), row_of(100)))
    for sizes in ((), (-1,), (2**30 + 1,)):
        with pytest.raises(InputError, match=r"2\*\*30"):
            tree_plan(sizes)
