"""Ten thousand inputs and more: none may end in a traceback, a hang or silent nonsense.

Experiment files, sweep files, command lines, files of data and damaged stores, made by the
strategies of the tests (tests/input_strategies.py) and held to the same rules
(tests/input_checks.py). Prints how many of each kind were tried, accepted and refused, and every
kind's first fault. Exit status 1 if there is one.

Run: python benchmarks/inputs.py [INPUTS [SEED]] (about ten minutes on one core)
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import input_checks as checks
from input_strategies import columns, files, sweeps, tables

INPUTS = 10_500
SHARES = {"experiments": 0.25, "sweeps": 0.1, "commands": 0.35, "data": 0.26, "stores": 0.04}
SIMULATED = 60  # one in so many experiment files and files of data


def kinds(folder: Path) -> dict[str, tuple[Any, Callable[[Any], str]]]:
    """A strategy for each kind, and what is done with an input; it says how that ended."""
    stores = checks.Stores(folder / "stores")

    def store(damage: tuple[int, int, int, bytes]) -> str:
        stores.damage(*damage)
        return stores.read()

    places = st.integers(0, 999), st.integers(0, 9), st.integers(0, 9999), st.binary(min_size=1)
    return {
        "experiments": (
            files(tables()), lambda content: checks.experiment(folder, content, SIMULATED),
        ),
        "sweeps": (files(sweeps()), lambda content: checks.sweep(folder, content)),
        "commands": (checks.command_lines(), lambda words: checks.command_line(folder, words)),
        "data": (columns(), lambda data: checks.column(folder, *data, SIMULATED)),
        "stores": (st.tuples(*places), store),
    }  # fmt: skip


def tried(strategy: Any, check: Callable[[Any], str], inputs: int, number: int) -> Counter[str]:
    """How so many inputs ended; faults are counted, and do not stop the rest."""
    ends: Counter[str] = Counter()

    @seed(number)
    @settings(
        max_examples=inputs, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def each(value: Any) -> None:
        begun = time.perf_counter()
        try:
            ends[check(value)] += 1
        except (Exception, SystemExit):
            ends["faults"] += 1
            if ends["faults"] <= 3:
                print(f"fault: {value!r:.3000}", file=sys.stderr)
                traceback.print_exc(limit=-4)
        ends["slowest, ms"] = max(ends["slowest, ms"], int(1e3 * (time.perf_counter() - begun)))

    each()
    return ends


def main() -> int:
    """Try all kinds and print how they ended."""
    inputs = int(sys.argv[1]) if len(sys.argv) > 1 else INPUTS
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        os.environ["JAX_COMPILATION_CACHE_DIR"] = ""
        for kind, (strategy, check) in kinds(folder).items():
            begun = time.perf_counter()
            ends = tried(strategy, check, round(SHARES[kind] * inputs), number)
            seconds = time.perf_counter() - begun
            count = sum(ends[k] for k in (checks.ACCEPTED, checks.REFUSED, "faults"))
            total.update({k: ends[k] for k in (checks.ACCEPTED, checks.REFUSED, "faults")})
            print(
                f"{kind:<12} {count:>6,} inputs: {ends[checks.ACCEPTED]:,} accepted, "
                f"{ends[checks.REFUSED]:,} refused, {ends['faults']:,} tracebacks or other faults; "
                f"slowest {ends['slowest, ms'] / 1e3:.1f} s; {seconds:.0f} s in all",
                flush=True,
            )
    print(
        f"{total.total():,} inputs: {total[checks.ACCEPTED]:,} accepted, "
        f"{total[checks.REFUSED]:,} refused, {total['faults']:,} tracebacks or other faults"
    )
    return 1 if total["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
