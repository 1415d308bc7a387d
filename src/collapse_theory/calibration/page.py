"""The page that says how verdicts are calibrated, filled with what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from collapse_theory.calibration.guards import IN_USE, SOUND
from collapse_theory.calibration.running import LEAST_POWER, LEVELS, MOST_ALARMS, Calibration
from collapse_theory.calibration.spread import FALSE_ALARM, RESAMPLES
from collapse_theory.calibration.tables import tables
from collapse_theory.engine import Plan
from collapse_theory.judging import ALPHA, POWER
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
        "alpha": ALPHA, "power": POWER, "limit": TAIL_LIMIT, "sound": SOUND, "in_use": IN_USE,
        "refuted": found.refuted, "seen": found.seen(1.0), "wrong": found.wrong(),
        "trapped": sum(g.wrong.of for g in found.guards if g.guard == IN_USE),
        "most_alarms": MOST_ALARMS, "least_power": LEAST_POWER,
        "level": LEVELS[found.level], "violations": found.violations,
        "ratios": len(judged), "observables": len({s.observable for s in judged}),
        "left_out": sorted(left_out), "resamples": RESAMPLES, "false_alarm": FALSE_ALARM,
    }  # fmt: skip


__all__ = ["page", "write"]
