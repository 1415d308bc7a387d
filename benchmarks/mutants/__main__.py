"""Mutation testing of the core: does a small error in the code make a test fail?

    python benchmarks/mutants map                        which test runs which line; ten minutes
    python benchmarks/mutants run [MUTANTS [SEED]]       goes on where it was stopped; an hour
    python benchmarks/mutants again                      what survived, with more and with new tests
    python benchmarks/mutants page docs/mutants.md       the page, from what was found and judged

A mutant (changes.py) is written into a copy of the package, and the quick tests that ran its lines
are tried on it, then others that ran its file, until one fails (trials.py). Which these are is
watched once (watching.py; needs `coverage`). What was found, and how survivors were judged, is kept
in benchmarks/results.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
os.environ.setdefault("MPLBACKEND", "Agg")

import page
import trials
import watching
from changes import Mutant, mutants_of
from watching import HOME, MAP, PACKAGE, ROOMS, SCRATCH, room_of

os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(SCRATCH / "hypothesis")
RESULTS = HOME / "benchmarks" / "results"
FOUND = RESULTS / "mutants.json"
MUTANTS, SEED = 240, 0


def sampled(count: int, seed: int) -> list[Mutant]:
    """As many mutants from each room, spread evenly over its lines from a random start; in turns.

    A room with fewer mutants gives all.
    """
    rng, rows = random.Random(seed), []
    for room in ROOMS:
        every = [m for file in watching.core() if room_of(file) == room
                 for m in mutants_of(PACKAGE, file)]  # fmt: skip
        step = max(1.0, len(every) / (count / len(ROOMS)))
        start = rng.uniform(0, step)
        picked = [every[int(start + i * step)] for i in range(round(len(every) / step))]
        rng.shuffle(picked)
        rows.append(picked)
    turns = [[m for m in turn if m is not None] for turn in itertools.zip_longest(*rows)]
    return [m for turn in turns for m in turn]


def recorded() -> dict[str, dict[str, Any]]:
    """What was found, by mutant."""
    return json.loads(FOUND.read_text()) if FOUND.exists() else {}


def record(found: dict[str, dict[str, Any]]) -> None:
    """Keep it: a stop loses one mutant."""
    FOUND.with_suffix(".new").write_text(json.dumps(found, indent=1) + "\n")
    FOUND.with_suffix(".new").replace(FOUND)


def plant(
    tree: Path, seen: dict[str, Any], mutant: Mutant, once_more: bool = False
) -> dict[str, Any]:
    """Try one mutant and say how it ended."""
    begun = time.monotonic()
    tests = watching.chosen(seen, mutant, once_more)
    with trials.planted(tree, mutant):
        failed = trials.tried(tree, tests, seen["seconds"])
    took = round(time.monotonic() - begun, 1)
    print(f"{took:6.1f} s  {mutant.file}:{mutant.line}  {flat(mutant.old)} -> {flat(mutant.new)}: "
          f"{failed or 'SURVIVED'}", flush=True)  # fmt: skip
    return {
        "file": mutant.file, "line": mutant.line, "what": mutant.what, "old": mutant.old,
        "new": mutant.new, "killed": failed, "tests": len(tests), "seconds": took,
    }  # fmt: skip


def flat(text: str) -> str:
    """Code in one line."""
    return " ".join(text.split())


def run(count: int, seed: int) -> int:
    """Plant a sample; first one change in each room that changes nothing, which must survive."""
    seen, tree, found = json.loads(MAP.read_text()), trials.copied(), recorded()
    mutants = sampled(count, seed)
    for mutant in [next(m for m in mutants if room_of(m.file) == room) for room in ROOMS]:
        same = dataclasses.replace(mutant, new=mutant.old)
        if plant(tree, seen, same)["killed"]:
            print("the tests fail without a change: nothing can be measured", file=sys.stderr)
            return 1
    for mutant in mutants:
        if mutant.key not in found:
            found[mutant.key] = {"seed": seed, **plant(tree, seen, mutant)}
            found[mutant.key]["first"] = found[mutant.key]["killed"]
            record(found)
    return 0


def again(only: str) -> int:
    """What survived, with every test of its file; only files whose name holds this."""
    seen, tree, found = json.loads(MAP.read_text()), trials.copied(), recorded()
    for file in sorted(
        {r["file"] for r in found.values() if not r["killed"] and only in r["file"]}
    ):
        for mutant in mutants_of(PACKAGE, file):
            if not found.get(mutant.key, {"killed": "x"})["killed"]:
                found[mutant.key] |= plant(tree, seen, mutant, once_more=True)
                record(found)
    return 0


def main() -> int:
    """One of the four commands."""
    command, *rest = sys.argv[1:]
    SCRATCH.mkdir(parents=True, exist_ok=True)
    if command == "page":
        return page.write(Path(rest[0]), recorded())
    trials.imported()
    if command == "map":
        return watching.watch(rest)
    if command == "again":
        return again(*rest or [""])
    count, seed = (*map(int, rest), *(MUTANTS, SEED)[len(rest) :])
    return run(count, seed)


if __name__ == "__main__":
    sys.exit(main())
