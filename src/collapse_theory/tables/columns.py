"""What a column of a table must be: numbers that differ, or labels that are few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.errors import InputError, show

MOST_CLASSES = 1000
NAMED = 20  # columns that a message lists, at most


def numbers_of(values: Any, column: str, named: str) -> NDArray[np.float64]:
    """A column of a frame as numbers.

    Args:
        values: the column.
        column: its name.
        named: the table's name, as messages show it.

    Raises:
        InputError: a value is missing, infinite or no real number.
    """
    import pandas as pd

    what = f"{named}: column {show(column)}"
    leave = f"leave it out, columns = [{show(f'-{column}')}]"
    missing = int(values.isna().sum())
    if missing:
        raise InputError(
            f"{what} has {missing:,} missing values: fill them in, take these rows out, or {leave}"
        )
    real = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_complex_dtype(values)
    if not real:
        wrong = values[pd.to_numeric(values.astype(str), errors="coerce").isna()]
        which = show(str((wrong if len(wrong) else values).iloc[0]))
        raise InputError(
            f"{what} holds {which}, which is no number: name it as the label, write it as numbers, "
            f"or {leave}"
        )
    numbers: NDArray[np.float64] = values.to_numpy(np.float64)
    if not np.isfinite(numbers).all():
        raise InputError(
            f"{what} has infinite values: write them as numbers, take these rows out, or {leave}"
        )
    return numbers


def classes_of(values: Any, label: str, named: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """A column of labels as indices into its sorted values, and these values.

    Raises:
        InputError: a value is missing, or there are too few or too many different ones.
    """
    import pandas as pd

    what = f"{named}: label {show(label)}"
    missing = int(values.isna().sum())
    if missing:
        raise InputError(f"{what} has {missing:,} missing values: take these rows out")
    if not pd.api.types.is_numeric_dtype(values):
        values = values.astype(str)
    codes, found = pd.factorize(values, sort=True)
    if not 2 <= len(found) <= MOST_CLASSES:
        raise InputError(
            f"{what} has {len(found):,} different values: 2 to {MOST_CLASSES:,} classes are needed"
        )
    whole = [int(v) if isinstance(v, float) and v.is_integer() else v for v in found.tolist()]
    return codes.astype(np.int32), tuple(map(str, whole))


def check_spread(train: NDArray[np.float64], columns: tuple[str, ...], named: str) -> None:
    """Refuse columns without a variance.

    Raises:
        InputError: a column is constant, or its variance overflows or vanishes.
    """
    constant = [c for c, x in zip(columns, train.T, strict=True) if (x == x[0]).all()]
    if constant:
        several, verb = ("s", "are") if len(constant) > 1 else ("", "is")
        raise InputError(
            f"{named}: column{several} {listed(constant)} {verb} constant in the rows to train "
            f"on: leave out, columns = [{listed([f'-{c}' for c in constant])}]"
        )
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        variance = train.var(0)
    for c, v in zip(columns, variance, strict=True):
        if not (np.isfinite(v * len(train)) and v > 0):
            raise InputError(
                f"{named}: column {show(c)} has a variance that no 64-bit number holds: change its "
                "unit"
            )


def check_classes(
    labels: NDArray[np.int32], classes: tuple[str, ...], label: str | None, named: str
) -> None:
    """Refuse classes without a row to train on.

    Raises:
        InputError: there is one.
    """
    counts = np.bincount(labels, minlength=len(classes)) if classes else np.ones(1)
    if not counts.all():
        raise InputError(
            f"{named}: label {show(label)}: class {show(classes[int(counts.argmin())])}, one of "
            f"{len(classes)}, has no row to train on: take out or merge classes that are so rare"
        )


def listed(names: Sequence[str]) -> str:
    """Names as messages list them: the first few."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(show, names[:NAMED])) + more
