"""Forecasts for a user's own column: reading, fitting, and dates held against exact laws.

Statistical limit: |z| < 4.5 (7e-6 each, below 100 comparisons); a generation too many is seen to
exceed it.
"""

import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

import collapse_theory as ct
from collapse_theory import figures
from collapse_theory.cli.app import run
from collapse_theory.exact.lumping import LumpedChain
from collapse_theory.families.exponential import Exponential, Gamma
from collapse_theory.forecasting import (
    Column,
    Forecast,
    Remedy,
    Vanishing,
    fit_column,
    forecast,
    read_column,
)
from collapse_theory.forecasting.anchored import anchored
from collapse_theory.forecasting.remedies import below_half, fewest, first_lost, gone, rows_kept
from collapse_theory.placement import Plan
from collapse_theory.workflows.accumulate_subsample import AccumulateSubsample

LIMIT = 4.5
SAMPLES = Path(mpl.get_data_path()) / "sample_data"
WORDS = "the sun and the moon and the sea, and one star; the sun isn't the moon."


def numbers(x):
    return Column("x", np.asarray(x, float), None)


def loop(workflow, n, generations, rows):
    e = ct.Experiment(family=ct.Bernoulli(), workflow=workflow, n=n, generations=generations)
    return anchored(e, rows)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.txt").write_text(WORDS)
    pd.DataFrame({"x": [1.5, None, 2.5, 4.0], "c": ["u", "v", "u", None]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    (tmp_path / "same.csv").write_text("x\n3\n3\n3\n")
    (tmp_path / "broken.csv").write_text('a,b\n1,2\n"3,4\n5,6,7,8\n')
    (tmp_path / "other.doc").write_text("x")
    return tmp_path


def test_texts_and_tables_are_read(files):
    words = read_column(files / "a.txt")
    assert words.categories[:2] == (("the", 5), ("and", 3))
    assert ("isn't", 1) in words.categories
    assert words.rows == 16
    assert read_column(files / "a.txt", unit="character").rows == len(WORDS)
    x = read_column(files / "t.csv", "x")
    assert (x.rows, x.missing) == (3, 1)
    c = read_column(files / "t.csv", "c")
    assert (c.categories, c.missing) == ((("u", 2), ("v", 1)), 1)


@pytest.mark.parametrize(
    ("file", "column", "message"),
    [
        ("t.csv", None, "columns x, c: say which"), ("t.csv", "y", "no column 'y'"),
        ("none.csv", None, "No such file"), ("other.doc", None, "may end in"),
        ("same.csv", None, "constant"), ("broken.csv", "a", "not a table"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(files, file, column, message):
    with pytest.raises(ct.InputError, match=message):
        read_column(files / file, column)


@pytest.mark.parametrize(
    ("draw", "family"),
    [
        (lambda g: g.normal(3, 2, 4000), ct.Gaussian), (lambda g: g.exponential(2, 4000), None),
        (lambda g: g.gamma(5.0, 1, 4000), Gamma), (lambda g: g.poisson(2.5, 4000), ct.Poisson),
    ],
)  # fmt: skip
def test_the_nearest_family_is_found(draw, family):
    x = draw(np.random.default_rng(1))
    fitted = fit_column(numbers(x))
    assert isinstance(fitted.family, family or (Exponential, Gamma))
    assert not fitted.warning
    if family is ct.Gaussian:
        expected = stats.kstest(x, stats.norm(x.mean(), x.std()).cdf).statistic
        assert fitted.distance == pytest.approx(expected, rel=1e-12)


def test_a_poor_fit_is_said():
    two_heaps = np.random.default_rng(2).normal(0, 1, 2000) + np.repeat([-9, 9], 1000)
    assert "far from" in fit_column(numbers(two_heaps)).warning
    with pytest.raises(ct.InputError, match="whole numbers"):
        fit_column(numbers(two_heaps), "poisson")
    with pytest.raises(ct.InputError, match="allowed are auto"):
        fit_column(numbers(two_heaps), "cauchy")


def test_a_category_is_lost_as_the_exact_chain_says():
    n, generations, share, chains = 30, 9, 0.04, 20_000
    first = first_lost(loop(ct.Replace(), n, generations, 50), share, chains, 4, Plan())
    exact = LumpedChain(n, generations).distribution(share)[:, 0]
    for t in range(2, generations + 1):  # generation 1 is the fit to the rows themselves
        lost = (first <= t).mean()
        noise = np.sqrt(exact[t - 2] * (1 - exact[t - 2]) / chains)
        assert abs(lost - exact[t - 2]) < LIMIT * noise
    assert not (first == 1).any()
    assert abs((first <= 3).mean() - exact[2]) > LIMIT * noise  # planted: one generation too many


@pytest.mark.slow
def test_dates_hold_in_a_simulation_held_back():
    column = Column("c", None, (("a", 60), ("b", 30), ("c", 7), ("d", 3)))
    kept, held = (forecast(column, generations=60, n=40, seed=s) for s in (1, 2))
    assert [v.labels for v in kept.vanishing] == [("d",), ("c",), ("b",), ("a",)]
    assert kept.vanishing[0].median < kept.vanishing[1].median
    for one, other in zip(kept.vanishing, held.vanishing, strict=True):
        assert abs(one.lost - other.lost) < LIMIT * np.hypot(one.se, other.se) + 1e-12
    *keeping, fresh = kept.remedies
    assert [r.kept.min() for r in keeping] == [1, 1]
    assert fresh.date is None
    assert fresh.kept.min() < 0.7  # fewer rows would not do


def test_variance_of_rows_drawn_again_is_exact():
    rng = np.random.default_rng(5)
    x, n, fits = rng.standard_t(3, 40), 12, 11
    rows = np.broadcast_to(x, (20_000, 40))
    left = []
    for _ in range(fits):
        rows = np.take_along_axis(rows, rng.integers(0, rows.shape[1], (20_000, n)), 1)
        left.append(rows.var(1))
    mean, se = np.mean(left, 1), np.std(left, 1) / np.sqrt(20_000)
    exact = x.var() * (1 - 1 / n) ** np.arange(1, fits + 1)
    assert (np.abs(mean - exact) < LIMIT * se).all()
    date = below_half(rows_kept(loop(ct.Replace(), n, fits + 1, 40)))
    assert date == 2 + int(np.argmax(exact < 0.5 * x.var()))


def test_a_window_lasts_longer_and_the_fit_has_a_date_of_its_own():
    x = numbers(np.random.default_rng(6).normal(0, 1, 500))
    short = forecast(x, n=10, generations=60)
    long = forecast(x, n=10, generations=60, workflow=ct.Window(3))
    assert short.halved_rows < long.halved_rows
    assert short.halved_fit == pytest.approx(1 + np.log(2) * 9, abs=1)  # E log falls by 1 / (n - 1)
    named = {r.name: r for r in short.remedies}
    assert named["keep your rows in every training set"].kept[-1] > 0.9
    # one new real row in each generation keeps two thirds of the variance, whatever n is
    fresh = named["add 1 new real row in each generation"]
    assert fresh.kept[-1] == pytest.approx(2 * 10 / (3 * 10 + 1), rel=1e-3)
    assert (fresh.fresh, fresh.date, fresh.se.max()) == (1, None, 0)


@pytest.mark.parametrize(("enough", "found"), [(1, 1), (2, 2), (37, 37), (100, 100), (101, None)])
def test_the_fewest_rows_that_are_enough(enough, found):
    tried = []
    assert fewest(lambda k: tried.append(k) or k >= enough, 100) == found
    assert len(tried) <= 14


@pytest.mark.slow
def test_a_category_with_fewer_new_rows_falls_below_half():
    column = Column("c", None, (("a", 65), ("b", 2)))
    (*_, fresh) = forecast(column, n=20, generations=8, chains=500).remedies
    assert fresh.date is None
    assert fresh.fresh > 1
    e = ct.Experiment(family=ct.Bernoulli(), workflow=ct.Mix("fresh"), n=20, generations=8)
    fewer = gone(anchored(e, 67, fresh.fresh - 1), 2 / 67, 500, 0, Plan())
    assert ((1 - fewer.mean(0)) < 0.5).any()


def test_a_forecast_of_numbers_is_drawn():
    found = forecast(numbers(np.random.default_rng(6).normal(0, 1, 500)), n=10, generations=20)
    ax = Figure().subplots()
    assert figures.forecast(ax, found) is ax
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_array_equal(drawn["variance of rows drawn again (exact)"], found.kept_rows)
    np.testing.assert_array_equal(drawn["Gaussian fitted again"], found.kept_fit.typical)
    assert (found.kept_fit.low[1:] < found.kept_fit.typical[1:]).all()
    for r in found.remedies:
        np.testing.assert_array_equal(drawn[r.name], r.kept)
    assert [t.get_text() for t in ax.texts] == [str(found.halved_rows), str(found.halved_fit)]


def test_a_forecast_of_categories_is_drawn_with_names():
    column = Column("c", None, (("a", 60), ("a $ and a long name", 3), ("c", 2), ("d", 2)))
    bare = ct.Experiment(family=ct.Categorical(), workflow=ct.Replace(), n=20, generations=3)
    e = anchored(bare, 67)
    lost = [
        Vanishing(labels, count, 2, None, None, 0.4, 0.02, (1.0, 0.9, 0.6))
        for labels, count in ((("c", "d"), 2), (("a $ and a long name",), 3))
    ]
    remedy = Remedy("keep all data", 0, np.ones(3), np.zeros(3))
    found = Forecast(column, fit_column(column), e, 500, rows_kept(e), None, (*lost,), (remedy,))
    ax = Figure().subplots()
    figures.forecast(ax, found)
    drawn = {line.get_label(): line for line in ax.lines}
    assert list(drawn["'c', 'd' (2 rows)"].get_ydata()) == list(found.vanishing[0].alive)
    assert r"'a \$ and a lon…' (3 rows)" in drawn
    assert "remedies, for 'c', 'd' (2 rows):" in drawn
    assert drawn["'c', 'd' (2 rows)"].get_drawstyle() == "steps-post"
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("file", "column"),
    [("msft.csv", "Close"), pytest.param("Stocks.csv", "IBM", marks=pytest.mark.slow)],
)
def test_real_tables(file, column):
    found = forecast(read_column(SAMPLES / file, column), n=50, generations=60)
    assert found.halved_rows == 2 + int(np.ceil(np.log(2) / -np.log(1 - 1 / 50))) - 1


def test_what_stores_rows_cannot_start_from_so_many():
    with pytest.raises(ct.InputError, match="law"):
        forecast(numbers([1.0, 2.0, 4.0]), workflow=AccumulateSubsample())


@pytest.mark.slow
def test_the_command_names_words(files, capsys):
    assert run(["forecast", str(files / "a.txt"), "--generations", "6", "--no-cache"]) == 0
    assert "'star'" in capsys.readouterr().out


def test_the_command(files, capsys):
    words = ["forecast", str(files / "t.csv"), "--column", "x", "--json", "--no-cache"]
    assert run([*words, "--workflow", "{name = 'Window', batches = 2}"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == 3
    assert found["missing"] == 1
    plots = [files / f"{name}.svg" for name in "ab"]
    for plot in plots:
        assert run([*words, "--plot", str(plot)]) == 0
    assert plots[0].read_bytes() == plots[1].read_bytes()
    assert run([*words, "--plot", str(files / "a.gif")]) == 2
    for wrong in (["--workflow", "nosuch"], ["--family", "cauchy"], ["--chains", "7"]):
        assert run([*words, *wrong]) == 2
