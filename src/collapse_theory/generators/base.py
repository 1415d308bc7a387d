"""Generators: how synthetic data come out of a fitted model."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx


class AbstractGenerator(eqx.Module):
    """A map from the fitted model to the model that synthetic rows are drawn from."""

    @abstractmethod
    def apply(self, family: Any, theta: Any) -> Any:
        """The model to sample from; generation 1 samples the truth itself, untouched."""

    @abstractmethod
    def check(self, family: Any) -> None:
        """Whether the generator has a meaning for the family, by raising or not.

        Raises:
            InputError: it has none.
        """
