"""Faults that are not the input's: no device, no memory, a family of the user's that breaks."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import jax
import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import engine, sweeps
from collapse_theory.cli.app import run
from collapse_theory.families.gaussian import GaussianLaw

EXPERIMENT = ct.Experiment(
    family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3, observables=("variance",)
)
TOML = """n = 10
generations = 3
observables = ["variance"]
[family]
name = "Gaussian"
[workflow]
name = "Replace"
"""


def exhausted(*a, **k):
    raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 7 bytes.")


def test_where_memory_runs_out_one_unit_at_a_time_is_tried(monkeypatch):
    monkeypatch.setattr(engine, "LARGEST_UNIT", {"cpu": 64})
    real, asked = engine._in_flight, []

    def crowded(setup, chains, root, unit, devices, ahead, journal):
        asked.append((chains.start, ahead))
        if ahead > 1:
            yield from real(setup, chains[:256], root, unit, devices, ahead, journal)
            exhausted()
        yield from real(setup, chains, root, unit, devices, ahead, journal)

    whole = ct.simulate(EXPERIMENT, chains=1024, seed=1)
    monkeypatch.setattr(engine, "_in_flight", crowded)
    found = ct.simulate(EXPERIMENT, chains=1024, seed=1)
    assert asked == [(0, 3), (256, 1)]  # what was finished is not run again
    assert found.moments.mean.tobytes() == whole.moments.mean.tobytes()


def test_memory_that_is_never_enough_is_said(monkeypatch):
    monkeypatch.setattr(engine, "_in_flight", exhausted)
    with pytest.raises(ct.InputError, match="chains at a time do not fit"):
        ct.simulate(EXPERIMENT, chains=64, seed=1)


def test_other_errors_of_a_device_are_not_taken_for_it(monkeypatch):
    def broken(*a, **k):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(engine, "_in_flight", broken)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        ct.simulate(EXPERIMENT, chains=64, seed=1)


def test_a_gpu_that_is_not_there(tmp_path):
    (tmp_path / "e.toml").write_text(TOML)
    done = subprocess.run(
        [sys.executable, "-m", "collapse_theory", "simulate", "e.toml", "--chains", "10"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
        env=os.environ | {"JAX_PLATFORMS": "cuda"},
    )  # fmt: skip
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert line.startswith("collapse: JAX finds no device (JAX_PLATFORMS = 'cuda')")
    assert "Traceback" not in done.stderr


class Breaks(ct.Gaussian):
    """A user's family that raises where the fitted mean is asked for with this many rows."""

    def estimate(self, statistic):
        raise ZeroDivisionError("a slip of the user's")


class Spoils(ct.Gaussian):
    """A user's family that returns NaN for a few chains, midway."""

    def estimate(self, statistic):
        fit = super().estimate(statistic)
        spoilt = jax.numpy.where(fit.mean > 1.0, jax.numpy.nan, fit.mean)
        return type(fit)(spoilt, fit.log_var)


def test_other_configs_go_on_where_one_breaks(tmp_path):
    what = ct.Sweep(EXPERIMENT, {"family": [ct.Gaussian(), Breaks(), ct.Gaussian(ddof=0)]})
    with pytest.raises(ct.InputError) as caught:
        ct.sweep(what, out=tmp_path / "s.zarr", chains=64, seed=0)
    told = str(caught.value)
    assert "config 1 (family = Breaks" in told
    assert "ZeroDivisionError: a slip of the user's" in told
    assert "1 of 3 configs failed" in told
    assert sweeps.open_dataset(tmp_path / "s.zarr")["done"].values.tolist() == [
        True, False, True,
    ]  # fmt: skip


def test_other_theorems_are_judged_where_one_case_breaks(monkeypatch):
    module = sys.modules["collapse_theory.verification"]
    simulate = module.simulate

    def broken(e, **k):
        if type(e.workflow) is ct.Accumulate:
            raise ZeroDivisionError("a slip")
        return simulate(e, **k)

    module = sys.modules["collapse_theory.verification"]
    monkeypatch.setattr(module, "simulate", broken)
    names = ["replace.log_variance", "kazdan2024.accumulate_gaussian.variance"]
    with pytest.raises(module.Failed, match=r"1 experiments could not.*Accumulate.*a slip") as c:
        ct.verify(names, chains=2000)
    assert {v.theorem.name for v in c.value.verdicts} == {names[0]}


def test_values_that_are_not_numbers_are_counted():
    e = ct.Experiment(
        family=Spoils(), workflow=ct.Replace(), n=3, generations=6,
        observables=("mean_squared_error",),
    )  # fmt: skip
    found = ct.simulate(e, chains=2000, seed=3)
    bad = found.nonfinite("mean_squared_error")
    assert 0 < bad[0] < bad[-1] < 2000
    assert not found.trusted("mean_squared_error").any()
    assert np.isfinite(found.mean("mean_squared_error")).all()


def test_a_folder_that_cannot_be_written(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.toml").write_text(TOML)
    assert run(["simulate", "e.toml", "--chains", "10", "--save", "/proc/run"]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert run(["simulate", "e.toml", "--chains", "10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["chains"] == 10


def test_a_saved_result_can_be_rerun(tmp_path, capsys):
    ct.simulate(EXPERIMENT, chains=500, seed=4).save(tmp_path / "run")
    assert run(["rerun", str(tmp_path / "run")]) == 0
    assert "the same bits: 500 chains, seed 4" in capsys.readouterr().out
    other = ct.simulate(EXPERIMENT, chains=500, seed=5)
    replace(other, seed=4).save(tmp_path / "other")  # other bits, one law
    assert run(["rerun", str(tmp_path / "other"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert not found["same_bits"]
    assert 0 < found["max_z"] < 5
    wrong = replace(EXPERIMENT, truth=GaussianLaw(0.0, 2.0))
    replace(other, experiment=wrong, seed=4).save(tmp_path / "wrong")
    assert run(["rerun", str(tmp_path / "wrong")]) == 1
    assert "DO NOT agree" in capsys.readouterr().out
    assert run(["rerun", str(tmp_path / "none")]) == 2
