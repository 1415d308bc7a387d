"""The ceiling on an NVIDIA GPU: ``gaussian_replace.cu``, compiled with nvcc in a temporary folder.

There was no such GPU where this was written: it has been compiled (CUDA 13.0) but not run.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from collapse_theory.bench.fused import root_quantile
from collapse_theory.bench.measuring import Outcome, Side

TIMEOUT = 300  # seconds


@contextlib.contextmanager
def cuda_side(chains: int, n: int, generations: int) -> Iterator[Side | str]:
    """The kernel as a contender for a while, or a note that says why there is none."""
    nvcc = shutil.which("nvcc")
    if nvcc is None:
        yield "no CUDA ceiling: nvcc is not on the PATH"
        return
    source = resources.files("collapse_theory.bench") / "gaussian_replace.cu"
    with tempfile.TemporaryDirectory() as folder, resources.as_file(source) as path:
        program = Path(folder) / "gaussian_replace"
        words = [nvcc, "-O3", "-arch=native", "-o", str(program), str(path)]
        try:
            _run(words)
            call = functools.partial(_outcome, program, (chains, generations, n))
            side = Side(call, chains * generations)
            side.run(0)
        except (OSError, subprocess.SubprocessError, ValueError) as e:
            told = getattr(e, "stderr", None) or str(e)
            yield f"no CUDA ceiling: {told.strip().splitlines()[-1]}"
            return
        yield side


def parse(line: str) -> Outcome:
    """What the program prints: seconds, mean, standard error.

    Raises:
        ValueError: it is not that.
    """
    seconds, mean, se = map(float, line.split())
    return Outcome(mean, se, seconds)


def _outcome(program: Path, size: tuple[int, int, int], seed: int) -> Outcome:
    """Run the program; size: chains, generations, n."""
    table = [repr(float(c)) for c in root_quantile(size[2] - 1)]
    return parse(_run([str(program), *map(str, size), str(seed), *table]))


def _run(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=TIMEOUT)
    return done.stdout
