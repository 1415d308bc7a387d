"""Faithful generation."""

from __future__ import annotations

from typing import Any

from collapse_theory.generators.base import AbstractGenerator


class Faithful(AbstractGenerator):
    """Synthetic data are drawn from the fitted model as it is."""

    def apply(self, family: Any, theta: Any) -> Any:
        """The model itself."""
        return theta

    def check(self, family: Any) -> None:
        """Every family can be sampled."""
