"""Saved results: equal bit for bit, extended like the original, never half there."""

import json
from pathlib import Path

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import store
from collapse_theory.moments import Moments

EXPERIMENT = ct.Experiment(
    family=ct.Gaussian(),
    workflow=ct.Replace(),
    n=10,
    generations=3,
    observables=("variance", "log_variance"),
)


@pytest.fixture(scope="module")
def result():
    return ct.simulate(EXPERIMENT, chains=1000, seed=11)


def equal(a: Moments, b: Moments):
    return all(x.tobytes() == y.tobytes() and x.dtype == y.dtype for x, y in zip(a, b, strict=True))


def test_a_saved_result_loads_equal_and_extends(result, tmp_path):
    path = result.save(tmp_path / "deep" / "run")
    loaded = ct.load(path)
    assert equal(loaded.moments, result.moments)
    for name in ("experiment", "seed", "chains", "facts", "first_chain"):
        assert getattr(loaded, name) == getattr(result, name)
    assert equal(loaded.extend(500).moments, result.extend(500).moments)


def test_bits_survive(result, tmp_path):
    odd = np.asarray([[0.0, -0.0], [np.nan, np.inf], [-np.inf, 5e-324]])
    counts = np.asarray([[1000.0, 0.0], [7, 2**53], [1, 3]])
    zeros = np.asarray([[-0.0] * 2] * 3)
    for m in (Moments(counts, odd, odd, odd, odd, counts), Moments(counts, *(zeros,) * 4, counts)):
        whole = ct.Result(EXPERIMENT, 2**63 - 1, 1000, m, result.facts, first_chain=2**40)
        with np.errstate(all="ignore"):
            whole.save(tmp_path / "odd")
        loaded = ct.load(tmp_path / "odd")
        assert equal(loaded.moments, m)
        assert (loaded.seed, loaded.first_chain) == (2**63 - 1, 2**40)


def test_the_dataset_is_labelled(result):
    data = result.to_xarray()
    assert data.sizes == {"generation": 3, "observable": 2}
    assert data.generation.values.tolist() == [1, 2, 3]
    one = data.sel(observable="log_variance")
    for name in ("mean", "se", "variance", "skewness", "kurtosis", "trusted", "nonfinite"):
        np.testing.assert_array_equal(one[name], getattr(result, name)("log_variance"))
        assert data[name].attrs["long_name"]
    assert data.trusted.dtype == bool
    assert json.loads(data.attrs["facts"])["dtype"] == "float64"


def test_a_result_is_replaced_and_nothing_stays_beside(result, tmp_path):
    target = tmp_path / "run"
    result.save(target)
    longer = result.extend(100)
    longer.save(target)
    assert ct.load(target).chains == 1100
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("kind", ["file", "folder", "zarr", "dangling"])
def test_what_is_not_a_result_is_left_alone(result, tmp_path, kind):
    target = tmp_path / "precious"
    if kind == "file":
        target.write_text("mine")
    elif kind == "dangling":
        target.symlink_to(tmp_path / "nowhere")
    else:
        target.mkdir()
        (target / "zarr.json").write_text('{"attributes": {}}' if kind == "zarr" else "mine")
    with pytest.raises(ct.InputError, match="not a saved result"):
        result.save(target)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_failed_write_leaves_nothing(result, tmp_path, monkeypatch):
    result.save(tmp_path / "run")

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(ct.InputError, match="No space left"):
        result.extend(10).save(tmp_path / "other")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert ct.load(tmp_path / "run").chains == 1000


def test_a_failed_exchange_restores_the_old(result, tmp_path, monkeypatch):
    result.save(tmp_path / "run")
    rename = Path.rename

    def fail(self, target):
        if self.name.endswith(".partial"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(ct.InputError, match="Input/output"):
        result.extend(10).save(tmp_path / "run")
    assert ct.load(tmp_path / "run").chains == 1000
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_what_cannot_be_loaded(result, tmp_path):
    with pytest.raises(ct.InputError, match="no saved result"):
        ct.load(tmp_path / "none")
    saved = result.save(tmp_path / "run")
    meta = json.loads((saved / "zarr.json").read_text())
    meta["attributes"]["schema"] = store.SCHEMA + 1
    (saved / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(ct.InputError, match="layout"):
        ct.load(saved)
    del meta["attributes"]["facts"]
    meta["attributes"]["schema"] = store.SCHEMA
    (saved / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(ct.InputError, match="damaged"):
        ct.load(saved)
