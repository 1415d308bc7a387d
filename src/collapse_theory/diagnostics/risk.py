"""Definitions by the population risk: catastrophic, any, and endless increase."""

from __future__ import annotations

import numpy as np

from collapse_theory.diagnostics.base import Answer, Finding, Measurement, Settled, definition
from collapse_theory.diagnostics.evidence import BOUNDED, Evidence, combine
from collapse_theory.diagnostics.growth import endless
from collapse_theory.observables import divergences, diversity, parameters

CATASTROPHIC = 10.0
NEARLY = 0.9


@definition(
    "catastrophic_increase",
    "catastrophic increase of population risk",
    number=1,
    theory=("gerstgrasser2024.replace_risk", "seddik2024.S_fully_synthetic"),
)
def catastrophic(e: Evidence) -> Finding:
    """The risk is more than ten times that of the first fit, or 0.9 of the risk of a model without
    any diversity (a point at the true mean; a symbol drawn from the truth for ever).
    """
    risk, trusted = e.curve(e.risk), e.trusted(e.risk)
    first = risk[:, :1]
    found = [
        Measurement(
            "risk over risk of the first fit",
            f"> {CATASTROPHIC:g}",
            combine(np.divide, risk, first),
            (combine(lambda r, f: r - CATASTROPHIC * f, risk, first),),
            trusted,
        )
    ]
    dead = _without_diversity(e)
    if dead is not None:
        found.append(
            Measurement(
                "risk over risk of a model without diversity",
                f"> {NEARLY:g}",
                risk / dead,
                (risk - NEARLY * dead,),
                trusted,
            )
        )
    return found


@definition(
    "any_increase",
    "any increase of population risk",
    number=2,
    theory=("ols.fresh_real_plus_synthetic", "derived.fresh_mix_L2"),
)
def any_increase(e: Evidence) -> Finding:
    """The risk is larger than that of the first fit, on the same chains."""
    risk = e.curve(e.risk)
    rise = combine(np.subtract, risk, risk[:, :1])
    return [Measurement("risk - risk of the first fit", "> 0", rise, (rise,), e.trusted(e.risk))]


@definition(
    "diverging_risk",
    "asymptotically diverging population risk",
    number=3,
    theory=("ols.accumulate_fresh_design", "gerstgrasser2024.pi2over6_bound"),
)
def diverging(e: Evidence) -> Finding:
    """The risk grows without end: it gains from T/2 to T at least three quarters of what it gained
    from T/4 to T/2, or it is infinite in some chains.
    """
    if e.has(diversity.gini) and e.risk in BOUNDED:
        return Settled(Answer.NO, f"{e.risk.name} is bounded over symbols: it cannot diverge")
    risk, lost = e.curve(e.risk), e.infinite()
    return [
        endless("risk", risk, risk, trusted=e.trusted(e.risk)),
        Measurement("share of chains with infinite risk", "> 0", lost, (lost,)),
    ]


def _without_diversity(e: Evidence) -> float | None:
    """For a squared distance the risk of a point is the variance, or Gini index, of the truth."""
    if e.risk is divergences.w2_squared and e.has(parameters.variance):
        return e.at_truth(parameters.variance)
    if e.risk is parameters.mean_squared_error and e.has(diversity.gini):
        return e.at_truth(diversity.gini)
    return None
