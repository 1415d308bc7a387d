"""Predictions without simulation: everything published or exact that covers an experiment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from collapse_theory import discovery
from collapse_theory.catalogue.base import Theorem
from collapse_theory.experiment import Experiment
from collapse_theory.observables.base import Observable


@dataclass(frozen=True)
class Prediction:
    """A theorem's curve for one experiment.

    ``values`` has shape (T,), NaN where the statement is silent.
    """

    theorem: Theorem
    generations: NDArray[np.int64]
    values: NDArray[np.float64]


def predict(experiment: Experiment) -> list[Prediction]:
    """Every covering prediction; observables need not be named in the experiment.

    The result is empty when nothing covers it. No random number is drawn.
    """
    return list(predictions(experiment))


def predictions(
    experiment: Experiment, observable: Observable | None = None
) -> Iterator[Prediction]:
    """The same one by one, about one observable or about all."""
    bare = replace(experiment, observables=())
    times = np.arange(1, experiment.generations + 1)
    for t in discovery.members(Theorem):
        if observable in (None, t.observable) and t.applies(bare):
            yield Prediction(t, times, t.predict(bare))
