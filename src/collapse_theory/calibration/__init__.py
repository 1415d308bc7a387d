"""Are verdicts as rarely wrong as they say? Rates over many independent runs."""

from collapse_theory.calibration.alarms import Alarms, Power, false_alarms, power
from collapse_theory.calibration.guards import GuardRow, guard
from collapse_theory.calibration.rates import Rate
from collapse_theory.calibration.running import Calibration, calibrate
from collapse_theory.calibration.spread import Spread, standard_errors
from collapse_theory.calibration.traps import Trap, traps

__all__ = [
    "Alarms", "Calibration", "GuardRow", "Power", "Rate", "Spread", "Trap", "calibrate",
    "false_alarms", "guard", "power", "standard_errors", "traps",
]  # fmt: skip
