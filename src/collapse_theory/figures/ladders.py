"""Asymptotic statements: how the gap closes as the sizes grow, and where it goes from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from collapse_theory.errors import InputError
from collapse_theory.figures.style import Array, palette
from collapse_theory.judging import Verdict
from collapse_theory.ladder import RUNGS, polynomial, relative_gaps

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEYOND = 2.0  # the place of infinite size, in units of the largest


def ladder(ax: Axes, verdict: Verdict, *, generation: int | None = None) -> Axes:
    """The relative gap between simulation and an asymptotic statement against size, both axes
    logarithmic.

    Bars are two standard errors; markers are hollow where the gap is negative. Where it is 0 within
    two standard errors an arrow points downwards from the end of its bar. The dotted line has the
    slope that the statement's order says. The last place, infinite size, has the value that
    weighted least squares extrapolate to; the statement says 0.

    Args:
        ax: where to draw.
        verdict: on an asymptotic statement.
        generation: which one; if left out, the one where the gap at the smallest size stands out
            most from its error.

    Returns:
        The same ``ax``.

    Raises:
        InputError: the statement is not asymptotic, or the standard error of the generation may not
            be believed at every size.
    """
    v = verdict
    if not v.rungs or v.theorem.order is None:
        raise InputError(
            f"{v.theorem.name} is {v.theorem.kind.value}, not asymptotic: it has no ladder of sizes"
        )
    gaps, errors = relative_gaps(v.rungs)
    at = _chosen(v, gaps, errors, generation)
    gap, error, sizes = gaps[:, at], errors[:, at], np.array(RUNGS[: len(v.rungs)], float)
    x = sizes**-v.theorem.order
    found, spread = polynomial(gap, error, x, 1)
    _rungs(ax, sizes, gap, error)
    slope = abs((gap * x / error**2).sum() / (x**2 / error**2).sum())
    ax.plot(sizes, slope * x, color="black", ls="dotted", lw=1.4, zorder=1,
            label=f"slope of order {v.theorem.order:g}, as stated")  # fmt: skip
    _infinity(ax, BEYOND * sizes[-1], float(found[0]), spread)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ends = np.append(np.abs(gap) + 2 * error, abs(found[0]) + 2 * spread)
    low = min(
        (slope * x).min(), 0.4 * ends.min(), np.abs(gap[np.abs(gap) > 2 * error]).min(initial=1)
    )
    ax.set_ylim(max(0.6 * low, 1e-3 * ends.max()), 2 * ends.max())
    ax.axvline(np.sqrt(BEYOND) * sizes[-1], color="0.7", lw=0.8)
    places = [*sizes, BEYOND * sizes[-1]]
    ax.set_xticks(places, [*(f"{k:g}" for k in sizes), "∞"], minor=False)
    ax.set_xticks([], minor=True)
    ax.set_xlabel("size, in multiples of the smallest")
    ax.set_ylabel(f"|simulation / statement - 1| at generation {at + 1}")
    ax.legend(frameon=False, fontsize="small")
    return ax


def _chosen(v: Verdict, gaps: Array, errors: Array, generation: int | None) -> int:
    usable = v.trusted & np.isfinite(gaps).all(0) & (errors > 0).all(0)
    if not usable.any():
        raise InputError(f"{v.theorem.name}: no generation's standard error may be believed")
    if generation is None:
        clear = np.abs(gaps[0]) / np.where(usable, errors[0], np.inf)
        return int(np.where(usable, clear, -1).argmax())
    if not 1 <= generation <= usable.size or not usable[generation - 1]:
        allowed = ", ".join(str(t) for t in np.flatnonzero(usable) + 1)
        raise InputError(f"generation = {generation}: allowed are {allowed}")
    return generation - 1


def _rungs(ax: Axes, sizes: Array, gap: Array, error: Array) -> None:
    """Markers by the sign of the gap; arrows where it cannot be told from 0."""
    colour, clear = palette()[0], np.abs(gap) > 2 * error
    for use, face, words in ((gap >= 0, colour, "above"), (gap < 0, "none", "below")):
        at = use & clear
        if at.any():
            ax.errorbar(
                sizes[at], np.abs(gap[at]), 2 * error[at], fmt="o", ms=5, mfc=face, color=colour,
                capsize=2, label=f"simulation {words} the statement, ± 2 SE",
            )  # fmt: skip
    if not clear.all():
        label = "0 within 2 SE: the end of the bar"
        _arrows(ax, sizes[~clear], (np.abs(gap) + 2 * error)[~clear], colour, label)


def _infinity(ax: Axes, place: float, value: float, error: float) -> None:
    """What the line says at infinite size: a point, or an arrow from the end of its bar to 0."""
    colour = palette()[1]
    label = f"extrapolated: {100 * value:+.2g} % ± {200 * error:.2g} % (2 SE)"
    if abs(value) > 2 * error:
        ax.errorbar([place], [abs(value)], [2 * error], fmt="s", ms=5, color=colour, capsize=2,
                    label=label)  # fmt: skip
    else:
        _arrows(ax, np.array([place]), np.array([abs(value) + 2 * error]), colour, label)


def _arrows(ax: Axes, places: Array, tops: Array, colour: str, label: str) -> None:
    """Downwards, by the same length on a logarithmic axis."""
    lengths = np.stack([0.6 * tops, np.zeros(len(tops))])
    ax.errorbar(places, tops, lengths, fmt="_", ms=8, uplims=True, color=colour, label=label)
