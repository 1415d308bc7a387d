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

    Attributes:
        theorem: whose it is.
        generations: 1..T.
        values: shape (T,), in the unit of the theorem's observable; NaN where the statement is
            silent.
    """

    theorem: Theorem
    generations: NDArray[np.int64]
    values: NDArray[np.float64]


def predict(experiment: Experiment) -> list[Prediction]:
    """Every covering prediction, or none at all where nothing covers it; nothing is drawn.

    Args:
        experiment: its observables need not be named.

    Example:
        >>> import collapse_theory as ct
        >>> e = ct.Experiment(family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3)
        >>> found = {p.theorem.name: p for p in ct.predict(e)}
        >>> found["replace.mean_moments"].values
        array([0.1, 0.2, 0.3])
        >>> found["replace.mean_moments"].theorem.kind.value
        'exact'
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
