"""Multinomial counts have their exact joint law, whatever the plan, and keep what is extinct.

Every statistical test has false-alarm rate ALPHA = 1e-4 and a fixed seed, as in
test_sampling_counts; a wrong law of the block ends must be found.
"""

import functools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

from collapse_theory.errors import InputError
from collapse_theory.sampling import distinct
from collapse_theory.sampling import multinomial as module
from collapse_theory.sampling.counter import seed_key
from collapse_theory.sampling.multinomial import multinomial, multinomial_plan
from test_sampling_counts import ALPHA, DTYPES, chi_square, draws, fit, histogram, keys

SLOW = pytest.mark.slow

TOGETHER = jax.jit(jax.vmap(multinomial, (0, None, None)))
ALONE = jax.jit(multinomial)


@pytest.fixture
def row_of(monkeypatch):
    """One row of a plan, as arrays, with a given number of blocks or the plan's own choice."""

    def make(*sizes, symbols, blocks=None, index=0, dtype=jnp.float64):
        if blocks is not None:
            monkeypatch.setattr(module, "_cost", lambda n, symbols, tried: abs(tried - blocks))
        plan = multinomial_plan(sizes, symbols)
        assert blocks is None or plan.blocks == blocks
        return jax.tree.map(lambda a: jnp.asarray(a[index], _type(a, dtype)), plan)

    return make


def _type(a, dtype):
    return dtype if np.issubdtype(a.dtype, np.floating) else a.dtype


@pytest.mark.parametrize(
    ("dtype", "blocks"), [(jnp.float32, 3), pytest.param(jnp.float64, 0, marks=SLOW)]
)
def test_joint_law_of_three_symbols(dtype, blocks, row_of):
    """Chi-square over all cells of the trinomial, n = 40: a covariance off by 1.5 % is found."""
    n, probs = 40, np.array([0.2, 0.5, 0.3])
    args = jnp.asarray(probs, dtype), row_of(n, symbols=3, blocks=blocks, dtype=dtype)
    chunks = draws(multinomial, 2 * 10**6, 3, *args)
    cells = histogram(c[:, 0] * (n + 1) + c[:, 1] for c in chunks)
    cells = np.append(cells, np.zeros((n + 1) ** 2 - len(cells), np.int64))
    i, j = np.divmod(np.arange((n + 1) ** 2), n + 1)
    inside = i + j <= n
    x = np.stack([i, j, n - i - j], -1)[inside]
    assert cells[~inside].sum() == 0
    assert chi_square(cells[inside], stats.multinomial(n, probs).pmf(x)) > ALPHA


PROBS = np.array([0.02, 0.4, 0.0, 0.33, 0.25])


def z_of_moments(x: np.ndarray, n: int) -> np.ndarray:
    """Standard scores of the 4 means and the 10 second moments of counts of PROBS."""
    keep = PROBS > 0
    assert (x[:, ~keep] == 0).all()
    d = x[:, keep] - n * PROBS[keep]
    cov = n * (np.diag(PROBS[keep]) - np.outer(PROBS[keep], PROBS[keep]))
    pairs = [(a, b) for a in range(4) for b in range(a + 1)]
    off = [d] + [d[:, [a]] * d[:, [b]] - cov[a, b] for a, b in pairs]
    off = np.concatenate(off, 1)
    return off.mean(0) / (off.std(0) / len(off) ** 0.5)


def counts_of(n: int, row, seed: int) -> np.ndarray:
    chunks = draws(multinomial, 10**6, seed, jnp.asarray(PROBS, jnp.float32), row)
    return np.concatenate(list(chunks)).astype(float)


@pytest.mark.parametrize(
    ("n", "blocks"), [(1000, None), pytest.param(30_000, 4, marks=pytest.mark.slow)]
)
def test_moments(n, blocks, row_of):
    """Means and covariances: a correlation off by 8e-3 is found with probability > 0.99."""
    row = row_of(n, symbols=5, blocks=blocks, dtype=jnp.float32)
    assert abs(z_of_moments(counts_of(n, row, 4), n)).max() < stats.norm.isf(ALPHA / 28)


@pytest.mark.slow
def test_the_moments_find_wrong_block_ends(row_of, monkeypatch):
    """Ends as if a block had one spacing more: the spread is 5 % too small."""
    right = module.gamma_table
    monkeypatch.setattr(module, "gamma_table", lambda shapes: right(np.asarray(shapes) + 1))
    row = row_of(1000, symbols=5, blocks=50, dtype=jnp.float32)
    assert abs(z_of_moments(counts_of(1000, row, 4), 1000)).max() > stats.norm.isf(ALPHA / 28)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dtype", "n", "k"), [(jnp.float32, 1000, 100), pytest.param(jnp.float64, 100, 100, marks=SLOW)]
)
def test_every_symbol_is_binomial(dtype, n, k, row_of):
    """Shares of symbols far apart, and of two together: chi-square and mean, ALPHA in all."""
    probs = np.random.default_rng(0).dirichlet(np.ones(k))
    args = jnp.asarray(probs, dtype), row_of(n, symbols=k, dtype=dtype)
    x = np.concatenate(list(draws(multinomial, 300_000, 5, *args)))
    groups = ([0], [k // 2], [k - 1], [3, 4], list(range(0, k, 2)))
    for group in groups:
        seen = np.bincount(x[:, group].sum(1).astype(int))
        p, z = fit(seen, stats.binom(n, probs[group].sum()))
        assert min(p, 2 * stats.norm.sf(abs(z))) > ALPHA / 2 / len(groups)


@SLOW
def test_small_probabilities_in_float32(row_of):
    """1e-6 and 1e-9 behind a half: their sums before them have steps of 6e-8 in float32.

    Power: a mean off by 2 % (1e-6) or 60 % (1e-9) is found with probability > 0.95.
    """
    probs = jnp.asarray([0.5, 1e-6, 0.2, 1e-9, 0.3], jnp.float32)
    row = row_of(100_000, symbols=5, dtype=jnp.float32)
    size = 1_000_000
    total = sum(chunk.sum(0, dtype=float) for chunk in draws(multinomial, size, 6, probs, row))
    for i in (1, 3):
        mean = size * 1e5 * float(probs[i] / probs.sum())
        tail = min(stats.poisson(mean).cdf(total[i]), stats.poisson(mean).sf(total[i] - 1))
        assert tail > ALPHA / 4


@pytest.mark.parametrize(
    ("n", "k", "dtype"), [pytest.param(1000, 257, DTYPES[0], marks=SLOW), (10, 7, DTYPES[1])]
)
def test_zeros_stay_and_sums_are_n(n, k, dtype, row_of):
    """Generation after generation from the frequencies, to the end: one symbol, exactly."""
    row = row_of(n, symbols=k, dtype=dtype)
    step = jax.jit(jax.vmap(multinomial, (0, 0, None)))
    x = jnp.ones((200, k), dtype)
    for seed in range(6 if n > 100 else 120):
        before = x
        x = step(keys(200, seed), before / before.sum(-1, keepdims=True), row)
        assert x.dtype == dtype
        assert (np.asarray(x)[np.asarray(before) == 0] == 0).all()
        assert (np.asarray(x).sum(-1) == n).all()
        assert (np.asarray(x) >= 0).all()
        assert (np.asarray(x) == np.asarray(x).round()).all()
    assert (np.asarray(x) == 0).any()
    if n < 100:
        assert (np.asarray(x).max(-1) == n).all()


@SLOW
def test_vmap_equals_loop(row_of):
    row = row_of(1000, symbols=4, blocks=8, dtype=jnp.float32)
    probs = jnp.asarray([0.1, 0.0, 0.6, 0.3], jnp.float32)
    together = TOGETHER(keys(64, 7), probs, row)
    apart = np.stack([ALONE(key, probs, row) for key in keys(64, 7)])
    np.testing.assert_array_equal(np.asarray(together), apart)


@pytest.mark.parametrize(("index", "n"), [(0, 1000), (1, 0), (2, 7), (3, 120), (4, 1)])
def test_sizes_of_a_schedule_share_a_plan(index, n, row_of):
    """Small sizes next to large ones: too small for blocks, or blocks without inside."""
    row = row_of(1000, 0, 7, 120, 1, symbols=100, index=index)
    probs = np.random.default_rng(1).dirichlet(np.ones(100))
    x = np.asarray(TOGETHER(keys(20_000, 8), jnp.asarray(probs), row))
    assert (x.sum(1) == n).all()
    z = (x[:, :50].sum(1).mean() - n * probs[:50].sum()) * 20_000**0.5
    assert abs(z) <= stats.norm.isf(ALPHA / 10) * (n * probs[:50].sum() * probs[50:].sum()) ** 0.5


def test_collapsed_laws_and_bad_numbers(row_of):
    row = row_of(100, symbols=3)
    for i in range(3):
        one = jnp.zeros(3).at[i].set(0.7)
        np.testing.assert_array_equal(ALONE(seed_key(0), one, row), 100 * (one > 0))
    for probs in ([0.2, 0.3, jnp.nan], [jnp.nan, 0.3, 0.2], [0.0, 0.0, 0.0]):
        assert np.isnan(ALONE(seed_key(0), jnp.asarray(probs), row)).all()
    assert ALONE(seed_key(0), jnp.ones(1), row_of(10, symbols=1)) == 10
    for sizes in ((), (-1,), (2**30 + 1,)):
        with pytest.raises(InputError, match=r"2\*\*30"):
            multinomial_plan(sizes, 3)


@SLOW
@pytest.mark.parametrize("alive", [1, 50, 100, 200, 400])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lost_symbols_take_less_work_and_change_no_bit(alive, dtype):
    """Batches branch on how many symbols are alive; every branch must count as the longest does."""
    k, n, chains = 800, 500, 64
    row = jax.tree.map(lambda a: a[0], multinomial_plan((n,), k))
    assert row.widths == (64, 128, 256)
    rng = np.random.default_rng(alive)
    probs = np.zeros((chains, k), dtype)
    for p in probs:
        p[rng.choice(k, alive, replace=False)] = rng.dirichlet(np.ones(alive))
    roots = jr.split(seed_key(alive), chains)

    def counts(nested):
        one = functools.partial(multinomial, row=row, nested=nested)
        return np.asarray(jax.jit(jax.vmap(one))(roots, jnp.asarray(probs)))

    np.testing.assert_array_equal(counts(False), counts(True))
    assert (counts(False).sum(1) == n).all()


@pytest.mark.slow
def test_a_branch_that_loses_a_symbol_would_be_seen(monkeypatch):
    monkeypatch.setattr(module, "WIDTHS", (8,))
    row = jax.tree.map(lambda a: a[0], multinomial_plan((500,), 800))
    probs = jnp.asarray(np.repeat([1 / 20, 0], [20, 780]))[None]

    def wrong(answer, numbers, rank, arguments, widths):  # planted: too few for what is alive
        return distinct._from_distinct(answer, 8, numbers, rank, arguments)

    monkeypatch.setattr(module, "on_distinct", wrong)
    roots = jr.split(seed_key(0), 1)
    one = jax.vmap(functools.partial(multinomial, row=row))(roots, probs)
    other = jax.vmap(functools.partial(multinomial, row=row, nested=True))(roots, probs)
    assert not np.array_equal(one, other)
