"""One chain's whole path, out of any run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.placement import Plan, check_run


def replay(
    experiment: Experiment,
    seed: int,
    chain: int,
    *,
    plan: Plan | None = None,
    route: str | None = None,
) -> ChainPath:
    """One chain's whole path: the same numbers as in any run with this seed on this route.

    On the route "auto" chains may be reduced to what the observables depend on, and so are the fits
    (least squares: ``error_norm``, the root of the excess risk, or ``score``); the whole models are
    those of the route "law".

    Args:
        experiment: what is run.
        seed: that of the run.
        chain: its id, a whole number from 0.
        plan: dtype and device; the same as the run's give the same bits.
        route: "law", "raw" or "auto"; the experiment's own if left out.

    Raises:
        InputError: a value is out of range, or the route cannot serve the workflow.

    Example:
        >>> import collapse_theory as ct
        >>> experiment = ct.Experiment(
        ...     family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3,
        ...     observables=("variance",),
        ... )
        >>> ct.replay(experiment, seed=0, chain=7).values["variance"].shape
        (3,)
    """
    from collapse_theory.engine import run_paths

    check_run(1, seed)
    if not isinstance(chain, int | np.integer) or chain < 0:
        raise InputError(f"chain = {chain!r}: a whole number >= 0 is needed")
    setup = experiment.setup((plan or Plan()).resolve_dtype(), route)
    import jax

    fits, values = run_paths(setup, seed, np.asarray([chain]))
    first = jax.tree.map(lambda a: np.asarray(a)[0], (fits, values))
    names = (o.name for o in experiment.observables)
    return ChainPath(first[0], dict(zip(names, first[1], strict=True)))


@dataclass(frozen=True)
class ChainPath:
    """The path of one chain; leading axes are generations 1..T.

    Attributes:
        fits: the family's model, its arrays with the leading axis T.
        values: for each observable's name an array, shape (T,).
    """

    fits: Any
    values: dict[str, NDArray[np.float64]]
