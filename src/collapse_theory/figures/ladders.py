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
FLOOR = 0.3  # of the smallest thing drawn: where the axis begins


def ladder(ax: Axes, verdict: Verdict, *, generation: int | None = None) -> Axes:
    """The relative gap between simulation and an asymptotic statement against size, both axes
    logarithmic.

    Bars are two standard errors; markers are hollow where the gap is negative. The dotted line has
    the slope that the statement's order says. The last place, infinite size, has the value that
    weighted least squares extrapolate to: an arrow downwards where it is 0 within two standard
    errors, which is what the statement says.

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
    ends = np.abs(gap) + 2 * error
    low = FLOOR * min(np.abs(gap).min(), (slope * x).min(), abs(found[0]) + 2 * spread)
    ax.set_ylim(max(low, 1e-3 * ends.max()), 2 * ends.max())
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
    colour = palette()[0]
    for use, face, words in ((gap >= 0, colour, "above"), (gap < 0, "none", "below")):
        if use.any():
            ax.errorbar(
                sizes[use], np.abs(gap[use]), 2 * error[use], fmt="o", ms=5, mfc=face, color=colour,
                capsize=2, label=f"simulation {words} the statement, ± 2 SE",
            )  # fmt: skip


def _infinity(ax: Axes, place: float, value: float, error: float) -> None:
    """What the line says at infinite size: a point, or an arrow from the end of its bar to 0."""
    colour = palette()[1]
    label = f"extrapolated: {100 * value:+.2g} % ± {200 * error:.2g} % (2 SE)"
    if abs(value) > 2 * error:
        ax.errorbar([place], [abs(value)], [2 * error], fmt="s", ms=5, color=colour, capsize=2,
                    label=label)  # fmt: skip
        return
    top = abs(value) + 2 * error
    arrow = np.array([[0.6 * top], [0]])
    ax.errorbar([place], [top], arrow, fmt="_", ms=8, uplims=True, color=colour, label=label)
