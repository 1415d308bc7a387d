"""One column of a table, or the words or characters of a text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from collapse_theory.errors import InputError, show
from collapse_theory.tables.frames import ENDINGS, content_of, parsed_frame
from collapse_theory.texts import units

TEXTS = (".txt", ".md")
Unit = Literal["word", "character"]


@dataclass(frozen=True, eq=False)
class Column:
    """A column of data.

    Attributes:
        name: of the column, or "words" or "characters".
        numbers: float64, shape (rows,); None where the column holds categories.
        categories: labels with their counts, most frequent first; None where it holds numbers.
        missing: rows without a value, which are left out.
    """

    name: str
    numbers: NDArray[np.float64] | None
    categories: tuple[tuple[str, int], ...] | None
    missing: int = 0

    @property
    def rows(self) -> int:
        """Rows with a value."""
        if self.numbers is not None:
            return int(self.numbers.size)
        return sum(count for _, count in self.categories or ())


def read_column(path: str | Path, name: str | None = None, unit: Unit = "word") -> Column:
    """Read a column of a .csv, .tsv or .parquet file, or count the units of a .txt or .md file.

    A column of numbers stays one of numbers, whole numbers included; anything else is counted.

    Args:
        path: the file.
        name: of the column; not needed where there is one only.
        unit: of a text: "word" (runs of letters and apostrophes, in lower case) or "character".

    Raises:
        InputError: the file cannot be read, the column is not there, or fewer than two rows have a
            value.

    Example:
        >>> import tempfile, pathlib
        >>> import collapse_theory as ct
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "words.txt")
        ...     _ = file.write_text("a rose is a rose")
        ...     column = ct.read_column(file)
        >>> column.categories, column.rows
        ((('a', 2), ('rose', 2), ('is', 1)), 5)
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (*ENDINGS, *TEXTS):
        raise InputError(f"{path}: files may end in {', '.join((*ENDINGS, *TEXTS))}")
    try:
        content = content_of(path)
        if suffix in TEXTS:
            return _checked(_counted(content.decode("utf-8-sig"), unit), path)
        return _checked(_from_table(parsed_frame(content, str(path), suffix), name, path), path)
    except OSError as e:
        raise InputError(f"{path}: {e.strerror or e}") from e
    except UnicodeDecodeError as e:
        raise InputError(f"{path}: byte {e.start} is not UTF-8") from e
    except ValueError as e:
        if isinstance(e, InputError):
            raise
        raise InputError(f"{show(str(path))}: not the name of a file") from e


def _from_table(table: Any, name: str | None, path: Path) -> Column:
    import pandas as pd

    names = [str(c) for c in table.columns]
    if not names:
        raise InputError(f"{path}: not a table: there is no column")
    if name is None and len(names) > 1:
        raise InputError(f"{path} has the columns {', '.join(names)}: say which with --column")
    name = names[0] if name is None else name
    if name not in names:
        raise InputError(f"{path}: there is no column {show(name)}; there are {', '.join(names)}")
    values = table.iloc[:, names.index(name)]
    kept = values.dropna()
    missing = len(values) - len(kept)
    if pd.api.types.is_numeric_dtype(kept) and not pd.api.types.is_bool_dtype(kept):
        numbers = kept.to_numpy(np.float64)
        finite = np.isfinite(numbers)
        return Column(name, numbers[finite], None, missing + int((~finite).sum()))
    counts = kept.astype(str).value_counts()
    pairs = zip(counts.index.tolist(), counts.tolist(), strict=True)
    return Column(name, None, _ordered(pairs), missing)


def _counted(text: str, unit: Unit) -> Column:
    return Column(f"{unit}s", None, _ordered(Counter(units(text, unit)).items()))


def _ordered(pairs: Any) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(((str(k), int(c)) for k, c in pairs), key=lambda kc: (-kc[1], kc[0])))


def _checked(column: Column, path: Path) -> Column:
    named = f"{path}: column {show(column.name)}"
    if column.rows < 2:
        raise InputError(f"{named} has {column.rows} values: 2 are needed")
    if column.categories is not None and len(column.categories) < 2:
        raise InputError(f"{named} has one category: nothing can vanish")
    if column.numbers is not None and (column.numbers == column.numbers[0]).all():
        raise InputError(f"{named} is constant: there is no variance")
    if column.numbers is not None and not _measurable(column.numbers):
        raise InputError(f"{named} has a variance that no 64-bit number holds: change its unit")
    return column


def _measurable(x: NDArray[np.float64]) -> bool:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return bool(np.isfinite(x.var() * x.size) and x.var() > 0 and np.isfinite(x.mean() ** 2))
