"""Poisson counts have their exact law at any mean, near to the planned one or far from it.

False-alarm rate 1e-4 a test, as in test_sampling_counts; seeds are fixed.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from collapse_theory.sampling.counter import chain_key, seed_key
from collapse_theory.sampling.poisson import poisson, poisson_plan
from test_sampling_counts import draws, histogram, rejected

jax.config.update("jax_enable_x64", True)


def sample(mean: float, typical: float, dtype, size: int, seed: int) -> np.ndarray:
    plan = jax.tree.map(jnp.asarray, poisson_plan(typical))
    return histogram(draws(poisson, size, seed, jnp.asarray(mean, dtype), plan))


@pytest.mark.parametrize(
    ("mean", "typical", "dtype"),
    [
        (0.01, 1.0, jnp.float32),
        (3.0, 3.0, jnp.float32),
        (3.0, 3.0, jnp.float64),
        (40.0, 10.0, jnp.float32),
        pytest.param(40.0, 10.0, jnp.float64, marks=pytest.mark.slow),
        pytest.param(100.0, 100.0, jnp.float32, marks=pytest.mark.slow),
    ],
)
def test_poisson_law(mean, typical, dtype):
    seen = sample(mean, typical, dtype, 10_000_000, seed=int(mean))
    assert not rejected(seen, stats.poisson(float(dtype(mean))))


@pytest.mark.parametrize("mean", [3.0, pytest.param(40.0, marks=pytest.mark.slow)])
def test_the_law_test_finds_a_biased_mean(mean):
    """A mean 0.2 % too large is 11 standard errors at 3, 40 at 40."""
    assert rejected(sample(mean * 1.002, 10.0, jnp.float32, 10_000_000, 5), stats.poisson(mean))


@pytest.mark.slow
def test_each_chain_has_its_own_mean():
    """Chains of mean 0 give 0; a chain that needs many rounds changes no other chain."""
    plan = poisson_plan(5.0)
    keys = jax.vmap(lambda i: chain_key(seed_key(1), i, jnp.uint32(0)))(
        jnp.arange(60, dtype=jnp.uint32)
    )
    means = jnp.tile(jnp.asarray([0.0, 5.0, 2000.0], jnp.float32), 20)
    one = jax.jit(lambda key, mean: poisson(key, mean, plan))
    together = np.asarray(jax.jit(jax.vmap(one))(keys, means))
    np.testing.assert_array_equal(together, [one(k, m) for k, m in zip(keys, means, strict=True)])
    assert together.dtype == jnp.float32
    assert (together[::3] == 0).all()
    assert abs(together[2::3].mean() - 2000) < 4 * (2000 / 20) ** 0.5  # false alarm 6e-5


def test_values_outside_the_range():
    one = jax.jit(lambda mean: poisson(seed_key(0), mean, poisson_plan(1.0)))
    assert np.isnan(one(jnp.asarray(jnp.nan)))
    assert np.isnan(one(jnp.asarray(jnp.inf)))
    assert one(jnp.asarray(-1.0)) == 0
    with pytest.raises(ValueError, match="typical_mean"):
        poisson_plan(-1.0)
