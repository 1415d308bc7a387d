"""Definitions by diversity: its loss, alone and after that of the tails, and what is left at the
end.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.diagnostics.base import (
    Answer,
    Curves,
    Finding,
    Measurement,
    Settled,
    definition,
)
from collapse_theory.diagnostics.evidence import Evidence, combine
from collapse_theory.diagnostics.growth import endless
from collapse_theory.diagnostics.tails import HALF, recall
from collapse_theory.observables import diversity, parameters, support

GONE = 0.05
LOGS = {parameters.log_variance: 1.0, parameters.log_det: 1.0, parameters.log_scale: 2.0}
NO_DIVERSITY = Settled(Answer.NOT_APPLICABLE, "the family has no diversity to lose")


@definition(
    "collapsing_variance",
    "collapsing variance (diversity)",
    number=5,
    theory=("seddik2024.S_fully_synthetic", "shumailov2024.as_collapse"),
)
def collapsing(e: Evidence) -> Finding:
    """The typical variance, exp(E log), or the Gini index is below 1/20 of that of the first fit,
    or its logarithm falls without end.
    """
    log = _log_diversity(e)
    if log is None:
        return NO_DIVERSITY
    fall = log[:, :1] - log
    return [_gone(log), endless("-log diversity", fall, np.ones_like(fall))]


@definition(
    "early_collapse",
    "early collapse: the tails before the variance",
    theory=("derived.first_extinction_exact", "engine.lumping.tail_recall"),
)
def early(e: Evidence) -> Finding:
    """At some generation less than half of the first fit's tails is left, and still more than 1/20
    of its diversity.
    """
    log = _log_diversity(e)
    if log is None or not e.has(diversity.tail_recall):
        return Settled(Answer.NOT_APPLICABLE, "tails and diversity are not both defined")
    kept = recall(e)
    margins = HALF - kept, combine(np.exp, log - log[:, :1]) - GONE
    return [Measurement("tail recall over that of the first fit", f"< {HALF}", kept, margins,
                        ever=True)]  # fmt: skip


@definition("late_collapse", "late collapse", theory=("shumailov2024.as_collapse",))
def late(e: Evidence) -> Finding:
    """The typical variance or the Gini index is below 1/20 of that of the first fit."""
    log = _log_diversity(e)
    return NO_DIVERSITY if log is None else [_gone(log)]


@definition(
    "total_collapse", "total collapse", theory=("seddik2024.fixation_probability.fixed_on_first",)
)
def total(e: Evidence) -> Finding:
    """In at least half of the chains one symbol is left, or less than a tenth of the true standard
    deviation.
    """
    if e.has(diversity.collapsed):
        share = e.curve(diversity.collapsed)
    elif e.has(parameters.scale_survives):
        share = 1 - e.curve(parameters.scale_survives)
    else:
        return Settled(Answer.NOT_APPLICABLE, "no degenerate law is defined for the family")
    return [Measurement("share of chains that have collapsed", "> 0.5", share, (share - 0.5,))]


@definition("heat_death", "heat death, or knowledge collapse", theory=("marchi2024.temperature",))
def heat(e: Evidence) -> Finding:
    """The mean distance in total variation to the nearest Dirac, or to the uniform law on what is
    left, is below 1/20.
    """
    if not e.has(support.heat_distance):
        return Settled(Answer.NOT_APPLICABLE, "the law is not over finitely many symbols")
    if e.at_truth(support.heat_distance) < GONE:
        return Settled(Answer.NOT_APPLICABLE, "the truth itself is as close to such a law")
    distance = e.curve(support.heat_distance)
    return [Measurement("distance to a dead law", f"< {GONE}", distance, (GONE - distance,))]


def _gone(log: Curves) -> Measurement:
    ratio = combine(np.exp, log - log[:, :1])
    return Measurement("diversity over that of the first fit", f"< {GONE}", ratio, (GONE - ratio,))


def _log_diversity(e: Evidence) -> Curves | None:
    """Of a scale the mean log, which falls where typical chains do (the mean may stay for ever)."""
    for observable, times in LOGS.items():
        if e.has(observable):
            return times * e.curve(observable)
    if e.has(diversity.gini):
        return combine(np.log, e.curve(diversity.gini))
    if e.has(diversity.collapsed):
        return combine(np.log1p, -e.curve(diversity.collapsed))
    return None
