"""What trials state, and what their replicates are, as it was: see kept_values.py.

A mistake in the replicates that moves a mean by a few per cent passes the quick verdicts; here it
shows, as the draws of one seed are compared. NumPy may give other draws for the same seed in
another version: then they are not compared. `python tests/test_catalogue_trials.py` writes again.
"""

import os

os.environ.setdefault("JAX_ENABLE_X64", "1")

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory.catalogue.trial import Replicates
from kept_values import most_are_kept, read, same, six, write

NAME = "trials"
REPLICATES = 64
NEAR = 1e-7  # relative: what is solved may differ by more than rounding between libraries
TRIALS = {t.name: t for t in ct.trials()}
KEPT = read(NAME)
VERSION = ".".join(np.__version__.split(".")[:2])
CASES = [(t, i) for t in TRIALS.values() if t.name in KEPT for i in range(len(t.cases))]
TRAINED = ("derived.softmax_sgd_martingale.trained",)  # takes seconds, and is run by its own tests


def drawn(trial, numbers):
    """Means, means of squares, and means weighted by place, of a few replicates."""
    rows = trial.draws(np.random.default_rng(20_261_130), REPLICATES, **numbers)
    rows = np.asarray(rows, float).reshape(REPLICATES, -1)
    place = np.linspace(0.5, 1.5, REPLICATES)
    return [*six(rows.mean(0)), *six((rows**2).mean(0)), *six(place @ rows / REPLICATES)]


@pytest.mark.parametrize(("trial", "i"), [pytest.param(t, i, id=f"{t.name}-{i}") for t, i in CASES])
def test_it_states_what_it_did(trial, i):
    stated = trial.predict(Replicates(trial.cases[i], 0))
    same(six(stated), KEPT[trial.name]["stated"][i], NEAR)
    assert trial.finite_kurtosis(Replicates(trial.cases[i], 0)) == KEPT[trial.name]["kurtosis"][i]


@pytest.mark.skipif(KEPT.get("numpy") != VERSION, reason="kept with another version of NumPy")
@pytest.mark.parametrize(
    ("trial", "i"),
    [pytest.param(t, i, id=f"{t.name}-{i}") for t, i in CASES if t.name not in TRAINED],
)
def test_its_replicates_are_what_they_were(trial, i):
    same(drawn(trial, trial.cases[i]), KEPT[trial.name]["drawn"][i], NEAR)


def test_most_trials_are_kept():
    most_are_kept([name for name in KEPT if name != "numpy"], TRIALS)


def kept(trial):
    """What is kept of a trial."""
    return {
        "stated": [six(trial.predict(Replicates(n, 0))) for n in trial.cases],
        "kurtosis": [bool(trial.finite_kurtosis(Replicates(n, 0))) for n in trial.cases],
        "drawn": [] if trial.name in TRAINED else [drawn(trial, n) for n in trial.cases],
    }


if __name__ == "__main__":
    write(NAME, {"numpy": VERSION} | {t.name: kept(t) for t in TRIALS.values()})
