"""Small changes of a program: what is planted, and where nothing is.

A mutant replaces the text of one expression or statement. Left alone, since no test should see
them: docstrings and other text, annotations, what ``raise`` says, ``assert`` and ``__all__``. Left
alone too, since another value is as good: the cases a statement is tried on and its planted error.
"""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Made = tuple[str, ast.AST]  # what is done, and what stands there then

OPERATORS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
COMPARISONS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_PAIRS = (
    ("min", "max"), ("minimum", "maximum"), ("any", "all"), ("floor", "ceil"), ("zeros", "ones"),
    ("nanmin", "nanmax"), ("argmin", "argmax"), ("sum", "prod"), ("cumsum", "cumprod"),
)  # fmt: skip
NAMES = dict([*_PAIRS, *((b, a) for a, b in _PAIRS)])
TRIED_ON = ("cases", "planted")  # keywords of a statement
ASKED = (ast.Name, ast.Attribute, ast.Call)
TYPES = ("TypeVar", "isinstance", "cast")


@dataclass(frozen=True)
class Mutant:
    """One change: file and line, from where to where (in characters), and the new text."""

    file: str
    line: int
    begin: int
    end: int
    what: str
    old: str
    new: str
    head: str

    def applied(self, source: str) -> str:
        """The file with the change in it."""
        return source[: self.begin] + self.new + source[self.end :]

    @property
    def key(self) -> str:
        """What stays when lines move: the line up to the change, and the change."""
        return " ".join(f"{self.file}: {self.head} >{self.old}< {self.new}".split())


def mutants_of(root: Path, file: str) -> list[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    source = (root / file).read_text()
    starts = [0, *itertools.accumulate(len(x) for x in source.splitlines(keepends=True))]
    lines = source.splitlines()

    def place(line: int, column: int) -> int:  # the column counts bytes
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

    found = []
    for node, what, new in _changes(ast.parse(source)):
        begin = place(node.lineno, node.col_offset)
        end = place(node.end_lineno, node.end_col_offset)
        text = ast.unparse(new)
        text = text if isinstance(new, ast.stmt | ast.Constant | ast.Name) else f"({text})"
        old = source[begin:end]
        if _valid(source[:begin] + text + source[end:]):
            head = source[starts[node.lineno - 1] : begin]
            found.append(Mutant(file, node.lineno, begin, end, what, old, text, head))
    return sorted(found, key=lambda m: (m.begin, m.end, m.new))


def _valid(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _changes(tree: ast.Module) -> Iterator[tuple[Any, str, ast.AST]]:
    """Nodes, what is done to them, and what they become."""
    for node in _alive(tree):
        for what, new in (*_of_expression(node), *_of_statement(node)):
            yield node, what, ast.fix_missing_locations(new)
        if isinstance(node, ast.If | ast.While) and isinstance(node.test, ASKED):
            new = ast.UnaryOp(ast.Not(), node.test)
            yield node.test, "condition turned", ast.fix_missing_locations(new)


def _alive(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes whose change a test should see."""
    if isinstance(node, ast.JoinedStr | ast.Assert | ast.Import | ast.ImportFrom):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "ctx") or isinstance(node, ast.Raise):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _silent(child):
                yield from _alive(child)


def _silent(node: ast.AST) -> bool:
    """Type-level code, text, and what a statement is tried on."""
    if isinstance(node, ast.keyword):
        return node.arg in TRIED_ON
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in TYPES
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.Assign):
        names = [t.id for t in node.targets if isinstance(t, ast.Name)]
        union = isinstance(node.value, ast.BinOp) and isinstance(node.value.op, ast.BitOr)
        return "__all__" in names or (union and all(n[0].isupper() for n in names))
    return False


def _changed(node: Any, **fields: Any) -> Any:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _of_expression(node: Any) -> Iterator[Made]:
    if isinstance(node, ast.BinOp):
        if type(node.op) in OPERATORS:
            yield "operator", _changed(node, op=OPERATORS[type(node.op)]())
        if isinstance(node.op, ast.Add | ast.Sub):
            yield "term dropped", node.left
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and/or", _changed(node, op=other)
    elif isinstance(node, ast.Compare):
        first = COMPARISONS[type(node.ops[0])]()
        yield "comparison", _changed(node, ops=[first, *node.ops[1:]])
        if len(node.ops) > 1:
            last = COMPARISONS[type(node.ops[-1])]()
            yield "comparison", _changed(node, ops=[*node.ops[:-1], last])
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not | ast.USub | ast.Invert):
            yield "sign or not dropped", node.operand
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node)
    elif isinstance(node, ast.IfExp):
        yield "branches swapped", _changed(node, body=node.orelse, orelse=node.body)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)


def _of_constant(node: ast.Constant) -> Iterator[Made]:
    if isinstance(node.value, bool):
        yield "constant", ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield "constant", ast.Constant(node.value + 1)
    elif isinstance(node.value, float):
        yield "constant", ast.Constant(1.05 * node.value or 1.0)


def _of_call(node: ast.Call) -> Iterator[Made]:
    function: Any = node.func
    name = getattr(function, "id", getattr(function, "attr", None))
    if name in NAMES:
        field = "id" if isinstance(function, ast.Name) else "attr"
        yield "function", _changed(node, func=_changed(function, **{field: NAMES[name]}))
    if name in ("range", "arange") and node.args:
        place = min(1, len(node.args) - 1)
        less = ast.BinOp(node.args[place], ast.Sub(), ast.Constant(1))
        args = [*node.args[:place], less, *node.args[place + 1 :]]
        yield "range", _changed(node, args=args)


def _of_statement(node: Any) -> Iterator[Made]:
    if isinstance(node, ast.Raise):
        called = getattr(getattr(node.exc, "func", None), "id", None)
        if node.exc is not None and called != "AssertionError":
            yield "refusal dropped", ast.Pass()
    elif isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        yield "operator", _changed(node, op=OPERATORS[type(node.op)]())
    elif isinstance(node, ast.Break):
        yield "break", ast.Continue()
    elif isinstance(node, ast.Continue):
        yield "break", ast.Break()
