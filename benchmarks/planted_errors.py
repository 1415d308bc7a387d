"""Which planted errors do the verdicts of the catalogue see?

Every statement is judged once; then the same draws are held against wrong statements: 5 % too
large, of the wrong sign, counted one generation late, and the error that the statement names
itself (a forgotten divisor, a reused design, a wrong factor). For bounds only the last is tried, on
the wrong side of what was seen: a bound that is 5 % looser is still true. What no case of a
statement can see is listed with the reason, what its cases should see and do not by name. Exit
status 1 if less than 99 % of what could be seen was.

Run: python benchmarks/planted_errors.py (about two minutes on two cores)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

jax.config.update("jax_enable_x64", True)

from collapse_theory import calculating, trying, verification
from collapse_theory.calculating import Check
from collapse_theory.catalogue.base import Kind, Status
from collapse_theory.judging import Verdict
from collapse_theory.planting import planted_seen

ENOUGH = 0.99
BOUNDS = (Kind.UPPER, Kind.LOWER)
Plant = Callable[[np.ndarray], np.ndarray]
PLANTS: dict[str, Plant | None] = {
    "its own": None,
    "5 % too large": lambda values: 1.05 * values,
    "wrong sign": lambda values: -values,
    "a generation late": lambda values: np.append(values[1:], np.nan),
}


def blind(verdict: Verdict | Check, name: str) -> str | None:
    """Why this error cannot be seen in principle, if so."""
    if name == "its own":
        return None
    if verdict.theorem.kind in BOUNDS:
        return "a bound: what is on its right side is no error"
    stated = _stated(verdict)
    if name == "a generation late":
        if isinstance(verdict, Check) or not hasattr(verdict.theorem, "family"):
            return "its values are not generations"
        if np.allclose(stated, stated[0], rtol=1e-9, atol=1e-12):
            return "it does not change with the generation"
    return "it is 0" if np.allclose(stated, 0) else None


def _stated(verdict: Verdict | Check) -> np.ndarray:
    if isinstance(verdict, Check):
        values = np.atleast_1d(np.asarray(verdict.theorem.sides(**verdict.numbers).stated, float))
    else:
        values = np.asarray(verdict.predicted, float)
    return values[np.isfinite(values)]


def sees(verdict: Verdict | Check, plant: Plant | None) -> bool:
    """Whether the draws of a verdict refute the statement with this error."""
    if plant is None:
        return bool(verdict.planted_seen)
    wrong = replace(verdict.theorem, planted=plant)
    if isinstance(verdict, Check):
        return bool(calculating.check(wrong, verdict.numbers).planted_seen)
    return bool(planted_seen(replace(verdict, theorem=wrong)))


def main() -> int:
    """Judge, plant, print; the exit status."""
    found: list[Verdict | Check] = [
        *verification.verify(level="all"),
        *trying.try_all(level="all"),
        *calculating.check_all(brief=True),
    ]
    believed = [v for v in found if v.status is Status.CONSISTENT]
    attempts = 0
    table, missed = Table(title=f"{len({v.theorem.name for v in believed})} statements"), []
    for column in ("planted error", "seen", "of", "cannot be seen"):
        table.add_column(column, justify="left" if column == "planted error" else "right")
    reasons: dict[str, set[str]] = {}
    for name, plant in PLANTS.items():
        tried: dict[str, bool] = {}
        out = set()
        for v in believed:
            why = blind(v, name)
            if why is None:
                tried[v.theorem.name] = tried.get(v.theorem.name, False) or sees(v, plant)
            else:
                out.add(v.theorem.name)
                reasons.setdefault(f"{name}: {why}", set()).add(v.theorem.name)
        attempts += len(tried)
        missed += [f"{name}: {t}" for t, seen in tried.items() if not seen]
        table.add_row(name, str(sum(tried.values())), str(len(tried)), str(len(out - set(tried))))
    console = Console()
    console.print(table)
    for reason, names in reasons.items():
        console.print(f"{reason}: {len(names)} statements: {', '.join(sorted(names))}")
    for line in missed:
        console.print(f"NOT SEEN: {line}")
    share = 1 - len(missed) / attempts
    console.print(f"seen: {attempts - len(missed)} of {attempts}, {share:.1%}")
    return 1 if share < ENOUGH else 0


if __name__ == "__main__":
    sys.exit(main())
