"""The engine: moments against NumPy, the same chains on any plan, one chain replayed."""

import dataclasses
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import multihost_utils
from scipy import stats

import collapse_theory as ct
from collapse_theory import engine
from collapse_theory.engine import run_moments, run_paths, run_values, unit_size
from collapse_theory.moments import Moments
from collapse_theory.unit import chain_ids

OBSERVABLES = ("mean_squared_error", "variance", "log_variance", "w2_squared", "kl_reverse")
PLAN = ct.Plan()


def gaussian(workflow=None, **kw):
    given = {"n": 11, "generations": 5, "observables": OBSERVABLES} | kw
    truth = ct.GaussianLaw(mean=0.3, var=1.7)
    return ct.Experiment(
        family=ct.Gaussian(), truth=truth, workflow=workflow or ct.Replace(), **given
    )


def same(a: Moments, b: Moments):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


SLOW = pytest.mark.slow
SETTINGS = [
    (ct.Replace(), "law", "float32"),
    (ct.Replace(), "raw", "float64"),
    (ct.Accumulate(), "law", "float64"),
    pytest.param(ct.Accumulate(), "raw", "float32", marks=SLOW),
    pytest.param(ct.Replace(), "law", "float64", marks=SLOW),
    pytest.param(ct.Replace(), "raw", "float32", marks=SLOW),
    pytest.param(ct.Accumulate(), "law", "float32", marks=SLOW),
    pytest.param(ct.Accumulate(), "raw", "float64", marks=SLOW),
]


@pytest.mark.parametrize(("workflow", "route", "dtype"), SETTINGS)
def test_chunks_and_devices_do_not_matter_bit_for_bit(workflow, route, dtype):
    setup = gaussian(workflow).setup(dtype, route)
    chains = 3 * unit_size(setup, "cpu") + 77
    runs = [
        run_moments(setup, 5, range(chains), ct.Plan(chunk=chunk, devices=devices, dtype=dtype))
        for chunk, devices in ((None, 1), (1, 1), (9000, 2), (100_000, 2), (None, "all"))
    ]
    assert len(jax.devices()) == 2
    assert all(same(runs[0], r) for r in runs[1:])


@pytest.mark.parametrize("route", ["law", "raw"])
def test_a_chain_replayed_alone_is_the_chain_of_the_run_bit_for_bit(route):
    setup = gaussian(ct.Accumulate()).setup("float64", route)
    together = run_paths(setup, 3, np.arange(1000))
    for chain in (0, 17, 999):
        alone = run_paths(setup, 3, np.asarray([chain]))
        for a, b in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
            assert np.array_equal(np.asarray(a)[chain], np.asarray(b)[0])
    path = ct.replay(gaussian(ct.Accumulate()), 3, 17, route=route)
    assert np.array_equal(path.values["variance"], np.asarray(together[1][1])[17])
    assert path.fits.mean.shape == (5,)


def test_moments_are_those_of_the_paths():
    experiment = gaussian()
    result = ct.simulate(experiment, chains=5000, seed=1)
    paths = run_paths(experiment.setup("float64"), 1, np.arange(5000))[1]
    for name, values in zip(OBSERVABLES, paths, strict=True):
        x = np.asarray(values)
        np.testing.assert_allclose(result.mean(name), x.mean(0), rtol=1e-12)
        np.testing.assert_allclose(result.variance(name), x.var(0, ddof=1), rtol=1e-10)
        np.testing.assert_allclose(result.skewness(name), stats.skew(x), rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(
            result.kurtosis(name), stats.kurtosis(x, fisher=False), rtol=1e-8
        )
        np.testing.assert_allclose(result.se(name), x.std(0, ddof=1) / 5000**0.5, rtol=1e-10)


def test_extending_runs_the_chains_that_follow():
    experiment = gaussian()
    whole = ct.simulate(experiment, chains=9192, seed=4)
    grown = ct.simulate(experiment, chains=5000, seed=4).extend(4192)
    assert grown.chains == whole.chains
    for a, b in zip(whole.moments, grown.moments, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    other = ct.simulate(experiment, chains=5000, seed=5)
    assert not np.allclose(other.mean("variance"), grown.mean("variance"), rtol=1e-6)


@pytest.mark.slow
def test_programs_that_call_the_library_do_not_wait_for_each_other():
    """Units run in threads; two such programs at once used to fill the pool and hang for ever."""
    code = """
import collapse_theory as ct
e = ct.Experiment(family=ct.GaussianND(), workflow=ct.Accumulate(), n=10, generations=2,
                  observables=("w2_squared",))
print(ct.simulate(e, chains=100_000, seed=0).mean("w2_squared").shape)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "(2,)\n"
    nd = ct.Experiment(family=ct.GaussianND(), workflow=ct.Replace(), n=10, generations=2,
                       observables=("w2_squared",))  # fmt: skip
    assert nd.setup("float64").calls_library
    assert not gaussian().setup("float64").calls_library


def test_ids_beyond_32_bits_are_other_chains():
    setup = gaussian().setup("float64")
    low = np.asarray(run_paths(setup, 0, np.asarray([5]))[1][1])
    high = np.asarray(run_paths(setup, 0, np.asarray([5 + 2**32]))[1][1])
    assert not np.any(low == high)


def test_ids_carry_from_the_low_word_into_the_high_one():
    place = jnp.arange(4, dtype=jnp.uint32)
    low, high = chain_ids(jnp.array([2**32 - 2, 7], jnp.uint32), place)
    np.testing.assert_array_equal(low, [2**32 - 2, 2**32 - 1, 0, 1])
    np.testing.assert_array_equal(high, [7, 7, 8, 8])
    low, high = chain_ids(jnp.zeros(2, jnp.uint32), place)
    np.testing.assert_array_equal(low, place)
    np.testing.assert_array_equal(high, [0, 0, 0, 0])


def test_a_schedule_of_equal_sizes_is_the_constant_size():
    constant, listed = gaussian(), gaussian(n=(11,) * 5)
    a = ct.simulate(constant, chains=100, seed=0)
    b = ct.simulate(listed, chains=100, seed=0)
    assert same(a.moments, b.moments)


@pytest.mark.parametrize("merge_order", [(0, 1, 2), (2, 0, 1)])
def test_merging_moments_is_pooling_samples(merge_order):
    rng = np.random.default_rng(8)
    parts = [rng.gamma(2, size=(n, 2, 3)) for n in (5, 40, 200)]

    def moments(x):
        d = x - x.mean(0)
        full = [(d**k).sum(0) for k in (2, 3, 4)]
        return Moments(np.full(x.shape[1:], float(len(x))), x.mean(0), *full, np.zeros(x.shape[1:]))

    merged = None
    for i in merge_order:
        merged = moments(parts[i]) if merged is None else merged.merge(moments(parts[i]))
    for a, b in zip(merged, moments(np.concatenate(parts)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_ten_thousand_generations_do_not_underflow():
    """E log S_t = log var + t kappa1, exactly; z-limit 4.5 at 3 generations: false alarms 2e-5."""
    n, generations = 10, 10_000
    experiment = gaussian(n=n, generations=generations, observables=("log_variance",))
    for dtype in ("float64", "float32"):
        result = ct.simulate(experiment, chains=512, seed=2, plan=ct.Plan(dtype=dtype))
        t = np.asarray([100, 1000, generations])
        kappa = float(stats.loggamma((n - 1) / 2).mean()) - np.log((n - 1) / 2)
        exact = np.log(1.7) + t * kappa
        z = (result.mean("log_variance")[t - 1] - exact) / result.se("log_variance")[t - 1]
        assert np.abs(z).max() < 4.5
        assert result.nonfinite("log_variance").sum() == 0
        assert result.mean("log_variance")[-1] < -1000


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"chains": 0}, "chains"),
        ({"seed": -1}, "seed"),
        ({"plan": ct.Plan(devices=9)}, "devices"),
        ({"plan": ct.Plan(dtype="float16")}, "dtype"),
        ({"plan": ct.Plan(chunk=0)}, "chunk"),
        ({"route": "sideways"}, "route"),
    ],
)
def test_bad_plans_say_what_is_allowed(bad, says):
    with pytest.raises(ct.InputError, match=says) as caught:
        ct.simulate(gaussian(), **({"chains": 10, "seed": 0} | bad))
    assert "\n" not in str(caught.value)


def test_a_unit_is_the_largest_power_of_two_that_fits():
    setup = gaussian().setup("float64")
    for state, largest in ((64, 1 << 12), (1 << 13, 512), (8193, 256), (1 << 20, 16)):
        sized = dataclasses.replace(setup, state_bytes=state - 64)
        assert unit_size(sized, "cpu") == largest
    assert unit_size(dataclasses.replace(setup, state_bytes=(1 << 14) - 64), "gpu") == 1 << 18
    assert unit_size(setup, "gpu") == 1 << 22
    raw = gaussian(n=300).setup("float64", "raw")
    assert unit_size(dataclasses.replace(raw, state_bytes=0), "cpu") == 128  # 64 bytes a row
    with pytest.raises(ct.InputError, match="a chain needs 3 GB, and 16 are run side by side"):
        unit_size(dataclasses.replace(setup, state_bytes=3 * 10**9), "cpu")


def test_values_of_chains_come_in_blocks_and_are_those_of_the_moments(monkeypatch):
    setup = gaussian().setup("float64")
    monkeypatch.setattr(engine, "BLOCK_BYTES", 8 * 5 * len(OBSERVABLES) * 32)  # of 32 chains
    blocks = list(run_values(setup, 3, range(10, 110)))
    assert [b.shape for b in blocks] == [(32, 5, 5)] * 3 + [(4, 5, 5)]
    values = np.concatenate(blocks)
    whole = run_moments(setup, 3, range(10, 110), PLAN)
    np.testing.assert_allclose(values.mean(0), whole.mean, rtol=1e-10)
    np.testing.assert_allclose(100 * values.var(0), whole.m2, rtol=1e-8)
    monkeypatch.undo()
    (small,) = run_values(setup, 3, range(10, 15))
    np.testing.assert_allclose(small, values[:5], rtol=1e-12)


def test_progress_counts_chains_and_the_tally_whole_units(monkeypatch):
    setup, told, kept = gaussian().setup("float64"), [], []
    monkeypatch.setitem(engine.LARGEST_UNIT, "cpu", 16)
    plan = ct.Plan(progress=lambda *counts: told.append(counts))
    moments, tally = engine.tally_moments(setup, 0, range(5, 45), plan, None, kept.append)
    assert told == [(16, 40), (32, 40), (40, 40)]
    assert [t.chains for t in kept] == [16, 32]
    assert tally.chains == 32
    assert (moments.n == 40).all()
    again = engine.tally_moments(setup, 0, range(5, 45), ct.Plan(), kept[0])[0]
    assert same(moments, again)


def test_ids_carry_into_the_high_word():
    """A unit that starts just below 2^32 goes on beyond it."""
    setup, start = gaussian().setup("float64"), 2**32 - 3
    across = np.concatenate(list(run_values(setup, 0, range(start, start + 6))))
    whole = run_moments(setup, 0, range(start, start + 6), PLAN)
    np.testing.assert_allclose(across.mean(0), whole.mean, rtol=1e-10)
    assert len(np.unique(across[:, 0, 0])) == 6


@pytest.mark.parametrize("chains", [16, 70, 80])
def test_several_processes_share_the_units(monkeypatch, chains):
    """Two threads that gather as processes would: the numbers of one, and no unit left over."""
    setup, here, board = gaussian().setup("float64"), threading.local(), {}
    monkeypatch.setitem(engine.LARGEST_UNIT, "cpu", 16)
    alone = run_moments(setup, 3, range(5, 5 + chains), PLAN)
    both_are_there = threading.Barrier(2, timeout=60)

    def gathered(mine):
        board[here.rank] = mine
        both_are_there.wait()
        every = jax.tree.map(lambda *a: np.stack(a), board[0], board[1])
        both_are_there.wait()
        return every

    def process(rank):
        here.rank = rank
        return run_moments(setup, 3, range(5, 5 + chains), ct.Plan(chunk=32, devices=1))

    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(jax, "process_index", lambda: here.rank)
    monkeypatch.setattr(multihost_utils, "process_allgather", gathered)
    with ThreadPoolExecutor(2) as pool:
        assert all(same(alone, moments) for moments in pool.map(process, (0, 1)))


@pytest.mark.parametrize(
    ("chunk", "devices", "units"), [(None, 1, 3), (16, 1, 1), (17, 1, 2), (33, 2, 6)]
)
def test_a_chunk_is_rounded_up_to_whole_units_on_each_device(monkeypatch, chunk, devices, units):
    setup, asked, in_flight = gaussian().setup("float64"), [], engine._in_flight
    monkeypatch.setitem(engine.LARGEST_UNIT, "cpu", 16)
    monkeypatch.setattr(engine, "_in_flight", lambda *a: asked.append(a[5]) or in_flight(*a))
    run_moments(setup, 3, range(5, 25), ct.Plan(chunk=chunk, devices=devices))
    assert asked == [units]
