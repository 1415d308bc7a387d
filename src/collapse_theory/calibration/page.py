"""The page that says how verdicts are calibrated, filled with what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from collapse_theory import verification
from collapse_theory.calibration.alarms import SEEDS
from collapse_theory.calibration.guards import SOUND
from collapse_theory.calibration.running import LEAST_POWER, LEVELS, MOST_ALARMS, Calibration
from collapse_theory.calibration.spread import FALSE_ALARM, RESAMPLES
from collapse_theory.calibration.tables import better, tables
from collapse_theory.calibration.traps import GENERATIONS
from collapse_theory.judging import ALPHA, LEVEL, POWER
from collapse_theory.placement import Plan
from collapse_theory.result import TAIL_LIMIT, provenance_facts
from collapse_theory.templating import markdown


def write(file: Path, found: Calibration) -> None:
    """Write the page; a file there is replaced."""
    file.write_text(page(found), "utf-8")


def page(found: Calibration) -> str:
    """The page as Markdown."""
    return markdown("calibration", **_content(found))


def _content(found: Calibration) -> dict[str, Any]:
    facts = provenance_facts(Plan(), "law")
    judged = [s for s in found.spreads if s.judged]
    left_out = {s.observable for s in found.spreads} - {s.observable for s in judged}
    return {
        "tables": {name: vars(t) for name, t in tables(found).items()},
        "command": f"collapse calibrate --{found.level} --seed {found.seed}",
        "versions": ", ".join(f"{k} {v}" for k, v in facts["versions"].items()),
        "dtype": facts["dtype"], "platform": facts["platform"],
        "alpha": ALPHA, "held": LEVEL, "power": POWER, "limit": TAIL_LIMIT, "sound": SOUND,
        "refuted": found.refuted, "seen": found.seen(1.0), "wrong": found.wrong,
        "confirmed": found.confirmed, "seen_twice": found.seen_twice(1.0),
        "wrong_twice": found.wrong_twice,
        "wrong_here": found.wrong_from(verification.LEVELS["quick"].step),
        "better": better(found),
        "most_alarms": MOST_ALARMS, "least_power": LEAST_POWER,
        "level": LEVELS[found.level], "violations": found.violations,
        "ratios": len(judged), "observables": len({s.observable for s in judged}),
        "left_out": sorted(left_out), "resamples": RESAMPLES, "false_alarm": FALSE_ALARM,
        "seeds": SEEDS, "fewest": verification.LEVELS["quick"].step, "generations": GENERATIONS,
        "block": found.spreads[0].chains,
    }  # fmt: skip


__all__ = ["page", "write"]
