"""Files of figures: which names may be given, and bytes that do not change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from collapse_theory.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".pdf", ".png", ".svg")


def check_figure_file(path: Path, name: str) -> None:
    """Check a file before the work, not after it; ``name`` is what the option is called.

    Raises:
        InputError: the ending is unknown, or the folder is not there.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{name} = {str(path)!r}: the name must end in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise InputError(f"{name} = {str(path)!r}: there is no folder {str(path.parent)!r}")


def save_figure(figure: Figure, path: Path, name: str) -> None:
    """Write a figure without a date, so that the same figure gives the same bytes.

    Raises:
        InputError: the file cannot be written.
    """
    import matplotlib as mpl

    undated = {".svg": "Date", ".pdf": "CreationDate"}.get(path.suffix.lower())
    try:
        with mpl.rc_context({"svg.hashsalt": "collapse"}):
            figure.savefig(path, metadata={undated: None} if undated else None)
    except OSError as e:
        raise InputError(f"{name} = {str(path)!r}: {e.strerror or e}") from e
