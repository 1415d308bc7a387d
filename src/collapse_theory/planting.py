"""Can a verdict fail? Judge the same draws against a planted error, which must be refuted."""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue.base import Kind, Status
from collapse_theory.judging import Verdict, judge
from collapse_theory.ladder import RUNGS, judge_ladder

BEYOND = {Kind.UPPER: 0.95, Kind.LOWER: 1.05}  # a bound is planted on its wrong side of what is so


def planted_seen(verdict: Verdict) -> bool | None:
    """Whether the planted error is refuted by the draws of a consistent verdict.

    None where the verdict is another one: nothing is claimed there.
    """
    if verdict.status is not Status.CONSISTENT:
        return None
    if not verdict.rungs:
        return _wrong(verdict).status is Status.REFUTED
    rungs = [_wrong(v) for v in verdict.rungs]
    again = judge_ladder(verdict.theorem, rungs, RUNGS, asked=1.0, expected=Status.REFUTED)
    return again.status is Status.REFUTED


def _wrong(verdict: Verdict) -> Verdict:
    theorem = verdict.theorem
    beyond = BEYOND.get(theorem.kind)
    wrong = theorem.planted(verdict.predicted) if beyond is None else beyond * verdict.observed
    return judge(
        theorem, verdict.experiment, verdict.moments, predicted=np.asarray(wrong, float),
        dtype=verdict.dtype,
    )  # fmt: skip


__all__ = ["planted_seen"]
