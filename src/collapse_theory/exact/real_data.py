r"""What real rows are worth beside rows of the last fit: settled risks, and where they are least.

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


def best_weight(real: float, made: float, v2: float) -> float:
    r"""Weight of N new real rows, against n rows of the last fit, with the least settled risk.

    The root of $(n+v_2)w^2+(N-v_2)w-N=0$ in (0, 1]; the least risk is w in units of V / N, because
    the best w solves $w/N=(1-w)\big((1+v_2/n)V+1/n\big)$ at $V=w/N$.

    Args:
        real: N, > 0.
        made: n, > 0.
        v2: curvature of the variance function, >= -1.

    Returns:
        The weight; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    _check(real, made, v2)
    across = real - v2
    return 2 * real / (across + math.sqrt(across**2 + 4 * (made + v2) * real))


def _check(real: float, made: float, v2: float) -> None:
    at_least("real", real, 0.0, strict=True)
    at_least("made", made, 0.0)
    at_least("v2", v2, -1.0)
