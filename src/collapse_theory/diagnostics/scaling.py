"""Definitions by what more data would do: the law of the risk over the number of rows."""

from __future__ import annotations

import numpy as np

from collapse_theory.diagnostics.base import Curves, Finding, Measurement, definition
from collapse_theory.diagnostics.evidence import SCALES, Evidence

CHANGED = 0.1  # in the exponent
FLOOR = 0.5


@definition(
    "scaling_law_change",
    "change in scaling law",
    number=4,
    theory=("dohmatob2024.hutter", "dohmatob2024.tail_cut"),
)
def exponent(e: Evidence) -> Finding:
    """With 1, 2 and 8 times the rows everywhere the risk falls like n^-c: the exponent c differs
    by more than 0.1 from that of the first fit.
    """
    power = _exponents(_log_risks(e))
    loss = power[:, :1] - power
    trusted = np.all([larger.trusted(larger.risk) for larger in e.larger], 0)
    name = "exponent of the first fit - exponent"
    return [
        Measurement(name, f"> {CHANGED}", loss, (loss - CHANGED,), trusted),
        Measurement(name, f"< -{CHANGED}", loss, (-loss - CHANGED,), trusted),
    ]


@definition(
    "strong_collapse",
    "strong collapse",
    theory=("dohmatob2025strong.ridge_mix_DE", "dohmatob2024.tail_cut"),
)
def strong(e: Evidence) -> Finding:
    """More data do not help: of the risk at 8 times the rows, at least half would be left at
    infinitely many, if the rest went on to fall as it does for the first fit.
    """
    log_risk = _log_risks(e)
    power = _exponents(log_risk)[:, :1] * np.log(SCALES[-1] / SCALES[-2])
    large, larger = np.exp(log_risk[-2]), np.exp(log_risk[-1])
    with np.errstate(invalid="ignore", divide="ignore"):
        floor = (np.exp(power) * larger - large) / np.expm1(power) / larger
    trusted = np.all([x.trusted(x.risk) for x in e.larger[-2:]], 0)
    return [
        Measurement("share of the risk that stays", f"> {FLOOR}", floor, (floor - FLOOR,), trusted)
    ]


def _log_risks(e: Evidence) -> Curves:
    """By scale: (scales, 1 + groups, T)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.stack([larger.curve(larger.risk) for larger in e.larger]))


def _exponents(log_risk: Curves) -> Curves:
    """Minus the slope of log risk over log n, by least squares: (1 + groups, T)."""
    x = np.log(SCALES) - np.log(SCALES).mean()
    with np.errstate(invalid="ignore"):  # infinite risks
        slopes: Curves = -np.tensordot(x, log_risk, 1) / (x @ x)
    return slopes
