"""Figures: what is drawn, how it is labelled, and what is refused."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

import collapse_theory as ct
from collapse_theory import figures
from collapse_theory.cli.app import run
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.verification import theorem_named


@pytest.fixture(scope="module")
def result():
    e = ct.Experiment(
        family=ct.Gaussian(),
        workflow=ct.Replace(),
        n=10,
        generations=60,
        observables=("variance", "log_variance", "mean_squared_error", "kl_forward"),
    )
    return ct.simulate(e, chains=1000, seed=0)


@pytest.fixture
def ax():
    return Figure().subplots()


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_simulation_and_theory_are_drawn(ax, result):
    assert figures.error_growth(ax, result, "variance") is ax
    drawn = {line.get_label(): line for line in ax.lines}
    theory = drawn["replace.var_moments.mean (exact)"]
    np.testing.assert_array_equal(theory.get_ydata(), np.ones(60))
    assert theory.get_linestyle() == "-"
    believed, doubted = drawn["1,000 chains, mean ± 2 SE"], drawn["few chains carry the mean"]
    assert doubted.get_markerfacecolor() == "none"
    trusted = result.trusted("variance")
    assert trusted[believed.get_xdata() - 1].all()
    assert not trusted[doubted.get_xdata() - 1].any()
    band = ax.collections[0].get_paths()[0].get_extents()
    top = result.mean("variance") + 2 * result.se("variance")
    assert band.y1 == pytest.approx(top.max())
    assert ax.get_xlabel() == "generation (number of fits)"


def test_axes_are_logarithmic_where_it_helps(result):
    ax = Figure().subplots(2)
    assert figures.error_growth(ax[0], result, "mean_squared_error").get_yscale() == "log"
    assert figures.error_growth(ax[1], result, "log_variance").get_yscale() == "linear"


def test_bounds_are_shaded_without_moving_the_axis(ax):
    e = ct.Experiment(
        family=ct.Categorical(),
        workflow=ct.Replace(),
        n=8,
        generations=30,
        observables=("collapsed",),
    )
    run = ct.simulate(e, chains=200, seed=0)
    chosen = [theorem_named(f"seddik2024.rho_bounds.{side}") for side in ("lower", "upper")]
    figures.error_growth(ax, run, "collapsed", chosen)
    assert len(ax.collections) == 3
    assert labels(ax)[-2:] == [f"{t.name} ({t.kind.value})" for t in chosen]
    high = ax.get_ylim()[1]
    for shade in ax.collections[1:]:
        assert all(path.get_extents().y1 <= high for path in shade.get_paths())
    figures.error_growth(ax, run, "collapsed", ())


def test_theorems_may_be_chosen_and_are_checked(ax, result):
    figures.error_growth(ax, result, "log_variance", [theorem_named("replace.log_variance")])
    assert labels(ax)[-1] == "replace.log_variance (exact)"
    with pytest.raises(ct.InputError, match="does not speak about variance"):
        figures.error_growth(ax, result, "variance", [theorem_named("replace.log_variance")])
    with pytest.raises(ct.InputError, match="was not measured"):
        figures.error_growth(ax, result, "w2_squared")


def test_labels_carry_units(ax, result):
    assert figures.error_growth(ax, result, "kl_forward").get_ylabel() == "kl forward (nats)"
    assert len(set(figures.palette())) == 10


SYMBOLS = ct.Experiment(
    family=ct.Categorical(),
    truth=CategoricalLaw((0.5, 0.3, 0.2)),
    workflow=ct.Replace(),
    n=20,
    generations=12,
)


@pytest.mark.slow
def test_paths_are_those_of_the_chains(ax):
    assert figures.sample_paths(ax, SYMBOLS, "gini", chains=3, seed=7) is ax
    one = ct.replay(replace(SYMBOLS, observables=("gini",)), 7, 1)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), one.values["gini"], rtol=1e-12)
    assert labels(ax) == ["mean of 3 chains"]


def test_the_simplex_starts_at_the_truth_and_needs_three_symbols(ax):
    figures.simplex(ax, SYMBOLS, chains=2, seed=1)
    start = ax.lines[1].get_xydata()[0]
    np.testing.assert_allclose(start, [0.3 + 0.2 / 2, 0.2 * np.sqrt(3) / 2])
    with pytest.raises(ct.InputError, match="three symbols"):
        figures.simplex(ax, replace(SYMBOLS, truth=CategoricalLaw((0.5, 0.5))))


@pytest.mark.slow
def test_ridges_are_as_many_as_asked_for(ax):
    figures.ridges(ax, SYMBOLS, "gini", rows=4, chains=64)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["1", "5", "8", "12"]
    with pytest.raises(ct.InputError, match="not finite"):
        figures.ridges(ax, SYMBOLS, "kl_forward", chains=64)
    with pytest.raises(ct.InputError, match="same in all chains"):
        figures.ridges(ax, SYMBOLS, "hallucinated_mass", chains=64)


def test_provenance_shows_the_weights_of_the_workflow(ax):
    e = replace(SYMBOLS, workflow=ct.Window(2), generations=4)
    figures.provenance(ax, e)
    shown = np.asarray(ax.images[0].get_array().filled(0))
    np.testing.assert_allclose(np.nan_to_num(shown).sum(1), 1)
    assert shown[3, 2] == shown[3, 3] == 0.5


def test_a_phase_diagram_has_a_line_where_the_level_is_passed(ax):
    names = ("x", "y", "z")
    figures.phase_diagram(ax, [1, 2, 3], [1, 2], [[1, 2, 3], [2, 3, 4]], level=2.5, names=names)
    assert len(ax.texts) == 1
    other = Figure().subplots()
    figures.phase_diagram(other, [1, 2], [1, 2], [[1, 2], [2, 3]], level=9, names=names)
    assert not other.texts


def test_a_zip_plot_counts_what_covers(ax):
    figures.zip_plot(ax, np.array([0.0, 1.0, 3.0, -1.9]), np.ones(4), 0.0)
    assert labels(ax)[0].startswith("75.0% cover")


def test_survival_is_the_share_not_yet_lost(ax):
    figures.survival(ax, {"a": [1, 2, 9, 9], "b": [9, 9, 9, 9]}, 4)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.75, 0.5, 0.5, 0.5])
    assert labels(ax) == ["a", "b"]


EXACT, UPPER, LOWER, ORDER_1 = (
    SimpleNamespace(name="it", kind=kind, order=order)
    for kind, order in (
        (ct.Kind.EXACT, None), (ct.Kind.UPPER, None), (ct.Kind.LOWER, None),
        (ct.Kind.ASYMPTOTIC, 1.0),
    )
)  # fmt: skip


def verdict(theorem, predicted, observed, se=0.1, **more):
    """What figures read of a verdict."""
    arrays = {"predicted": predicted, "observed": observed, "se": np.full(len(observed), se)}
    fields = {k: np.asarray(v, float) for k, v in arrays.items()}
    trusted = np.ones(len(observed), bool)
    given = {"trusted": trusted, "chains": 100, "rungs": (), **fields, **more}
    return SimpleNamespace(theorem=theorem, **given)


def markers(ax):
    """Label, places, values and face of the markers drawn."""
    return [(c.get_label(), *c[0].get_data(), c[0].get_markerfacecolor()) for c in ax.containers]


def test_a_ratio_is_drawn_about_one(ax):
    trusted = np.array([True, True, False])
    assert figures.ratio(ax, verdict(EXACT, [1, 2, 4], [1, 3, 5], trusted=trusted)) is ax
    (_, t, good, _), (_, late, doubted, face) = markers(ax)
    assert list(t) == [1, 2]
    assert list(good) == [1, 1.5]
    assert (list(late), list(doubted), face) == ([3], [1.25], "none")
    assert ax.get_ylabel() == "simulation / exact"
    assert list(ax.lines[0].get_ydata()) == [1, 1]
    bars = ax.collections[0].get_segments()
    np.testing.assert_allclose(bars[1][:, 1], [1.4, 1.6])  # two standard errors over 2
    with pytest.raises(ct.InputError, match="it says 0 or nothing"):
        figures.ratio(ax, verdict(EXACT, [0, np.nan], [0, 1]))


@pytest.mark.parametrize(
    ("theorem", "observed", "factor"), [(UPPER, 2.0, 4.0), (LOWER, 16.0, 2.0), (UPPER, 16.0, 0.5)]
)
def test_slack_is_a_factor_and_below_one_where_a_bound_is_violated(ax, theorem, observed, factor):
    figures.slack(ax, verdict(theorem, [8.0, 8.0], [observed, observed]))
    ((_, _, values, _),) = markers(ax)
    np.testing.assert_allclose(values, factor)
    shaded = ax.patches[0].get_bbox()
    assert (shaded.y0 < values[0] < shaded.y1) == (factor < 1)
    assert shaded.y1 == 1


def test_slack_of_what_may_be_zero_has_a_lower_end_only(ax):
    figures.slack(ax, verdict(UPPER, [1, 1, 1], [0.0, 0.1, 0.5]))
    (_, t, _, _), (label, first, least, _) = markers(ax)
    assert list(t) == [3]
    assert (label, list(first)) == ("at least", [1, 2])
    np.testing.assert_allclose(least, [1 / 0.2, 1 / 0.3])


def test_slack_of_what_is_not_positive_is_a_distance_and_only_bounds_have_any(ax):
    figures.slack(ax, verdict(LOWER, [-3, -2], [-1, -2.5]))
    np.testing.assert_allclose(markers(ax)[0][2], [2, -0.5])
    assert ax.get_ylabel() == "simulation - bound"
    with pytest.raises(ct.InputError, match="no bound but exact"):
        figures.slack(ax, verdict(EXACT, [1.0], [1.0]))
    with pytest.raises(ct.InputError, match="silent"):
        figures.slack(ax, verdict(UPPER, [np.nan], [1.0]))


def rungs(gaps, se=0.01):
    return tuple(verdict(ORDER_1, [1.0, 1.0], [1.0, 1 + g], se) for g in gaps)


def test_a_ladder_has_the_stated_slope_and_what_it_extrapolates_to(ax):
    gaps = [0.4, -0.2, 0.1, 0.05]
    figures.ladder(ax, verdict(ORDER_1, [1, 1], [1, 1.4], rungs=rungs(np.abs(gaps))))
    (slope, *_) = [line for line in ax.lines if line.get_label().startswith("slope of order 1")]
    np.testing.assert_allclose(slope.get_ydata(), np.abs(gaps))  # it closes exactly so
    assert ax.get_ylabel().endswith("at generation 2")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "4", "8", "∞"]
    assert any(label.startswith("extrapolated:") for label in labels(ax))
    other = Figure().subplots()
    figures.ladder(other, verdict(ORDER_1, [1, 1], [1, 1.4], rungs=rungs(gaps)))
    assert [list(x) for _, x, _, face in markers(other)[:2] if face == "none"] == [[2]]


def test_a_gap_within_its_error_is_an_arrow_from_the_end_of_its_bar(ax):
    figures.ladder(ax, verdict(ORDER_1, [1, 1], [1, 1.4], rungs=rungs([0.4, 0.2, 0.1, 0.01])))
    (_, clear, _, _), (_, place, top, _), *_ = markers(ax)
    assert (list(clear), list(place)) == ([1, 2, 4], [8])
    np.testing.assert_allclose(top, 0.01 + 2 * 0.01)


def test_a_ladder_needs_rungs_and_a_generation_to_believe(ax):
    with pytest.raises(ct.InputError, match="exact, not asymptotic"):
        figures.ladder(ax, verdict(EXACT, [1.0], [1.0]))
    found = verdict(ORDER_1, [1, 1], [1, 1], rungs=rungs([0.4, 0.2]))
    with pytest.raises(ct.InputError, match="allowed are 1, 2"):
        figures.ladder(ax, found, generation=3)
    found.trusted[:] = False
    with pytest.raises(ct.InputError, match="may be believed"):
        figures.ladder(ax, found)


@pytest.mark.parametrize("subject", ["paths", "ridges", "simplex", "provenance"])
def test_the_command_draws_the_same_bytes(tmp_path, subject):
    (tmp_path / "e.toml").write_text(str(replace(SYMBOLS, observables=("gini",))))
    files = [tmp_path / f"{name}.svg" for name in "ab"]
    for file in files:
        assert run(["draw", subject, str(tmp_path / "e.toml"), str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    assert run(["draw", subject, str(tmp_path / "e.toml"), str(tmp_path / "a.gif")]) == 2


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("prediction", "seddik2024.S_fully_synthetic"), ("ratio", "seddik2024.S_fully_synthetic"),
        ("slack", "seddik2024.rho_bounds.upper"),
        pytest.param("ladder", "shumailov2024.w2_three_halves", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_the_command_draws_the_same_verdict(tmp_path, subject, name):
    files = [tmp_path / f"{side}.svg" for side in "ab"]
    for file in files:
        assert run(["draw", subject, name, str(file), "--chains", "4000"]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["slack", "seddik2024.S_fully_synthetic"], "no bound but exact"),
        (["ladder", "seddik2024.S_fully_synthetic"], "exact, not asymptotic"),
        (["ratio", "seddik2024.rho_bounds"], "stands for several"),
        (["ratio", "seddik2024.S_fully_synthetic", "--case", "3"], "case = 3"),
        (["ratio", "ferbach2024.lemma21"], "computing both sides"),
        (["ratio", "nosuch"], "unknown theorem 'nosuch'"),
        (["ratio", "e.toml"], "--theorem is needed"),
        (["ratio", "e.toml", "--theorem", "seddik2024.most_recent_models"], "does not cover"),
        (["ratio", "nosuch", "--theorem", "x"], "goes with an experiment"),
    ],
)
def test_a_verdict_that_cannot_be_drawn_is_one_line(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.toml").write_text(str(SYMBOLS))
    subject, what, *more = words
    assert run(["draw", subject, what, "a.png", "--chains", "100", *more]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "a.png").exists()


def test_a_theorem_is_drawn_on_an_experiment(tmp_path):
    (tmp_path / "e.toml").write_text(str(SYMBOLS))
    words = ["--theorem", "seddik2024.S_fully_synthetic", "--chains", "200"]
    assert run(["draw", "ratio", str(tmp_path / "e.toml"), str(tmp_path / "a.png"), *words]) == 0
