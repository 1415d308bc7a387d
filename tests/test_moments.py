"""Power sums: right for events that are rare, scales that are tiny and means that jump."""

import jax.numpy as jnp
import numpy as np
import pytest

from collapse_theory.moments import Moments, power_sums, recentre, to_moments, two_pass

N = 4096


def streamed(columns, dtype):
    """Moments of a sequence of samples, each pivoted on the one before it."""
    valid = jnp.ones(N, bool)
    sums = [two_pass(jnp.asarray(columns[0], dtype), valid)]
    for x in columns[1:]:
        sums.append(power_sums(jnp.asarray(x, dtype), valid, *recentre(sums[-1])))
    return [to_moments(s) for s in sums]


def direct(x):
    d = x - x.mean()
    return Moments(len(x), x.mean(), (d**2).sum(), (d**3).sum(), (d**4).sum(), 0)


def rare(rng):
    """An event that happens once, then not for long, then once again."""
    columns = np.zeros((30, N))
    columns[[0, 1, 25], [5, 7, 9]] = 1
    return columns


def tiny(rng):
    return 1e-25 * rng.standard_normal((5, N)) ** 2


def jumping(rng):
    return rng.standard_normal((5, N)) + 10 * np.arange(5)[:, None]


@pytest.mark.parametrize("sample", [rare, tiny, jumping])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_streamed_moments_are_those_of_the_sample(sample, dtype):
    columns = np.asarray(sample(np.random.default_rng(0)), dtype).astype(np.float64)
    rounding = 5e-3 if dtype == np.float32 else 1e-9  # of fourth powers ten SD from their pivot
    for x, got in zip(columns, streamed(columns, dtype), strict=True):
        expected = direct(x)
        assert abs(got.mean - expected.mean) <= rounding * np.abs(columns).max() / 100
        for mine, right in ((got.m2, expected.m2), (got.m4, expected.m4)):
            assert abs(mine - right) <= rounding * right
