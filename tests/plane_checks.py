"""What is checked of every density in the plane."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from collapse_theory.families.plane import PlaneLaw


def on_square(logs, side):
    """exp(logs) on the square of these points, by second and first coordinate."""
    points = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    return np.exp(logs(points)).reshape(len(side), len(side))


def density_at(side, log_density):
    """Of a log density of one point."""
    logs = jax.jit(jax.vmap(log_density))
    return on_square(lambda points: np.asarray(logs(jnp.asarray(points))), side)


def by_density(side, density):
    """Mean and covariance of what :func:`on_square` returns."""
    weight = density / density.sum()
    x = np.stack(np.meshgrid(side, side))
    mean = (x * weight).sum((1, 2))
    off = x - mean[:, None, None]
    return mean, np.einsum("iab,jab,ab->ij", off, off, weight)


def midpoints(parts):
    """Of the parts of 12 unit cells on [-6, 6]."""
    return (np.arange(12 * parts) + 0.5) / parts - 6


def unit_cells(density):
    """The masses of 12 x 12 unit cells, from a density at the midpoints of their parts."""
    parts = len(density) // 12
    return density.reshape(12, parts, 12, parts).sum((1, 3)) / parts**2


def odds(rows, cells):
    """Of a chi-square as large as that of the rows, over unit cells of expectation >= 20."""
    edges = np.linspace(-6, 6, 13)
    counts = np.histogram2d(rows[:, 1], rows[:, 0], bins=(edges, edges))[0]
    expected = len(rows) * cells
    large = expected >= 20
    assert large.sum() >= 20
    return stats.chi2.sf(((counts - expected) ** 2 / expected)[large].sum(), large.sum())


def true_density(points):
    """Of ``PlaneLaw()``, by SciPy; points (m, 2)."""
    law = PlaneLaw()
    parts = [stats.multivariate_normal(m, law.var).pdf(points) for m in law.table]
    return np.mean(parts, 0)


def gaussian_kl():
    """KL from ``PlaneLaw()`` to the Gaussian with its moments: no network is worth training for
    more."""
    side = midpoints(20)
    points = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    true = true_density(points)
    mean, spread = by_density(side, true.reshape(len(side), -1))
    logs = stats.multivariate_normal(mean, spread).logpdf(points)
    return float((true * (np.log(true) - logs)).sum() / 20**2)
