"""One trial: tests on a copy of the package, in a fork of a process that knows nothing of it."""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from changes import Mutant
from watching import HOME, PACKAGE, QUICK, SCRATCH, UNSAID

SURVIVED = ""
PATIENCE = 60  # seconds for a test that takes none
MOST_BYTES = 1 << 33
UNKNOWN = 99
FINE = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
HEAVY = (
    "jax", "jax.numpy", "jax.experimental.multihost_utils", "equinox", "optax", "scipy.stats",
    "scipy.integrate", "scipy.optimize", "matplotlib.pyplot", "xarray", "pandas", "zarr",
    "hypothesis.extra.numpy", "cyclopts", "rich.progress", "jinja2", "latex2mathml.converter",
)  # fmt: skip
"""Imported before the forks; none of it starts a device."""


def imported() -> None:
    """Everything heavy but the package; programs that a mutant leaves alone are compiled once."""
    for name in HEAVY:
        importlib.import_module(name)
    import jax

    jax.config.update("jax_compilation_cache_dir", str(SCRATCH / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


class Pick:
    """A pytest plugin: these tests only, in this order, and new ones; which failed is written.

    A test that takes far longer than it did without the mutant ends the process.
    """

    def __init__(self, wanted: list[str], seconds: dict[str, float], told: Path) -> None:
        self.place, self.seconds, self.told = {n: i for i, n in enumerate(wanted)}, seconds, told

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        """Around setup, call and teardown."""
        signal.alarm(int(PATIENCE + 5 * self.seconds.get(item.nodeid, 0)))
        try:
            return (yield)
        finally:
            signal.alarm(0)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Choose and sort."""
        kept = [i for i in items if i.nodeid in self.place or i.nodeid not in self.seconds]
        items[:] = sorted(kept, key=lambda i: self.place.get(i.nodeid, -1))

    def pytest_runtest_logreport(self, report: Any) -> None:
        """The first that failed."""
        if report.failed and not self.told.exists():
            self.told.write_text(report.nodeid)

    def pytest_collectreport(self, report: Any) -> None:
        """A file that could not be imported."""
        if report.failed and not self.told.exists():
            self.told.write_text(report.nodeid or "import")


def _in_child(tree: Path, wanted: list[str], seconds: dict[str, float], place: Path) -> None:
    os.setsid()
    log = os.open(place / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ |= {"PYTHONPATH": str(tree), "XDG_CACHE_HOME": str(place / "cache")}
    sys.path.insert(0, str(tree))
    sys.dont_write_bytecode = True
    os.chdir(HOME)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))  # a mutant may ask for all
    files, code = list(dict.fromkeys(name.split("::")[0] for name in wanted)), UNKNOWN
    try:
        for i, file in enumerate(files):
            code = UNKNOWN
            # the checker of shapes wants to come before the package, and stays once it is there
            flags = ["-o", "addopts=--strict-markers"] if i else []
            flags += [f"--basetemp={place / str(i)}", file]
            code = _session(flags, Pick(wanted, seconds, place / "told"))
            if code not in FINE:
                break
        sys.stdout.flush()
    finally:
        os._exit(code)


def _session(flags: list[str], pick: Pick) -> int:
    """One file at a time: most mutants are seen by the first, and files take time to import."""
    signal.alarm(4 * PATIENCE)
    always = ["-q", "-x", "-m", QUICK, "-p", "no:cacheprovider", *UNSAID]
    return int(pytest.main([*always, *flags], plugins=[pick]))


def tried(tree: Path, wanted: list[str], seconds: dict[str, float]) -> str:
    """How the tests end on what lies in the tree: "" where all pass, else what failed."""
    if not wanted:
        return SURVIVED
    place = Path(tempfile.mkdtemp(prefix="trial-", dir=SCRATCH))
    child = os.fork()
    if child == 0:
        _in_child(tree, wanted, seconds, place)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what a test has left behind, too
    told, log = place / "told", place / "log"
    failed = told.read_text() if told.exists() else ""
    shutil.copyfile(log, SCRATCH / "last.log")
    shutil.rmtree(place, ignore_errors=True)
    if failed or code in FINE:
        return failed
    return "time limit" if code == -signal.SIGALRM else "crash"


def copied() -> Path:
    """A copy of the package to plant in, with what was compiled of it."""
    tree = SCRATCH / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(PACKAGE, tree / PACKAGE.name)
    return tree


@contextlib.contextmanager
def planted(tree: Path, mutant: Mutant) -> Iterator[None]:
    """The mutant in the copy, and the copy as it was thereafter."""
    file = tree / PACKAGE.name / mutant.file
    source, times = file.read_text(), (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    compiled = list((file.parent / "__pycache__").glob(f"{file.stem}.cpython-*.pyc"))
    for path in compiled:
        path.rename(path.with_suffix(".kept"))
    file.write_text(mutant.applied(source))
    try:
        yield
    finally:
        file.write_text(source)
        os.utime(file, ns=times)
        for path in compiled:
            path.with_suffix(".kept").rename(path)
