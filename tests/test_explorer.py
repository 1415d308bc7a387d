"""The page of sliders: its script against the exact engine, its bands, and what it may load."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import templating
from collapse_theory.cli.app import run
from collapse_theory.exact.linear import second_moments
from collapse_theory.explorer.building import LOOPS, write_explorer
from collapse_theory.provenance import linear_workflow

NODE = shutil.which("node")
SETTINGS = [
    {"real": real, "made": made, "weight": weight, "v2": v2, "generations": 12}
    for real, made, weight, v2 in (
        (20, 20, 0.618, 0.0), (7, 31, 0.2, -1.0), (40, 5, 0.9, 1.0), (12, 12, 0.5, 0.5),
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return write_explorer(tmp_path_factory.mktemp("out") / "e.html", chains=2000).read_text()


def exact(s):
    workflow = ct.Weighted(s["weight"]) if s["loop"] == "weighted" else LOOPS[s["loop"]][2]
    e = ct.Experiment(
        family=ct.GaussianMean(), workflow=workflow, n=s["made"], n_real=s["real"],
        generations=s["generations"],
    )  # fmt: skip
    return second_moments(linear_workflow(e), s["v2"]).variance


@pytest.mark.skipif(NODE is None, reason="there is no node to run the script")
def test_the_script_computes_what_the_engine_does(tmp_path):
    (tmp_path / "explorer.js").write_text(templating.text("explorer.js"))
    asked = [{**s, "loop": loop} for s in SETTINGS for loop in LOOPS]
    words = "const {curve} = require('./explorer.js');"
    words += f"console.log(JSON.stringify({json.dumps(asked)}.map(curve)))"
    out = subprocess.run([NODE, "-e", words], cwd=tmp_path, capture_output=True, check=True)
    for s, found in zip(asked, json.loads(out.stdout), strict=True):
        np.testing.assert_allclose(found, exact(s), rtol=1e-9)
        assert not np.allclose(found, exact({**s, "made": s["made"] + 1}), rtol=1e-6)  # planted


def test_bands_lie_about_the_exact_curves(page):
    bands = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])
    assert [d["loop"] for d in bands] == list(LOOPS)
    for d in bands:
        z = (np.array(d["mean"]) - d["real"] * exact(d)) / np.array(d["se"])
        assert np.abs(z).max() < 5  # 250 numbers: 1.4e-4 in all


def test_nothing_is_loaded_from_elsewhere(page):
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert "default-src 'none'" in page
    for name in re.findall(r'<label for="([^"]+)"', page):
        assert f'id="{name}"' in page


def test_the_command_writes_it_or_says_why_not(tmp_path):
    assert run(["explorer", str(tmp_path / "a.html"), "--chains", "100", "--no-cache"]) == 0
    assert (tmp_path / "a.html").stat().st_size < 60_000
    assert run(["explorer", str(tmp_path / "a.pdf")]) == 2
    assert run(["explorer", str(tmp_path / "none" / "a.html")]) == 2
