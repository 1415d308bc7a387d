"""Real tables as numbers: read, checked, split into a training and a held-out part."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.errors import InputError, show
from collapse_theory.tables.columns import (
    check_classes,
    check_spread,
    classes_of,
    listed,
    numbers_of,
)
from collapse_theory.tables.frames import PYTHON, read_frame

FEWEST = 20  # rows of a table
MOST_NUMBERS = 1 << 24  # of a table: programs hold it whole
SPLIT_SEED = 0


@dataclass(frozen=True, eq=False)
class Table:
    """A table of numbers in two parts: one to train on, the other held out.

    Attributes:
        name: where it came from.
        columns: names of the d columns.
        classes: the values of the label, sorted; none where no label was asked for.
        train: float64, shape (rows, d), in the unit of the data unless standardised.
        held_out: the same of the other rows.
        train_labels: indices into the classes, int32, shape (rows,), or (0,) without a label.
        held_out_labels: the same of the other rows.
        centre: what was taken away from each column, (d,): 0 unless standardised.
        scale: what it was then divided by, (d,): 1 unless standardised.
        digest: sixteen hexadecimal digits that two different tables do not share: of names, rows
            and labels as they were read, and of the split.
    """

    name: str
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    train: NDArray[np.float64]
    held_out: NDArray[np.float64]
    train_labels: NDArray[np.int32]
    held_out_labels: NDArray[np.int32]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    digest: str

    def standardised(self) -> Table:
        """The same with columns of mean 0 and variance 1 in the training part.

        Both parts are moved by the mean, and divided by the standard deviation (divisor n), of the
        training rows; ``x * scale + centre`` are the numbers as they were.
        """
        mean, deviation = self.train.mean(0), self.train.std(0)
        return replace(
            self,
            train=(self.train - mean) / deviation,
            held_out=(self.held_out - mean) / deviation,
            centre=self.centre + self.scale * mean,
            scale=self.scale * deviation,
        )


@dataclass(frozen=True)
class TableSource:
    """Which table a family learns, and how it is read and split: see :func:`read_table`.

    Args:
        table: a file, "python" or a bundled set; a relative path is taken from where the program
            is run. It is read once, when first needed.
        columns: names of the columns, or of those to leave out with a minus before each; all but
            the label if left out.
        label: name of the column that holds the class; needed where a class is to be learned.
        held_out: share of the rows that are held out, in (0, 1).
        shuffle: whether the rows held out are picked at random, the same ones always; otherwise
            they are the last ones.
        standardise: whether columns are given mean 0 and variance 1: see
            :meth:`Table.standardised`.

    Raises:
        InputError: a value is out of range; what is wrong with the table is told when it is read.
    """

    table: str = PYTHON
    columns: tuple[str, ...] | None = None
    label: str | None = None
    held_out: float = 0.2
    shuffle: bool = True
    standardise: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", str(self.table))
        object.__setattr__(self, "columns", _names(self.columns))
        _check(self.label, self.held_out)

    def read(self) -> Table:
        """The table; read once.

        Raises:
            InputError: it cannot be read, or does not serve.
        """
        return _read_as(self)


def read_table(
    source: str | Path = PYTHON,
    columns: Sequence[str] | None = None,
    label: str | None = None,
    held_out: float = 0.2,
    shuffle: bool = True,
) -> Table:
    """Read a table of numbers, with a column of labels or without, and split its rows.

    Args:
        source: a .csv, .tsv or .parquet file; "sklearn:NAME", one of the sets that scikit-learn
            brings along (breast_cancer, diabetes, digits, iris, linnerud, wine); or "python", the
            functions of the standard library, counted, which are a little different from one
            version of Python to the next.
        columns: names of the columns, or of those to leave out with a minus before each; all but
            the label if left out.
        label: name of the column that holds the class, numbers or text; none if left out.
        held_out: share of the rows that are held out, in (0, 1).
        shuffle: whether the rows held out are picked at random, the same ones always; otherwise
            they are the last ones.

    Raises:
        InputError: it cannot be read, has too few rows, too many numbers, a missing value, a
            column that holds text or one number only, a class without a row to train on, or a value
            is out of range.

    Example:
        >>> import collapse_theory as ct
        >>> table = ct.read_table("python", columns=["lines", "calls"], label="documented")
        >>> table.columns, table.classes, table.train.shape[0] > 500
        (('lines', 'calls'), ('no', 'yes'), True)
    """
    _check(label, held_out)
    return _read(str(source), _names(columns), label, held_out, shuffle)


@functools.lru_cache(maxsize=8)
def _read_as(source: TableSource) -> Table:
    s = source
    found = _read(s.table, s.columns, s.label, s.held_out, s.shuffle)
    return found.standardised() if s.standardise else found


@functools.lru_cache(maxsize=8)
def _read(
    source: str, columns: tuple[str, ...] | None, label: str | None, held_out: float, shuffle: bool
) -> Table:
    frame, named = read_frame(source), show(source)
    names = [str(c) for c in frame.columns]
    chosen = _chosen(names, columns, label, named)
    if len(frame) < FEWEST:
        raise InputError(f"{named}: {len(frame)} rows are too few: {FEWEST} are needed")
    if len(frame) * len(chosen) > MOST_NUMBERS:
        raise InputError(
            f"{named}: {len(frame):,} rows of {len(chosen)} columns: at most {MOST_NUMBERS:,} "
            "numbers are read; give a sample of the rows, or name fewer columns"
        )
    rows = np.column_stack([numbers_of(frame.iloc[:, names.index(c)], c, named) for c in chosen])
    classes: tuple[str, ...] = ()
    labels = np.zeros(0, np.int32)
    if label is not None:
        labels, classes = classes_of(frame.iloc[:, names.index(label)], label, named)
    count = len(rows)
    order = np.random.default_rng(SPLIT_SEED).permutation(count) if shuffle else np.arange(count)
    cut = min(max(2, count - round(count * held_out)), count - 1)
    parts = order[:cut], order[cut:]
    train, rest = (rows[i] for i in parts)
    of_train, of_rest = (labels[i] if classes else labels for i in parts)
    check_spread(train, chosen, named)
    check_classes(of_train, classes, label, named)
    d = len(chosen)
    digest = _digest((*chosen, "", *classes), (train, rest, of_train, of_rest))
    return Table(
        named, chosen, classes, train, rest, of_train, of_rest, np.zeros(d), np.ones(d), digest
    )


def _names(columns: Any) -> tuple[str, ...] | None:
    if columns is None:
        return None
    if isinstance(columns, str) or not all(isinstance(c, str) for c in columns):
        raise InputError(f"columns = {show(columns)}: a list of names is needed")
    if not columns:
        raise InputError("columns = []: at least one name is needed; leave it out for all")
    if len(set(columns)) < len(columns):
        raise InputError(f"columns = {show(list(columns))}: a name is given twice")
    return tuple(columns)


def _check(label: Any, held_out: Any) -> None:
    if label is not None and not isinstance(label, str):
        raise InputError(f"label = {show(label)}: the name of a column is needed")
    number = isinstance(held_out, int | float | np.floating) and not isinstance(held_out, bool)
    if not number or not 0 < held_out < 1:
        raise InputError(f"held_out = {show(held_out)}: a share between 0 and 1 is needed")


def _chosen(
    names: list[str], columns: tuple[str, ...] | None, label: str | None, named: str
) -> tuple[str, ...]:
    """The columns asked for, in the order of the table where all but some are."""
    twice = [c for c in dict.fromkeys(names) if names.count(c) > 1]
    if twice:
        raise InputError(f"{named}: two columns are called {show(twice[0])}: rename one")
    wanted = () if columns is None else columns
    left_out = [c[1:] for c in wanted if c.startswith("-") and c not in names]
    if left_out and len(left_out) < len(wanted):
        raise InputError(f"{named}: columns are either named or left out with '-', not both")
    for c in (*(left_out or wanted), *([] if label is None else [label])):
        if c not in names:
            raise InputError(f"{named}: there is no column {show(c)}; there are {listed(names)}")
    if label is not None and label in wanted:
        raise InputError(f"{named}: {show(label)} is the label: take it out of the columns")
    if wanted and not left_out:
        return wanted
    found = tuple(c for c in names if c not in left_out and c != label)
    if not found:
        raise InputError(f"{named}: no column is left; there are {listed(names)}")
    return found


def _digest(words: tuple[str, ...], arrays: tuple[NDArray[Any], ...]) -> str:
    found = hashlib.sha256("\0".join(words).encode("utf-8", "replace"))
    for a in arrays:
        found.update(str(a.shape).encode() + a.astype(a.dtype.newbyteorder("<")).tobytes())
    return found.hexdigest()[:16]
