"""What lies ahead of a column of data, and what would keep it."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from collapse_theory.figures.style import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from collapse_theory.forecasting import Forecast, Vanishing

SHOWN = 4  # rarest counts whose categories are drawn
LABELS = 3  # categories of one count that are named
LENGTH = 14  # letters of a name
HIGHEST = 1.6  # where the axis ends at most
DASHES = ("dashed", "dashdot", (0, (1, 1)), (0, (8, 2, 1, 2, 1, 2)))
MARKS = ("s", "^", "D")


def forecast(ax: Axes, found: Forecast) -> Axes:
    """What is left of a column by generation, and what other loops would keep of it.

    Of numbers: the variance of rows drawn again and again, exact, and that of the fitted family,
    typical and from a tenth to nine tenths of the futures. Of categories: the diversity, exact, and
    the share of the futures in which the rarest are alive, with bands of two standard errors. The
    remedies, grey with markers, are about the variance, or about the rarest category of all; the
    dotted line is at one half, and the numbers on it are the dates.

    Args:
        ax: where to draw.
        found: of :func:`collapse_theory.forecast`.

    Returns:
        The same ``ax``.
    """
    t = np.arange(1, found.experiment.generations + 1)
    numbers = found.column.categories is None
    what = "variance of rows drawn again (exact)" if numbers else "diversity (exact)"
    ax.plot(t, found.kept_rows, color="black", lw=1.8, label=what, zorder=3)
    if found.kept_fit is not None and numbers:
        _fitted(ax, found)
    for i, one in enumerate(found.vanishing[:SHOWN]):
        _category(ax, one, found.chains, i)
    _dates(ax, found)
    heading = "remedies:" if numbers else f"remedies, for {_name(found.vanishing[0])}:"
    ax.plot([], [], " ", label=heading)
    step = max(1, t.size // 8)
    for i, (r, mark) in enumerate(zip(found.remedies, cycle(MARKS), strict=False)):
        ax.plot(t, r.kept, color="0.45", lw=1.1, marker=mark, ms=5, mfc="white", label=r.name,
                markevery=(i * step // 3, step), zorder=4)  # fmt: skip
    ax.axhline(0.5, color="0.4", lw=0.9, ls="dotted")
    ax.set_ylim(-0.02, min(HIGHEST, max(1.05, ax.get_ylim()[1])))
    ax.set_xlabel("generation (1 is the fit to the column itself)")
    ax.set_ylabel("share of the variance left" if numbers else "share kept")
    ax.set_title(f"{found.column.name}: {found.column.rows:,} rows, then "
                 f"{found.experiment.n:,} from each fit", fontsize="medium")  # fmt: skip
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside right upper", frameon=False,
                     fontsize="small")  # fmt: skip
    return ax


def _fitted(ax: Axes, found: Forecast) -> None:
    kept, colour = found.kept_fit, palette()[0]
    assert kept is not None
    t = np.arange(1, kept.typical.size + 1)
    name = type(found.fitted.family).__name__
    ax.fill_between(t, kept.low, kept.high, color=colour, alpha=0.2, lw=0,
                    label="a tenth to nine tenths of the futures")  # fmt: skip
    ax.plot(t, kept.typical, color=colour, lw=1.6, ls="dashed", label=f"{name} fitted again")


def _category(ax: Axes, one: Vanishing, chains: int, i: int) -> None:
    alive, colour = np.asarray(one.alive), palette()[i]
    t = np.arange(1, alive.size + 1)
    band = 2 * np.sqrt(alive * (1 - alive) / chains)
    ax.fill_between(t, alive - band, alive + band, step="post", color=colour, alpha=0.25, lw=0)
    ax.step(t, alive, where="post", color=colour, lw=1.4, ls=DASHES[i], label=_name(one))


def _dates(ax: Axes, found: Forecast) -> None:
    """The generations at which half is passed, written on the line at one half."""
    from matplotlib.patheffects import withStroke

    edge = [withStroke(linewidth=2.5, foreground="white")]
    dates = [(found.halved_rows, "black"), (found.halved_fit, palette()[0])]
    dates += [(v.median, palette()[i]) for i, v in enumerate(found.vanishing[:SHOWN])]
    for date, colour in dates:
        if date is not None:
            ax.plot([date], [0.5], "o", ms=3.5, color=colour, zorder=5)
            ax.annotate(str(date), (date, 0.5), (2, 4), textcoords="offset points",
                        fontsize="small", zorder=6, path_effects=edge)  # fmt: skip


def _name(one: Vanishing) -> str:
    words = [w if len(w) <= LENGTH else f"{w[: LENGTH - 1]}…" for w in one.labels[:LABELS]]
    more = f" + {len(one.labels) - LABELS:,}" if len(one.labels) > LABELS else ""
    # a dollar sign would begin a formula
    named = ", ".join(repr(w) for w in words).replace("$", r"\$")
    return f"{named}{more} ({one.count:,} row{'s' * (one.count != 1)})"
