"""Hold the finished site to its promise that pages fetch nothing from elsewhere.

Plain links, which a reader follows or not, may lead anywhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.errors import SphinxError

TAGS = re.compile(r"<(?:script|link|img|iframe|source|video|audio|object|embed|use)\b[^>]*>", re.I)
REMOTE = re.compile(r"""(?:src|srcset|href|data|poster)\s*=\s*["']?\s*(?:https?:)?//""", re.I)
STYLES = re.compile(r"""(?:@import\s+["']?|url\(\s*["']?)(?:https?:)?//""", re.I)


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at every page when the site is finished."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def fetched(text: str) -> list[str]:
    """What a page or a style sheet would make a browser fetch from elsewhere."""
    return [t for t in TAGS.findall(text) if REMOTE.search(t)] + STYLES.findall(text)


def _check(app: Sphinx, error: Exception | None) -> None:
    if error is not None:
        return
    for file in sorted(Path(app.outdir).rglob("*")):
        if file.suffix in (".html", ".css", ".svg") and (found := fetched(file.read_text("utf-8"))):
            raise SphinxError(f"{file.name} fetches from elsewhere: {found[0]}")
