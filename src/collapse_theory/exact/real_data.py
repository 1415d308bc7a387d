r"""What real rows are worth beside rows of the last fit: settled risks, and what they allow.

For the mean parameter of a family with variance function $V(m)=v_0+v_1m+v_2m^2$, N real rows and n
rows of the last fit in every generation; all in units of the risk V / N of the real rows alone.
"""

from __future__ import annotations

import math

from collapse_theory.exact.validation import at_least


def settled_inflation(real: float, made: float, v2: float) -> float:
    r"""Risk in the long run of one corpus of real rows pooled with rows of the last fit.

    $1+\frac{n(N+v_2)}{N^2+2Nn-v_2n}$, approached from below: with $\alpha=\frac n{N+n}$ the
    distance d to the first fit settles at $d=\alpha^2\big(d+\frac{1+v_2(1/N+d)}n\big)$.

    Args:
        real: N, > 0.
        made: n, >= 0.
        v2: curvature of the variance function, >= -1.

    Returns:
        The risk over V / N, rounding error only; inf where it has no limit.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    _check(real, made, v2)
    below = real**2 + 2 * real * made - v2 * made
    return 1 + made * (real + v2) / below if below > 0 else math.inf


def most_synthetic(real: float, inflation: float, v2: float) -> float:
    r"""The n at which `settled_inflation` is $1+\eta$: $\frac{\eta N^2}{N+v_2-\eta(2N-v_2)}$.

    Args:
        real: N, > 0.
        inflation: $1+\eta$, > 1.
        v2: curvature of the variance function, >= -1.

    Returns:
        The number of rows, not rounded; inf where every number stays below.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    _check(real, 0.0, v2)
    eta = at_least("inflation", inflation, 1.0, strict=True) - 1
    below = real + v2 - eta * (2 * real - v2)
    return eta * real**2 / below if below > 0 else math.inf


def settled_inflation_fresh(real: float, made: float, v2: float) -> float:
    r"""Risk in the long run of new real rows in each generation, pooled with rows of the last fit.

    $\frac{N+n}{N+2n-v_2n/N}$: below 1 where $N>v_2$, at best 1/2.

    Args:
        real: N, > 0.
        made: n, >= 0.
        v2: curvature of the variance function, >= -1.

    Returns:
        The risk over V / N, rounding error only; inf where it has no limit.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    _check(real, made, v2)
    below = real + 2 * made - v2 * made / real
    return (real + made) / below if below > 0 else math.inf


def enough_for_l1(real: float, distance: float, symbols: int) -> float:
    r"""Rows of the last fit that keep a fit over symbols near the first one, in the mean.

    $E\lVert p_t-p_1\rVert_1\le\sqrt{\frac{s\,n}{N(N+2n)}}\le\epsilon$ for
    $n\le\frac{N^2\epsilon^2}{s-2N\epsilon^2}$, any n where the denominator is not positive: by the
    Cauchy-Schwarz inequality, so more may do.

    Args:
        real: N real rows, the same ones for ever, > 0.
        distance: $\epsilon$, > 0.
        symbols: s, how many occur.

    Returns:
        The number of rows, not rounded; inf where every number will do.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    _check(real, 0.0, 0.0)
    square = at_least("distance", distance, 0.0, strict=True) ** 2
    below = symbols - 2 * real * square
    return real**2 * square / below if below > 0 else math.inf


def _check(real: float, made: float, v2: float) -> None:
    at_least("real", real, 0.0, strict=True)
    at_least("made", made, 0.0)
    at_least("v2", v2, -1.0)
