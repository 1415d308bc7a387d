"""Single chains: their paths, their way over the simplex, their spread by generation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from collapse_theory.engine import run_paths, run_values
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.figures.style import Array, axis_label, palette, spans
from collapse_theory.observables.base import Observable, find_observable
from collapse_theory.placement import Plan, check_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
RIDGE_POINTS = 200
MOST_POINTS = 10**7  # chains times generations
OVERLAP = 1.6  # height of a ridge in units of their distance


def sample_paths(
    ax: Axes, experiment: Experiment, observable: Observable | str, *, chains: int = 20,
    seed: int = 0,
) -> Axes:  # fmt: skip
    """An observable along single chains, and their mean.

    Args:
        ax: where to draw.
        experiment: what to run; it need not name the observable.
        observable: what to follow.
        chains: how many.
        seed: any whole number.

    Returns:
        The same ``ax``.

    Raises:
        InputError: the family does not have the observable.
    """
    found, values = _values(experiment, observable, chains, seed)
    t, colours = np.arange(1, values.shape[1] + 1), palette()
    ax.plot(t, values.T, color=colours[0], lw=0.7, alpha=0.5)
    ax.plot(t, values.mean(0), color=colours[1], lw=2, label=f"mean of {chains} chains")
    if spans([values.ravel()]):
        ax.set_yscale("log")
    ax.set_xlabel("generation (number of fits)")
    ax.set_ylabel(axis_label(found))
    ax.legend(frameon=False, fontsize="small")
    return ax


def simplex(ax: Axes, experiment: Experiment, *, chains: int = 5, seed: int = 0) -> Axes:
    """The way of a law over three symbols over the simplex: a dot marks each chain's end.

    Raises:
        InputError: the truth is not one law over three symbols.
    """
    table = np.asarray(getattr(experiment.truth, "probs", ()), float)
    if table.shape != (3,):
        raise InputError("a simplex needs a law over three symbols, truth.probs with three numbers")
    _check(experiment, chains, seed)
    setup = replace(experiment, observables=(find_observable("gini"),)).setup(_dtype())
    fits, _ = run_paths(setup, seed, np.arange(chains))
    ax.plot(*CORNERS[[0, 1, 2, 0]].T, color="0.4", lw=1)
    for i, (path, colour) in enumerate(zip(np.asarray(fits.probs), _cycle(chains), strict=True)):
        way = np.vstack([table, path]) @ CORNERS
        ax.plot(*way.T, color=colour, lw=0.9, label=f"chain {i}")
        ax.plot(*way[-1], "o", ms=5, color=colour)
    ax.plot(*(table @ CORNERS), "*", ms=13, color="black", label="truth")
    for k, (x, y) in enumerate(CORNERS):
        beside = (0, -12 if y == 0 else 6)
        ax.annotate(f"symbol {k + 1}", (x, y), beside, textcoords="offset points", ha="center")
    ax.set_aspect("equal")
    ax.axis("off")
    ax.legend(frameon=False, fontsize="small")
    return ax


def ridges(
    ax: Axes, experiment: Experiment, observable: Observable | str, *, rows: int = 8,
    chains: int = 2000, seed: int = 0,
) -> Axes:  # fmt: skip
    """The law of an observable over chains at some generations, one ridge above the other.

    Values are those between the quantiles 0.5 % and 99.5 % of all; densities are smoothed.

    Raises:
        InputError: the family does not have the observable, or its values are not finite.
    """
    from scipy.stats import gaussian_kde

    found, values = _values(experiment, observable, chains, seed)
    if not np.isfinite(values).all():
        raise InputError(f"{found.name} is not finite in some chains: draw another observable")
    low, high = np.quantile(values, [0.005, 0.995])
    if low == high:
        raise InputError(f"{found.name} is the same in all chains: there is no law to draw")
    x, last = np.linspace(low, high, RIDGE_POINTS), values.shape[1]
    at = np.unique(np.linspace(1, last, min(rows, last)).round().astype(int))
    colour = palette()[0]
    for k, t in enumerate(at):
        one = values[:, t - 1]
        alike = float(np.ptp(one)) == 0
        y = np.exp(-(((x - one[0]) / (x[1] - x[0])) ** 2)) if alike else gaussian_kde(one)(x)
        base = -float(k)
        ax.fill_between(x, base, base + OVERLAP * y / max(float(y.max()), 1e-300), color=colour,
                        alpha=0.6, lw=0.8, ec="black", zorder=k)  # fmt: skip
    ax.set_yticks(-np.arange(len(at), dtype=float), [str(t) for t in at])
    ax.set_ylabel("generation (number of fits)")
    ax.set_xlabel(axis_label(found))
    return ax


def _values(
    e: Experiment, observable: Observable | str, chains: int, seed: int
) -> tuple[Observable, Array]:
    """The observable, and its values (chains, T)."""
    _check(e, chains, seed)
    found = find_observable(observable) if isinstance(observable, str) else observable
    setup = replace(e, observables=(found,)).setup(_dtype())
    return found, np.concatenate([b[:, :, 0] for b in run_values(setup, seed, range(chains))])


def _check(e: Experiment, chains: int, seed: int) -> None:
    check_run(chains, seed)
    if chains * e.generations > MOST_POINTS:
        raise InputError(
            f"chains = {chains}, generations = {e.generations}: a figure shows at most "
            f"{MOST_POINTS:,} points; take fewer of either"
        )


def _dtype() -> Any:
    return Plan().resolve_dtype()


def _cycle(count: int) -> list[str]:
    colours = palette()
    return [colours[i % len(colours)] for i in range(count)]
