"""What must hold of every input: accepted or refused in one line, soon, and nothing is executed."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import shutil
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

import collapse_theory as ct
from collapse_theory.cli import app
from collapse_theory.forecasting import fit_column

PATIENCE = 60.0  # seconds for one input, on a busy machine
ACCEPTED, REFUSED = "accepted", "refused"
SMALL = "n = 5\ngenerations = 2\nobservables = ['mean']\n"
GAUSSIAN = "[family]\nname = 'Gaussian'\n[workflow]\nname = 'Replace'\n"


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


def command(*words: Any) -> str:
    """Run the command in this process and hold it to its rules."""
    out, err, begun = io.StringIO(), io.StringIO(), time.perf_counter()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = app.run([str(w) for w in words])
        except SystemExit as e:  # --help and --version leave so
            code = e.code
    told, told_out = err.getvalue(), out.getvalue()
    assert code in (0, 2), (code, words, told[-2000:])
    assert "Traceback" not in told + told_out, (words, told[-2000:])
    if code == 2:
        assert told.startswith("collapse: "), (words, told)
        assert told.count("\n") == 1, (words, told)
        assert told.strip() != "collapse:", words
        assert told[:-1].isprintable(), (words, told)
        assert len(told) < 12_000, (words, len(told))
    else:
        assert told == "", (words, told)
    assert time.perf_counter() - begun < PATIENCE, words
    return REFUSED if code == 2 else ACCEPTED


def attempt(call: Callable[[], Any]) -> str:
    """Whether a call of the library takes its input, or refuses it in one line."""
    begun, told = time.perf_counter(), None
    try:
        call()
    except ct.InputError as fault:
        told = str(fault)
    assert told is None or (told and "\n" not in told), told
    assert time.perf_counter() - begun < PATIENCE
    return ACCEPTED if told is None else REFUSED


def experiment(folder: Path, content: bytes, one_in: int) -> str:
    """A file of an experiment: theory, the set-up of the chains, and of some a simulation."""
    path = folder / "e.toml"
    path.write_bytes(content)
    answer = command("predict", path, "--json")
    if answer == REFUSED:
        return answer
    e = ct.load_experiment(path)
    if attempt(lambda: e.setup(np.float64)) == REFUSED:
        return REFUSED
    if e.observables and e.sizes.max() < 1000 and zlib.crc32(content) % one_in == 0:
        simulated(e)
    return answer


def simulated(e: Any) -> None:
    """What is not finite is counted, has no mean and is not trusted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = ct.simulate(e, chains=16, seed=0)
        for name in found.names:
            column = found.column(name)
            assert (column.n + column.nonfinite == 16).all()
            assert np.isnan(found.mean(name)[column.n == 0]).all()
            believed = found.trusted(name)
            assert (column.nonfinite[believed] == 0).all()
            assert np.isfinite(found.mean(name)[believed]).all()
            assert np.isfinite(found.se(name)[believed]).all()


def sweep(folder: Path, content: bytes) -> str:
    """A file of a sweep: all its configs are made, and their programs counted."""
    path = folder / "s.toml"
    path.write_bytes(content)
    return command("sweep", path, "--dry-run", "--chains", "16", "--no-cache")


def column(folder: Path, ending: str, content: bytes, one_in: int) -> str:
    """A file of data: read and fitted; some are forecast."""
    path = folder / f"data{ending}"
    path.write_bytes(content)
    if zlib.crc32(content) % one_in == 0:
        return command("forecast", path, "--family", "gaussian", "--generations", "3",
                       "--chains", "100", "--no-cache")  # fmt: skip

    def fitted() -> None:
        assert 0 <= fit_column(ct.read_column(path)).distance <= 1

    return attempt(fitted)


# each with what ends soon: slow commands are given what is refused
COMMANDS = {
    "predict": ["FILE"], "simulate": ["FILE", "--chains", "16", "--no-cache"],
    "sweep": ["SWEEP", "--dry-run", "--no-cache"],
    "plan": ["--family", "Categorical", "--real", "50"], "list": ["families"], "show": ["Mix"],
    "completion": ["bash"], "info": [], "draw": ["provenance", "FILE", "out.png"],
    "forecast": ["DATA", "--generations", "3", "--chains", "100", "--no-cache"],
    "diagnose": ["FILE", "--chains", "1"], "verify": ["nosuch"], "docs": ["build", "--out", "FILE"],
    "report": ["out.txt"], "explorer": ["none/out.html"], "bench": ["--list"], "nosuch": [], "": [],
}  # fmt: skip
OPTIONS = {
    "simulate": "--seed --route --dtype --devices --distributed --save --force --plot --json",
    "sweep": "--seed --dtype --devices --shard --out --json", "predict": "--json",
    "plan": "--truth --synthetic --inflation --l1 --diversity --all-alive --tail-recall --budget "
    "--generator --verifier --wrong --no-fixed --json --generations",
    "list": "--coverage --json", "draw": "--observable --seed --chains",
    "forecast": "--column --unit --family --workflow --n --seed --json", "bench": "--repeats",
}  # fmt: skip
ANY = [
    "--help",
    "--version",
    "--bogus",
    "--",
    "-",
    "--risk",
    "--strict",
    "--experiment",
    "--level",
    "--json",
    "--seed",
]
ALONE = ("--json", "--force", "--coverage", "--no-fixed", "--help", "--version", "--strict")
VALUES = (
    "0", "-1", "1", "7", "0.5", "nan", "inf", "-inf", "1e300", "1e-300", "9" * 5000, "", " ", "٣",
    "../../../etc/passwd", "/dev/null", "/proc/nosuch/x", "a/../b", "x" * 300, "\x00", "a\nb", "😀",
    "\ud800", "{", "{}", "{name = 'Window'}", "{name = 'Window', batches = 1000000000}", "2/1",
    "{probs = [0.5, 0.6]}", "{probs = [nan, 1]}", "Gaussian", "Replace", "law", "raw", "float32",
    "{a = " * 50, "x", "words", "out.svg", "FILE", "SWEEP", "DATA", "all", "1/1", "saved",
)  # fmt: skip


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A subcommand, what it needs, and options with values that may make no sense."""
    name = draw(st.sampled_from(sorted(COMMANDS)))
    words = list(COMMANDS[name])
    for _ in range(draw(st.integers(0, 3))):
        own = OPTIONS.get(name, "").split()
        option = draw(st.sampled_from(own if own and draw(st.integers(0, 3)) else ANY))
        alone = option in ALONE and draw(st.integers(0, 3))
        words += [option] if alone else [option, draw(st.sampled_from(VALUES))]
    if words and draw(st.integers(0, 9)) == 0:
        words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(VALUES))
    slow = name in ("bench", "diagnose", "docs", "explorer", "report", "verify")
    kept = words[: len(COMMANDS[name])] == COMMANDS[name] if slow else True
    return [name, *(words if kept else COMMANDS[name])]


def command_line(folder: Path, words: list[str]) -> str:
    """Run it in a folder of its own, with a good file of each kind."""
    here = folder / "in" / "a" / "room"
    shutil.rmtree(folder / "in", ignore_errors=True)
    here.mkdir(parents=True)
    (here / "FILE").write_text(SMALL + GAUSSIAN)
    (here / "SWEEP").write_text(SMALL + GAUSSIAN + "[sweep]\nn = [5, 6]\n")
    (here / "DATA.csv").write_text("x\n1.5\n2.5\n4\n")
    before = Path.cwd()
    os.chdir(here)
    try:
        return command(*("DATA.csv" if w == "DATA" else w for w in words))
    finally:
        os.chdir(before)


LONGER = 40_000  # chains: some more than a unit, since a checkpoint holds whole units


class Stores:
    """A saved run, a run that was stopped and a sweep, to be damaged and read again."""

    def __init__(self, folder: Path) -> None:
        from collapse_theory.checkpoint import Checkpoint
        from collapse_theory.resuming import identity_of

        self.good, self.bad, self.mark = folder / "good", folder / "bad", folder / "executed"
        self.good.mkdir(parents=True)
        self.e = ct.Experiment(family=ct.Gaussian(), workflow=ct.Replace(), n=6, generations=2,
                               observables=("mean_squared_error",))  # fmt: skip
        self.what = ct.Sweep(self.e, {"n": [6, 8]})
        self.result = ct.simulate(self.e, chains=40, seed=1)
        self.longer = ct.simulate(self.e, chains=LONGER, seed=1)
        self.result.save(self.good / "run")
        identity = identity_of(self.e, 1, ct.Plan(), 0)
        keep = Checkpoint(self.good / ".stopped.checkpoint", identity)
        assert self.longer.tally is not None
        keep.keep(self.longer.tally)
        with ct.sweep(self.what, out=self.good / "s", chains=40, seed=1) as data:
            self.table = data.load()

    def damage(self, pick: int, how: int, at: int, some: bytes) -> None:
        """Do one thing to one file of a copy."""
        shutil.rmtree(self.bad, ignore_errors=True)
        shutil.copytree(self.good, self.bad)
        files = sorted(p for p in self.bad.rglob("*") if p.is_file() and p.suffix != ".lock")
        path = files[pick % len(files)]
        self.hit = path.relative_to(self.bad).parts[0]
        content = path.read_bytes()
        at %= max(len(content), 1)
        match how:
            case 0:
                path.unlink()
            case 1:
                path.write_bytes(content[:at])
            case 2:
                path.write_bytes(content[:at] + some + content[at + len(some) :])
            case 3:
                path.write_bytes(some)
            case 4:
                path.write_bytes(pickle.dumps(Bomb(self.mark)))
            case 5:
                path.unlink()
                path.symlink_to("/dev/null")
            case 6:
                path.unlink()
                path.symlink_to(path.name)  # a circle
            case _:
                flipped = content[at] ^ (1 << some[0] % 8) if content else 0
                path.write_bytes(content[:at] + bytes([flipped]) + content[at + 1 :])

    def read(self) -> str:
        """Read what was damaged: it is equal to what was written, or it is refused."""
        answer = attempt({"run": self._saved, "s": self._swept}.get(self.hit, self._stopped))
        assert not self.mark.exists(), "a file was executed"
        return answer

    def _saved(self) -> None:
        for got, true in zip(ct.load(self.bad / "run").moments, self.result.moments, strict=True):
            np.testing.assert_array_equal(got, true)

    def _stopped(self) -> None:
        found = ct.simulate(self.e, chains=LONGER, seed=1, store=self.bad / "stopped")
        for got, true in zip(found.moments, self.longer.moments, strict=True):
            np.testing.assert_array_equal(got, true)

    def _swept(self) -> None:
        with ct.sweep(self.what, out=self.bad / "s", chains=40, seed=1) as data:
            for name in ("mean", "se", "m2", "m4", "count", "trusted", "done", "n"):
                np.testing.assert_array_equal(data[name].values, self.table[name].values)
