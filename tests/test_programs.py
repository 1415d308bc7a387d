"""Which program serves on a GPU: the kernel where it compiles and agrees, else the scan."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import programs
from collapse_theory.moments import Moments, to_moments
from collapse_theory.sampling.counter import seed_key

UNIT = 32
WHERE = seed_key(3), jnp.array([7, 0], jnp.uint32), jnp.asarray(30, jnp.uint32)


@pytest.fixture(autouse=True)
def _nothing_is_remembered():
    programs._in_registers.cache_clear()
    yield
    programs._in_registers.cache_clear()


def on_a_gpu(monkeypatch, kernel, dtype=np.float32):
    """Power sums as they would come on a GPU with this kernel, those of the scan, and its calls."""
    e = ct.Experiment(family=ct.Gaussian(), workflow=ct.Replace(), n=9, generations=3,
                      observables=("variance",))  # fmt: skip
    setup, calls = e.setup(dtype), []
    static, arrays = programs.setup_static(setup), programs.setup_arrays(setup)
    scan = programs.scanned("cpu", static, arrays, WHERE, UNIT)

    def instead(asked, unit):
        assert (asked, unit) == (static, UNIT)

        def run(given, words):
            jax.tree.map(np.testing.assert_array_equal, given, arrays)
            for word, there in zip(words, (jr.key_data(WHERE[0]), *WHERE[1:]), strict=True):
                np.testing.assert_array_equal(word, there)
            calls.append(kernel(static, arrays, scan))
            return calls[-1]

        return run

    once = programs.compiled
    monkeypatch.setattr(programs, "_kernel", instead)
    monkeypatch.setattr(programs, "compiled", lambda program, platform: once(program, "cpu"))
    return programs.unit_sums("gpu", static, arrays, WHERE, UNIT), scan, calls


def right(static, arrays, scan):
    return scan._replace(finite=scan.finite)


def wrong(static, arrays, scan):
    """One chain differs."""
    moved = WHERE[0], WHERE[1] + jnp.array([1, 0], jnp.uint32), WHERE[2]
    return programs.scanned("cpu", static, arrays, moved, UNIT)


def failing(static, arrays, scan):
    raise ValueError("too many registers")


def test_the_kernel_serves_where_it_agrees(monkeypatch):
    sums, _, calls = on_a_gpu(monkeypatch, right)
    assert len(calls) == 2  # tried once, then run
    assert sums is calls[1]


def test_a_kernel_that_disagrees_is_left_alone_and_said(monkeypatch):
    with pytest.warns(UserWarning, match="the GPU kernel disagrees with the scan"):
        sums, scan, calls = on_a_gpu(monkeypatch, wrong)
    assert len(calls) == 1
    assert programs.agree(to_moments(sums), to_moments(scan))


@pytest.mark.parametrize(("kernel", "dtype"), [(failing, np.float32), (right, np.float64)])
def test_the_scan_serves_where_no_kernel_can(monkeypatch, kernel, dtype):
    """It does not compile, or numbers are wide: then it is not even tried."""
    sums, scan, calls = on_a_gpu(monkeypatch, kernel, dtype)
    assert not calls
    assert programs.agree(to_moments(sums), to_moments(scan))


@pytest.mark.parametrize(("gap", "near"), [(0.99e-4, True), (1.03e-4, False)])
def test_moments_agree_to_a_tenthousandth(gap, near):
    """Of a standard deviation, and of the number of chains."""
    there = Moments(*(np.full((1, 1), x) for x in (1e4, 2.0, 9e4, 0.0, 0.0, 0.0)))
    for sign in (-1, 1):
        assert programs.agree(there._replace(mean=there.mean + sign * gap * 3), there) is near
        assert programs.agree(there._replace(n=there.n * (1 + sign * gap)), there) is near


def test_what_is_zero_in_every_chain_agrees_with_itself():
    zero = Moments(*(np.full((1, 1), x) for x in (1e4, 0.0, 0.0, 0.0, 0.0, 0.0)))
    assert programs.agree(zero, zero)
