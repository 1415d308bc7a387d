"""Intervals that should cover, and symbols that should survive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binom, norm

from collapse_theory.figures.style import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEVEL = 0.95


def zip_plot(ax: Axes, estimates: ArrayLike, errors: ArrayLike, truth: float) -> Axes:
    """Intervals of 95 % of many runs, ranked by how far they lie from the truth.

    Intervals that miss are drawn in the second colour, above a line at 95 %; the legend has the
    share that covers, with the range in which 99 % of honest shares fall.

    Args:
        ax: where to draw.
        estimates: shape (runs,).
        errors: their standard errors, > 0.
        truth: what should be covered.
    """
    estimate, error = np.asarray(estimates, float), np.asarray(errors, float)
    reach = float(norm.ppf((1 + LEVEL) / 2))
    z = np.abs(estimate - truth) / error
    order = np.argsort(z)
    rank = 100 * (np.arange(z.size) + 0.5) / z.size
    missed, colours = z[order] > reach, palette()
    for use, colour in ((~missed, colours[0]), (missed, colours[1])):
        ends = [(estimate + s * reach * error)[order][use] - truth for s in (-1, 1)]
        ax.hlines(rank[use], *ends, color=colour, lw=1)
    low, high = binom.ppf([0.005, 0.995], z.size, LEVEL) / z.size
    covered = 1 - missed.mean()
    ax.plot(
        [], [], color=colours[0], label=f"{covered:.1%} cover ({low:.1%} to {high:.1%} expected)"
    )
    ax.axvline(0, color="black", lw=0.8)
    ax.axhline(100 * LEVEL, color="0.4", lw=0.8, ls="dashed")
    ax.set_xlabel("estimate - truth")
    ax.set_ylabel("rank of the distance to the truth, %")
    ax.legend(fontsize="small", loc="lower right")
    return ax


def survival(ax: Axes, first_lost: Mapping[str, ArrayLike], generations: int) -> Axes:
    """The share of chains in which a category is still alive, by generation, with bands of two
    standard errors.

    Args:
        ax: where to draw.
        first_lost: for each label the generation at which each chain lost it, (chains,); beyond
            ``generations`` where it never did.
        generations: horizon.
    """
    t, colours = np.arange(1, generations + 1), palette()
    dashes = ("solid", "dashed", "dashdot", "dotted")
    for i, (label, first) in enumerate(first_lost.items()):
        gone = np.asarray(first)
        alive = (gone[:, None] > t).mean(0)
        band = 2 * np.sqrt(alive * (1 - alive) / gone.size)
        colour = colours[i % len(colours)]
        ax.fill_between(t, alive - band, alive + band, step="post", color=colour, alpha=0.25, lw=0)
        ax.step(t, alive, where="post", color=colour, ls=dashes[i % 4], label=label)
    ax.axhline(0.5, color="0.4", lw=0.8, ls="dotted")
    ax.set_ylim(-0.02, 1.02)
    ax.set_xlabel("generation (number of fits)")
    ax.set_ylabel("share of chains where it is alive")
    ax.legend(frameon=False, fontsize="small")
    return ax
