"""The architecture, held to its own rules by reading the code."""

import ast
from pathlib import Path

import pytest

import collapse_theory

ROOT = Path(collapse_theory.__file__).parent
FLOORS = [
    {
        "errors",
        "moments",
        "sampling",
        "exact",
        "bibliography",
        "templating",
        "revision",
        "placement",
        "texts",
        "tables",
    },
    {"corpus", "observables"},
    {"families", "generators", "workflows"},
    {"routes"},
    {"recursion"},
    {"unit"},
    {"experiment", "kernel", "programs"},
    {"stepwise"},
    {"engine", "provenance", "catalogue"},
    {"result", "replaying"},
    {"judging", "prediction", "calculating"},
    {
        "ladder",
        "sizing",
        "planting",
        "confirming",
        "jobs",
        "diagnostics",
        "planning",
        "forecasting",
    },
    {
        "verification",
        "trying",
        "store",
        "resuming",
        "unfinished",
        "alongside",
        "checkpoint",
        "config",
        "figures",
        "presets",
        "sweeps",
        "bench",
        "coverage",
        "calibration",
    },
    {"verdicts"},
    {"pages", "report"},
    {"explorer"},
    {"cli", "__main__"},
]
FLOOR = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
ANYWHERE = {
    "discovery",
    "__version__",
}  # the walk of the package, called late, and the lazy names of the top
FILES = sorted(ROOT.rglob("*.py"))


def room(path):
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(tree):
    """Modules of the package imported at the top level of a file."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("collapse_theory"):
            rest = node.module.split(".")[1:]
            yield from [rest[0]] if rest else [a.name for a in node.names]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_an_import_points_down(path):
    if room(path) in ANYWHERE | {"__init__"}:
        return
    for target in imports(ast.parse(path.read_text())):
        if target not in ANYWHERE:
            assert FLOOR[target] <= FLOOR[room(path)], (
                f"{room(path)} imports {target}, a floor above it"
            )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                assert body[-1].end_lineno - body[0].lineno < 40, node.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_jit_and_vmap_over_chains_stay_in_the_programs(path):
    uses = {
        n.attr
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "jax"
    }
    if room(path) != "programs":
        assert "jit" not in uses
    if room(path) in {"recursion", "workflows", "generators", "experiment", "catalogue", "judging"}:
        assert "vmap" not in uses
