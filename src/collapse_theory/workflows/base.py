"""Workflows: which data a generation may see."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Protocol, TypeVar

import equinox as eqx

from collapse_theory.corpus import AbstractCorpus

Corpus = TypeVar("Corpus", bound=AbstractCorpus)
MOST_KEPT = 256
"""Batches or models that a workflow may keep one by one; each is a part of the program."""


class Data(Protocol):
    """What a workflow is handed at a generation. Batches are drawn when asked for, and only then.

    ``generation`` the number of the fit under way (1 = the first, on real data); ``real`` the first
    real batch (in ``init`` only); ``truth`` and ``last`` are pools of models to ``merge``,
    ``scale`` and ``draw`` from.
    """

    @property
    def generation(self) -> Any:
        """The number of the fit under way."""

    @property
    def real(self) -> Any:
        """The first real batch; in ``init`` only."""

    @property
    def truth(self) -> Any:
        """A pool that holds the truth."""

    @property
    def last(self) -> Any:
        """A pool that holds the last fitted model, seen through the generator."""

    def synthetic(self) -> Any:
        """A new batch of n rows from the last fitted model, through the generator."""

    def fresh(self) -> Any:
        """A new batch of n_real rows from the truth."""

    def draw(self, models: Any) -> Any:
        """A new batch of n rows, each from a model picked at random from the pool by its weight."""

    def subsample(self, corpus: Any) -> Any:
        """N of the stored rows, without replacement (raw route only)."""


class AbstractWorkflow(eqx.Module):
    """A program of two methods over corpora. Float fields are traced; other fields are static.

    ``synonyms``: other names under which the literature knows the workflow.

    Example:
        >>> import collapse_theory as ct
        >>> class KeepReal(ct.AbstractWorkflow):
        ...     "The first real batch beside the newest synthetic one."
        ...     def init(self, data):
        ...         return data.real
        ...     def step(self, data, memory):
        ...         return data.synthetic().merge(memory), memory
        >>> e = ct.Experiment(family=ct.Gaussian(), workflow=KeepReal(), n=30, n_real=10,
        ...                   generations=3)
        >>> ct.influence(e)
        array([[1.  , 0.  , 0.  , 0.  ],
               [0.25, 0.75, 0.  , 0.  ],
               [0.25, 0.  , 0.75, 0.  ]])
    """

    synonyms: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def init(self, data: Data) -> Any:
        """The memory after generation 1, which trains on ``data.real``."""

    @abstractmethod
    def step(self, data: Data, memory: Any) -> tuple[Any, Any]:
        """From generation 2 on: the corpus to train on, and the memory to keep."""
