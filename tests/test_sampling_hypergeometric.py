"""Counts without replacement have the hypergeometric law.

False-alarm rate ALPHA = 1e-4 a test and fixed seeds, as in test_sampling_counts; draws with
replacement and a sample one row too large must be found.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from collapse_theory.sampling.hypergeometric import (
    hypergeometric,
    hypergeometric_plan,
    multivariate_hypergeometric,
)
from test_sampling_counts import ALPHA, DTYPES, chi_square, draws, histogram, keys, rejected

SOME = (DTYPES[0], pytest.param(DTYPES[1], marks=pytest.mark.slow))
LARGE = pytest.param(1_000_000, 120_000, 2000, marks=pytest.mark.slow)
CASES = [(10, 4, 5), (100, 37, 60), (1000, 3, 900), (1000, 500, 100), LARGE]


def arrays(plan, dtype):
    return jax.tree.map(lambda a: jnp.asarray(a, dtype), plan)


def counts(population, marked, sample, dtype, size=10**6):
    plan = arrays(hypergeometric_plan(population, sample), dtype)
    return histogram(draws(hypergeometric, size, 31, jnp.asarray(float(marked), dtype), plan))


@pytest.mark.parametrize("dtype", SOME)
@pytest.mark.parametrize(("population", "marked", "sample"), CASES)
def test_law(population, marked, sample, dtype):
    """A mean off by 6e-3 standard deviations is found with probability > 0.98."""
    seen = counts(population, marked, sample, dtype)
    assert not rejected(seen, stats.hypergeom(population, marked, sample))


@pytest.mark.parametrize(
    "wrong", [stats.binom(60, 0.37), stats.hypergeom(100, 37, 61), stats.hypergeom(101, 37, 60)]
)
def test_the_law_test_finds_another_law(wrong):
    assert rejected(counts(100, 37, 60, jnp.float32), wrong)


def test_marked_rows_may_differ_by_chain():
    """Marked from 0 to N in one program; in the support always, and right in the mean (ALPHA)."""
    population, sample = 50, 20
    plan = arrays(hypergeometric_plan(population, sample), jnp.float32)
    marked = jnp.repeat(jnp.arange(population + 1.0, dtype=jnp.float32), 2000)
    x = jax.jit(jax.vmap(hypergeometric, (0, 0, None)))(keys(len(marked), 32), marked, plan)
    x, marked = np.asarray(x, float).reshape(-1, 2000), np.arange(population + 1)
    low, high = np.maximum(0, sample + marked - population), np.minimum(sample, marked)
    assert (x >= low[:, None]).all()
    assert (x <= high[:, None]).all()
    law = stats.hypergeom(population, marked[1:-1], sample)
    z = (x[1:-1].mean(1) - law.mean()) / (law.std() / 2000**0.5)
    assert abs(z).max() < stats.norm.isf(ALPHA / 2 / len(z))


@pytest.mark.parametrize("dtype", SOME)
def test_joint_law_of_three_kinds(dtype):
    """Chi-square over all cells; a kind is extinct."""
    kinds, sample = np.array([8, 0, 5, 12]), 10
    plan = arrays(hypergeometric_plan(25, sample), dtype)
    chunks = draws(multivariate_hypergeometric, 500_000, 33, jnp.asarray(kinds, dtype), plan)
    x = np.concatenate(list(chunks)).astype(int)
    assert (x.sum(1) == sample).all()
    assert (x[:, 1] == 0).all()
    cells = np.bincount(x[:, 0] * 11 + x[:, 2], minlength=121)
    i, j = np.divmod(np.arange(121), 11)
    inside = i + j <= sample
    rows = np.stack([i, j, sample - i - j], -1)[inside]
    law = stats.multivariate_hypergeom(kinds[[0, 2, 3]], sample)
    assert cells[~inside].sum() == 0
    assert chi_square(cells[inside], law.pmf(rows)) > ALPHA


def test_no_sample_all_rows_and_bad_numbers():
    for sample in (0, 30):
        plan = arrays(hypergeometric_plan(30, sample), jnp.float32)
        assert hypergeometric(keys(1, 1)[0], jnp.float32(7), plan) == (0 if sample == 0 else 7)
    assert np.isnan(hypergeometric(keys(1, 1)[0], jnp.float32(jnp.nan), plan))
    for population, sample in ((5, 6), (5, -1), (2**30 + 1, 3)):
        with pytest.raises(ValueError, match="population"):
            hypergeometric_plan(population, sample)
