"""Inputs as users, editors, broken disks and enemies write them: strategies for hypothesis."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st

import collapse_theory as ct
from collapse_theory import discovery
from collapse_theory.config.fields import member_fields
from collapse_theory.observables.base import Observable

REQUIRED = {
    "rate": 0.5, "share": 0.3, "every": 2, "weight": 0.5, "factor": 0.9, "power": 1.1,
}  # fmt: skip
FAMILIES, WORKFLOWS, GENERATORS = (
    {c.__name__: c for c in discovery.classes(base)}
    for base in (ct.AbstractFamily, ct.AbstractWorkflow, ct.AbstractGenerator)
)
del FAMILIES["TextTransformer"]  # its truth is trained, for as many steps as it says
NASTY = (
    "nan", "inf", "-inf", "0", "-0.0", "-1", "1", "0.5", "2.5", "1e308", "-1e308", "5e-324",
    "1_000_000_000_000_000_000", str(2**63 - 1), str(2**64), "1" + "0" * 400, "9" * 5000,
    "0x" + "f" * 300, "true", "false", '""', '"0.5"', '"../../etc/passwd"', '"/dev/zero"',
    '"\\u0000"', '"\\u001b[31m"', '"a\\nb"', '"' + "x" * 5000 + '"', '"ünïcödé 😀"', "'\\'", "[]",
    "[[]]", "[nan]", "[0.5, 0.6]", "[0.5, 0.5]", "[-0.5, 1.5]", "[[1, 1], [1, 1]]", "[[1, 2], [3]]",
    "[[1.0, 0.0], [0.0, nan]]", "[[1e308, 0.0], [0.0, 1e-308]]", "[1, 'a']", "[true, false]", "{}",
    "{name = 'Gaussian'}", "{a = {b = {c = 1}}}", "[" * 40 + "]" * 40, "[" * 2000 + "]" * 2000,
    "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "", "=", "[", "\"unclosed",
)  # fmt: skip
KEYS = (
    "n", "n_real", "generations", "observables", "route", "family", "truth", "workflow",
    "generator", "sweep", "name", "ddof", "var", "mean", "probs", "cov", "__class__", "__init__",
    '"a\\nb"', '""', "a.b.c", "x" * 3000, "ünïcödé",
)  # fmt: skip


def literal(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    if dataclasses.is_dataclass(value):
        inner = {k: getattr(value, k) for k in member_fields(type(value))}
        pairs = [f"{k} = {literal(v)}" for k, v in inner.items() if v is not None]
        return f"{{{', '.join(pairs)}}}"
    return repr(value)


def _fields(cls: Any) -> dict[str, str]:
    found = {}
    for name, (_, field) in member_fields(cls).items():
        value = REQUIRED[name] if field.default is dataclasses.MISSING else field.default
        if value is not None:
            found[name] = literal(value)
    return found


@st.composite
def tables(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """An experiment that is allowed, but for what some combinations exclude: literals by table."""
    family = draw(st.sampled_from(sorted(FAMILIES)))
    workflow = draw(st.sampled_from(sorted(WORKFLOWS)))
    made = object.__new__(FAMILIES[family])
    allowed = [o.name for o in discovery.members(Observable) if o.supports(made)]
    names = draw(st.lists(st.sampled_from(allowed), min_size=1, max_size=2, unique=True))
    top = {
        "n": str(draw(st.integers(4, 12))), "generations": str(draw(st.integers(1, 4))),
        "observables": literal(names),
    }  # fmt: skip
    if draw(st.booleans()):
        top["n_real"] = str(draw(st.integers(4, 12)))
    if draw(st.integers(0, 3)) == 0:
        top["route"] = literal(draw(st.sampled_from(["auto", "law", "raw"])))
    found = {
        "": top,
        "family": {"name": literal(family), **_fields(FAMILIES[family])},
        "truth": _fields(FAMILIES[family].truth_type),
        "workflow": {"name": literal(workflow), **_fields(WORKFLOWS[workflow])},
    }
    if draw(st.integers(0, 3)) == 0:
        generator = draw(st.sampled_from(sorted(GENERATORS)))
        found["generator"] = {"name": literal(generator), **_fields(GENERATORS[generator])}
    return found


@st.composite
def sweeps(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """A sweep that is allowed, but for what some combinations exclude."""
    found = draw(tables())
    path = draw(st.sampled_from(["n", "n_real", "truth.var", "family.ddof", "workflow.name"]))
    values = {
        "n": "[10, 20]", "n_real": "{from = 10, to = 40, steps = 3, scale = 'log'}",
        "truth.var": "[1.0, 2.0]", "family.ddof": "[0, 1]", "workflow.name": "['Replace', 'Mix']",
    }  # fmt: skip
    found["sweep"] = {f'"{path}"': values[path]}
    if draw(st.booleans()):
        found["sweep"]["mode"] = literal(draw(st.sampled_from(["grid", "list"])))
    return found


RANGES = (
    "{from = nan, to = 1, steps = 3}", "{from = 1, to = 9, steps = 1000000000}",
    "{from = 0, to = 9, steps = 3, scale = 'log'}", "{from = 1, to = 2}", "{steps = 3}",
    "{from = -1e300, to = 1e300, steps = 3}", "[10, 'a']", "[[10], 20]", "[{name = 'Replace'}]",
    "{from = 1, to = 3, steps = 3, by = 2}",
)  # fmt: skip


def written(found: dict[str, dict[str, str]]) -> str:
    """The literals as a TOML file."""
    lines = [f"{k} = {v}" for k, v in found[""].items()]
    for name, inner in found.items():
        if name:
            lines += [f"[{name}]", *(f"{k} = {v}" for k, v in inner.items())]
    return "\n".join(lines) + "\n"


@st.composite
def files(draw: st.DrawFn, base: Any) -> bytes:
    """The bytes of a file: what ``base`` makes, with up to two faults of values or keys, and
    perhaps one of bytes.
    """
    found = draw(base)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2]))):
        room = draw(st.sampled_from(sorted(found)))
        keys = sorted(found[room]) or ["x"]
        key = draw(st.sampled_from(keys))
        match draw(st.integers(0, 4)):
            case 0:
                found[room].pop(key, None)
            case 1:
                found[room][draw(st.sampled_from(KEYS))] = draw(st.sampled_from(NASTY))
            case _:
                found[room][key] = draw(st.sampled_from(NASTY + RANGES * (room == "sweep")))
    content = written(found).encode()
    return draw(damaged(content)) if draw(st.integers(0, 3)) == 0 else content


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes with something done to them."""
    at = draw(st.integers(0, max(len(content) - 1, 0)))
    some = draw(st.binary(min_size=1, max_size=8))
    options = (
        b"\xef\xbb\xbf" + content, content.replace(b"\n", b"\r\n"), content.replace(b"\n", b"\r"),
        content[:at], content[:at] + some + content[at:], content[:at] + some + content[at + 1 :],
        content + content, content.decode("utf-8", "replace").encode("utf-16"), some, b"",
        content + b"\x00", content[at:] + content[:at],
        content[:at] + bytes([content[at] ^ 1 << draw(st.integers(0, 7))]) + content[at + 1 :]
        if content else b"",
    )  # fmt: skip
    return draw(st.sampled_from(options))


CELLS = st.sampled_from([
    "1", "2.5", "-3", "0", "nan", "NaN", "inf", "-inf", "", "NA", "1e308", "-1e308", "5e-324",
    "1e400", "9" * 400, "true", "yes", "a", "b", "ünïcödé", '"', "'", "=1+1", "=cmd|' /C calc'!A0",
    "1,5", "1;5", "#", "# x", "x" * 3000, "\x00", "1970-01-01", "0x10", "1+2j", " 7 ", "_", "😀",
]) | st.integers(-100, 100).map(str) | st.floats(-5, 5).map(str)  # fmt: skip


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, bytes]:
    """The ending of a data file, and its bytes."""
    ending = draw(st.sampled_from([".csv", ".csv", ".tsv", ".txt", ".md", ".parquet", ".doc"]))
    width = draw(st.sampled_from([1, 1, 1, 2, 3]))
    mark = "\t" if ending == ".tsv" else draw(st.sampled_from([",", ",", ",", ";", " "]))
    few = st.lists(CELLS, min_size=1, max_size=3)
    pool = draw(few | st.just(["1", "2", "4"]) | st.just(["a", "b", "c"]) | st.just(["nan"]))
    row = st.lists(st.sampled_from(pool), min_size=width, max_size=width).map(mark.join)
    rows = draw(st.lists(row, max_size=12))
    header = draw(st.sampled_from(["x", "", "x", '"x', "x" * 999, "1"]))
    content = "\n".join([mark.join([header] * width), *rows]).encode()
    return ending, draw(damaged(content)) if draw(st.integers(0, 3)) == 0 else content
