"""No input makes a traceback, a hang or silent nonsense; benchmarks/inputs.py tries 10,000 more."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import collapse_theory as ct
from collapse_theory.cli import session
from input_checks import (
    REFUSED,
    Bomb,
    Stores,
    column,
    command,
    command_line,
    command_lines,
    experiment,
    sweep,
)
from input_strategies import columns, files, sweeps, tables

few = settings(  # what fails is small as it is: shrinking it would take minutes
    max_examples=20, deadline=None, database=None,
    suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate),
)  # fmt: skip
GOOD = {
    "n": "10", "generations": "3", "observables": "['mean_squared_error']",
    "family": "name = 'Gaussian'", "workflow": "name = 'Replace'", "truth": "", "generator": "",
}  # fmt: skip


def text(**changes):
    found = {**GOOD, **changes}
    rooms = ("family", "workflow", "truth", "generator")
    top = [f"{k} = {v}" for k, v in found.items() if k not in rooms]
    return "\n".join([*top, *(f"[{r}]\n{found[r]}" for r in rooms if found[r])]) + "\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "")


@given(content=files(tables()))
@few
def test_experiment_files(tmp_path_factory, content):
    experiment(tmp_path_factory.getbasetemp(), content, one_in=10**6)


@given(content=files(sweeps()))
@few
def test_sweep_files(tmp_path_factory, content):
    sweep(tmp_path_factory.getbasetemp(), content)


@given(words=command_lines())
@few
def test_command_lines(tmp_path_factory, words):
    command_line(tmp_path_factory.getbasetemp(), words)


@given(data=columns())
@few
def test_data_files(tmp_path_factory, data):
    column(tmp_path_factory.getbasetemp(), *data, one_in=10**6)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return Stores(tmp_path_factory.mktemp("stores"))


@given(st.integers(0, 999), st.integers(0, 9), st.integers(0, 9999), st.binary(min_size=1))
@few
def test_damaged_stores(stores, pick, how, at, some):
    stores.damage(pick, how, at, some)
    stores.read()


NONSENSE = {
    "no rows": (text(n="0"), "n = 0: a whole number >= 1"),
    "rows below none": (text(n="-5"), "n = -5"),
    "a list with no rows": (text(n="[10, 0, 10]"), "n[1] = 0"),
    "no generations": (text(generations="0"), "generations = 0"),
    "more generations than fit": (text(generations="1000000000"), "at most 1,000,000"),
    "more rows than are counted": (text(n="9000000000000000000"), "at most 1,000,000,000,000"),
    "more than 64 bits": (text(n=str(2**64)), "more than 64 bits"),
    "thousands of digits": (text(n="9" * 5000), "not TOML"),
    "rows that cannot be stored": (text(n="1000000000000", route="'raw'"), "stores rows"),
    "rows that do not fit": (text(n="100000000", route="'raw'"), "a chain needs 6.4 GB"),
    "a pool that does not fit": (
        text(n="1000000", generations="1000", workflow="name = 'subsample'"), "a chain needs",
    ),
    "undefined truth": (text(truth="mean = nan"), "truth.mean = nan: a finite number"),
    "infinite truth": (text(truth="mean = inf"), "truth.mean = inf"),
    "undefined variance": (text(truth="var = nan"), "truth.var = nan"),
    "infinite variance": (text(truth="var = inf"), "truth.var = inf"),
    "undefined known variance": (text(family="name = 'GaussianMean'\nvar = inf"), "family.var"),
    "undefined mean": (text(family="name = 'GaussianMean'", truth="mean = nan"), "truth.mean"),
    "weights that do not sum to one": (
        text(family="name = 'Categorical'", truth="probs = [0.5, 0.6]"), "sums to 1 only within",
    ),
    "a weight below none": (
        text(family="name = 'Categorical'", truth="probs = [-0.5, 1.5]"), "must be >= 0",
    ),
    "weights as text": (
        text(family="name = 'Categorical'", truth="probs = ['0.5', '0.5']"), "probabilities is",
    ),
    "weights as truth values": (
        text(family="name = 'Categorical'", truth="probs = [true, false]"), "probabilities is",
    ),
    "singular covariance": (
        text(family="name = 'GaussianND'", truth="cov = [[1, 1], [1, 1]]"), "positive definite",
    ),
    "covariance with a gap": (
        text(family="name = 'GaussianND'", truth="cov = [[1, 0.5], [0]]"), "2 x 2 is needed",
    ),
    "undefined covariance": (
        text(family="name = 'GaussianND'", truth="cov = [[nan, 0], [0, 1]]"), "finite numbers",
    ),
    "singular features": (
        text(family="name = 'LinearRegression'\ncovariance = [[1, 1], [1, 1]]"), "definite",
    ),
    "infinite noise": (text(family="name = 'LinearRegression'\nnoise = inf"), "and finite"),
    "fewer rows than coefficients": (
        text(n="1", family="name = 'LinearRegression'"), "needs at least 2 rows",
    ),
    "probability above 1": (
        text(family="name = 'Bernoulli'", truth="prob = 1.5"), "must lie in [0, 1]",
    ),
    "undefined probability": (
        text(family="name = 'Bernoulli'", truth="prob = nan"), "must lie in [0, 1]",
    ),
    "more events than are drawn": (
        text(family="name = 'Poisson'", truth="rate = 1e300"), "events on average",
    ),
    "weight above 1": (text(workflow="name = 'Weighted'\nweight = 1.5"), "must lie in [0, 1]"),
    "a window without end": (
        text(workflow="name = 'Window'\nbatches = 1000000000"), "in 1..256",
    ),
    "models without end": (
        text(workflow="name = 'MostRecent'\nmodels = 1000000000"), "in 1..256",
    ),
    "every so many": (text(workflow=f"name = 'Refresh'\nevery = {2**62}"), "[1, 2**31)"),
    "unknown key": (text(colour="1"), "colour is unknown"),
    "key with a line break": ('"a\\nb" = 1\n' + text(), "is unknown"),
    "a name of 100,000 letters": (text(family=f"name = '{'x' * 100_000}'"), "is unknown"),
    "a key of 300,000 dots": ("a" + ".a" * 300_000 + " = 1", "more than 64 dots"),
    "deep lists": ("n = " + "[" * 3000 + "]" * 3000, "nested deeper"),
    "less deep lists": ("n = " + "[" * 100 + "]" * 100, "nested deeper"),
    "deep tables": ("n = " + "{a = " * 3000 + "1" + "}" * 3000, "nested deeper"),
    "key given twice": ("n = 1\nn = 2\n", "not TOML"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "word"), NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused_by_name(tmp_path, capsys, content, word):
    path = tmp_path / "e.toml"
    path.write_text(content)
    with pytest.raises(ct.InputError) as fault:
        ct.simulate(ct.load_experiment(path), chains=16, seed=0)
    assert word in str(fault.value)
    assert len(str(fault.value)) < 1000
    assert command("simulate", path, "--chains", "16", "--no-cache") == REFUSED


DATA = {
    "empty": (b"", "not a table"), "one row": (b"x\n1\n", "2 are needed"),
    "nothing but nan": (b"x\nnan\nnan\nnan\n", "0 values"), "no rows": (b"x\n", "0 values"),
    "ragged": (b"a,b\n1,2\n3,4,5,6\n", "not a table"), 
    "open quote": (b'x\n"1\n2\n', "not a table"),
    "not UTF-8": (b"x\n\xff\xfe\n1\n", "not UTF-8"), "constant": (b"x\n2\n2\n", "constant"),
    "squares overflow": (b"x\n1e308\n-1e308\n", "64-bit"),
    "squares vanish": (b"x\n5e-324\n0\n", "64-bit"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "word"), DATA.values(), ids=DATA)
def test_data_that_says_nothing_is_refused(tmp_path, content, word):
    path = tmp_path / "d.csv"
    path.write_bytes(content)
    with pytest.raises(ct.InputError, match=word):
        ct.read_column(path)


def test_formulas_are_text_and_no_rows_are_refused(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("x\n=1+1\n=cmd|' /C calc'!A0\n=1+1\n")
    assert dict(ct.read_column(path).categories)["=1+1"] == 2
    assert command("forecast", path, "--n", "0", "--no-cache") == REFUSED


def test_one_long_word_takes_no_room(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("x" * 1_000_000 + " a b" * 100_000)
    assert ct.read_column(path).rows == 200_001


@pytest.mark.parametrize("command_name", ["predict", "simulate", "sweep", "draw"])
def test_files_without_end_are_refused(command_name, tmp_path):
    words = {"draw": ["provenance", "/dev/zero", tmp_path / "o.png"]}.get(command_name)
    assert command(command_name, *(words or ["/dev/zero"])) == REFUSED


def test_a_store_of_pickles_is_not_opened(tmp_path, stores):
    """Version 2 of zarr may hold pickled objects; version 3, which is read, may not."""
    import json
    import pickle
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(stores.good / "run", folder)
    for array in (p for p in folder.iterdir() if p.is_dir()):
        shutil.rmtree(array)
        array.mkdir()
        about = {
            "zarr_format": 2, "shape": [1], "chunks": [1], "dtype": "|O", "fill_value": None,
            "order": "C", "compressor": None, "filters": [{"id": "pickle"}],
        }  # fmt: skip
        (array / ".zarray").write_text(json.dumps(about))
        (array / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["x"]}')
        (array / "0").write_bytes(pickle.dumps(np.array([Bomb(tmp_path / "executed")], object)))
    (folder / ".zgroup").write_text('{"zarr_format": 2}')
    with pytest.raises(ct.InputError, match="damaged"):
        ct.load(folder)
    assert not os.path.exists(tmp_path / "executed")


def test_too_few_rows_are_marked():
    """Least squares with n <= d + 1: the mean is infinite, and no number is believed."""
    e = ct.Experiment(family=ct.LinearRegression(), workflow=ct.Replace(), n=(20, 3, 1),
                      generations=3, observables=("excess_risk",))  # fmt: skip
    found = ct.simulate(e, chains=2000, seed=0)
    assert found.trusted("excess_risk")[0]
    assert not found.trusted("excess_risk")[1:].any()
    assert found.nonfinite("excess_risk")[2] == 2000
    assert np.isnan(found.mean("excess_risk")[2])


@pytest.mark.parametrize("devices", ["1025", "9" * 5000, "99999999"])
def test_a_cpu_is_not_split_without_end(devices):
    with pytest.raises(ct.InputError, match="at most 1,024"):
        session.begin(cache=False, devices=devices)


@pytest.mark.parametrize("workflow", [ct.Accumulate(), ct.AccumulateSubsample()])
def test_one_generation_with_few_real_rows(workflow):
    e = ct.Experiment(family=ct.Gaussian(), workflow=workflow, n=12, n_real=5, generations=1,
                      observables=("variance",), route="raw")  # fmt: skip
    alone = ct.simulate(e, chains=64, seed=0).mean("variance")
    two = replace(e, generations=2)
    np.testing.assert_allclose(alone, ct.simulate(two, chains=64, seed=0).mean("variance")[:1])


def test_moments_that_overflow_are_not_trusted(recwarn):
    law, names = ct.GaussianLaw(0.0, 1e300), ("variance_squared", "variance")
    e = ct.Experiment(family=ct.Gaussian(), truth=law, workflow=ct.Replace(), n=50, generations=2,
                      observables=names)  # fmt: skip
    with np.errstate(all="ignore"):
        found = ct.simulate(e, chains=2000, seed=0)
        assert not found.trusted("variance").any()
        assert not found.trusted("variance_squared").any()
