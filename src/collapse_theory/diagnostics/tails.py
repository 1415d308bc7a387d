"""Definitions by support: lost tails, invented data, classes that run into each other."""

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
from collapse_theory.observables import diversity, support

HALF = 0.5


@definition(
    "lost_tails",
    "disappearance of real tail data",
    number=7,
    theory=("engine.lumping.tail_recall", "derived.first_extinction_exact"),
)
def lost(e: Evidence) -> Finding:
    """Less than half of the first fit's tail recall is left, or more true mass is unseen than at
    the first fit. The mean mass of the tail is not asked: it stays while its symbols die.
    """
    if not e.has(diversity.tail_recall):
        return Settled(Answer.NOT_APPLICABLE, "tail recall is not defined for the family")
    kept = recall(e)
    found = [
        Measurement("tail recall over that of the first fit", f"< {HALF}", kept, (HALF - kept,))
    ]
    if e.has(diversity.unseen_mass):
        found.append(_rise("true mass unseen", e.curve(diversity.unseen_mass)))
    return found


@definition(
    "hallucinated_data",
    "appearance of hallucinated data",
    number=8,
    theory=("derived.laplace.mean",),
)
def hallucinated(e: Evidence) -> Finding:
    """The fit gives more mass than the first fit to what the truth never shows."""
    if not e.has(support.hallucinated_mass):
        return Settled(Answer.NOT_APPLICABLE, "the truth gives mass everywhere alike")
    return [_rise("mass where the truth has none", e.curve(support.hallucinated_mass))]


@definition("entangled_modes", "entanglement of real data modes", number=6)
def entangled(e: Evidence) -> Finding:
    """The fitted densities of two labelled classes overlap more than those of the first fit."""
    if not e.has(support.mode_overlap):
        return Settled(Answer.NOT_APPLICABLE, "the family has no labelled modes")
    return [_rise("overlap of the classes", e.curve(support.mode_overlap))]


def recall(e: Evidence) -> Curves:
    """Tail recall over that of the first fit."""
    curve = e.curve(diversity.tail_recall)
    return combine(np.divide, curve, curve[:, :1])


def _rise(name: str, curve: Curves) -> Measurement:
    rise = curve - curve[:, :1]
    return Measurement(f"{name} - that of the first fit", "> 0", rise, (rise,))
