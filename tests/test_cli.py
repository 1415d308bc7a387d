"""The command: its output, its exit codes, and one line for whatever the user got wrong."""

import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import jax
import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import bibliography, config, discovery
from collapse_theory.catalogue.base import Status
from collapse_theory.cli import app, console, members, session
from collapse_theory.cli import simulate as cli_simulate
from collapse_theory.cli import verify as cli_verify

# the module: the package shows a function of the same name
judging = importlib.import_module("collapse_theory.verification")
verdicts_of_all = importlib.import_module("collapse_theory.verdicts")

GOOD = """
n = 10
generations = 3
observables = ["variance", "log_variance"]
[family]
name = "Gaussian"
[workflow]
name = "Replace"
"""
BAD = {
    "unknown family": (GOOD.replace('"Gaussian"', '"Gausian"'), "family.name = 'Gausian'"),
    "n = 1": (GOOD.replace("n = 10", "n = 1"), "n = 1: Gaussian needs at least 2"),
    "negative variance": (GOOD + "[truth]\nvar = -1.0", "truth.var = -1.0: a variance must be > 0"),
    "observable": (GOOD.replace('"log_variance"', '"entropy"'), "observables: 'entropy'"),
    "law route": (
        'route = "law"' + GOOD.replace("Replace", "AccumulateSubsample"),
        "route = 'law': a workflow that subsamples",
    ),
    "typo": (GOOD.replace("generations", "generation"), "generation is unknown"),
    "no TOML": ("n = = 1", "line 1"),
}
USAGE = {
    "unknown command": (["simulat"], 'Did you mean "simulate"'),
    "unknown option": (["verify", "--bogus"], "--bogus"),
    "no file": (["simulate"], "EXPERIMENT.toml"),
    "missing file": (["predict", "none.toml"], "none.toml: No such file"),
    "chains": (["verify", "--chains", "many"], "'many' is not a whole number"),
    "part of a chain": (["verify", "--chains", "1.5"], "'1.5' is not a whole number"),
    "no chains": (["simulate", "FILE", "--chains", "0"], "chains = 0"),
    "seed": (["simulate", "FILE", "--seed", "-1"], "seed = -1"),
    "devices": (["simulate", "FILE", "--devices", "two"], "--devices = 'two'"),
    "too many devices": (["simulate", "FILE", "--devices", "99"], "allowed are 'all' and 1..2"),
    "no device": (["verify", "--devices", "0"], "plan.devices = 0"),
    "docs": (["docs", "build", "--out", "FILE"], "this is a file"),
    "theorem": (["verify", "replace.log_varianc"], "did you mean 'replace.log_variance'"),
    "levels": (["verify", "--quick", "--full"], "--quick, --all and --full"),
    "ids and file": (["verify", "replace", "--experiment", "FILE"], "not both"),
    "kind": (["list", "papers"], "families"),
    "member": (["show", "Mixx"], "did you mean 'Mix'"),
    "plot": (["simulate", "FILE", "--plot", "a.gif"], ".png"),
    "plot nowhere": (["simulate", "FILE", "--plot", "no/a.png"], "there is no folder"),
    "save": (["simulate", "FILE", "--save", "FILE"], "is not a saved result"),
    "route": (["simulate", "FILE", "--route", "fast"], "fast"),
}
REPLACE = ["replace.log_variance", "--chains", "2000"]


@pytest.fixture(autouse=True)
def settings_kept(tmp_path, monkeypatch):
    """The command changes settings of the process; tests that follow must not feel it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    names = ("jax_enable_x64", "jax_compilation_cache_dir", "jax_num_cpu_devices")
    names += ("jax_persistent_cache_min_compile_time_secs",)
    before = {name: getattr(jax.config, name) for name in names}
    monkeypatch.setattr(session, "begin", without_cache(session.begin))
    yield
    for name, value in before.items():
        if getattr(jax.config, name) != value:
            jax.config.update(name, value)


def without_cache(begin):
    """A cache cannot be moved from one test to the next: it has a test of its own."""
    return lambda *, cache, devices="1": begin(cache=False, devices=devices)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "e.toml"
    path.write_text(GOOD)
    return path


@pytest.fixture
def run(capsys, file, monkeypatch):
    """Run the command in this process; FILE stands for a good experiment."""
    monkeypatch.chdir(file.parent)

    def call(*words):
        code = app.run([str(file) if w == "FILE" else str(w) for w in words])
        return code, *capsys.readouterr()

    return call


def one_line(err):
    return err.startswith("collapse: ") and err.count("\n") == 1


@pytest.mark.parametrize("command", ["simulate", "predict", "verify"])
@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_bad_experiments(run, file, command, content, message):
    file.write_text(content)
    words = ["verify", "--experiment"] if command == "verify" else [command]
    code, out, err = run(*words, file)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert message in err


@pytest.mark.parametrize(("words", "message"), USAGE.values(), ids=USAGE)
def test_wrong_usage(run, words, message):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert message in err


def strict_json(text):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_simulate_json(run, file):
    code, out, err = run("simulate", file, "--chains", "1e3", "--seed", "5", "--json")
    assert (code, err) == (0, "")
    got = strict_json(out)
    assert set(got) == {
        "experiment", "chains", "seed", "generations", "observables", "provenance",
    }  # fmt: skip
    assert config.experiment_from_table(got["experiment"]) == ct.load_experiment(file)
    assert (got["chains"], got["seed"], got["generations"]) == (1000, 5, [1, 2, 3])
    assert set(got["provenance"]) == {"versions", "device", "dtype", "seed"}
    same = ct.simulate(ct.load_experiment(file), chains=1000, seed=5)
    assert list(got["observables"]) == ["variance", "log_variance"]
    for name, columns in got["observables"].items():
        assert set(columns) == {"mean", "se", "variance", "trusted", "nonfinite"}
        assert columns["mean"] == same.mean(name).tolist()
        assert columns["trusted"] == same.trusted(name).tolist()
        assert columns["nonfinite"] == [0, 0, 0]


def test_simulate_for_people_saves_and_draws(run, tmp_path):
    files = [tmp_path / name for name in ("a.svg", "b.svg", "c.png", "d.pdf")]
    for path in files:
        words = ("--chains", "1000", "--plot", path, "--save", tmp_path / "saved")
        code, out, err = run("simulate", "FILE", *words)
        assert (code, err) == (0, "")
        assert "log_variance" in out
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[2].read_bytes().startswith(b"\x89PNG")
    again = ct.load(tmp_path / "saved")
    assert again.chains == 1000
    assert again.extend(10).chains == 1010


def test_routes_and_precision(run):
    words = ("simulate", "FILE", "--chains", "64", "--json")
    got = [
        strict_json(run(*words, *w)[1]) for w in ((), ("--route", "raw"), ("--dtype", "float32"))
    ]
    assert got[1]["experiment"]["route"] == "raw"
    assert got[2]["provenance"]["dtype"] == "float32"
    means = [g["observables"]["variance"]["mean"] for g in got]
    assert means[0] != means[1]
    np.testing.assert_allclose(means[0], means[2], rtol=1e-4)


def test_predict_json(run, file):
    code, out, err = run("predict", "FILE", "--json")
    assert (code, err) == (0, "")
    rows = strict_json(out)["predictions"]
    keys = {"theorem", "kind", "observable", "generations", "values", "citation"}
    assert all(set(row) == keys for row in rows)
    by_name = {row["theorem"]: row for row in rows}
    row = by_name["replace.log_variance"]
    assert row["generations"] == [1, 2, 3]
    expected = judging.theorem_named("replace.log_variance").predict(ct.load_experiment(file))
    assert row["values"] == expected.tolist()
    assert "replace.log_variance" in run("predict", "FILE")[1]


def test_verify_json(run):
    code, out, err = run("verify", *REPLACE, "--json")
    assert (code, err) == (0, "")
    rows = strict_json(out)["verdicts"]
    cases = judging.theorem_named("replace.log_variance").cases
    assert len(rows) == len(cases)
    for row, case in zip(rows, cases, strict=True):
        assert set(row) == {
            "theorem", "experiment", "status", "expected", "reason", "detectable", "max_abs_z",
            "trusted_until", "chains", "seconds", "planted_seen",
        }  # fmt: skip
        assert row["status"] in {"consistent", "inconclusive"}
        assert row["experiment"]["observables"] == ["log_variance"]
        found = config.experiment_from_table(row["experiment"])
        assert found.family == case.experiment.family
        assert row["chains"] == 2000


def test_verify_an_experiment(run, file):
    file.write_text(
        GOOD.replace("Gaussian", "GaussianMean").replace('["variance", "log_variance"]', "[]")
    )
    code, out, err = run("verify", "--experiment", "FILE", "--chains", "2000", "--json")
    assert (code, err) == (0, "")
    names = {row["theorem"] for row in strict_json(out)["verdicts"]}
    assert names == {t.name for t in judging.theorems() if t.applies(ct.load_experiment("e.toml"))}


@pytest.fixture(scope="module")
def verdicts():
    return judging.verify(["replace.log_variance"], chains=2000)


def made(verdict, status, expected, **changes):
    from dataclasses import replace

    return replace(verdict, status=Status(status), expected=Status(expected), **changes)


@pytest.mark.parametrize(
    ("status", "expected", "code", "strict"),
    [
        ("consistent", "consistent", 0, 0),
        ("refuted", "refuted", 0, 0),
        ("inconclusive", "inconclusive", 0, 0),
        ("refuted", "consistent", 1, 1),
        ("refuted", "inconclusive", 1, 1),
        ("consistent", "refuted", 1, 1),
        ("inconclusive", "consistent", 0, 1),
        ("inconclusive", "refuted", 0, 1),
        ("consistent", "inconclusive", 0, 0),  # more chains than the case was made for
    ],
)
def test_exit_codes_of_verdicts(run, monkeypatch, verdicts, status, expected, code, strict):
    found = [made(v, status, expected, reason="the reason") for v in verdicts]
    monkeypatch.setattr(verdicts_of_all, "verify", lambda *a, **k: found)
    monkeypatch.setattr(verdicts_of_all, "try_all", lambda *a, **k: [])
    monkeypatch.setattr(verdicts_of_all, "check_all", lambda *a, **k: [])
    got, out, err = run("verify")
    assert (got, err) == (code, "")
    assert run("verify", "--strict")[0] == strict
    assert status in out
    assert out.count("the reason") == (len(found) if status != expected else 0)
    assert f"1 theorems on {len(found)} cases: {len(found)} {status}; " in out


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("plain", [False, True])
def test_tables_fit(verdicts, width, plain):
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    Console(file=text, width=width).print(cli_verify.table(verdicts, width, plain=plain))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "replace.log_variance" in text.getvalue()
    assert "200/200" in text.getvalue()
    assert not plain or text.getvalue().isascii()
    assert ("chains" in text.getvalue()) == (width > 80)


def test_interrupted_verify_prints_what_is_finished(run, monkeypatch, verdicts):
    def stop(*a, **k):
        raise judging.Interrupted(verdicts[:1])

    monkeypatch.setattr(verdicts_of_all, "verify", stop)
    code, out, err = run("verify", "--json")
    assert (code, err) == (130, "collapse: interrupted\n")
    assert len(strict_json(out)["verdicts"]) == 1


def test_interrupting_the_library_keeps_the_finished():
    def stop(done, total, text):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(judging.Interrupted) as caught:
        judging.verify(["replace.log_variance"], chains=64, progress=stop)
    assert len(caught.value.verdicts) == 1


def test_a_crash_is_not_a_refutation(run, monkeypatch):
    def crash(*a, **k):
        raise ZeroDivisionError

    monkeypatch.setattr(session, "begin", crash)
    code, _, err = run("info")
    assert code == 3
    assert "ZeroDivisionError" in err


@pytest.mark.parametrize("kind", ["families", "workflows", "generators", "observables", "theorems"])
def test_list(run, kind):
    rows = strict_json(run("list", kind, "--json")[1])[kind]
    names = [row["name"] for row in rows]
    assert names == [
        m.__name__ if isinstance(m, type) else m.name for m in members.everything()[kind]
    ]
    assert all(row["summary"] for row in rows)
    code, out, _ = run("list", kind)
    assert code == 0
    assert all(name in out for name in names)


@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_show(run, every):
    rooms = members.everything().values()
    names = [n for room in rooms for m in room for n in members._names(m)]
    for name in names[::every]:
        code, out, err = run("show", name)
        assert (code, err) == (0, ""), name
    code, out, _ = run("show", "seddik2024.S_fully_synthetic")
    for part in (
        "kind: exact",
        "@inproceedings{seddik2024",
        "read",
        "def s_fully_synthetic",
        "workflow",
    ):
        assert part in out
    assert "keys of [truth]" in run("show", "gaussian")[1]
    assert "Replace" in run("show", "fully synthetic")[1]


def test_every_citation_has_an_entry():
    keys = {t.source.key for t in judging.theorems()} - {None}
    missing = {k for k in keys if bibliography.bibtex(k) is None}
    assert not missing
    assert bibliography.label("seddik2024") == "Seddik et al. 2024 [seddik2024]"
    assert bibliography.label(None) == bibliography.OWN


def test_info(run):
    code, out, _ = run("info")
    assert code == 0
    assert jax.__version__ in out


def test_cache_folder(tmp_path, monkeypatch):
    folder = session.cache_folder()
    assert folder == tmp_path / "cache" / "collapse-theory" / f"jax-{jax.__version__}"
    assert folder.is_dir()
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert session.cache_folder() is None
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "/elsewhere")
    assert session.cache_folder() == Path("/elsewhere")


def test_json_has_no_infinities(capsys):
    console.print_json({"a": np.asarray([1.0, np.nan]), "b": (np.inf, np.bool_(True)), "c": None})
    assert strict_json(capsys.readouterr().out) == {"a": [1.0, None], "b": [None, True], "c": None}


@pytest.mark.parametrize("last", [1, 10, 11, 200])
def test_generations_in_tables(last):
    shown = console.some_generations(last)
    assert shown[0] == 1
    assert shown[-1] == last
    assert len(shown) == len(set(shown)) <= 10


def python(code, *words, **variables):
    env = {k: v for k, v in os.environ.items() if k != "JAX_COMPILATION_CACHE_DIR"} | variables
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
    )


def test_help_imports_nothing_heavy():
    heavy = "{'jax', 'numpy', 'xarray', 'matplotlib', 'scipy', 'equinox'}"
    code = f"""
import sys
from collapse_theory.cli.app import run
code = run(["--help"]) or run(["simulate", "--help"]) or run(["--version"])
print(sorted({heavy} & set(sys.modules)), code)
"""
    assert python(code).stdout.splitlines()[-1] == "[] 0"


@pytest.mark.slow
def test_the_module_keeps_its_cache_and_leaves_with_the_code(file, tmp_path):
    code = "import sys; from collapse_theory.cli import main; main()"
    home = {"XDG_CACHE_HOME": str(tmp_path / "kept"), "JAX_ENABLE_X64": "0"}
    words = ("simulate", file, "--chains", "64", "--json")
    done = python(code, *words, **home)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["provenance"]["dtype"] == "float64"
    assert list((tmp_path / "kept").rglob("*-cache"))
    assert python(code, "simulate", "none.toml").returncode == 2


IN_A_CALLBACK = """
import gc, threading
def drop(phase, info):  # what is raised here is dropped
    gc.callbacks.remove(drop)
    raise KeyboardInterrupt
def collect():
    gc.callbacks.append(drop)
    gc.collect()
threading.Timer(4, collect).start()
"""
AT_ONCE = """
import os, signal, threading
threading.Timer(4, os.kill, (os.getpid(), signal.SIGINT)).start()
"""


@pytest.mark.parametrize("sent", [AT_ONCE, IN_A_CALLBACK], ids=["at once", "in a callback"])
def test_ctrl_c(file, sent):
    # a shell starts jobs in the background with the signal ignored, and they start us
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    code = f"{listen}\n{sent}\nfrom collapse_theory.cli import main\nmain()"
    done = python(code, "simulate", file, "--chains", 10**12, "--no-cache")
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "collapse: interrupted\n"


def test_the_manual_lists_every_key():
    path = Path(__file__).parents[1] / "docs" / "keys.py"
    space = {"__name__": "keys", "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), space)
    text = path.with_name("cli.md").read_text()
    assert space["tables"]() in text, "run: python docs/keys.py"


def test_the_manual_has_a_working_experiment():
    text = (Path(__file__).parents[1] / "docs" / "cli.md").read_text()
    example = text.split("```toml\n")[1].split("```")[0]
    e = config.experiment_from_table(tomllib.loads(example))
    assert e.observables
    assert discovery.classes(ct.AbstractFamily)
    assert cli_simulate.CHAINS == 10_000


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run, shell):
    code, out, _ = run("completion", shell)
    assert code == 0
    assert "diagnose" in out


def test_bash_completes_a_subcommand(run, tmp_path):
    (tmp_path / "script").write_text(run("completion", "bash")[1])
    ask = f"source {tmp_path / 'script'}; COMP_WORDS=(collapse diag); COMP_CWORD=1; _collapse; "
    found = subprocess.run(
        ["bash", "-c", ask + 'echo "${COMPREPLY[@]}"'], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["diagnose"]
