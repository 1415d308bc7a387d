"""What all figures share: colours, labels, scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.catalogue.base import Kind
from collapse_theory.observables.base import Observable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BOUNDS = (Kind.UPPER, Kind.LOWER)
DASHES: dict[Kind, Any] = {
    Kind.EXACT: "solid",
    Kind.UPPER: (0, (6, 2)),
    Kind.LOWER: (0, (6, 2, 1, 2)),
}
LOG_RANGE = 30  # ratio of the largest to the smallest value from which an axis is logarithmic
MARKERS = 40  # markers on a curve at most
GREYS = "cividis"  # a map that reads the same in grey, and to the colour-blind

Array = NDArray[np.float64]


def palette() -> list[str]:
    """Ten colours that the colour-blind can tell apart (Petroff 2021)."""
    import matplotlib.style

    return list(matplotlib.style.library["petroff10"]["axes.prop_cycle"].by_key()["color"])


def axis_label(observable: Observable) -> str:
    """Name and unit of an observable; the unit is what its statement puts after "in"."""
    words = observable.name.replace("_", " ")
    for unit in ("nats", "bits"):
        if observable.statement.endswith(f", in {unit}"):
            return f"{words} ({unit})"
    return words


def thinned(length: int) -> NDArray[np.bool_]:
    """Which points get a marker."""
    shown = np.zeros(length, bool)
    shown[:: -(-length // MARKERS)] = True
    return shown


def spans(curves: Sequence[Array]) -> bool:
    """Whether an axis should be logarithmic."""
    values = np.concatenate([c[np.isfinite(c)] for c in curves])
    return bool(values.size and values.min() > 0 and values.max() > LOG_RANGE * values.min())


def shade(ax: Axes, t: Any, bound: Array, kind: Kind, colour: str) -> None:
    """Tint the side a bound excludes, without moving the limits of the axis."""
    low, high = ax.get_ylim()
    edge = high if kind is Kind.UPPER else low
    ax.fill_between(t, bound, np.full(len(t), edge), color=colour, alpha=0.07, lw=0, zorder=0)
    ax.set_ylim(low, high)
