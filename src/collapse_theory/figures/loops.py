"""One observable of several loops and models, by generation, with bands over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from collapse_theory.errors import InputError
from collapse_theory.figures.style import palette
from collapse_theory.observables.base import find_observable
from collapse_theory.presets.loops import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_THEOREM = "no theorem"


def loops(ax: Axes, curves: Sequence[Curve], observable: str) -> Axes:
    """Curves of all loops: a colour for each loop, solid for a network, dashed for counts.

    Bands hold the mean with 95 %. Theory is dotted; a network's curve is labelled "no theorem".

    Args:
        ax: where to draw.
        curves: as :func:`collapse_theory.presets.seddik_text` returns them.
        observable: which of them to draw.

    Returns:
        The same ``ax``.

    Raises:
        InputError: no curve is of this observable.
    """
    shown = [c for c in curves if c.observable == observable and np.isfinite(c.mean).any()]
    if not shown:
        raise InputError(f"observable {observable!r} was not measured")
    names = list(dict.fromkeys(c.loop for c in shown))
    colours = dict(zip(names, palette(), strict=False))
    for c in shown:
        t, colour = np.arange(1, len(c.mean) + 1), colours[c.loop]
        counts = c.model == "counts"
        label = f"{c.loop}, {c.model}" + ("" if counts else f" ({NO_THEOREM})")
        style = "dashed" if counts else "solid"
        ax.plot(t, c.mean, color=colour, ls=style, marker="s" if counts else "o", ms=3, label=label)
        if np.isfinite(c.half).any():
            ax.fill_between(t, c.low, c.high, color=colour, alpha=0.2, lw=0)
        if c.theory is not None:
            ax.plot(t, c.theory, color=colour, ls="dotted", lw=1.8)
    if any(c.theory is not None for c in shown):
        ax.plot([], [], color="0.3", ls="dotted", label="counts, theory (approximate)")
    ax.set_xlabel("generation (number of fits)")
    ax.set_ylabel(find_observable(observable).name.replace("_", " "))
    ax.legend(frameon=False, fontsize="x-small")
    return ax
