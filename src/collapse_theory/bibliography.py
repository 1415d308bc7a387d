"""The package's bibliography, as text."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

OWN = "derived in this project"


@cache
def _entries() -> dict[str, str]:
    text = resources.files("collapse_theory").joinpath("references.bib").read_text("utf-8")
    found = re.finditer(r"^@\w+\{([^,\s]+),.*?^\}", text, re.MULTILINE | re.DOTALL)
    return {m[1]: m[0] for m in found}


def bibtex(key: str) -> str | None:
    """The BibTeX entry of this key; None where there is none."""
    return _entries().get(key)


def label(key: str | None) -> str:
    """A heading for a paper: authors and year."""
    entry = key and bibtex(key)
    if not entry:
        return key or OWN
    authors = _field(entry, "author").split(" and ")
    names = [re.sub(r"[{}]", "", a.split(",")[0]) for a in authors]
    who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    return f"{who} {_field(entry, 'year')} [{key}]"


def _field(entry: str, name: str) -> str:
    found = re.search(rf"^\s*{name}\s*=\s*[{{\"](.*)[}}\"],?\s*$", entry, re.MULTILINE)
    return found[1] if found else ""
