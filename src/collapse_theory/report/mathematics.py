"""Statements as HTML: LaTeX inside ``$`` as MathML, names of statements as links, all else escaped.

Nothing that a statement says is trusted to be HTML. What is not plain MathML after the conversion
is shown as its source.
"""

from __future__ import annotations

import re
from collections.abc import Container
from functools import cache
from xml.etree import ElementTree

from latex2mathml.converter import convert
from markupsafe import Markup, escape

ELEMENTS = {
    "math", "mfrac", "mi", "mn", "mo", "mover", "mpadded", "mphantom", "mroot", "mrow", "ms",
    "mspace", "msqrt", "mstyle", "msub", "msubsup", "msup", "mtable", "mtd", "mtext", "mtr",
    "munder", "munderover",
}  # fmt: skip
RELATIONS = {"~": "∼", ":": ":", ";": ";"}  # what the converter takes for names of variables
NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
PIECES = re.compile(r"\$([^$]+)\$([.,;:)]*)|``([^`]+)``")


def paragraphs(statement: str, names: Container[str]) -> list[Markup]:
    """A statement's paragraphs, each as HTML.

    Args:
        statement: words, LaTeX inside ``$``, names of statements inside double backquotes.
        names: of statements that have a section to link to.
    """
    return [_paragraph(text, names) for text in re.split(r"\n\s*\n", statement.strip()) if text]


def _paragraph(text: str, names: Container[str]) -> Markup:
    done, out = 0, Markup()
    for found in PIECES.finditer(text):
        out += escape(text[done : found.start()])
        out += _name(found[3], names) if found[3] else _formula(found[1], found[2])
        done = found.end()
    return out + escape(text[done:])


def _formula(latex: str, after: str) -> Markup:
    """A formula, with what follows it kept on the same line."""
    found = formula(latex)
    return Markup('<span class="keep">{}{}</span>').format(found, after) if after else found


def _name(name: str, names: Container[str]) -> Markup:
    code = Markup("<code>{}</code>").format(name)
    return Markup('<a href="#{}">{}</a>').format(anchor(name), code) if name in names else code


def anchor(name: str) -> str:
    """The id of a statement's section."""
    return f"s-{name}"


@cache
def formula(latex: str) -> Markup:
    """A formula as MathML, its source as the alternative text; as code where that fails."""
    try:
        tree = ElementTree.fromstring(convert(latex))
    except Exception:  # the converter raises many kinds, the reader of its output another
        return _source(latex)
    _clean(tree)
    known = all(node.tag in ELEMENTS for node in tree.iter())
    if not known or "\\" in "".join(tree.itertext()):  # a command that the converter passed on
        return _source(latex)
    tree.set("alttext", " ".join(latex.split()))
    return Markup(ElementTree.tostring(tree, encoding="unicode"))


def _clean(tree: ElementTree.Element) -> None:
    """Leave out namespaces, which HTML implies, and every attribute that might do something; make
    relations of what stands for them.
    """
    for node in tree.iter():
        node.tag = node.tag.removeprefix(NAMESPACE)
        if node.tag == "mi" and node.text in RELATIONS:
            node.tag, node.text = "mo", RELATIONS[node.text]
        for key in list(node.attrib):
            if key.startswith("on") or key in ("href", "src", "style"):
                del node.attrib[key]


def _source(latex: str) -> Markup:
    return Markup('<code class="unrendered">{}</code>').format(latex)


__all__ = ["anchor", "formula", "paragraphs"]
