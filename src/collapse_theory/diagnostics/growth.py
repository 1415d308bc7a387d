"""Does a curve grow for ever? Cauchy's condensation test on what was simulated.

What a curve gains from T/2 to T is compared with what it gained from T/4 to T/2. The ratio is 2 for
linear growth, 1 for logarithmic growth and 1/2 for a limit approached like 1/t; `DIVERGES`, between
the last two, is where growth is called endless. Growth slower than any logarithm cannot be told
from a limit by any finite run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from collapse_theory.diagnostics.base import Curves, Measurement

DIVERGES = 0.75
NEGLIGIBLE = 0.01
SHORTEST = 8  # generations


def endless(
    name: str, curve: Curves, unit: Curves, trusted: NDArray[np.bool_] | None = None
) -> Measurement:
    """The measurement that says whether a curve grows without end.

    Args:
        name: what grows.
        curve: its curves.
        unit: a gain below 1 % of it from T/2 to T counts as none.
        trusted: (T,), where its standard errors may be believed; everywhere if left out.
    """
    t = np.arange(1, curve.shape[1] + 1)
    half, quarter = t // 2 - 1, t // 4 - 1
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        last, before = curve - curve[:, half], curve[:, half] - curve[:, quarter]
        value, margins = last / before, (last - NEGLIGIBLE * unit, last - DIVERGES * before)
    short = t < SHORTEST
    for a in (value, *margins):
        a[:, short] = np.nan
    return Measurement(
        f"gain of {name} from T/2 to T over that from T/4 to T/2",
        f"> {DIVERGES}, and more than {NEGLIGIBLE:.0%}",
        value,
        margins,
        trusted,
    )
