"""Runs that are stopped: they go on to the same bits, and take up nothing but their own."""

import importlib
import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import checkpoint, engine, result, trying
from collapse_theory.cli.app import run as command
from collapse_theory.resuming import locked

EXPERIMENT = ct.Experiment(
    family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3, observables=("variance",)
)
UNIT = 64
verification = importlib.import_module("collapse_theory.verification")


@pytest.fixture(autouse=True)
def _small_units(monkeypatch):
    monkeypatch.setattr(engine, "LARGEST_UNIT", {"cpu": UNIT})
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)


def bits(found):
    return [a.tobytes() for a in found.moments]


def stop_after(units, store, chains=1000, seed=4):
    """A run that is interrupted after so many units."""

    def progress(done, total):
        if done >= units * UNIT:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ct.simulate(
            EXPERIMENT, chains=chains, seed=seed, plan=ct.Plan(progress=progress), store=store
        )


@pytest.mark.parametrize("units", [1, 2, 7, 15])
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, units):
    stop_after(units, tmp_path / "run")
    counted = []
    found = ct.simulate(
        EXPERIMENT, chains=1000, seed=4, store=tmp_path / "run",
        plan=ct.Plan(progress=lambda done, total: counted.append(done)),
    )  # fmt: skip
    assert bits(found) == bits(ct.simulate(EXPERIMENT, chains=1000, seed=4))
    assert counted[0] == min((units + 1) * UNIT, 1000)  # nothing was run again
    assert bits(ct.load(tmp_path / "run")) == bits(found)
    assert {p.name for p in tmp_path.iterdir()} <= {"run", ".run.lock"}


def test_stopped_again_and_again(tmp_path):
    for units in (1, 4, 5, 11):
        stop_after(units, tmp_path / "run")
    found = ct.simulate(EXPERIMENT, chains=1000, seed=4, store=tmp_path / "run")
    assert bits(found) == bits(ct.simulate(EXPERIMENT, chains=1000, seed=4))


@pytest.mark.parametrize("first", [64, 100, 1000])
def test_more_chains_are_added_to_the_same_bits(tmp_path, first):
    ct.simulate(EXPERIMENT, chains=first, seed=4, store=tmp_path / "run")
    counted = []
    plan = ct.Plan(progress=lambda done, total: counted.append(done))
    found = ct.simulate(EXPERIMENT, chains=1500, seed=4, store=tmp_path / "run", plan=plan)
    whole = ct.simulate(EXPERIMENT, chains=1500, seed=4)
    assert bits(found) == bits(whole)
    assert found.chains == ct.load(tmp_path / "run").chains == 1500
    assert counted[0] == first // UNIT * UNIT + UNIT
    assert bits(ct.load(tmp_path / "run").extend(37)) == bits(whole.extend(37))


def test_what_is_there_is_not_run_again(tmp_path):
    ct.simulate(EXPERIMENT, chains=500, seed=4, store=tmp_path / "run")
    forbidden = ct.Plan(progress=lambda done, total: pytest.fail("a unit was run"))
    for chains in (500, 100):
        found = ct.simulate(
            EXPERIMENT, chains=chains, seed=4, store=tmp_path / "run", plan=forbidden
        )
        assert found.chains == 500
        longer = ct.simulate(EXPERIMENT, chains=540, seed=4)
        assert bits(found.extend(40)) == bits(longer)


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 5}, "seed is 4 there and 5 here"),
        ({"n": 11}, "n = 10 there, n = 11 here"),
        ({"dtype": "float32"}, "dtype is float64 there and float32 here"),
        ({"workflow": ct.Accumulate()}, "Accumulate"),
    ],
)
def test_another_run_is_refused_and_the_difference_named(tmp_path, finished, change, told):
    if finished:
        ct.simulate(EXPERIMENT, chains=200, seed=4, store=tmp_path / "run")
    else:
        stop_after(2, tmp_path / "run")
    change = dict(change)
    seed, dtype = change.pop("seed", 4), change.pop("dtype", None)
    with pytest.raises(ct.InputError, match=told):
        ct.simulate(
            replace(EXPERIMENT, **change), chains=300, seed=seed, store=tmp_path / "run",
            plan=ct.Plan(dtype=dtype),
        )  # fmt: skip
    found = ct.simulate(EXPERIMENT, chains=300, seed=4, store=tmp_path / "run")
    assert bits(found) == bits(ct.simulate(EXPERIMENT, chains=300, seed=4))


def test_one_writer_at_a_time(tmp_path):
    with (
        locked(tmp_path / "run"),
        pytest.raises(ct.InputError, match="another process is writing"),
    ):
        ct.simulate(EXPERIMENT, chains=100, seed=4, store=tmp_path / "run")
    ct.simulate(EXPERIMENT, chains=100, seed=4, store=tmp_path / "run")


def test_the_lock_of_a_killed_process_does_not_hold(tmp_path):
    code = (
        "import sys, time, pathlib; from collapse_theory.resuming import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "run")], stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"locked\n"
    with pytest.raises(ct.InputError, match="another process"):
        ct.simulate(EXPERIMENT, chains=100, seed=4, store=tmp_path / "run")
    child.kill()
    child.wait()
    child.stdout.close()
    ct.simulate(EXPERIMENT, chains=100, seed=4, store=tmp_path / "run")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign", "empty"])
def test_a_damaged_checkpoint_is_refused(tmp_path, damage):
    stop_after(3, tmp_path / "run")
    file = tmp_path / ".run.checkpoint"
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(b"mean.npy") + 140] ^= 1
    file.write_bytes(
        {"truncated": whole[: len(whole) // 2], "flipped": bytes(flipped), "empty": b"",
         "foreign": b"\x80\x04cos\nsystem\n"}[damage]
    )  # fmt: skip
    with pytest.raises(ct.InputError, match="checkpoint is damaged"):
        ct.simulate(EXPERIMENT, chains=300, seed=4, store=tmp_path / "run")
    file.unlink()
    found = ct.simulate(EXPERIMENT, chains=300, seed=4, store=tmp_path / "run")
    assert bits(found) == bits(ct.simulate(EXPERIMENT, chains=300, seed=4))


def test_a_flipped_bit_in_a_saved_result_is_seen(tmp_path):
    ct.simulate(EXPERIMENT, chains=300, seed=4, store=tmp_path / "run")
    chunks = [p for p in (tmp_path / "run").rglob("*") if p.is_file() and "/c/" in str(p)]
    seen = 0
    for chunk in chunks:
        whole = chunk.read_bytes()
        flipped = bytearray(whole)
        flipped[-1] ^= 1
        chunk.write_bytes(bytes(flipped))
        again = None
        with suppress(ct.InputError):
            again = ct.load(tmp_path / "run")
        seen += again is None
        # else a column that is computed from the sums, or padding: nothing is restored from it
        assert again is None or bits(again) == bits(ct.simulate(EXPERIMENT, chains=300, seed=4))
        chunk.write_bytes(whole)
    assert seen >= 6


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    stop_after(3, tmp_path / "run")
    before = (tmp_path / ".run.checkpoint").read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(ct.InputError, match="No space left"):
        ct.simulate(EXPERIMENT, chains=1000, seed=4, store=tmp_path / "run")
    assert (tmp_path / ".run.checkpoint").read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


TOML = """n = 10
generations = 400
observables = ["variance"]
[family]
name = "Gaussian"
[workflow]
name = "Replace"
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_command_goes_on_after_a_signal(tmp_path, how, monkeypatch):
    (tmp_path / "e.toml").write_text(TOML)
    words = ["simulate", "e.toml", "--chains", "120000", "--save", "run"]
    child = subprocess.Popen(
        [sys.executable, "-m", "collapse_theory", *words], cwd=tmp_path,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (tmp_path / ".run.checkpoint").exists():
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(how)
    _, err = child.communicate(timeout=60)
    assert not (tmp_path / "run").exists()
    if how is signal.SIGKILL:
        assert child.returncode == -9
    else:
        assert child.returncode == 130
        assert "the same command goes on" in err.decode()
    done = subprocess.run(
        [sys.executable, "-m", "collapse_theory", *words, "--json"], cwd=tmp_path,
        capture_output=True, check=True, timeout=300,
    )  # fmt: skip
    found = json.loads(done.stdout)["observables"]["variance"]["mean"]
    monkeypatch.setitem(engine.LARGEST_UNIT, "cpu", 1 << 15)  # the command's own
    alone = ct.simulate(ct.load_experiment(tmp_path / "e.toml"), chains=120_000, seed=0)
    assert found == alone.mean("variance").tolist()


def test_starting_over(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.toml").write_text(TOML)
    words = ["simulate", "e.toml", "--chains", "100", "--save", "run"]
    assert command(words) == 0
    assert command([*words, "--seed", "1"]) == 2
    assert "seed is 0 there and 1 here" in capsys.readouterr().err
    assert command([*words, "--seed", "1", "--force"]) == 0
    assert ct.load("run").seed == 1


def test_results_tell_how_far_they_can_be_built_on():
    found = ct.simulate(EXPERIMENT, chains=100, seed=4)
    assert found.tally.chains == UNIT
    assert result.simulate(EXPERIMENT, chains=10, seed=4).tally is None


@pytest.mark.parametrize("names", [["replace.log_variance"], ["xu2025.prob_beats_real_replace"]])
def test_verdicts_go_on_from_runs_that_are_kept(tmp_path, monkeypatch, names):
    first = ct.judge_all(names, chains=1 << 14, store=tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir())

    def forbidden(*a, **k):
        pytest.fail("run again")

    monkeypatch.setattr(verification, "_simulate", forbidden)
    monkeypatch.setattr(trying, "moments_of", forbidden)
    again = ct.judge_all(names, chains=1 << 14, store=tmp_path / "runs")
    assert [bits(v) for v in again] == [bits(v) for v in first]
    assert [v.status for v in again] == [v.status for v in first]
    with pytest.raises(pytest.fail.Exception):
        ct.judge_all(names, chains=1 << 14, store=tmp_path / "runs", seed=1)


def test_a_folder_of_other_things_takes_no_runs(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ct.InputError, match="name a folder for runs alone"):
        ct.judge_all(["replace.log_variance"], store=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
