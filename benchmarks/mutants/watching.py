"""Which test runs which line of the core, and for how long: one run of the quick tests, watched."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from changes import Mutant

HOME = Path(__file__).parents[2]
PACKAGE = HOME / "src" / "collapse_theory"
SCRATCH = Path(tempfile.gettempdir()) / f"mutants-{os.getuid()}"
MAP = SCRATCH / "map.json"
ROOMS = {
    "theorems": ("catalogue/",),
    "exact": ("exact/",),
    "verdicts": (
        "judging.py", "verdicts.py", "verification.py", "ladder.py", "planting.py", "moments.py",
    ),
    "engine": (
        "engine.py", "unit.py", "recursion.py", "programs.py", "routes.py", "corpus.py",
    ),
    "workflows": ("workflows/",),
}  # fmt: skip
LEFT_OUT = ("catalogue/settings_",)  # the cases that statements are tried on
QUICK = "not slow and not browser"
QUICKLY, AGAIN = (3, 40.0, 10.0), (8, 150.0, 40.0)
"""Files of tests, seconds of tests that ran the line, and of others; the latter for survivors."""
UNSAID = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # of what is imported before pytest
UNWATCHED = {"engine.py": "tests/test_distributed.py"}  # run in processes of their own


def room_of(file: str) -> str | None:
    """The room a file belongs to, None where it is not of the core."""
    if file.startswith(LEFT_OUT):
        return None
    return next((room for room, starts in ROOMS.items() if file.startswith(starts)), None)


def core() -> list[str]:
    """The files of the core, relative to the package."""
    files = (str(p.relative_to(PACKAGE)) for p in sorted(PACKAGE.rglob("*.py")))
    return [f for f in files if room_of(f)]


class Watch:
    """A pytest plugin: every test is a context of its own, and is timed."""

    def __init__(self, measured: Any) -> None:
        self.measured = measured
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        """Around setup, call and teardown."""
        self.measured.switch_context(item.nodeid)
        begun = time.perf_counter()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.perf_counter() - begun


def watch(tests: list[str]) -> int:
    """Run the quick tests under coverage and write down what each of them ran.

    Where files of tests are named, only these; it is added to what was seen before.
    """
    import coverage

    measured = coverage.Coverage(
        data_file=str(SCRATCH / "coverage"), source=[str(PACKAGE)], concurrency=["thread"]
    )
    for line in ("@abstractmethod", "raise AssertionError", "if TYPE_CHECKING"):
        measured.exclude(line)
    seen = Watch(measured)
    measured.erase()
    measured.start()
    os.chdir(HOME)
    flags = ["-q", "-m", QUICK, "-p", "no:cacheprovider", *UNSAID]
    code = pytest.main([*flags, *(tests or ["tests"])], plugins=[seen])
    measured.stop()
    measured.save()
    known = json.loads(MAP.read_text()) if tests and MAP.exists() else {}
    seconds = {**known.get("seconds", {}), **seen.seconds}
    names = {name: i for i, name in enumerate(seconds)}
    lines, missing = {}, {}
    for file in core():
        path = str(PACKAGE / file)
        _, every, _, absent, _ = measured.analysis2(path)
        contexts = measured.get_data().contexts_by_lineno(path)
        ran = {str(k): {names[x] for x in v if x in names} for k, v in contexts.items()}
        if known.get("missing", {}).get(file, [None])[0] == len(every):  # the same lines as then
            absent = sorted(set(absent) & set(known["missing"][file][1]))
            for line, some in known["lines"][file].items():
                ran[line] = ran.get(line, set()) | set(some)
        missing[file] = [len(every), absent]
        lines[file] = {k: sorted(v) for k, v in ran.items()}
    MAP.write_text(json.dumps({"seconds": seconds, "lines": lines, "missing": missing}))
    return int(code)


def chosen(seen: dict[str, Any], mutant: Mutant, again: bool) -> list[str]:
    """Tests in the order of trying, by files: those that ran the line, then others that ran the
    file, as far as the budget goes; files named after it, then cheap ones.

    Again, also files of tests that were not there when this was watched.
    """
    names, seconds = list(seen["seconds"]), list(seen["seconds"].values())
    lines = seen["lines"].get(mutant.file, {})
    last = mutant.line + mutant.old.count("\n")
    near = {i for n in range(mutant.line, last + 1) for i in lines.get(str(n), ())}
    others = {i for some in lines.values() for i in some} - near
    home = [name.split("::")[0] for name in names]
    cost: Counter[str] = Counter()
    for i in near or others:  # what runs on import has no test of its own
        cost[home[i]] += seconds[i]
    own = Path(mutant.file).with_suffix("").parts
    files = sorted(cost, key=lambda f: (not any(x in f for x in own), cost[f]))
    count, most, more = AGAIN if again else QUICKLY
    files = files[:count]
    near = _cheap({i for i in near if home[i] in files}, most, seconds)
    others = _cheap({i for i in others if home[i] in files}, more, seconds)
    place = {file: k for k, file in enumerate(files)}
    ordered = sorted(
        near | others, key=lambda i: (place[home[i]], home[i], i not in near, seconds[i])
    )
    fresh = {str(p.relative_to(HOME)) for p in (HOME / "tests").glob("test_*.py")} - set(home)
    if not again:
        return [names[i] for i in ordered]
    processes = [name for name in names if name.startswith(UNWATCHED.get(mutant.file, "-"))]
    return [*sorted(fresh), *processes, *(names[i] for i in ordered)]


def _cheap(tests: set[int], budget: float, seconds: list[float]) -> set[int]:
    kept = set()
    for i in sorted(tests, key=seconds.__getitem__):
        budget -= seconds[i]
        if budget > 0:
            kept.add(i)
    return kept
