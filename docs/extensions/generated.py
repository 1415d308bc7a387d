"""Write the pages that are made from something else: tutorials, reference, catalogue.

All of it is found, nothing is listed: a new notebook, room, family or public name has its place in
the site because it is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
from reference import pages
from sphinx.application import Sphinx

FRONT = "---\norphan: true\n---\n\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Write before the pages are looked for."""
    app.connect("config-inited", _write)
    app.connect("source-read", _leave_out_of_menus)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write(app: Sphinx, config: Any) -> None:
    here = Path(app.srcdir)
    for folder, content in (
        ("tutorials", dict(_tutorials(here.parent / "notebooks"))),
        ("reference", {**pages(), "the-catalogue.md": _catalogue(here / "catalogue")}),
    ):
        shutil.rmtree(here / folder, ignore_errors=True)
        (here / folder).mkdir()
        for name, text in content.items():
            (here / folder / name).write_text(text, "utf-8")


def _tutorials(folder: Path) -> Iterator[tuple[str, str]]:
    """Each notebook as a page, without outputs."""
    for file in sorted(folder.glob("*.py")):
        note = f"This page is the notebook `notebooks/{file.name}`, without its outputs."
        cells = [
            c.source if c.cell_type == "markdown" else f"```python\n{c.source}\n```"
            for c in jupytext.read(file).cells
        ]
        yield f"{file.stem}.md", "\n\n".join([*cells, note]) + "\n"


def _catalogue(folder: Path) -> str:
    if not (folder / "index.md").exists():
        return (
            "# Catalogue\n\n`collapse docs build` judges every [statement](statements.rst) and "
            "writes its verdicts and figures to `docs/catalogue`; the next build includes them.\n"
        )
    files = [f"/catalogue/{f.stem}" for f in sorted(folder.glob("*.md")) if f.stem != "index"]
    return "\n".join(["# Catalogue\n", "```{toctree}", "/catalogue/index", *files, "```", ""])


def _leave_out_of_menus(app: Sphinx, docname: str, source: list[str]) -> None:
    """Pages of single statements are reached from the catalogue's index."""
    if docname.startswith("catalogue/statements/"):
        source[0] = FRONT + source[0]
