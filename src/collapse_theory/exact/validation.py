"""Checks shared by the exact engines: every violation is one ValueError line (what, where, what is
allowed).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Sizes = Sequence[int] | Sequence[float] | NDArray[np.integer] | NDArray[np.floating]


def whole(name: str, value: float, least: int) -> int:
    """A whole number that is at least `least`.

    Args:
        name: what the number is called in the message.
        value: the number to check.
        least: the smallest value allowed.

    Returns:
        The same number as an int.

    Raises:
        ValueError: if the value is not whole, or is too small.
    """
    if not np.isfinite(value) or value != int(value) or value < least:
        raise ValueError(f"{name} must be a whole number >= {least}, got {value!r}")
    return int(value)


def schedule(name: str, values: Sizes, least: int) -> Vector:
    """A one-dimensional, non-empty schedule of whole numbers, each at least `least`.

    Args:
        name: what the schedule is called in the message.
        values: one number for each generation, shape [T].
        least: the smallest value allowed.

    Returns:
        The schedule in float64, shape [T].

    Raises:
        ValueError: if the shape is wrong, or an entry is not whole, or is too small.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty vector [T], got shape {array.shape}")
    bad = ~np.isfinite(array) | (array != np.round(array)) | (array < least)
    if bad.any():
        t = int(np.argmax(bad))
        raise ValueError(f"{name}[{t}] must be a whole number >= {least}, got {array[t]}")
    return array


def at_least(name: str, value: float, low: float, *, strict: bool = False) -> float:
    """A finite number with a lower bound.

    Args:
        name: what the number is called in the message.
        value: the number to check.
        low: the lower bound.
        strict: whether the bound itself is excluded.

    Returns:
        The same number as a float.

    Raises:
        ValueError: if the value is not finite, or below the bound.
    """
    if not np.isfinite(value) or value < low or (strict and value == low):
        raise ValueError(f"{name} must be finite and {'>' if strict else '>='} {low}, got {value}")
    return float(value)


def positive(name: str, values: ArrayLike) -> Vector:
    """A one-dimensional, non-empty array of finite numbers > 0.

    Args:
        name: what the array is called in the message.
        values: the numbers to check, shape [d].

    Returns:
        The same numbers in float64, shape [d].

    Raises:
        ValueError: if the shape is wrong, or an entry is not finite or not positive.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a non-empty vector [d], got shape {array.shape}")
    bad = ~(np.isfinite(array) & (array > 0))
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"{name}[{i}] must be finite and > 0, got {array[i]}")
    return array


def probability(name: str, value: float) -> float:
    """A number in the closed unit interval.

    Args:
        name: what the number is called in the message.
        value: the number to check.

    Returns:
        The same number as a float.

    Raises:
        ValueError: if the value lies outside [0, 1].
    """
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], got {value}")
    return float(value)


def divisor(ddof: int) -> int:
    """The delta degrees of freedom of a variance: 0 (maximum likelihood) or 1 (unbiased).

    Args:
        ddof: the number that is subtracted from the sample size.

    Returns:
        The same number.

    Raises:
        ValueError: for any other value.
    """
    if ddof not in (0, 1):
        raise ValueError(f"ddof must be 0 (maximum likelihood) or 1 (unbiased), got {ddof}")
    return ddof
