"""Docstrings as they are written, for a reader of reStructuredText.

LaTeX inside ``$`` becomes mathematics, keys of the bibliography become papers, and what means
something to the reader only by accident (``|z|``, ``p*``) is escaped.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

from collapse_theory.bibliography import bibtex, label

PIECES = re.compile(
    r"(?P<kept>``[^`]+``|:\w+:`[^`]+`)"
    r"|\$(?P<latex>[^$]+)\$(?P<after>\w?)"
    r"|(?P<key>\b[a-z]+\d{4}[a-z]*\b)"
    r"|(?P<mark>[|*`]|(?<=\w)_(?!\w))"
)


def setup(app: Sphinx) -> dict[str, Any]:
    """Read docstrings before napoleon does, and signatures."""
    app.connect("autodoc-process-docstring", _rewrite, priority=400)
    app.connect("autodoc-process-signature", _shorten)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def rst(text: str) -> str:
    """A docstring's words as reStructuredText; examples are left as they are."""
    paragraphs = re.split(r"(\n\s*\n)", text)
    return "".join(p if ">>>" in p else PIECES.sub(_piece, p) for p in paragraphs)


def _piece(found: re.Match[str]) -> str:
    if found["latex"]:
        joined = r"\ " if found["after"] else ""  # a role must end before a word begins
        return f":math:`{' '.join(found['latex'].split())}`{joined}{found['after']}"
    if found["key"]:
        return label(found["key"]) if bibtex(found["key"]) else found["key"]
    return found["kept"] or f"\\{found['mark']}"


def _rewrite(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = rst("\n".join(lines)).splitlines()


def _shorten(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, given: str | None, back: str | None
) -> tuple[str | None, str | None]:
    """Signatures without where a type lives, how NumPy spells it, or how a default is made."""
    return _short(given), _short(back)


def _short(signature: str | None) -> str | None:
    if signature is None:
        return None
    bare = re.sub(r"~?\b(?:[A-Za-z_]\w*\.)+([A-Za-z_]\w*)", r"\1", signature).replace("~", "")
    named = re.sub(r"ndarray\[tuple\[Any, \.\.\.\], dtype\[(\w+)\]\]", r"NDArray[\1]", bare)
    plain = re.sub(r"<class '(\w+)'>", r"\1", named)
    return re.sub(r"<(?:factory>|function [^,)]*>)", "...", plain)
