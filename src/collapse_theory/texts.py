"""Real text as whole numbers: read, cut into symbols, split into a training and a held-out part."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from collapse_theory.errors import InputError, show

Unit = Literal["letter", "character", "byte", "word"]

PYTHON = "python"
"""The text that is always there: see :func:`python_text`."""
ENDINGS = (".txt", ".md")
LARGEST = 1 << 26  # bytes of a text: its symbols take four times as much
MOST_FILES = 10_000
FEWEST = 1000  # symbols of a text
OTHER = "<other>"
"""Stands for every symbol that is too rare for the alphabet."""
MODULES = (
    "argparse", "ast", "bisect", "calendar", "contextlib", "csv", "datetime", "difflib", "doctest",
    "fractions", "functools", "heapq", "inspect", "ipaddress", "optparse", "pickletools", "pydoc",
    "random", "shutil", "socket", "statistics", "string", "subprocess", "tarfile", "tempfile",
    "textwrap", "threading", "typing", "collections", "json", "logging", "unittest.case",
    "unittest.mock", "email.message", "asyncio.tasks", "urllib.request",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Text:
    """A text as symbols, in two parts: the first to train on, the rest held out.

    Attributes:
        name: where it came from.
        unit: what a symbol is.
        alphabet: the symbols, sorted; those of the whole text, so that both parts can be written.
        train: indices into the alphabet, int32, shape (symbols of the first part,).
        held_out: the same of the rest; it begins where ``train`` ends.
    """

    name: str
    unit: Unit
    alphabet: tuple[str, ...]
    train: NDArray[np.int32]
    held_out: NDArray[np.int32]

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that two different texts do not share."""
        found = hashlib.sha256("\0".join((self.unit, *self.alphabet)).encode("utf-8", "replace"))
        found.update(np.concatenate([self.train, self.held_out]).astype("<i4").tobytes())
        return found.hexdigest()[:16]

    def encode(self, text: str) -> NDArray[np.int32]:
        """Indices of the symbols of another text, int32.

        Raises:
            InputError: a symbol is not in the alphabet, and the alphabet has none for such.
        """
        place = {symbol: i for i, symbol in enumerate(self.alphabet)}
        found = [place.get(s, place.get(OTHER, -1)) for s in units(text, self.unit)]
        if -1 in found:
            strange = units(text, self.unit)[found.index(-1)]
            raise InputError(
                f"{show(strange)} is not among the {len(place)} symbols of {self.name}"
            )
        return np.asarray(found, np.int32)

    def decode(self, tokens: Sequence[int] | NDArray[np.int32]) -> str:
        """The text of these indices; words with a space between, bytes as Latin-1."""
        return (" " if self.unit == "word" else "").join(self.alphabet[int(i)] for i in tokens)

    def windows(self, count: int, length: int, *, held_out: bool = False) -> NDArray[np.int32]:
        """Windows at even distances, the first at the beginning: int32, shape (count, length).

        They overlap where the part is shorter than count * length.

        Raises:
            InputError: the part is shorter than one window.
        """
        part, name = (self.held_out, "held-out") if held_out else (self.train, "training")
        last = len(part) - length
        if last < 0:
            raise InputError(
                f"{self.name}: its {name} part has {len(part)} symbols, a window {length}; "
                "give a longer text, or a smaller context"
            )
        starts = np.linspace(0, last, count).astype(np.int64)
        rows: NDArray[np.int32] = part[starts[:, None] + np.arange(length)]
        return rows


def units(text: str, unit: Unit) -> list[str]:
    """The symbols of a text, in order.

    Args:
        text: any text.
        unit: "letter" (a to z, all else being one space), "character", "byte" (of UTF-8, each as
            the character of its number) or "word" (runs of letters and apostrophes, lower case).
    """
    if unit == "word":
        return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", text.lower())
    if unit == "letter":
        return list(re.sub(r"[^a-z]+", " ", text.lower()))
    return list(text.encode("utf-8").decode("latin-1")) if unit == "byte" else list(text)


@functools.lru_cache(maxsize=8)
def read_text(
    source: str | Path = PYTHON,
    unit: Unit = "character",
    held_out: float = 0.1,
    most: int | None = None,
) -> Text:
    """Read a text and cut it into symbols.

    Args:
        source: a .txt or .md file in UTF-8; a folder, of which all such files below are read in
            the order of their names; or "python", the documentation in the standard library, which
            is a little different from one version of Python to the next.
        unit: what a symbol is: see :func:`units`.
        held_out: share of the symbols, at the end, that are held out, in (0, 1).
        most: the size of the alphabet at most; rarer symbols become one, ``OTHER``.

    Raises:
        InputError: it cannot be read, or is too short or too long, or a value is out of range.

    Example:
        >>> import collapse_theory as ct
        >>> text = ct.read_text("python", "letter")
        >>> len(text.alphabet), text.decode(text.encode("A law, forgotten."))
        (27, 'a law forgotten ')
    """
    if unit not in get_args(Unit):
        raise InputError(f"unit = {show(unit)}: allowed are {', '.join(get_args(Unit))}")
    if not 0 < held_out < 1:
        raise InputError(f"held_out = {show(held_out)}: a share between 0 and 1 is needed")
    if most is not None and most < 2:
        raise InputError(f"most = {show(most)}: at least 2 symbols are needed")
    found = units(_raw(source), unit)
    if len(found) < FEWEST:
        raise InputError(f"{_named(source)}: {len(found)} {unit}s are too few: {FEWEST:,} needed")
    alphabet = _alphabet(found, most)
    place = {symbol: i for i, symbol in enumerate(alphabet)}
    other = place.get(OTHER, 0)
    tokens = np.asarray([place.get(s, other) for s in found], np.int32)
    cut = min(max(1, round(len(tokens) * (1 - held_out))), len(tokens) - 1)
    return Text(_named(source), unit, alphabet, tokens[:cut], tokens[cut:])


def python_text() -> str:
    """Documentation in the standard library: the docstrings of `MODULES`, in that order.

    About 400,000 characters of English, no download; modules whose source is not there are left
    out. Nothing is imported but the packages that hold them.

    Raises:
        InputError: there is no source at all.
    """
    found = [doc for name in MODULES for doc in _docstrings(name)]
    if not found:
        raise InputError(f"text {PYTHON!r}: this Python comes without source; give a file")
    return "\n\n".join(found)


def module_tree(name: str) -> ast.Module | None:
    """The syntax of a module of the standard library, None where it comes without source.

    Nothing is imported but the packages that hold it.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return ast.parse(Path(spec.origin).read_text("utf-8"))


def _docstrings(name: str) -> list[str]:
    tree = module_tree(name)
    if tree is None:
        return []
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds))
    return [doc for doc in docs if doc]


def _raw(source: str | Path) -> str:
    if source == PYTHON:
        return python_text()
    path = Path(source)
    if not str(source).strip():
        raise InputError(f"text = {show(str(source))}: the name of a file or a folder is needed")
    try:
        files = _files(path)
        if (size := sum(f.stat().st_size for f in files)) > LARGEST:
            raise InputError(
                f"{_named(path)}: {size:,} bytes of text: at most {LARGEST:,} are read"
            )
        return "\n".join(_decoded(f) for f in files)
    except OSError as e:
        raise InputError(f"{_named(e.filename or path)}: {e.strerror or e}") from e
    except InputError:
        raise
    except ValueError as e:  # a NUL in the name
        raise InputError(f"{_named(path)}: not the name of a file") from e


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.suffix.lower() in ENDINGS and f.is_file())
        if not 1 <= len(files) <= MOST_FILES:
            raise InputError(
                f"{_named(path)}: {len(files):,} files end in {' or '.join(ENDINGS)}: "
                f"1 to {MOST_FILES:,} are needed"
            )
        return files
    if path.suffix.lower() not in ENDINGS:
        raise InputError(
            f"text = {_named(path)}: allowed are {PYTHON!r}, a folder, and files that end in "
            f"{' or '.join(ENDINGS)}"
        )
    path.stat()  # what is not there is named as such
    if not path.is_file():
        raise InputError(f"{_named(path)}: not a regular file")
    return [path]


def _decoded(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise InputError(f"{_named(path)}: byte {e.start} is not UTF-8") from e


def _alphabet(found: list[str], most: int | None) -> tuple[str, ...]:
    counts = Counter(found)
    if len(counts) < 2:
        raise InputError("text: one symbol only: nothing can vanish")
    if most is None or len(counts) <= most:
        return tuple(sorted(counts))
    kept = sorted(counts, key=lambda s: (-counts[s], s))[: most - 1]
    return tuple(sorted({*kept, OTHER}))


def _named(source: object) -> str:
    return show(str(source))
