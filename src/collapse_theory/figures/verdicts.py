"""One verdict: what was seen beside, over, or on the right side of what the statement says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from collapse_theory.catalogue.base import Kind, Theorem
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
from collapse_theory.judging import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
    _points(ax, v, v.observed, 2 * v.se)
    if spans([v.predicted, v.observed]):
        ax.set_yscale("log")
    theory = isinstance(v.theorem, Theorem)
    ax.set_ylabel(axis_label(v.theorem.observable) if theory else "value")
    return _finished(ax, v)


def ratio(ax: Axes, verdict: Verdict) -> Axes:
    """What was seen over what a statement says, by generation, with bars of two standard errors.

    The line at 1 is the statement; of a bound, the side it excludes is shaded. Markers are hollow
    where the standard error is not to be believed. The axis is logarithmic where the ratios span
    more than a factor of 30.

    Args:
        ax: where to draw.
        verdict: on any statement that is held against simulation.

    Returns:
        The same ``ax``.

    Raises:
        InputError: the statement says 0, or nothing, wherever something was seen.
    """
    v, colours = verdict, palette()
    with np.errstate(divide="ignore", invalid="ignore"):
        seen, se = v.observed / v.predicted, v.se / np.abs(v.predicted)
    if not np.isfinite(seen).any():
        raise InputError(f"{v.theorem.name} says 0 or nothing: there is no ratio to draw")
    t = np.arange(1, len(seen) + 1)
    style = DASHES.get(v.theorem.kind, "dotted")
    ax.axhline(1, color=colours[1], ls=style, lw=1.6, label=v.theorem.kind.value)
    _points(ax, v, seen, 2 * se)
    if spans([seen]):
        ax.set_yscale("log")
    if v.theorem.kind in BOUNDS:
        ax.margins(y=0.15)  # room for the excluded side
        shade(ax, t, np.ones(len(t)), v.theorem.kind, colours[1])
    ax.set_ylabel(f"simulation / {v.theorem.kind.value}")
    return _finished(ax, v)


def slack(ax: Axes, verdict: Verdict) -> Axes:
    """How many times a bound is farther than it need be, by generation, with bars of two standard
    errors.

    That is bound / simulation for an upper bound and simulation / bound for a lower one: 1 is
    sharp, and the shaded side below 1 would violate the bound. Where both are not positive, the
    distance from the bound is drawn instead, and 0 is sharp. An arrow upwards marks slack of which
    only the lower end is known, because the simulation cannot tell its value from 0.

    Args:
        ax: where to draw.
        verdict: on a bound.

    Returns:
        The same ``ax``.

    Raises:
        InputError: the statement is no bound, or is silent wherever something was seen.
    """
    v, colours = verdict, palette()
    if v.theorem.kind not in BOUNDS:
        raise InputError(
            f"{v.theorem.name} is no bound but {v.theorem.kind.value}: only a bound has slack"
        )
    speaks = np.isfinite(v.predicted) & np.isfinite(v.observed)
    if not speaks.any():
        raise InputError(f"{v.theorem.name} is silent at every generation: there is no slack")
    factors = bool((v.predicted[speaks] > 0).all() and (v.observed[speaks] >= 0).all())
    middle, below, above, least = _factors(v) if factors else _distances(v)
    sharp = 1.0 if factors else 0.0
    ax.axhline(sharp, color=colours[1], ls=DASHES[v.theorem.kind], lw=1.6, label="sharp")
    _points(ax, v, middle, np.stack([below, above]), upwards=least)
    if factors and spans([middle, np.ones(1)]):
        ax.set_yscale("log")
    low, high = ax.get_ylim()
    if factors:  # so that the shaded side shows
        low = min(low, 0.8 if ax.get_yscale() == "log" else 0.95 * low)
    ax.set_ylim(low, high)
    ax.axhspan(low, sharp, color=colours[1], alpha=0.15, lw=0, zorder=0, label="bound violated")
    upper = v.theorem.kind is Kind.UPPER
    words = ("bound", "simulation") if upper else ("simulation", "bound")
    ax.set_ylabel((" / " if factors else " - ").join(words))
    return _finished(ax, v)


def _factors(v: Verdict) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Slack as a factor, how far its bar reaches down and up, and where it is but a lower end."""
    low, high = v.observed - 2 * v.se, v.observed + 2 * v.se
    if v.theorem.kind is Kind.LOWER:
        middle = v.observed / v.predicted
        reach = 2 * v.se / v.predicted
        return middle, np.minimum(reach, 0.999 * middle), reach, np.zeros(len(low), bool)
    open_ended = low <= 0
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = v.predicted / np.where(open_ended, high, v.observed)
        below = np.where(open_ended, 0, middle - v.predicted / high)
        above = np.where(open_ended, 0, v.predicted / low - middle)
    return middle, below, above, open_ended


def _distances(v: Verdict) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    sign = 1 if v.theorem.kind is Kind.UPPER else -1
    reach = 2 * v.se
    return sign * (v.predicted - v.observed), reach, reach, np.zeros(len(reach), bool)


def _points(
    ax: Axes, v: Verdict, values: Array, bars: Array, upwards: NDArray[np.bool_] | None = None
) -> None:
    """Markers with bars: filled where the standard error may be believed, hollow elsewhere."""
    colour, t = palette()[0], np.arange(1, len(values) + 1)
    shown = thinned(len(t)) & np.isfinite(values)
    arrows = np.zeros(len(t), bool) if upwards is None else upwards
    bars = np.broadcast_to(bars, (2, len(t)))
    for use, face, label in (
        (v.trusted, colour, f"{v.chains:,} chains, ± 2 SE"),
        (~v.trusted, "none", "few chains carry it"),
    ):
        for at, marker in ((shown & use & ~arrows, "o"), (shown & use & arrows, "^")):
            if at.any():
                ax.errorbar(
                    t[at], values[at], bars[:, at], fmt=marker, ms=4, mfc=face, color=colour,
                    label="at least" if marker == "^" else label,
                )  # fmt: skip


def _finished(ax: Axes, v: Verdict) -> Axes:
    """Labels that all figures of verdicts share."""
    from matplotlib.ticker import MaxNLocator

    theory = isinstance(v.theorem, Theorem)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("generation (number of fits)" if theory else "number of the value")
    ax.legend(frameon=False, fontsize="small")
    return ax
