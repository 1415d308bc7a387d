"""Matrices: who feeds whom, and where in a plane of settings collapse begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from collapse_theory.experiment import Experiment
from collapse_theory.figures.style import GREYS
from collapse_theory.provenance import influence

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def provenance(ax: Axes, experiment: Experiment) -> Axes:
    """The share of each training set that came from the truth (column 0) and from each fit.

    Raises:
        RouteError: the workflow's weights are random.
    """
    shares = influence(experiment)
    image = ax.imshow(
        np.where(shares > 0, shares, np.nan), cmap=GREYS, vmin=0, vmax=1, aspect="auto",
        extent=(-0.5, shares.shape[1] - 0.5, shares.shape[0] + 0.5, 0.5),
    )  # fmt: skip
    ax.set_xlabel("source: 0 is the truth, then fits")
    ax.set_ylabel("training set of fit")
    ax.figure.colorbar(image, ax=ax, label="share of the training set")
    return ax


def phase_diagram(
    ax: Axes, x: ArrayLike, y: ArrayLike, values: ArrayLike, *, level: float, names: tuple[str, ...]
) -> Axes:
    """A value over a plane of two settings, and the line where it passes a level.

    Args:
        ax: where to draw.
        x: settings, shape (k,), increasing.
        y: settings, shape (m,), increasing.
        values: shape (m, k); nan where there is none.
        level: where the line is drawn.
        names: of x, y and the value.

    Returns:
        The same ``ax``.
    """
    z = np.asarray(values, float)
    mesh = ax.pcolormesh(np.asarray(x), np.asarray(y), z, cmap=GREYS, shading="nearest")
    finite = z[np.isfinite(z)]
    if finite.size and finite.min() < level < finite.max():
        line = ax.contour(np.asarray(x), np.asarray(y), z, levels=[level], colors="white")
        ax.clabel(line, fmt=f"{level:g}")
    ax.set_xlabel(names[0])
    ax.set_ylabel(names[1])
    ax.figure.colorbar(mesh, ax=ax, label=names[2])
    return ax
