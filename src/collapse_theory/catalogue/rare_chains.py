"""Means that rare chains carry, decided by importance sampling.

A plain simulation of these statements is inconclusive: at late generations, or with few rows, no
feasible number of chains shows the true mean. Here the rare chains are drawn on purpose, from a
law under which they are common, and weighted by the ratio of the densities of the draws.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import gammaln

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.trial import trial

OWN = Source(None)
MISSED = 0.1  # the part of the way by which a tilt falls short of the one that leaves no spread


def _tilted_variance(rng: Any, count: int, *, n: int, power: int, times: tuple[int, ...]) -> Any:
    """S_t^power at the times, each weighted; sums of squares come from tilted chi-squares.

    Tilted all the way, to the shape a + power, weight and value would cancel in every chain and
    nothing would be tested; a tenth short of it they do not, and the product has little spread.
    """
    a, tilt = (n - 1) / 2, (1 - MISSED) * power
    ratio = gammaln(a + tilt) - gammaln(a)  # of the densities, times x^-tilt
    log_s, log_w, out = np.zeros(count), np.zeros(count), []
    for t in range(1, max(times) + 1):
        log_x = np.log(rng.gamma(a + tilt, size=count))
        log_s += log_x - math.log(a)
        log_w += ratio - tilt * log_x
        if t in times:
            out.append(np.exp(power * log_s + log_w))
    return np.stack(out, 1)


@trial(
    "replace.var_moments.tilted",
    kind=Kind.EXACT,
    source=OWN,
    draws=_tilted_variance,
    cases=(
        {"n": 10, "power": 1, "times": (10, 50, 100, 200)},
        {"n": 10, "power": 2, "times": (10, 50, 100, 200)},
        {"n": 100, "power": 1, "times": (100, 400, 1000)},
    ),
)
def tilted_variance(*, n: int, power: int, times: tuple[int, ...]) -> Any:
    r"""$E S_t=\sigma^2$ and $E S_t^2=\sigma^4\big(1+\frac2{n-1}\big)^t$ at every t, here
    $\sigma=1$ and t up to 20 n.

    Gaussian, unbiased variance, each fit on the newest batch. Decides what
    ``replace.var_moments.mean`` leaves inconclusive at late t: sums of squares are drawn from
    chi-square laws with 0.9 (1.8) added to their shape, under which the chains that carry the mean
    are common, and weighted by the ratio of the densities.
    """
    return (1 + 2 / (n - 1)) ** (np.asarray(times) * (power - 1.0))


def _rare_designs(rng: Any, count: int, *, n: int, d: int, noise: float, fits: int) -> Any:
    """Weighted risks at each fit, and the weights.

    In every second replicate one batch has two rows fewer: the density of its Gram matrix W, over
    that of n rows, is (n-2)...(n-d-1) / det W, and given W the error of the fit has the same law.
    The weight is one over the density of the mixture, over that of n rows everywhere.
    """
    short = np.where(rng.random(count) < 0.5, rng.integers(0, fits, count), fits)
    w, risks, inverse_dets = np.zeros((count, d)), [], np.zeros(count)
    for t in range(fits):
        x = rows.design(rng, count, n, np.ones(d))
        y = rows.labels(rng, x, w, noise)
        fewer = (short == t)[:, None] & (np.arange(n) >= n - 2)
        x, y = np.where(fewer[..., None], 0, x), np.where(fewer, 0, y)
        w = rows.least_squares(x, y)
        inverse_dets += 1 / np.linalg.det(np.matmul(x.swapaxes(-1, -2), x))
        risks.append(rows.squared_norm(w))
    weight = 1 / (0.5 + 0.5 * _mean_det(n - 2, d) * inverse_dets / fits)
    return weight[:, None] * np.stack([*risks, np.ones(count)], 1)


def _mean_det(n: int, d: int) -> int:
    """Mean determinant of the Gram matrix of n standard normal rows."""
    return math.prod(range(n - d + 1, n + 1))


@trial(
    "gerstgrasser2024.replace_risk.rare_designs",
    kind=Kind.EXACT,
    source=Source("gerstgrasser2024"),
    draws=_rare_designs,
    cases=(
        {"n": 6, "d": 3, "noise": 1.3, "fits": 6},
        {"n": 5, "d": 3, "noise": 1.3, "fits": 6},
        {"n": 8, "d": 4, "noise": 0.9, "fits": 3},
    ),
)
def rare_designs(*, n: int, d: int, noise: float, fits: int) -> Any:
    r"""$E\lVert w_t-w^*\rVert_\Sigma^2 = t\,\frac{\sigma^2 d}{n-d-1}$, with n = d + 2, d + 3 and
    d + 4 rows too, where the risk has no variance, or no fourth moment.

    Fresh designs. Decides what ``gerstgrasser2024.replace_risk`` and
    ``ols.replace_general_schedule`` leave inconclusive at d + 3 rows: in every second replicate one
    batch has two rows fewer, so that nearly singular designs are common, and replicates are
    weighted by the ratio of the densities. The last value is the mean of the weights, 1.
    """
    return np.append(np.arange(1, fits + 1) * noise**2 * d / (n - d - 1), 1.0)
