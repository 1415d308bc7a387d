"""A verdict's figure as SVG inside HTML: small, in the page's colours, with words beside it."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

from markupsafe import Markup

from collapse_theory.figures import palette, prediction
from collapse_theory.judging import Verdict

SIZE = (5.5, 3.2)  # inches
DROPPED = ("metadata", "style")  # a style inside an inline figure would hold for the whole page
REFERENCES = ("clip-path", "href", "{http://www.w3.org/1999/xlink}href")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
Element = ElementTree.Element


def figure(verdict: Verdict, name: str, title: str, description: str) -> Markup:
    """What a statement says and what was seen, as an ``svg`` element; the same bytes every time.

    Args:
        verdict: what to draw.
        name: begins every id inside, so that figures of one page do not meet.
        title: the figure's name for those who do not see it.
        description: what it shows, in words.
    """
    tree = ElementTree.fromstring(_drawn(verdict))
    for node in tree.iter():
        node.tag = node.tag.rpartition("}")[2]
    _thin_out(tree)
    _rename(tree, name)
    for node in tree.iter():
        _restyle(node)
    width, height = tree.attrib["viewBox"].split()[2:]
    tree.attrib = {
        "viewBox": f"0 0 {width} {height}", "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
    }  # fmt: skip
    for tag, text in (("desc", description), ("title", title)):
        words = Element(tag, {"id": f"{name}-{tag}"})
        words.text = text
        tree.insert(0, words)
    return Markup(ElementTree.tostring(tree, encoding="unicode"))


def _drawn(verdict: Verdict) -> str:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    drawing, out = Figure(figsize=SIZE, layout="constrained"), io.StringIO()
    prediction(drawing.subplots(), verdict)
    with mpl.rc_context({"svg.hashsalt": "collapse_theory", "svg.fonttype": "none"}):
        drawing.savefig(out, format="svg", metadata={"Date": None}, transparent=True)
    return out.getvalue()


def _thin_out(node: Element) -> None:
    """Leave out what shows nothing: white space, groups without attributes, styles of a page."""
    kept: list[Element] = []
    for child in node:
        _thin_out(child)
        child.tail = None
        idle = child.tag in ("g", "defs") and not len(child)
        if child.tag in DROPPED or idle:
            continue
        bare = child.tag == "g" and not set(child.attrib) - {"id"}
        kept += list(child) if bare else [child]
    node[:] = kept
    if node.text and not node.text.strip():
        node.text = None


def _rename(tree: Element, name: str) -> None:
    """Keep the ids that something refers to, with the figure's name before them."""
    used = {
        word
        for node in tree.iter()
        for key in REFERENCES
        for word in re.findall(r"#(\w+)", node.get(key, ""))
    }
    for node in tree.iter():
        old = node.attrib.pop("id", None)
        if old in used:
            node.set("id", f"{name}-{old}")
        for key in REFERENCES:
            if key in node.attrib:
                value = node.attrib.pop(key).replace("#", f"#{name}-")
                node.set(key.rpartition("}")[2], value)


def _restyle(node: Element) -> None:
    """The page's colours and font instead of the figure's own, and two decimals."""
    if style := node.get("style"):
        colours = palette()
        names = {colours[0]: "var(--seen)", colours[1]: "var(--stated)", "#000000": "currentColor"}
        for colour, word in names.items():
            style = style.replace(colour, word)
        style = re.sub(r"font-family: [^;]*(; |$)", "", style)
        style = re.sub(r"font: (.*?\d+px) [^;]*", r"font: \1 sans-serif", style)
        node.set("style", style.replace(": ", ":").replace("; ", ";"))
    if node.get("transform", "").startswith("rotate(-0 "):
        del node.attrib["transform"]
    for key in ("d", "x", "y", "transform", "width", "height"):
        if key in node.attrib:
            short = LONG_NUMBER.sub(lambda m: f"{float(m[0]):.2f}", node.attrib[key])
            node.set(key, " ".join(short.split()))


__all__ = ["figure"]
