"""What was simulated, by generation, with its error, and what theory says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from collapse_theory.catalogue.base import Theorem
from collapse_theory.errors import InputError
from collapse_theory.figures.style import (
    BOUNDS,
    DASHES,
    Array,
    axis_label,
    palette,
    shade,
    spans,
    thinned,
)
from collapse_theory.observables.base import Observable
from collapse_theory.prediction import predictions
from collapse_theory.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
            shade(ax, result.generations, values, theorem.kind, colours[1 + i % (len(colours) - 1)])
    ax.set_xlabel("generation (number of fits)")
    ax.set_ylabel(axis_label(measured))
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
