"""The GPU kernel, run by its interpreter: the chains of the scan, and what it leaves to the scan.

That it is also translated for a GPU is tested here; that a GPU runs it fast is not.
"""

import functools

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import kernel, programs
from collapse_theory.moments import to_moments
from collapse_theory.sampling.counter import seed_key

# the interpreter of JAX 0.12 takes minutes to compile what 0.10 compiles in seconds
pytestmark = pytest.mark.skipif(
    jax.__version_info__ >= (0, 11), reason="this JAX takes minutes to interpret a kernel"
)
UNIT, COUNT, T = 4096, 3000, 5
ORIGIN = np.array([2**32 - 1000, 5], np.uint32)  # the low word of the ids overflows in the unit
GAUSSIAN = ("mean_squared_error", "variance")
CASES = {
    "replace": (ct.Gaussian(), ct.Replace(), 100, GAUSSIAN),
    "lifted": (ct.Gaussian(), ct.Replace(), 5, ("mean_squared_error", "log_variance")),
    "schedule": (ct.Gaussian(), ct.Accumulate(), (10, 20, 30, 40, 50), GAUSSIAN),
    "mix": (ct.Gaussian(ddof=0), ct.Mix(), 100, (*GAUSSIAN, "w2_squared", "kl_forward")),
    "window": (ct.Gaussian(), ct.Window(batches=3), 100, GAUSSIAN),
    "decay": (ct.Gaussian(), ct.Decay(rate=0.5), 100, (*GAUSSIAN, "closer_than_first")),
    "refresh": (ct.Gaussian(), ct.Refresh(every=2), 100, GAUSSIAN),
    "mean": (ct.GaussianMean(var=2.0), ct.Accumulate(), 100, ("mean_squared_error",)),
    "exponential": (ct.Exponential(), ct.Replace(), 100, ("mean", "log_variance")),
    "uniform": (ct.Uniform(), ct.Replace(), 100, ("mean", "log_scale")),
    "regression": (ct.LinearRegression(), ct.Replace(), 100, ("excess_risk",)),
}
BEYOND = {
    "a loop": (ct.Bernoulli(), ct.Replace(), 100, ("mean",)),
    "vectors": (ct.LinearRegression(), ct.Accumulate(), 100, ("excess_risk",)),
    "rows": (ct.Gaussian(), ct.AccumulateSubsample(), 10, GAUSSIAN),
}


def some_slow(cases, quick):
    return [c if c in quick else pytest.param(c, marks=pytest.mark.slow) for c in cases]


NAMES = some_slow(CASES, ("schedule",))


def made_ready(family, workflow, n, observables):
    e = ct.Experiment(family=family, workflow=workflow, n=n, generations=T, observables=observables)
    setup = e.setup(np.float32)
    where = seed_key(3), jnp.asarray(ORIGIN), jnp.asarray(COUNT, jnp.uint32)
    return programs.setup_static(setup), programs.setup_arrays(setup), where


def in_registers(static, interpret):
    join = functools.partial(programs._join, static)
    size = T, len(jax.tree.unflatten(*static).observables)
    run = functools.partial(kernel.unit_sums, unit=UNIT, size=size, interpret=interpret)
    return jax.jit(functools.partial(run, join))


def words(where):
    return jr.key_data(where[0]), *where[1:]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_the_kernel_runs_the_chains_of_the_scan(name):
    static, arrays, where = made_ready(*CASES[name])
    mine = to_moments(in_registers(static, interpret=True)(arrays, words(where)))
    scan = to_moments(programs.scanned("cpu", static, arrays, where, UNIT))
    assert programs.agree(mine, scan)
    assert (mine.n + mine.nonfinite == COUNT).all()
    np.testing.assert_allclose(mine.m2, scan.m2, rtol=1e-4)
    np.testing.assert_allclose(mine.m4, scan.m4, rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_is_translated_for_a_gpu(name):
    static, arrays, where = made_ready(*CASES[name])
    traced = in_registers(static, interpret=False).trace(arrays, words(where))
    assert "triton" in traced.lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize("name", some_slow(BEYOND, ("a loop",)))
def test_what_the_kernel_cannot_do_is_left_to_the_scan(name):
    static, arrays, where = made_ready(*BEYOND[name])
    with pytest.raises((TypeError, ValueError), match=r"Row|sequence|Address"):
        in_registers(static, interpret=True)(arrays, words(where))
    sums = programs.unit_sums("gpu", static, arrays, where, UNIT)
    assert programs.agree(
        to_moments(sums), to_moments(programs.scanned("cpu", static, arrays, where, UNIT))
    )


def test_a_kernel_that_is_wrong_would_be_seen():
    static, arrays, where = made_ready(*CASES["replace"])
    scan = to_moments(programs.scanned("cpu", static, arrays, where, UNIT))
    other = (where[0], where[1] + jnp.array([1, 0], jnp.uint32), where[2])  # one chain differs
    assert not programs.agree(
        to_moments(programs.scanned("cpu", static, arrays, other, UNIT)), scan
    )
    assert not programs.agree(scan._replace(mean=scan.mean * 1.01), scan)
    assert not programs.agree(scan._replace(n=scan.n - 1), scan)
