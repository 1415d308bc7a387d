"""Figures: what is drawn, how it is labelled, and what is refused."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import collapse_theory as ct
from collapse_theory import figures
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
