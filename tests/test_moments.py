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


def test_third_powers_too():
    """A skewed sample, streamed and merged, against the sums themselves."""
    x = np.random.default_rng(2).gamma(0.7, size=(3, N)) + np.array([[0], [5], [-3]])
    parts = streamed(x, np.float64)
    for got, row in zip(parts, x, strict=True):
        assert got.m3 == pytest.approx(direct(row).m3, rel=1e-8)
        assert got.n == N
    whole, every = parts[0].merge(parts[1]).merge(parts[2]), direct(x.ravel())
    for mine, right in zip(whole, every, strict=True):
        assert mine == pytest.approx(right, rel=1e-8)


def test_what_is_not_finite_is_counted_and_left_out():
    valid = jnp.arange(N) < N - 10
    x = np.random.default_rng(3).normal(2, 3, N)
    spoilt = x.copy()
    spoilt[[0, 5, N - 1]] = np.inf, np.nan, np.inf  # the last is not valid anyhow
    got = to_moments(two_pass(jnp.asarray(spoilt), valid))
    expected = direct(np.delete(x[: N - 10], [0, 5]))
    assert (got.n, got.nonfinite) == (N - 12, 2)
    for mine, right in zip(got[1:5], expected[1:5], strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-9)


def test_nothing_merges_with_anything():
    zero = np.zeros(1)
    empty = Moments(zero, zero, zero, zero, zero, zero + 3)
    full = Moments(*(np.asarray([float(v)]) for v in direct(np.array([1.0, 2.0, 6.0]))))
    for both in (empty.merge(full), full.merge(empty)):
        for mine, right in zip(both, full._replace(nonfinite=zero + 3), strict=True):
            np.testing.assert_allclose(mine, right, rtol=1e-12)
    none = empty.merge(empty)
    assert none.nonfinite == 6
    assert not np.any([none.n, none.mean, none.m2, none.m3, none.m4])


def test_a_unit_without_a_finite_value_keeps_a_pivot_and_a_scale():
    sums = two_pass(jnp.full(N, jnp.nan), jnp.ones(N, bool))
    pivot, scale = recentre(sums)
    assert (float(pivot), float(scale)) == (0.0, 1.0)
    got = to_moments(sums)
    assert (got.n, got.nonfinite, got.m2, got.m3, got.m4) == (0, N, 0, 0, 0)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-2), (np.float64, 1e-9)])
def test_the_next_pivot_and_scale_are_mean_and_standard_deviation(dtype, rtol):
    x = np.random.default_rng(4).normal(3, 0.05, N).astype(dtype)
    pivot, scale = recentre(two_pass(jnp.asarray(x), jnp.ones(N, bool)))
    assert float(pivot) == pytest.approx(x.astype(float).mean(), rel=1e-6)
    assert float(scale) == pytest.approx(x.astype(float).std(), rel=rtol)


def test_a_spread_of_rounding_alone_keeps_the_scale():
    x = jnp.asarray(np.where(np.arange(N) % 2, 3, np.nextafter(np.float32(3), np.float32(4))))
    rough = power_sums(x, jnp.ones(N, bool), jnp.zeros((), x.dtype), jnp.full((), 3, x.dtype))
    assert float(recentre(rough)[1]) == 3
