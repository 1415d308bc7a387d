"""Who feeds whom: the weight matrix of any workflow, read off its code by running it on labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.corpus import Provenance
from collapse_theory.errors import RouteError
from collapse_theory.exact.linear import LinearWorkflow
from collapse_theory.experiment import Experiment

MOST_LABELLED = 5000
"""Generations; memory grows with their square, 0.2 GB for each of three matrices here."""


class LabelData:
    """What a workflow sees when batches are labels (see :class:`workflows.base.Data`)."""

    def __init__(self, ledger: Ledger, generation: int) -> None:
        self._ledger, self.generation = ledger, generation
        self.real: Any = None

    def fresh(self) -> Provenance:
        """A new batch whose source is the truth."""
        size = self._ledger.experiment.real_sizes[self.generation - 1]
        return self._ledger.batch(size, self._ledger.model(0))

    def synthetic(self) -> Provenance:
        """A new batch whose source is the last fit."""
        return self.draw(self.last)

    @property
    def truth(self) -> Provenance:
        """A pool that holds model 0."""
        return self._ledger.model(0)

    @property
    def last(self) -> Provenance:
        """A pool that holds the last fit."""
        return self._ledger.model(self.generation - 1)

    def draw(self, models: Provenance) -> Provenance:
        """A new batch whose sources are the pool's models."""
        size = self._ledger.experiment.sizes[self.generation - 1]
        return self._ledger.batch(size, models)

    def subsample(self, corpus: Provenance) -> Provenance:
        """A random subset has no fixed weights."""
        raise RouteError("a workflow that subsamples stored rows has no fixed weight matrix")


class Ledger:
    """The batches made so far: their sizes and the models they came from."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.sizes: list[float] = []
        self.sources: list[NDArray[np.float64]] = []

    def model(self, index: int) -> Provenance:
        """Model ``index`` as a one-member pool."""
        return Provenance(np.eye(1, index + 1, index)[0], np.ones(index + 1))

    def batch(self, size: Any, models: Provenance) -> Provenance:
        """Enter a batch and return its label."""
        shares = np.zeros(self.experiment.generations + 1)
        shares[: len(models.weight)] = models.shares
        self.sizes.append(float(size))
        self.sources.append(shares)
        label = np.eye(1, len(self.sizes), len(self.sizes) - 1)[0]
        return Provenance(label, np.asarray(self.sizes))


def linear_workflow(experiment: Experiment) -> LinearWorkflow:
    """Batches, their sources and the weight matrix of the experiment's workflow.

    Args:
        experiment: its family is not looked at.

    Returns:
        sizes (B,), in rows; sources (B, T+1), column 0 the truth; weights (T, B), whose rows sum to
        one.

    Raises:
        RouteError: the workflow's weights are random, or there are more generations than
            `MOST_LABELLED`.

    Example:
        >>> import collapse_theory as ct
        >>> e = ct.Experiment(
        ...     family=ct.Gaussian(), workflow=ct.Accumulate(), n=30, n_real=10, generations=2
        ... )
        >>> flow = ct.linear_workflow(e)
        >>> flow.sizes, flow.weights
        (array([10., 30.]), array([[1.  , 0.  ],
               [0.25, 0.75]]))
    """
    if experiment.generations > MOST_LABELLED:
        raise RouteError(
            f"generations = {experiment.generations}: the weights of all batches in all training "
            f"sets are kept for at most {MOST_LABELLED:,} generations"
        )
    ledger = Ledger(experiment)
    opening = LabelData(ledger, 1)
    opening.real = opening.fresh()
    corpora, memory = [opening.real], experiment.workflow.init(opening)
    for generation in range(2, experiment.generations + 1):
        corpus, memory = experiment.workflow.step(LabelData(ledger, generation), memory)
        corpora.append(corpus)
    weights = np.zeros((len(corpora), len(ledger.sizes)))
    for row, corpus in zip(weights, corpora, strict=True):
        row[: len(corpus.weight)] = corpus.shares
    return LinearWorkflow(
        sizes=np.asarray(ledger.sizes), sources=np.stack(ledger.sources), weights=weights
    )


def influence(experiment: Experiment) -> NDArray[np.float64]:
    """Share of the training set of fit t that came from model s: shape (T, T+1), rows sum to one.

    Column 0 is the truth.

    Args:
        experiment: its family is not looked at.

    Raises:
        RouteError: the workflow's weights are random.

    Example:
        >>> import collapse_theory as ct
        >>> e = ct.Experiment(
        ...     family=ct.Gaussian(), workflow=ct.Window(2), n=10, generations=4
        ... )
        >>> ct.influence(e)
        array([[1. , 0. , 0. , 0. , 0. ],
               [0.5, 0.5, 0. , 0. , 0. ],
               [0. , 0.5, 0.5, 0. , 0. ],
               [0. , 0. , 0.5, 0.5, 0. ]])
    """
    flow = linear_workflow(experiment)
    return flow.weights @ flow.sources
