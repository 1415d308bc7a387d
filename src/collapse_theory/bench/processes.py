"""Seconds that a user waits for a process, from its start to its end."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from collapse_theory.bench.case import AbstractCase, Row, Settings
from collapse_theory.bench.children import run_python

COMMAND = ("-m", "collapse_theory")
TINY = """
n = 10
generations = 3
observables = ["variance"]
[family]
name = "Gaussian"
[workflow]
name = "Replace"
"""
ONE_THEOREM = ("replace.log_variance", "--chains", "2000")


@dataclass(frozen=True)
class Process(AbstractCase):
    """Wall seconds of a process, the median over rounds.

    Attributes:
        words: of Python; FILE stands for a tiny experiment file.
        smoke_words: instead of them in a smoke run.
        once: takes minutes, so it is run once and only when asked for.
    """

    name: str
    about: str
    words: tuple[str, ...]
    smoke_words: tuple[str, ...] | None = None
    once: bool = False
    target: float | None = None
    group: ClassVar[str] = "process"

    @property
    def by_default(self) -> bool:
        """Whether a run without names includes it."""
        return not self.once

    def run(self, settings: Settings) -> list[Row]:
        """One row of seconds."""
        words = self.smoke_words if settings.smoke and self.smoke_words else self.words
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "tiny.toml"
            file.write_text(TINY)
            words = tuple(str(file) if w == "FILE" else w for w in words)
            rounds = 1 if self.once else settings.repeats
            done = [run_python(*words) for _ in range(rounds)]
        codes = sorted({d.code for d in done} - {0})
        return [
            Row(self.name, self.group, "s", float(np.median([d.seconds for d in done])),
                cores_ours=float(np.median([d.cores for d in done])),
                notes=tuple(f"left with {code}" for code in codes))
        ]  # fmt: skip


def process_cases() -> list[Process]:
    """All of the group."""
    verify, fresh = (*COMMAND, "verify"), "--no-cache"
    return [
        Process("import", "python -c 'import collapse_theory'", ("-c", "import collapse_theory")),
        Process("help", "collapse --help", (*COMMAND, "--help")),
        Process("first-result", "a tiny collapse simulate without compiled programs",
                (*COMMAND, "simulate", "FILE", "--chains", "1000", "--json", fresh)),
        Process("verify-quick", "collapse verify --no-cache", (*verify, fresh),
                (*verify, *ONE_THEOREM, fresh), once=True),
        Process("verify-full", "collapse verify --full --no-cache", (*verify, "--full", fresh),
                (*verify, "--full", *ONE_THEOREM, fresh), once=True),
    ]  # fmt: skip
