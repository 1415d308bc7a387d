"""Templates of pages, and what is filled into them."""

from __future__ import annotations

from importlib import resources
from typing import Any

import jinja2


def text(name: str) -> str:
    """A file of the folder of templates."""
    return resources.files("collapse_theory").joinpath(f"templates/{name}").read_text("utf-8")


def markdown(name: str, /, **content: Any) -> str:
    """A template of Markdown, filled in as it stands."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(text(f"{name}.md.j2")).render(**content)


def html(name: str, /, **content: Any) -> str:
    """A template of HTML; what is filled in is escaped unless it is marked as safe."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.from_string(text(f"{name}.html.j2")).render(**content)
    return page.rstrip() + "\n"
