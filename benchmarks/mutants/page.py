"""The page: rates by room, survivors with what was judged of them, and the coverage of lines."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from scipy import stats
from watching import HOME, LEFT_OUT, MAP, ROOMS, room_of

JUDGED = HOME / "benchmarks" / "results" / "mutants_judged.json"
COVERAGE = HOME / "benchmarks" / "results" / "mutants_coverage.json"
LEAST = 95  # per cent of lines


def interval(count: int, of: int) -> tuple[float, float]:
    """Clopper-Pearson, 95 %."""
    found = stats.binomtest(count, of).proportion_ci()
    return float(found.low), float(found.high)


def rate(count: int, of: int) -> str:
    """In per cent with its interval."""
    if not of:
        return "none"
    low, high = interval(count, of)
    return f"{100 * count / of:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def row(name: str, some: dict[str, dict[str, Any]], judged: dict[str, list[str]]) -> dict[str, Any]:
    """A line of the table."""
    alive = [k for k, r in some.items() if not r["killed"]]
    same = sum(judged.get(k, ["gap"])[0] == "equivalent" for k in alive)
    first = sum(bool(r["first"]) for r in some.values())
    return {
        "room": name, "mutants": len(some), "survived": len(alive), "equivalent": same,
        "late": sum(r["killed"] == "time limit" for r in some.values()),
        "first": rate(first, len(some)), "now": rate(len(some) - len(alive), len(some)),
        "without": rate(len(some) - len(alive), len(some) - same),
    }  # fmt: skip


def covered(missing: dict[str, Any]) -> dict[str, Any]:
    """Lines of the core that the quick tests run, and the files below the least."""
    every = sum(n for n, _ in missing.values())
    absent = sum(len(lines) for _, lines in missing.values())
    few = []
    for file, (n, lines) in missing.items():
        if n and 1 - len(lines) / n < LEAST / 100:
            told = {"file": file, "share": f"{100 * (1 - len(lines) / n):.0f}"}
            few.append(told | {"lines": ", ".join(map(str, lines))})
    rooms = []
    for room in ROOMS:
        mine = [v for f, v in missing.items() if room_of(f) == room]
        total, gone = sum(n for n, _ in mine), sum(len(lines) for _, lines in mine)
        rooms.append({"room": room, "lines": total, "share": f"{100 * (1 - gone / total):.1f}"})
    return {
        "lines": every,
        "share": f"{100 * (1 - absent / every):.1f}",
        "few": few,
        "rooms": rooms,
    }


def write(path: Path, found: dict[str, dict[str, Any]]) -> int:
    """Fill in the template."""
    from collapse_theory import templating
    from collapse_theory.revision import versions

    judged: dict[str, list[str]] = json.loads(JUDGED.read_text()) if JUDGED.exists() else {}
    if MAP.exists():
        COVERAGE.write_text(json.dumps(json.loads(MAP.read_text())["missing"]) + "\n")
    seeds = sorted({r["seed"] for r in found.values()})
    samples = []
    for seed in seeds:
        mine = {k: r for k, r in found.items() if r["seed"] == seed}
        rows = [row(room, {k: r for k, r in mine.items() if room_of(r["file"]) == room}, judged)
                for room in ROOMS]  # fmt: skip
        samples.append({"seed": seed, "rows": [*rows, row("all", mine, judged)]})
    alive = []
    for key, r in sorted(found.items()):
        if not r["killed"]:
            verdict, why = judged.get(key, ["gap", ""])
            code = key.removeprefix(f"{r['file']}: ").replace("|", "\\|")
            told = {"file": r["file"], "line": r["line"], "code": code}
            alive.append(told | {"verdict": verdict, "why": why})
    facts = ", ".join(f"{k} {v}" for k, v in versions().items())
    text = templating.markdown(
        "mutants", samples=samples, alive=alive, left_out=LEFT_OUT,
        what=Counter(r["what"] for r in found.values()).most_common(), facts=facts,
        coverage=covered(json.loads(COVERAGE.read_text())), least=LEAST,
    )  # fmt: skip
    path.write_text(text)
    for sample in samples:
        for line in sample["rows"]:
            print(f"seed {sample['seed']}  {line['room']:10s} {line['mutants']:4d} mutants, "
                  f"{line['survived']} survived; killed {line['now']}")  # fmt: skip
    return 0
