"""Kernel density estimates trained on their own samples: exact error from characteristic functions.

The truth is a standard Gaussian, the kernel a Gaussian of bandwidth h. The integrated squared error
of a replicate is exact: a double sum over its points.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.validation import Vector

OWN = Source(None)
FREQUENCIES = np.linspace(-9, 9, 4001)
TRUTH = np.exp(-(FREQUENCIES**2) / 2)


def _bell(x: Any, variance: float) -> Any:
    return np.exp(-(x**2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def _squared_error(points: Any, h: float) -> Any:
    """Integral of (estimate - N(0, 1))^2, points (count, n)."""
    pairs = _bell(points[:, :, None] - points[:, None, :], 2 * h**2).mean((1, 2))
    return pairs - 2 * _bell(points, 1 + h**2).mean(1) + 1 / np.sqrt(4 * np.pi)


def _smooth(rng: Any, points: Any, n: int, h: float) -> Any:
    """N draws of the estimate on these points."""
    count, total = points.shape
    pick = rng.integers(total, size=(count, n))
    return np.take_along_axis(points, pick, 1) + h * rng.standard_normal((count, n))


def _pool(rng: Any, count: int, *, n: int, h: float, fits: int) -> Any:
    points = rng.standard_normal((count, n))
    for _ in range(fits - 1):
        points = np.concatenate([points, _smooth(rng, points, n, h)], 1)
    return points


def _kept_error(rng: Any, count: int, *, n: int, h: float, fits: int) -> Any:
    return _squared_error(_pool(rng, count, n=n, h=h, fits=fits), h)


def _kept_square(rng: Any, count: int, *, n: int, h: float, fits: int) -> Any:
    return (_pool(rng, count, n=n, h=h, fits=fits) ** 2).mean(1)


def _kernel(h: float) -> Vector:
    return np.exp(-((h * FREQUENCIES) ** 2) / 2)


def _integral(square: Vector, cross: Vector, h: float) -> float:
    """From E |transform of the points|^2 and E transform times that of the truth, by frequency."""
    k, truth = _kernel(h), TRUTH
    inside = k**2 * square - 2 * k * cross + truth**2
    return float(np.trapezoid(inside, FREQUENCIES) / (2 * np.pi))


@trial(
    "kde.accumulate_mise",
    kind=Kind.EXACT,
    source=OWN,
    draws=_kept_error,
    cases=({"n": 8, "h": 0.5, "fits": 4},),
    chunk=1024,
)
def kept_error(*, n: int, h: float, fits: int) -> float:
    r"""$\mathrm{MISE}_t=\frac1{2\pi}\int\kappa^2a_t-2\kappa b_tF^2+F^2\,d\omega$ with
    $\kappa=e^{-h^2\omega^2/2}$, F the true transform, $a_1=\frac1n+(1-\frac1n)F^2$,
    $a_{g+1}=\frac{g^2a_g+2g\kappa a_g+\frac1n+(1-\frac1n)\kappa^2a_g}{(g+1)^2}$,
    $b_g=\prod_{s<g}\frac{s+\kappa}{s+1}$.

    All points kept, n new draws of the last estimate in each generation, fixed bandwidth.
    """
    k, truth = _kernel(h), TRUTH
    a, b = 1 / n + (1 - 1 / n) * truth**2, np.ones_like(truth)
    for g in range(1, fits):
        a = (g**2 * a + 2 * g * k * a + 1 / n + (1 - 1 / n) * k**2 * a) / (g + 1) ** 2
        b = b * (g + k) / (g + 1)
    return _integral(a, b * truth**2, h)


@trial(
    "kde.accumulate_log_divergence",
    kind=Kind.EXACT,
    source=OWN,
    draws=_kept_square,
    cases=({"n": 8, "h": 0.5, "fits": 6},),
)
def kept_square(*, n: int, h: float, fits: int) -> float:
    r"""The pool's second moment is $\sigma^2+h^2(H_t-1)$, $H_t=\sum_{k\le t}\frac1k$: with a fixed
    bandwidth keeping all data slows the divergence to $h^2\log t$, it does not stop it. It
    converges if and only if $\sum h_t^2/t$ does.

    All points kept, n new draws of the last estimate in each generation.
    """
    return 1 + h**2 * float((1 / np.arange(2, fits + 1)).sum())


def _fresh(rng: Any, count: int, *, real: int, made: int, h: float, fits: int) -> Any:
    points = rng.standard_normal((count, real + made))
    for _ in range(fits - 1):
        new = _smooth(rng, points, made, h)
        points = np.concatenate([rng.standard_normal((count, real)), new], 1)
    return np.stack([_squared_error(points, h), (points**2).mean(1)], 1)


@trial(
    "kde.fresh",
    kind=Kind.EXACT,
    source=OWN,
    draws=_fresh,
    cases=({"real": 4, "made": 8, "h": 0.5, "fits": 5},),
)
def fresh(*, real: int, made: int, h: float, fits: int) -> Any:
    r"""$b_t=\alpha F+(1-\alpha)\kappa b_{t-1}$, $b_1=F$, $\alpha=n_r/n$;
    $a_t=\frac{n+n_r(n_r-1)F^2+2n_rn_sF\kappa b_{t-1}+n_s(n_s-1)\kappa^2a_{t-1}}{n^2}$;
    $\mathrm{MISE}_t=\frac1{2\pi}\int\kappa^2a_t-2\kappa b_tF+F^2\,d\omega$. Data settle at the
    variance $\sigma^2+\frac{(1-\alpha)h^2}\alpha$, for every $\alpha>0$.

    $n_r$ new real points and $n_s$ draws of the last estimate, replaced in every generation; the
    first n points are real. Judged: the error, and the second moment of the points.
    """
    n, alpha = real + made, real / (real + made)
    k, truth = _kernel(h), TRUTH
    a, b, square = 1 / n + (1 - 1 / n) * truth**2, truth, 1.0
    for _ in range(fits - 1):
        pairs = real * (real - 1) * truth**2 + made * (made - 1) * k**2 * a
        a = (n + pairs + 2 * real * made * truth * k * b) / n**2
        b, square = alpha * truth + (1 - alpha) * k * b, alpha + (1 - alpha) * (square + h**2)
    return np.array([_integral(a, b * truth, h), square])
