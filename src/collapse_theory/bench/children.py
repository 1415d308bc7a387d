"""Other processes: what a first run costs, and memory, cannot be measured from inside this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any, NamedTuple

from collapse_theory.bench import ONE_THREAD
from collapse_theory.bench.measuring import children_cpu

TIMEOUT = 3600  # seconds


class Done(NamedTuple):
    """A process that has ended."""

    code: int
    stdout: str
    seconds: float
    cores: float


def run_python(*words: str) -> Done:
    """Python with these words, in the environment that a user would have.

    Raises:
        RuntimeError: it left with 2 or more; a 1 may be a verdict.
    """
    env = {k: v for k, v in os.environ.items() if k not in ONE_THREAD}
    cpu, begun = children_cpu(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, env=env, timeout=TIMEOUT
    )
    seconds = time.perf_counter() - begun
    if done.returncode not in (0, 1):
        told = done.stderr.strip().splitlines() or ["no message"]
        raise RuntimeError(f"python {' '.join(words)} left with {done.returncode}: {told[-1]}")
    return Done(done.returncode, done.stdout, seconds, (children_cpu() - cpu) / seconds)


def child(*words: object) -> dict[str, Any]:
    """What :mod:`collapse_theory.bench.child` found, in a process of its own."""
    done = run_python("-m", "collapse_theory.bench.child", *map(str, words))
    found: dict[str, Any] = json.loads(done.stdout)
    return found
