"""Every public name is documented in full, and what its examples print is so."""

import ast
import doctest
import enum
import inspect
import re
import textwrap
from pathlib import Path

import pytest

import collapse_theory as ct
from collapse_theory import discovery
from collapse_theory.families.base import AbstractFamily
from collapse_theory.generators.base import AbstractGenerator
from collapse_theory.workflows.base import AbstractWorkflow

PUBLIC = {name: getattr(ct, name) for name in ct.__all__ if name != "__version__"}
MEMBERS = {
    c.__name__: c
    for base in (AbstractFamily, AbstractGenerator, AbstractWorkflow)
    for c in discovery.classes(base)
}
TRUTHS = {c.truth_type.__name__: c.truth_type for c in discovery.classes(AbstractFamily)}
NAMES = PUBLIC | MEMBERS | TRUTHS
DOCS = Path(__file__).parents[1] / "docs"
ERRORS = {"InputError", "RouteError"}
CHECKS = ("__post_init__", "__check_init__")  # where a class looks at what it is given


def parameters(value):
    """Names of what a function or class is called with."""
    if isinstance(value, type) and issubclass(value, enum.Enum | Exception):
        return []
    return list(inspect.signature(value).parameters)


def is_named(parameter, doc):
    """In double backquotes, or at the head of a line of a list of parameters."""
    listed = rf"^\s*(?:\w+, )*{parameter}(?:, \w+)*:"
    return re.search(rf"``{parameter}\b[^`]*``|{listed}", doc, re.MULTILINE)


def may_raise(function, seen):
    """Whether it raises an error of the user's, or calls by name what does."""
    function = inspect.unwrap(function)
    if function in seen:
        return False
    seen.add(function)
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))
    if any(isinstance(n, ast.Raise) and ERRORS & names_in(n) for n in nodes):
        return True
    called = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    found = [function.__globals__.get(name) for name in called]
    own = [f for f in found if getattr(f, "__module__", "").startswith("collapse_theory")]
    return any(
        "Raises:" in (f.__doc__ or "") if isinstance(f, type) else may_raise(f, seen) for f in own
    )


def names_in(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


@pytest.mark.parametrize("name", list(NAMES))
def test_it_has_a_docstring_that_names_every_parameter(name):
    doc = NAMES[name].__doc__ or ""
    assert doc.strip()
    assert [p for p in parameters(NAMES[name]) if not is_named(p, doc)] == []


@pytest.mark.parametrize("name", list(NAMES))
def test_it_says_which_errors_it_raises(name):
    value = NAMES[name]
    made = [vars(value).get(m) for m in CHECKS] if isinstance(value, type) else [value]
    if any(may_raise(f, set()) for f in made if f is not None):
        assert "Raises:" in value.__doc__


def examples():
    finder = doctest.DocTestFinder(recurse=False)
    for name, value in NAMES.items():
        found = finder.find(value, name, globs={})
        yield from (pytest.param(test, id=name) for test in found if test.examples)


@pytest.mark.parametrize("test", list(examples()))
def test_its_example_is_so(test):
    report = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert not report, "".join(report)


PAGES = sorted(p for p in DOCS.glob("**/*.md") if p.parent.name in ("docs", "how-to"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_pages_speak_of_names_that_there_are(page):
    text = page.read_text("utf-8")
    assert set(re.findall(r"\bct\.([A-Za-z_]\w*)", text)) <= set(ct.__all__)
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        ast.parse(block)
