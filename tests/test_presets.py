"""Presets: from the command to the table, the file and the figure, and on where it stopped."""

import csv
import importlib
import json
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from matplotlib.figure import Figure

import collapse_theory as ct
from collapse_theory import figures, presets
from collapse_theory.cli import app
from collapse_theory.families.text_transformer import TextTransformerLaw
from collapse_theory.presets import SIZES, Curve, TextPreset, apart, estimate

# the module: its room shows a function of the same name
seddik_text = importlib.import_module("collapse_theory.presets.seddik_text")

TOY = TextPreset(
    ct.TextTransformer(
        context=4, width=8, layers=1, heads=2, training=ct.Training("adam", 1e-2, 4, batch=4)
    ),
    TextTransformerLaw(steps=4, batch=8), order=1, n=8, generations=2,
)  # fmt: skip


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(SIZES, "mini", TOY)
    # two loops and two observables: what takes time is compiling
    monkeypatch.setattr(seddik_text, "MEASURED", ("l1_to_first", "held_out_loss"))
    monkeypatch.setattr(
        seddik_text, "LOOPS", {k: v for k, v in seddik_text.LOOPS.items() if k != "20/80"}
    )


def command(capsys, *words):
    code = app.run(["run", "seddik-text", *map(str, words), "--no-cache"])
    return code, capsys.readouterr()


@pytest.mark.slow
def test_a_run_from_the_command_to_the_files(toy, tmp_path, capsys):
    out = tmp_path / "run"
    code, told = command(capsys, "--seeds", 2, "--out", out)
    assert code == 0
    for words in ("no theorem", "(approx.)", "fully synthetic", "50/50", "95 % band"):
        assert words in told.out
    assert "generation 2 of 2" in told.err
    with (out / "curves.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * (2 + 2)  # generations, loops, observables of either model
    by = {(r["model"], r["loop"], r["observable"], r["generation"]): r for r in rows}
    one, other = (
        float(by["transformer", loop, "held_out_loss", "1"]["mean"])
        for loop in ("fully synthetic", "50/50")
    )
    assert one == pytest.approx(other, rel=1e-4)  # the same fit, by programs that differ
    assert float(by["counts", "50/50", "l1_to_first", "2"]["theory"]) > 0
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    before = (out / "curves.csv").read_bytes()
    code, told = command(capsys, "--seeds", 2, "--out", out, "--json")
    assert code == 0
    assert "generation" not in told.err  # nothing is trained again
    assert (out / "curves.csv").read_bytes() == before
    found = json.loads(told.out)
    assert found["family"]["context"] == 4
    assert len(found["curves"][0]["mean"]) == 2
    other = tmp_path / "other.txt"
    other.write_text("to be or not to be that is the question " * 100)
    code, told = command(capsys, "--seeds", 2, "--out", out, "--text", other)
    assert code == 2
    assert "were begun with another text" in told.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "0"], "seeds = 0: a whole number >= 1"),
        (["--text", "none.txt"], "none.txt"),
        (["--size", "huge"], "huge"),
    ],
)
def test_what_is_refused(toy, tmp_path, capsys, words, message):
    code, told = command(capsys, "--out", tmp_path / "run", *words)
    assert code == 2
    assert message in told.err


def test_generation_one_has_the_same_rows_in_every_loop():
    for model in ("transformer", "counts"):
        found = dict(TOY.experiments(model))
        assert [e.n for e in found.values()] == [8, 8, 2]
        assert {e.real_sizes[0] for e in found.values()} == {8}


def test_full_size_is_that_of_the_paper_and_traces():
    full = SIZES["full"]
    f = full.family
    assert (f.context, f.width, f.layers, f.heads, f.dropout) == (128, 256, 8, 4, 0.2)
    assert (f.training.batch, f.training.steps, f.training.rate) == (256, 2000, 1e-3)
    needs = estimate(full, 8)
    assert 6e6 < needs.parameters < 7e6
    # three trainings a token and parameter, twice: 6 P a token, and attention on top
    tokens = 3 * 10 * 8 * 2000 * 256 * 128
    assert 1 < needs.flops / (6 * needs.parameters * tokens) < 1.5
    small = replace(f, training=replace(f.training, steps=1))
    shape = eqx.filter_eval_shape(small.build, jr.key(0))
    row = jax.ShapeDtypeStruct((128,), jnp.int32)
    key = jax.eval_shape(lambda: jr.key(0))
    slope = eqx.filter_eval_shape(eqx.filter_grad(small.loss), shape, row, key)
    assert slope.embedding.shape == (97, 256)
    drawn = eqx.filter_eval_shape(
        lambda m, u: jax.vmap(m.sample)(u), shape, jax.ShapeDtypeStruct((4, 128), jnp.float32)
    )
    assert drawn.shape == (4, 128)


def curve(mean, half=0.1, model="transformer"):
    values = np.array([0.0, mean])
    return Curve(model, "Replace", "l1_to_first", values, np.full(2, half), 8)


def test_bands_that_touch_are_not_apart():
    assert apart(curve(1.0), [curve(0.7), curve(0.5)])
    assert not apart(curve(1.0), [curve(0.7), curve(0.85)])
    assert not apart(curve(np.nan), [curve(0.7)])


def test_bands_are_students():
    family = ct.NGram(context=4, order=1)
    e = ct.Experiment(
        family=family, workflow=ct.Replace(), n=5, generations=2, observables=("entropy",)
    )
    run = ct.simulate(e, chains=5, seed=0)
    (found,) = presets.curves_of("counts", "Replace", run)
    np.testing.assert_allclose(found.half, 2.7764451 * run.se("entropy"))


def test_the_figure_names_loops_and_says_where_there_is_no_theorem():
    ax = Figure().subplots()
    theory = replace(curve(0.8, model="counts"), theory=np.array([0.0, 0.8]))
    figures.loops(ax, [curve(1.0), theory], "l1_to_first")
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert labels == [
        "Replace, transformer (no theorem)", "Replace, counts", "counts, theory (approximate)",
    ]  # fmt: skip
    with pytest.raises(ct.InputError, match="was not measured"):
        figures.loops(ax, [curve(1.0)], "entropy")
