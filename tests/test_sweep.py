"""Sweeps: every config as if simulated alone, a store that many fill and that survives a kill."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jax
import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import sweeps
from collapse_theory.cli import app, session
from collapse_theory.cli import sweep as cli_sweep
from collapse_theory.sweeps import running, storage, writing
from collapse_theory.sweeps.values import coordinate, label

BASE = """
n = 10
generations = 3
observables = ["variance", "log_variance"]
[family]
name = "Gaussian"
[workflow]
name = "Weighted"
weight = 0.5
[sweep]
"""
SWEEP = BASE + '"workflow.weight" = [0.25, 0.75]\n"truth.var" = [1.0, 2.3, 4.0]\n'
CHAINS, SEED = 100, 7
EXPERIMENT = ct.Experiment(
    family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3, observables=("variance",)
)


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run ``collapse sweep`` on a file of this content in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(session, "begin", lambda *, cache, devices="1": None)

    def call(content, *words):
        Path("s.toml").write_text(content)
        chains = () if "--chains" in words else ("--chains", CHAINS)
        code = app.run([str(w) for w in ("sweep", "s.toml", *words, *chains)])
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def small():
    return ct.Sweep(EXPERIMENT, {"truth.var": [1.0, 2.0, 3.0, 4.0, 5.0]})


@pytest.fixture(scope="module")
def whole(small, tmp_path_factory):
    """The run that all others must equal."""
    path = tmp_path_factory.mktemp("sweep") / "whole.zarr"
    return ct.sweep(small, out=path, chains=CHAINS, seed=SEED).load()


def same(a, b):
    """Whether two datasets are equal bit for bit."""
    assert set(a.variables) == set(b.variables)
    for name in a.variables:
        x, y = a[name].values, b[name].values
        assert x.dtype == y.dtype, name
        equal = x.tobytes() == y.tobytes() if x.dtype.kind in "fib" else (x == y).all()
        assert equal, name
    assert a.attrs == b.attrs


def again(small, out, shard=(1, 1)):
    return ct.sweep(small, out=out, chains=CHAINS, seed=SEED, shard=shard).load()


def values(content):
    path = Path("v.toml")
    path.write_text(content)
    return ct.load_sweep(path).parameters


def test_a_grid_in_order_with_labels(run):
    code, out, err = run(SWEEP, "--seed", SEED, "--json")
    assert (code, err) == (0, "")
    got = json.loads(out)
    assert {k: got[k] for k in ("store", "configs", "done", "shard", "seed", "chains")} == {
        "store": "s.zarr", "configs": 6, "done": 6, "shard": "1/1", "seed": SEED, "chains": CHAINS,
    }  # fmt: skip
    assert got["parameters"] == {
        "workflow.weight": [0.25] * 3 + [0.75] * 3,
        "truth.var": [1.0, 2.3, 4.0] * 2,
    }
    data = sweeps.open_dataset("s.zarr")
    assert dict(data["mean"].sizes) == {"config": 6, "generation": 3, "observable": 2}
    assert data["chains"].values.tolist() == [CHAINS] * 6
    assert data["truth.var"].dtype == np.float64
    assert data["truth.var"].values.tolist() == got["parameters"]["truth.var"]
    assert json.loads(data.attrs["facts"])["versions"]["jax"] == jax.__version__
    assert json.loads(str(data["facts"].values[5]))["route"] == "law"
    for name, columns in got["observables"].items():
        last = data.sel(observable=name, generation=3)
        assert columns["mean"] == last["mean"].values.tolist()
        assert columns["trusted"] == last["trusted"].values.tolist()


def test_every_config_equals_its_simulation(run):
    mixed = BASE.replace("weight = 0.5", "") + (
        'workflow = [{name = "Weighted", weight = 0.25}, {name = "AccumulateSubsample"}]\n'
        'n = [10, 4]\nmode = "list"'
    )
    assert run(mixed, "--seed", SEED)[0] == 0
    data = sweeps.open_dataset("s.zarr")
    assert data["workflow"].values.tolist() == ["Weighted(weight=0.25)", "AccumulateSubsample"]
    assert data["n"].values.tolist() == [10, 4]
    assert [json.loads(str(f))["route"] for f in data["facts"].values] == ["law", "raw"]
    for i, e in enumerate(ct.load_sweep("s.toml").experiments):
        alone = ct.simulate(e, chains=CHAINS, seed=SEED)
        here = data.isel(config=i)
        for name, column in writing.columns(alone).items():
            assert here[name].values.tobytes() == column.tobytes(), name
        for name, column in alone.moments._asdict().items():
            np.testing.assert_array_equal(here["count" if name == "n" else name], column)
        for name in ("mean", "se", "variance", "skewness", "kurtosis", "trusted", "nonfinite"):
            for o in alone.names:
                np.testing.assert_array_equal(here[name].sel(observable=o), getattr(alone, name)(o))


def test_ranges(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    got = values(
        BASE
        + '"n" = {from = 10, to = 1e6, steps = 6, scale = "log"}\n'
        + '"n_real" = {from = 2, to = 4, steps = 9}\n'
        + 'workflow.weight = {from = 0.1, to = 0.4, steps = 4, scale = "linear"}\n'
        + "family.ddof = {from = 0, to = 1, steps = 3}\n"
        + 'truth.var = {from = 1, to = 100, steps = 3, scale = "log"}\n'
    )
    assert got == {
        "n": [10, 100, 1000, 10_000, 100_000, 1_000_000],
        "n_real": [2, 3, 4],
        "workflow.weight": [0.1, 0.2, 0.3, 0.4],
        "family.ddof": [0, 1],
        "truth.var": [1.0, 10.0, 100.0],
    }
    assert all(type(v) is int for path in ("n", "n_real", "family.ddof") for v in got[path])


BAD = {
    "unknown path": ("wokflow.weight = [1]", "sweep.wokflow is unknown (did you mean"),
    "unknown quoted": ('"wokflow.weight" = [1]', "sweep.wokflow.weight is unknown (did you mean"),
    "unknown field": ('"workflow.wieght" = [0.5]', "config 0 (workflow.wieght = 0.5): workflow.w"),
    "too deep": ('"truth.var.x" = [1]', "sweep.truth.var.x is unknown"),
    "no table": ('"n.x" = [1]', "sweep.n.x is unknown"),
    "type": ('"truth.var" = [1.0, "wide"]', "config 1 (truth.var = wide): truth.var = 'wide'"),
    "value": ("n = [5, 1]", "config 1 (n = 1): n = 1: Gaussian needs at least 2"),
    "which one": ("n = [5, 1]\nn_real = [1, 9]", "config 0 (n = 5, n_real = 1): n_real = 1"),
    "member": ('"workflow.name" = ["Replac"]', "workflow.name = 'Replac' is unknown"),
    "empty": ("n = []", "sweep.n is an empty list"),
    "scalar": ("n = 5", "sweep.n = 5: a list or {from, to, steps, scale} is needed"),
    "nothing": ("", "sweep names no key"),
    "unequal": ('mode = "list"\nn = [5, 6]\nn_real = [7]', "n has 2, n_real has 1"),
    "mode": ('mode = "zip"\nn = [5]', "sweep.mode = 'zip': allowed are 'grid' and 'list'"),
    "generations": ("generations = [2, 3]", "share their generations"),
    "observables": ('observables = [["mean"]]', "share their observables"),
    "twice": ('workflow = [{name = "Replace"}]\n"workflow.weight" = [1]', "'workflow' is swept"),
    "range key": ("n = {from = 1, to = 3, step = 2}", "sweep.n.step is unknown (did you mean"),
    "range end": ("n = {from = 1, steps = 2}", "sweep.n.to is missing"),
    "range steps": ("n = {from = 1, to = 3, steps = 1}", "sweep.n.steps = 1"),
    "range scale": ('n = {from = 1, to = 3, steps = 2, scale = "ln"}', "sweep.n.scale = 'ln'"),
    "range log": ('n = {from = 0, to = 3, steps = 2, scale = "log"}', "needs from > 0"),
    "range number": ('n = {from = "a", to = 3, steps = 2}', "sweep.n.from = 'a'"),
    "too many": ("n = {from = 1, to = 1e9, steps = 100000}\nn_real = [9, 8]", "at most 100,000"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_sweeps(run, content, message):
    code, out, err = run(BASE + content)
    assert (code, out) == (2, "")
    assert err.startswith("collapse: ")
    assert err.count("\n") == 1
    assert message in err
    assert not Path("s.zarr").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--shard", "4/3"), "--shard = '4/3': i/n with 1 <= i <= n"),
        (("--shard", "0/3"), "--shard"),
        (("--shard", "one"), "--shard"),
        (("--force", "--shard", "1/2"), "--force and --shard"),
        (("--seed", "-1"), "seed = -1"),
        (("--out", "s.toml"), "is not the folder of a sweep"),
        (("--out", "s.toml", "--force"), "is not the folder of a sweep"),
    ],
)
def test_wrong_usage(run, words, message):
    code, out, err = run(SWEEP, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert [p.name for p in Path().iterdir()] == ["s.toml"]


def test_a_file_without_the_table(run):
    assert "[sweep] is missing" in run(BASE.replace("[sweep]", ""))[2]
    assert "observables is empty" in run(SWEEP.replace('"variance", "log_variance"', ""))[2]


def test_tables_for_people(run):
    code, out, err = run(SWEEP)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[:3] for line in lines if "±" in line][4] == ["4", "0.75", "2.3"]
    assert lines[-1] == "6 of 6 configs are in s.zarr"


def test_long_tables_are_cut(run, monkeypatch):
    monkeypatch.setattr(cli_sweep, "ROWS", 4)
    out = run(SWEEP)[1]
    assert [line.split()[0] for line in out.splitlines() if "±" in line] == ["0", "1", "4", "5"]
    assert "2 more configs are in s.zarr" in out


def test_dry_run(run):
    words = ("--dry-run", "--shard", "1/4", "--chains", "1e6")
    code, out, err = run(SWEEP, *words, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "configs": 6, "shard": "1/4", "to_run": 2, "chain_generations": 6_000_000,
        "megabytes": 6 * 3 * 2 * 81 / 1e6, "programs": 1,
    }  # fmt: skip
    assert "6,000,000 chain-generations\n1 distinct programs" in run(SWEEP, *words)[1]
    several = BASE.replace("weight = 0.5", "") + '"workflow.name" = ["Replace", "Accumulate"]'
    assert json.loads(run(several, "--dry-run", "--json")[1])["programs"] == 2
    assert [p.name for p in Path().iterdir()] == ["s.toml"]


def test_shards_equal_one_run(small, whole, tmp_path):
    out = tmp_path / "shards.zarr"
    for i, ran in ((3, [2]), (1, [0, 2, 3]), (2, [0, 1, 2, 3, 4])):
        data = again(small, out, (i, 3))
        assert np.flatnonzero(data["done"]).tolist() == ran
        assert np.isnan(data["mean"].values[~data["done"].values]).all()
    same(data, whole)


def test_a_killed_run_goes_on(small, whole, tmp_path, monkeypatch):
    code = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
import conftest
import collapse_theory as ct
from collapse_theory import sweeps
from collapse_theory.sweeps import running, writing

class Dying(dict):
    def __getitem__(self, name):
        if name == "kurtosis" and self.armed:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(name)

class Writer(writing.Writer):
    def __init__(self, folder):
        super().__init__(folder)
        self._arrays = Dying(self._arrays)
        self._arrays.armed = False

    def write(self, config, result):
        self._arrays.armed = config == 2
        super().write(config, result)

running.Writer = Writer
base = ct.Experiment(family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3,
                     observables=("variance",))
small = ct.Sweep(base, {"truth.var": [1.0, 2.0, 3.0, 4.0, 5.0]})
ct.sweep(small, out=sys.argv[1], chains=100, seed=7)
"""
    out, here = tmp_path / "killed.zarr", Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", code, out, here], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = sweeps.open_dataset(out).load()
    assert left["done"].values.tolist() == [True, True, False, False, False]
    assert np.isfinite(left["mean"].values[2]).all()  # half there, and not marked
    ran = []
    simulate = running.simulate

    def counting(e, **settings):
        ran.append(e.truth.var)
        return simulate(e, **settings)

    monkeypatch.setattr(running, "simulate", counting)
    same(again(small, out), whole)
    assert ran == [4.0, 5.0]  # the state of the third was there already: written again, not run
    same(again(small, out), whole)
    assert ran == [4.0, 5.0]


def test_more_chains_are_added(small, tmp_path, monkeypatch):
    out = tmp_path / "grown.zarr"
    for chains in (40, 100, 70):
        ct.sweep(small, out=out, chains=chains, seed=SEED)
    grown = ct.sweep(small, out=out, chains=CHAINS + 40_000, seed=SEED).load()
    fresh = ct.sweep(small, out=tmp_path / "fresh.zarr", chains=CHAINS + 40_000, seed=SEED).load()
    same(grown, fresh)
    monkeypatch.setattr(running, "simulate", lambda *a, **k: pytest.fail("run again"))
    same(ct.sweep(small, out=out, chains=CHAINS, seed=SEED).load(), grown)  # it holds more


def test_a_config_with_a_flipped_bit_is_run_again(small, whole, tmp_path):
    out = tmp_path / "flipped.zarr"
    again(small, out)
    file = out / "state" / "c" / "2" / "0" / "0" / "0"
    flipped = bytearray(file.read_bytes())
    flipped[len(flipped) // 2] ^= 4
    file.write_bytes(bytes(flipped))
    same(again(small, out), whole)


def test_one_writer_for_each_shard(small, whole, tmp_path):
    out = tmp_path / "alone.zarr"
    with running.alone(out, (1, 2)):
        with pytest.raises(ct.InputError, match="another process is writing"):
            again(small, out, (1, 2))
        with pytest.raises(ct.InputError, match="another number of shards"):
            again(small, out)
        again(small, out, (2, 2))
    same(again(small, out), whole)
    assert [p.name for p in tmp_path.iterdir()] == ["alone.zarr"]


def test_ctrl_c_keeps_what_is_done(run, monkeypatch):
    simulate = running.simulate

    def stop(e, **settings):
        if e.truth.var == 2.3:
            raise KeyboardInterrupt
        return simulate(e, **settings)

    with monkeypatch.context() as planted:
        planted.setattr(running, "simulate", stop)
        code, out, err = run(SWEEP)
    assert (code, out) == (130, "")
    assert err.splitlines() == [
        "collapse: 1 of 6 configs are kept in s.zarr; the same command goes on from there",
        "collapse: interrupted",
    ]
    assert "6 of 6 configs are in s.zarr" in run(SWEEP)[1]


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        (SWEEP, ("--seed", "1"), "was begun with seed = 0, not 1"),
        (SWEEP, ("--dtype", "float32"), "was begun with dtype = 'float64', not 'float32'"),
        (SWEEP.replace("2.3", "2.4"), (), "holds another sweep"),
        (SWEEP.replace("n = 10", "n = 11"), (), "holds another sweep"),
    ],
)
def test_foreign_stores_are_refused(run, content, words, message):
    run(SWEEP, "--shard", "6/6")
    before = sweeps.open_dataset("s.zarr").load()
    code, out, err = run(content, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert "--force" in err
    same(sweeps.open_dataset("s.zarr").load(), before)


def test_force_starts_over(run):
    run(SWEEP, "--shard", "6/6")
    assert run(SWEEP, "--seed", "1", "--force")[0] == 0
    assert sweeps.open_dataset("s.zarr").attrs["seed"] == 1
    assert sweeps.finished("s.zarr") == 6
    assert sorted(p.name for p in Path().iterdir()) == ["s.toml", "s.zarr"]


def test_later_layouts_and_damage(small, tmp_path):
    out = tmp_path / "s.zarr"
    again(small, out, (5, 5))
    meta = json.loads((out / "zarr.json").read_text())
    meta["attributes"]["schema"] += 1
    (out / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(ct.InputError, match="layout 3, not 2"):
        again(small, out)
    meta["attributes"]["schema"] -= 1
    (out / "zarr.json").write_text(json.dumps(meta))
    (out / "m3" / "zarr.json").unlink()
    with pytest.raises(ct.InputError, match="damaged"):
        again(small, out)
    with pytest.raises(ct.InputError, match="no sweep is there"):
        sweeps.open_dataset(tmp_path)


def test_numbers_share_programs(tmp_path):
    compiled = []

    def listen(event, seconds, **_):
        if event.endswith("backend_compile_duration"):
            compiled.append(event)

    base = ct.Experiment(
        family=ct.Gaussian(ddof=0), workflow=ct.Weighted(0.5), n=11, generations=4,
        observables=("variance",),
    )  # fmt: skip
    five = {"truth.var": [1.0, 1.5, 2.0, 2.5, 3.0], "workflow.weight": [0.1, 0.3, 0.5, 0.7, 0.9]}
    what = ct.Sweep(base, five, "list")
    assert sweeps.estimate(what, chains=64).programs == 1
    jax.monitoring.register_event_duration_secs_listener(listen)
    ct.sweep(what, out=tmp_path / "a", chains=64, seed=0, shard=(1, 5))
    assert len(compiled) >= 2
    compiled.clear()
    ct.sweep(what, out=tmp_path / "a", chains=64, seed=0)
    assert compiled == []


def test_creators_that_race_agree(small, tmp_path, monkeypatch):
    """All begin before any store is there; one wins, and nothing stays beside."""
    count, errors = 6, []
    barrier = threading.Barrier(count)
    made = storage._make

    def together(*words):
        made(*words)
        barrier.wait(30)

    monkeypatch.setattr(storage, "_make", together)
    out = tmp_path / "race.zarr"

    def create(i):
        try:
            mine = storage.identity(small, seed=int(i == 0), dtype="float64")
            storage.ensure(out, small, mine)
        except Exception as e:
            errors.append(e)

    threads = [threading.Thread(target=create, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [p.name for p in tmp_path.iterdir()] == ["race.zarr"]
    assert all(isinstance(e, ct.InputError) and "seed" in str(e) for e in errors)
    assert len(errors) in (1, count - 1)  # of one seed there was one, of the other the rest
    assert sweeps.finished(out) == 0


def test_members_arrays_and_own_observables(tmp_path):
    own = ct.Observable("twice", "twice the variance")
    own.register(ct.Gaussian)(lambda family, snapshot: 2 * snapshot.fit.var)
    base = ct.Experiment(
        family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=2, observables=(own,)
    )
    what = ct.Sweep(
        base,
        {"workflow": [ct.Replace(), ct.Weighted(0.5)], "n": np.asarray([4, 8])},
    )
    assert len(what) == 4
    assert [e.n for e in what.experiments] == [4, 8, 4, 8]
    assert what.experiments[3].workflow == ct.Weighted(0.5)
    assert what.describe(3) == "config 3 (workflow = Weighted(weight=0.5, real=fresh), n = 8)"
    seen = []
    plan = ct.Plan(progress=lambda done, total: seen.append((done, total)))
    data = ct.sweep(what, out=tmp_path / "o", chains=16, seed=0, shard=(4, 4), plan=plan)
    assert seen == [(0, 1), (1, 1)]
    assert data["observable"].values.tolist() == ["twice"]
    assert data["done"].values.tolist() == [False, False, False, True]


def test_labels():
    assert coordinate([1, 2.5]).dtype == np.float64
    assert coordinate([1, 2]).dtype == np.int64
    assert coordinate([True, False]).dtype == bool
    assert coordinate([1, "a", [2, 3]]).tolist() == ["1", "a", "[2, 3]"]
    assert label({"mean": 0.0, "var": 1.0}) == "mean=0.0, var=1.0"


def test_importing_the_package_loads_no_store():
    code = (
        "import sys, collapse_theory as ct; ct.Sweep; print({'xarray', 'zarr'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, timeout=60
    )
    assert done.stdout == "set()\n", done.stderr


def test_the_manual_has_a_working_sweep(tmp_path):
    text = (Path(__file__).parents[1] / "docs" / "cli.md").read_text()
    example = text.split("## Sweep files")[1].split("```toml\n")[1].split("```")[0]
    (tmp_path / "s.toml").write_text(example)
    assert len(ct.load_sweep(tmp_path / "s.toml")) == 18
