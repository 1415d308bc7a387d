"""Where a table comes from: a file, a bundled set, or the standard library."""

from __future__ import annotations

import ast
import io
from pathlib import Path
from typing import Any

from collapse_theory.errors import InputError, show
from collapse_theory.texts import module_tree

PYTHON = "python"
"""The table that is always there: see :func:`python_frame`."""
BUNDLED = "sklearn:"
SETS = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")
"""What scikit-learn brings along; nothing is fetched."""
TARGET = "target"
SEPARATORS = {".csv": ",", ".tsv": "\t"}
PARQUET = ".parquet"
ENDINGS = (*SEPARATORS, PARQUET)
LARGEST = 1 << 30  # bytes of a file
MODULES = (
    "calendar", "collections", "difflib", "fractions", "heapq", "ipaddress", "optparse", "random",
    "shutil", "statistics", "tarfile", "tempfile", "threading",
)  # fmt: skip
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.While, ast.Try, ast.comprehension)


def read_frame(source: str) -> Any:
    """A pandas frame: see :func:`collapse_theory.read_table`.

    Raises:
        InputError: it cannot be read.
    """
    import pandas as pd

    if source == PYTHON:
        return python_frame()
    if source.startswith(BUNDLED):
        return bundled_frame(source.removeprefix(BUNDLED))
    path, suffix = Path(source), Path(source).suffix.lower()
    if suffix not in ENDINGS:
        raise InputError(
            f"table = {show(source)}: allowed are files that end in {', '.join(ENDINGS)}, "
            f"{BUNDLED}NAME and {PYTHON!r}"
        )
    try:
        frame = parsed_frame(content_of(path), show(source), suffix)
    except OSError as e:
        raise InputError(f"{show(source)}: {e.strerror or e}") from e
    except UnicodeDecodeError as e:
        raise InputError(f"{show(source)}: not UTF-8 throughout: save it as such") from e
    except ValueError as e:
        if isinstance(e, InputError):
            raise
        raise InputError(f"{show(source)}: not the name of a file") from e
    if suffix != PARQUET and not isinstance(frame.index, pd.RangeIndex):
        raise InputError(f"{show(source)}: its rows have more values than its first line has names")
    return frame


def content_of(path: Path) -> bytes:
    """The bytes of a file; an OSError or ValueError where there are none.

    Raises:
        InputError: it is too large.
    """
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise InputError(f"{path}: larger than {LARGEST:,} bytes: give a sample of its rows")
    return content


def parsed_frame(content: bytes, named: str, suffix: str) -> Any:
    """The bytes of a .csv, .tsv or .parquet file as a pandas frame.

    Args:
        content: the bytes.
        named: the file's name, as messages show it.
        suffix: its ending, in lower case.

    Raises:
        InputError: they are no table, or what reads Parquet is not installed.
    """
    import pandas as pd

    data = io.BytesIO(content)  # pandas would take some names for addresses
    try:
        if suffix == PARQUET:
            return pd.read_parquet(data)
        return pd.read_csv(data, sep=SEPARATORS[suffix], comment="#", low_memory=False)
    except ImportError as e:
        raise InputError(f"{named}: reading Parquet needs 'pip install pyarrow'") from e
    except UnicodeDecodeError:
        raise
    except (ValueError, OSError, ArithmeticError, LookupError, NotImplementedError) as e:
        raise InputError(f"{named}: not a table: {' '.join(str(e).split())}") from e


def bundled_frame(name: str) -> Any:
    """A set that scikit-learn brings along; classes by name, in the column "target".

    Raises:
        InputError: there is no such set, or scikit-learn is not installed.
    """
    if name not in SETS:
        raise InputError(f"table = {show(BUNDLED + name)}: allowed after {BUNDLED} are "
                         f"{', '.join(SETS)}")  # fmt: skip
    try:
        from sklearn import datasets
    except ImportError as e:
        raise InputError(
            f"table = {show(BUNDLED + name)}: it comes with scikit-learn: "
            "pip install 'collapse-theory[data]'"
        ) from e
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame, names = bunch.frame.copy(), getattr(bunch, "target_names", None)
    if TARGET in frame and names is not None:
        frame[TARGET] = [str(names[i]) for i in frame[TARGET]]
    return frame


def python_frame() -> Any:
    """The functions of `MODULES`, a row each: counts, and whether it is documented.

    Columns: ``lines`` of code, the docstring not counted; ``arguments``; ``branches``, loops
    included; ``calls``; ``letters`` of the name; ``private``, 1 where the name begins with an
    underscore; ``documented``, "yes" or "no". Some 1,000 rows.

    Raises:
        InputError: this Python comes without source.
    """
    import pandas as pd

    trees = [tree for name in MODULES if (tree := module_tree(name)) is not None]
    found = [_counted(f) for tree in trees for f in ast.walk(tree) if isinstance(f, FUNCTIONS)]
    if not found:
        raise InputError(f"table {PYTHON!r}: this Python comes without source; give a file")
    return pd.DataFrame(found)


def _counted(f: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, Any]:
    doc = ast.get_docstring(f) is not None
    body = f.body[1:] if doc else f.body
    nodes = [n for statement in body for n in ast.walk(statement)]
    a = f.args
    several = (*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg)))
    return {
        "lines": (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0,
        "arguments": len(several),
        "branches": sum(isinstance(n, BRANCHES) for n in nodes),
        "calls": sum(isinstance(n, ast.Call) for n in nodes),
        "letters": len(f.name),
        "private": int(f.name.startswith("_")),
        "documented": "yes" if doc else "no",
    }
