"""Mathematics as MathML in the pages themselves, so that a reader's browser fetches nothing."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from collapse_theory.report.mathematics import formula

log = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Name the renderer that conf.py asks for."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(_mathml(node))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    block = _mathml(node).replace('display="inline"', 'display="block"', 1)
    self.body.append(f'<div class="math">{block}</div>\n')
    raise nodes.SkipNode


def _mathml(node: nodes.Element) -> str:
    found = str(formula(node.astext()))
    if "unrendered" in found:
        log.warning("cannot be shown as MathML: %s", node.astext(), location=node)
    return found
