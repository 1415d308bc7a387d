"""Experiments whose true mean is carried by chains too rare to be drawn, sooner or later.

The exact mean is known at every generation; a mean of simulated chains falls short of it with a
small standard error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.catalogue import settings_ols
from collapse_theory.catalogue.base import Theorem
from collapse_theory.experiment import Experiment
from collapse_theory.families.exponential import Exponential, PositiveLaw
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.poisson import Poisson, PoissonLaw
from collapse_theory.jobs import theorem_named
from collapse_theory.workflows.replace import Replace

GENERATIONS = 10  # that are judged, from the first to the last, at even steps of the logarithm


@dataclass(frozen=True)
class Trap:
    """A true statement, an experiment it covers, and the generations at which it is judged.

    Args:
        name: in a few words.
        theorem: the statement.
        experiment: with the statement's observable.
    """

    name: str
    theorem: Theorem
    experiment: Experiment

    @property
    def generations(self) -> NDArray[np.int64]:
        """Those that are judged."""
        steps = np.geomspace(1, self.experiment.generations, GENERATIONS)
        return np.unique(steps.round().astype(np.int64))

    @property
    def predicted(self) -> NDArray[np.float64]:
        """The exact means there."""
        return self.theorem.predict(self.experiment)[self.generations - 1]

    @property
    def has_kurtosis(self) -> bool:
        """Whether theory knows a finite fourth moment."""
        return self.theorem.finite_kurtosis(self.experiment)


def traps() -> tuple[Trap, ...]:
    """All of them."""
    found = [_gaussian(n, 10 * n) for n in (10, 30, 100)]
    found.append(_gaussian(30, 60, "replace.var_moments.square"))
    found += [_least_squares(settings_ols.LAW, n) for n in range(5, 10)]
    for theorem in ("expfam.mean_martingale.mean", "nefqvf.martingale.replace"):
        found.append(_family(Poisson(), PoissonLaw(0.7), theorem, n=5, generations=60))
        found.append(_family(Exponential(), PositiveLaw(1.4), theorem, n=10, generations=60))
    return tuple(found)


def _gaussian(n: int, generations: int, theorem: str = "replace.var_moments.mean") -> Trap:
    e = Experiment(family=Gaussian(1), workflow=Replace(), n=n, generations=generations)
    return _trap(f"Gaussian, n = {n}", theorem, e)


def _least_squares(law: Any, n: int) -> Trap:
    e = replace(settings_ols.REPLACE, n=n)
    more = n - len(law.coefficients)
    return _trap(f"least squares, n = d + {more}", "gerstgrasser2024.replace_risk", e)


def _family(family: Any, truth: Any, theorem: str, *, n: int, generations: int) -> Trap:
    e = Experiment(family=family, workflow=Replace(), truth=truth, n=n, generations=generations)
    return _trap(f"{type(family).__name__}, n = {n}", theorem, e)


def _trap(where: str, name: str, e: Experiment) -> Trap:
    theorem = theorem_named(name)
    measured = replace(e, observables=(theorem.observable,))
    what = theorem.observable.name.replace("_", " ")
    return Trap(f"{where}: {what}, t to {e.generations}", theorem, measured)


__all__ = ["Trap", "traps"]
