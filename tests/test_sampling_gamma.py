"""Gamma variates against their law: goodness of fit at 1e7 draws, and the quantile tables.

Statistical limits: two tests (chi-square, Kolmogorov) for each of 6 shapes and 2 dtypes,
false-alarm rate 1e-3 over the whole file, so 1e-3 / 24 each. Power: a shape 1 % off is rejected in
all of them. Seeds are fixed, never re-rolled.
"""

import functools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import special, stats

from collapse_theory.sampling.counter import seed_key
from collapse_theory.sampling.gamma import (
    DEGREES,
    gamma_table,
    horner_rows,
    log_gamma_variate,
    words_needed,
)

SHAPES = (0.5, 1.0, 2.0, 4.5, 49.5, 500.0)
BINS, CHUNK, CHUNKS = 256, 1 << 19, 20
DRAWS = CHUNK * CHUNKS
ALPHA = 1e-3 / (2 * 2 * len(SHAPES))


def row(shape, dtype):
    return {k: jnp.asarray(a[0], dtype) for k, a in gamma_table(np.array([shape])).items()}


@functools.partial(jax.jit, static_argnums=2)
def below(key, tables, words, edges):
    """How many of CHUNKS x CHUNK variates lie at or below each edge of log G."""

    def chunk(total, k):
        x = log_gamma_variate(jr.bits(k, (words, CHUNK), jnp.uint32), tables)
        place = jnp.searchsorted(edges, x, side="left", method="scan_unrolled")
        return total + jnp.bincount(place, length=len(edges) + 1), None

    start = jnp.zeros(len(edges) + 1, int)
    return jax.lax.scan(chunk, start, jr.split(key, CHUNKS))[0]


def p_values(counts, cumulative):
    """Chi-square over the bins, and Kolmogorov's bound on the deviation at the edges."""
    expected = np.diff(cumulative, prepend=0, append=1) * DRAWS
    chi = stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), BINS - 1)
    deviation = np.abs(np.cumsum(counts)[:-1] / DRAWS - cumulative).max()
    return chi, min(1.0, 2 * np.exp(-2 * DRAWS * deviation**2))


LAWS = [
    pytest.param(a, dtype, marks=pytest.mark.slow)
    if dtype == "float64" and a != 4.5
    else (a, dtype)
    for a in SHAPES
    for dtype in ("float32", "float64")
]


@pytest.mark.parametrize(("shape", "dtype"), LAWS)
def test_variates_follow_the_gamma_law(shape, dtype):
    table = row(shape, dtype)
    edges = np.log(special.gammaincinv(shape, np.arange(1, BINS) / BINS))
    seed = seed_key(int(shape * 10) + (dtype == "float32"))
    counts = np.asarray(below(seed, table, words_needed(table), jnp.asarray(edges, dtype)))
    cumulative = special.gammainc(shape, np.exp(np.asarray(edges, dtype).astype(float)))
    assert min(p_values(counts, cumulative)) > ALPHA
    planted = special.gammainc(1.01 * shape, np.exp(edges))  # planted: a shape 1 % too large
    assert max(p_values(counts, planted)) < ALPHA


@pytest.mark.parametrize("shape", [4.5, 4.999, 7.0, 49.5, 500.0, 12345.5, 1e5])
def test_tables_reproduce_the_quantiles(shape):
    table = gamma_table(np.array([shape]))
    z = np.linspace(-6.3, 6.3, 4001)
    half = np.where(z < 0, z, -z)  # each tail from its own end
    low, high = (f(shape, special.ndtr(half)) for f in (special.gammaincinv, special.gammainccinv))
    exact = np.log(np.where(z < 0, low, high))
    with jax.enable_x64(True):
        found = horner_rows(jnp.asarray(table["quantile"][0]), jnp.asarray(z))
    # SciPy's own inverse is good to about 1e-12 relative; the fit promises 1e-9.
    np.testing.assert_allclose(found + table["log_shape"][0], exact, atol=3e-9, rtol=0)


@pytest.mark.parametrize("shape", [1e6, 1e8])
def test_large_shapes_do_not_lose_digits(shape):
    """Wilson and Hilferty's cube root is normal up to O(1 / a): a second path, coarse, smooth."""
    table = gamma_table(np.array([shape]))
    z = np.linspace(-6.3, 6.3, 101)
    cube = 3 * np.log1p(z / (3 * np.sqrt(shape)) - 1 / (9 * shape))
    found = np.polyval(table["quantile"][0], z)
    assert table["quantile"].shape[1] == DEGREES[0] + 1
    np.testing.assert_allclose(found, cube, atol=5 / shape**1.5, rtol=0)


@pytest.mark.slow
def test_small_shapes_are_lifted_and_shape_zero_is_zero():
    table = gamma_table(np.array([0.5, 2.0, 30.0, 0.0]))
    assert table["lift"].shape == (4, 4)
    np.testing.assert_allclose(table["lift"][0], [2.0, 1 / 1.5, 1 / 2.5, 1 / 3.5])
    np.testing.assert_allclose(table["lift"][1], [1 / 2, 1 / 3, 1 / 4, 0])
    assert not table["lift"][2:].any()
    rows = {k: jnp.asarray(a) for k, a in table.items()}
    words = jnp.full((5, 4), 0xFFFFFFFF, jnp.uint32)  # the largest word: U rounds to 1 in float32
    for dtype in (jnp.float32, jnp.float64):
        x = log_gamma_variate(words, {k: a.astype(dtype) for k, a in rows.items()})
        assert np.isfinite(x[:3]).all()
        assert x[3] == -np.inf
