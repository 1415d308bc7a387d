"""The benchmark: its baselines are right, its ratios are ratios, its command behaves."""

import json
import os
from functools import partial
from importlib import resources

import jax
import numpy as np
import pytest
from scipy import stats

from collapse_theory.bench import (
    ONE_THREAD,
    baselines,
    children,
    cuda,
    fused,
    law,
    machine,
    measuring,
    suite,
)
from collapse_theory.bench import baselines_regression as regression
from collapse_theory.bench.case import Row, Settings
from collapse_theory.bench.scaling import Devices, Memory, Size, fitted
from collapse_theory.cli import app, session
from collapse_theory.exact import ols

LIMIT = 4.5  # of |z|, with fixed seeds; a planted error must exceed it
N, T, D = 12, 3, 3
QUICK = ("gaussian-law", "mix-fixed")
CLI = ("gaussian-law", "--smoke", "--no-cache", "--json")


def pooled_risk(batches_of, n):
    """E of the squared error of the mean, pooled batches of n rows, variance with divisor N - 1.

    Batch j is batch-noise j, variance V_{j-1} / n, about the fit before it: fits and batches are
    sums of noises.
    """
    variance, fits, batches = [1.0], [np.zeros(T)], []
    for t in range(T):
        batches.append(fits[t] + np.eye(T)[t])
        pool = [batches[j] for j in batches_of(t)]
        noise = np.resize(variance, T) / n
        fits.append(sum(pool) / len(pool))
        between = sum(((b - fits[-1]) ** 2) @ noise for b in pool)
        within = sum((n - 1) * variance[j] for j in batches_of(t))
        variance.append((within + n * between) / (len(pool) * n - 1))
    return fits[-1] ** 2 @ noise


def replace_fourth(n):
    """E of the fourth power of the last mean: 3 E(v_0 + ... + v_{T-1})^2 / n^2."""
    t = np.arange(T)
    return 3 * ((1 + 2 / (n - 1)) ** np.minimum.outer(t, t)).sum() / n**2


def nd_fourth(n, d):
    """E |mean_2|^4 = E(2 tr S^2 + (tr S)^2) with n S = I + C, (n - 1) C ~ Wishart(n - 1)."""
    dof = n - 1
    square, trace = d * (1 + (d + 1) / dof), d**2 + 2 * d / dof
    return (2 * (3 * d + square) + 3 * d**2 + trace) / n**2


BASELINES = {
    "statistic": (
        baselines.gaussian_statistic, T, 400_000, T / N, replace_fourth(N)),
    "rows": (baselines.gaussian_rows, T, 100_000, T / N, replace_fourth(N)),
    "nd": (partial(baselines.gaussian_nd_rows, d=D), 2, 50_000, 2 * D / N, nd_fourth(N, D)),
    "mix": (baselines.gaussian_mix_fixed, T, 400_000, pooled_risk(lambda t: {0, t}, N), None),
    "window": (
        partial(baselines.gaussian_window, batches=2), T, 400_000,
        pooled_risk(lambda t: {max(t - 1, 0), t}, N), None),
    "symbols": (
        partial(baselines.symbols, k=5), T, 100_000, (1 - 1 / 5) * (1 - 1 / N) ** T, None),
    "bernoulli": (baselines.bernoulli, T, 400_000, (1 - (1 - 1 / N) ** T) / 4, None),
    "fresh replace": (
        partial(regression.fresh_replace, d=D), T, 50_000, ols.replace_risk([N] * T, D, 1.0)[-1],
        ols.replace_fourth_moment([N] * T, D, 1.0)[-1]),
    "fresh accumulate": (
        partial(regression.fresh_accumulate, d=D), T, 50_000,
        ols.accumulate_risk_fresh([N] * T, D, 1.0)[-1], None),
    "fixed replace": (
        partial(regression.fixed_replace, d=D), T, 100_000,
        ols.replace_risk([N] * T, D, 1.0)[-1], None),
    "fixed accumulate": (
        partial(regression.fixed_accumulate, d=D), T, 100_000,
        ols.accumulate_risk_fixed(N, D, 1.0, T)[-1], None),
}  # fmt: skip


def z_of(values, exact):
    return (values.mean() - exact) / (values.std() / np.sqrt(len(values)))


@pytest.mark.parametrize(
    ("walk", "steps", "chains", "mean", "square"), BASELINES.values(), ids=BASELINES
)
def test_baselines_have_their_exact_means(walk, steps, chains, mean, square):
    *_, last = walk(np.random.default_rng(1), chains, steps, n=N)
    assert abs(z_of(last, mean)) < LIMIT
    if square is not None:
        assert abs(z_of(last**2, square)) < LIMIT
    *_, wrong = walk(np.random.default_rng(1), chains, steps, n=N + 1)
    assert abs(z_of(wrong, mean)) > LIMIT, "a row too many is not seen"
    found = baselines.record(walk(np.random.default_rng(1), chains, steps, n=N))
    assert found.mean == pytest.approx(last.mean())
    assert found.se == pytest.approx(last.std() / np.sqrt(chains), rel=1e-3)


def test_the_ceiling_has_the_law():
    z = np.linspace(-6, 6, 50)
    root = np.polyval(np.asarray(fused.root_quantile(99), float), z)
    np.testing.assert_allclose(stats.chi2.cdf(99 * root**3, 99), stats.norm.cdf(z), rtol=1e-4)
    ends = fused._normal(np.asarray([0, 2**32 - 1], np.uint32))
    assert np.isfinite(ends).all()
    assert ends[0] == -ends[1]
    found = fused.fused_side(100_000, N, T).run(3)
    assert abs(found.mean - T / N) < LIMIT * found.se


LAWS = [c for c in suite.cases() if c.group == "speed"]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(c, id=c.name, marks=() if c.name in QUICK else pytest.mark.slow)
        for c in LAWS
        if not c.name.endswith("-d100")
    ],
)
def test_ours_and_the_baseline_have_one_law(case):
    e = case.make(4)
    assert len(e.observables) >= 2
    ours = law.ours_side((e, 4096), Settings()).run(0)
    theirs = baselines.record(case.walk(np.random.default_rng(0), 4 * case.few, 4))
    assert abs(ours.mean - theirs.mean) < 5 * np.hypot(ours.se, theirs.se)


def test_sides_take_turns():
    seen = []

    def side(name, mean):
        return measuring.Side(
            lambda seed: seen.append((name, seed)) or measuring.Outcome(mean, 0.1, 0.5), 10
        )

    calls = measuring.alternate({"ours": side("a", 1.0), "baseline": side("b", 5.0)}, 2)
    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert calls["ours"].rate.tolist() == [20, 20]
    assert measuring.gap(calls["ours"], calls["baseline"]) == pytest.approx(-4 / 0.1)
    notes = law.remarks(calls)
    assert any("laws differ" in note for note in notes)
    assert measuring.spread([1, 2, 3, 4, 5]) == (3, 2, 4)


def test_what_was_meant():
    names = [c.name for c in suite.cases()]
    assert len(set(names)) == len(names)
    assert {c.group for c in suite.cases()} == set(suite.GROUPS)
    left_out = {c.name for c in suite.cases()} - {c.name for c in suite.chosen(())}
    assert left_out == {"verify-quick", "verify-full"}
    assert len(suite.chosen((), everything=True)) == len(names)
    assert {c.group for c in suite.chosen(("scaling",))} == {"scaling"}
    assert fitted(Size(), Settings(platform="gpu")).chains > fitted(Size(), Settings()).chains


def test_whole_units():
    for case in LAWS[:1]:
        e, chains = case.sized(Settings())
        assert chains % 4096 == 0
        assert e.generations == case.generations


def test_without_nvcc_there_is_a_note(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with cuda.cuda_side(10, 100, 2) as found:
        assert found == "no CUDA ceiling: nvcc is not on the PATH"
    source = resources.files("collapse_theory.bench").joinpath("gaussian_replace.cu").read_text()
    assert f"TERMS = {fused.DEGREE + 1};" in source
    assert cuda.parse("0.5 1.25 0.01\n") == (1.25, 0.01, 0.5)


@pytest.mark.parametrize("works", [True, False])
def test_the_cuda_ceiling_with_a_false_compiler(monkeypatch, tmp_path, works):
    """nvcc writes a program that answers with its number of words, or fails."""
    nvcc, program = tmp_path / "nvcc", '#!/bin/sh\necho "0.5 $# 0.01"'
    writes = f'printf \'%s\' \'{program}\' > "$4"; chmod +x "$4"; test -f "$5"'
    nvcc.write_text(f"#!/bin/sh\n{writes if works else 'echo no such arch >&2; exit 1'}\n")
    nvcc.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with cuda.cuda_side(10, 100, 2) as found:
        if works:
            assert found.run(1) == (4 + fused.DEGREE + 1, 0.01, 0.5)
        else:
            assert found == "no CUDA ceiling: no such arch"


def test_the_machine_has_no_host_name():
    import platform

    facts = machine.machine()
    assert facts["cores"] >= 1
    assert platform.node() not in json.dumps(facts)


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """The command in this process, whose settings it must leave alone."""
    monkeypatch.setattr(session, "begin", lambda **_: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ONE_THREAD:
        monkeypatch.setenv(name, "1")  # the command sets them: taken back afterwards

    def call(*words):
        code = app.run(["bench", *words])
        return code, *capsys.readouterr()

    return call


def test_json_and_file(run, tmp_path):
    code, out, _ = run(*CLI, "--out", "bench.json", "--repeats", "2", "--strict")
    assert code == 0, "a smoke run judges nothing"
    report = json.loads(out)
    assert report == json.loads((tmp_path / "bench.json").read_text())
    (case,) = report["cases"]
    assert case["name"] == "gaussian-law"
    assert case["ratio"]["low"] <= case["ratio"]["median"] <= case["ratio"]["high"]
    assert case["ours"] > 0
    assert case["ceiling_ratio"] > 0
    assert (case["target"], case["passed"]) == (5.0, None)
    assert report["settings"] == {"repeats": 2, "smoke": True, "dtype": "float32"}


def test_tables_and_the_verdict(run, monkeypatch):
    spread = measuring.Spread(1.5, 1.25, 1.75)
    speed = Row("quick", "speed", "chain-generations/s", 3e8, 2e8, ratio=spread, target=5.0,
                passed=False, cores_ours=1.9, cores_baseline=1.0, cuda=4e9, cuda_ratio=0.5,
                notes=("doubtful",))  # fmt: skip
    scaling = Row("flat", "scaling", "MiB", 3.0, 2.0, ratio=spread, target=2.0, passed=True)
    process = Row("help", "process", "s", 0.25, cores_ours=0.5)
    monkeypatch.setattr(suite, "run", lambda *_: iter((speed, scaling, process)))
    code, out, _ = run()
    assert code == 0
    for shown in ("3e+08", "1.25-1.75", "short", "pass", "0.25", "quick: doubtful", "0.50 of the"):
        assert shown in out
    assert run("--strict")[0] == 1


def test_what_is_finished_is_printed(run, monkeypatch):
    def some(*_):
        yield Row("help", "process", "s", 0.25)
        raise KeyboardInterrupt

    monkeypatch.setattr(suite, "run", some)
    code, out, err = run("help")
    assert code == 130
    assert "0.25" in out
    assert err == "collapse: interrupted\n"


def test_the_list(run):
    code, out, _ = run("--list")
    assert code == 0
    assert all(c.name in out for c in suite.cases())
    listed = json.loads(run("--list", "--json", "speed")[1])["cases"]
    assert [c["name"] for c in listed] == [c.name for c in LAWS]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("gausian-law",), "allowed are gaussian-law, "),
        (("--repeats", "4"), "--repeats = 4"),
        (("--smoke", "--repeats", "0"), "--repeats = 0"),
        (("--out", "no/bench.json"), "there is no folder"),
    ],
)
def test_wrong_usage(run, words, message):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("collapse: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [c for c in suite.cases() if c.group != "speed"], ids=lambda c: c.name
)
def test_other_groups_run(case):
    rows = case.run(Settings(repeats=1, smoke=True, platform=jax.default_backend()))
    assert rows
    assert all(row.ours > 0 for row in rows)
    if isinstance(case, Devices):
        assert rows[0].passed, "moments differ between one device and two"
    if isinstance(case, Memory):
        assert rows[0].ratio.median < 1.5


def test_threads_are_set_before_numpy_is_imported():
    code = "import sys; from collapse_theory.cli.bench import _one_core; _one_core()"
    code += "; assert 'numpy' not in sys.modules"
    assert children.run_python("-c", code).code == 0


def test_a_child_that_fails_says_why():
    with pytest.raises(RuntimeError, match="left with 3"):
        children.run_python("-c", "raise SystemExit(3)")
