"""What was simulated, by generation, with its error, and what theory says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.catalogue.base import Kind, Theorem
from collapse_theory.errors import InputError
from collapse_theory.figures.style import axis_label, palette, spans, thinned
from collapse_theory.judging import Verdict
from collapse_theory.observables.base import Observable
from collapse_theory.prediction import predictions
from collapse_theory.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOUNDS = (Kind.UPPER, Kind.LOWER)
DASHES: dict[Kind, Any] = {
    Kind.EXACT: "solid",
    Kind.UPPER: (0, (6, 2)),
    Kind.LOWER: (0, (6, 2, 1, 2)),
}

Array = NDArray[np.float64]


def error_growth(
    ax: Axes,
    result: Result,
    observable: Observable | str,
    theorems: Sequence[Theorem] | None = None,
) -> Axes:
    """The mean of an observable by generation, with a band of two standard errors, and theory.

    Exact statements are solid, bounds dashed with the excluded side shaded, asymptotic ones and
    limits dotted. Markers are hollow where the standard error is not to be believed. The axis is
    logarithmic where all values are positive and span more than a factor of 30.

    Args:
        ax: where to draw.
        result: what was simulated.
        observable: what to draw; it must have been measured.
        theorems: whose curves to draw; every one that covers the experiment if left out.

    Returns:
        The same ``ax``.

    Raises:
        InputError: the observable was not measured, or a theorem speaks about another experiment.
    """
    name = observable if isinstance(observable, str) else observable.name
    mean = result.mean(name)
    measured = next(o for o in result.experiment.observables if o.name == name)
    curves = _curves(result, measured, theorems)
    colours = palette()
    _simulated(ax, result, name, colours[0])
    for i, (theorem, values) in enumerate(curves):
        colour = colours[1 + i % (len(colours) - 1)]
        style = DASHES.get(theorem.kind, "dotted")
        label = f"{theorem.name} ({theorem.kind.value})"
        # below the markers, so that an agreement does not hide the simulation
        ax.plot(result.generations, values, color=colour, ls=style, lw=1.6, label=label, zorder=2)
    if spans([mean, *(values for _, values in curves)]):
        ax.set_yscale("log")
    for i, (theorem, values) in enumerate(curves):
        if theorem.kind in BOUNDS:
            _shade(
                ax, result.generations, values, theorem.kind, colours[1 + i % (len(colours) - 1)]
            )
    ax.set_xlabel("generation (number of fits)")
    ax.set_ylabel(axis_label(measured))
    ax.legend(frameon=False, fontsize="small")
    return ax


def prediction(ax: Axes, verdict: Verdict) -> Axes:
    """What a statement says and what was seen, by generation, with bars of two standard errors.

    Exact statements are solid, bounds dashed, others dotted; markers are hollow where the standard
    error is not to be believed. The axis is logarithmic where all values are positive and span more
    than a factor of 30. Drawn on ``ax``, which is returned.
    """
    v, colours = verdict, palette()
    t = np.arange(1, len(v.observed) + 1)
    style = DASHES.get(v.theorem.kind, "dotted")
    ax.plot(t, v.predicted, color=colours[1], ls=style, lw=1.8, label=v.theorem.kind.value)
    if len(t) == 1:  # a curve of one point does not show
        ax.axhline(float(v.predicted[0]), color=colours[1], ls=style, lw=1.8)
    shown = thinned(len(t))
    for use, face in ((v.trusted, colours[0]), (~v.trusted, "none")):
        at = shown & use & np.isfinite(v.observed)
        if at.any():
            label = f"{v.chains:,} chains, ± 2 SE" if face != "none" else "few chains carry it"
            ax.errorbar(
                t[at], v.observed[at], 2 * v.se[at], fmt="o", ms=4, mfc=face, color=colours[0],
                label=label,
            )  # fmt: skip
    if spans([v.predicted, v.observed]):
        ax.set_yscale("log")
    theory = isinstance(v.theorem, Theorem)
    ax.set_xlabel("generation (number of fits)" if theory else "number of the value")
    ax.set_ylabel(axis_label(v.theorem.observable) if theory else "value")
    ax.legend(frameon=False, fontsize="small")
    return ax


def ratio(ax: Axes, verdict: Verdict) -> Axes:
    """What was seen over what a statement says, by generation, with bars of two standard errors.

    The line at 1 is the statement; of a bound, the side it excludes is shaded, and the distance to
    the line is its slack. Markers are hollow where the standard error is not to be believed. The
    axis is logarithmic where the ratios span more than a factor of 30. Drawn on ``ax``, which is
    returned.
    """
    v, colours = verdict, palette()
    with np.errstate(divide="ignore", invalid="ignore"):
        seen, se = v.observed / v.predicted, v.se / np.abs(v.predicted)
    t = np.arange(1, len(seen) + 1)
    shown = thinned(len(t)) & np.isfinite(seen)
    for use, face in ((v.trusted, colours[0]), (~v.trusted, "none")):
        at = shown & use
        if at.any():
            label = f"{v.chains:,} chains, ± 2 SE" if face != "none" else "few chains carry it"
            ax.errorbar(
                t[at], seen[at], 2 * se[at], fmt="o", ms=4, mfc=face, color=colours[0], label=label
            )
    ax.axhline(1, color=colours[1], ls=DASHES.get(v.theorem.kind, "dotted"), lw=1.6)
    if spans([seen]):
        ax.set_yscale("log")
    if v.theorem.kind in BOUNDS:
        _shade(ax, t, np.ones(len(t)), v.theorem.kind, colours[1])
    ax.set_xlabel("generation (number of fits)")
    ax.set_ylabel(f"simulation / {v.theorem.kind.value}")
    ax.legend(frameon=False, fontsize="small")
    return ax


def _curves(
    result: Result, observable: Observable, theorems: Sequence[Theorem] | None
) -> list[tuple[Theorem, Array]]:
    bare = replace(result.experiment, observables=())
    if theorems is None:
        return [(p.theorem, p.values) for p in predictions(bare, observable)]
    for t in theorems:
        if t.observable is not observable or not t.covers(bare):
            raise InputError(f"{t.name} does not speak about {observable.name} in this experiment")
    return [(t, t.predict(bare)) for t in theorems]


def _simulated(ax: Axes, result: Result, name: str, colour: str) -> None:
    t, mean, se = result.generations, result.mean(name), result.se(name)
    ax.fill_between(t, mean - 2 * se, mean + 2 * se, color=colour, alpha=0.25, lw=0, zorder=1)
    label = f"{result.chains:,} chains, mean ± 2 SE"
    ax.plot(t, mean, color=colour, lw=0.8, zorder=3)
    shown = thinned(len(t))
    trusted = result.trusted(name)
    for use, face, text in (
        (trusted, colour, label),
        (~trusted, "none", "few chains carry the mean"),
    ):
        if use.any():
            at = shown & use
            at[np.flatnonzero(use)[0]] = True  # at least one marker, for the legend
            ax.plot(t[at], mean[at], "o", ms=4, mec=colour, mfc=face, ls="", label=text, zorder=4)


def _shade(ax: Axes, t: Any, bound: Array, kind: Kind, colour: str) -> None:
    """Tint the side a bound excludes, without moving the limits of the axis."""
    low, high = ax.get_ylim()
    edge = high if kind is Kind.UPPER else low
    ax.fill_between(t, bound, np.full(len(t), edge), color=colour, alpha=0.07, lw=0, zorder=0)
    ax.set_ylim(low, high)
