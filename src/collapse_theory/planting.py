"""Can a verdict fail? Judge the same simulation against a planted error, which must be refuted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from collapse_theory.catalogue.base import Kind, Status, Theorem
from collapse_theory.experiment import Experiment
from collapse_theory.judging import Verdict, judge
from collapse_theory.ladder import judge_ladder
from collapse_theory.result import Result

BEYOND = {Kind.UPPER: 0.95, Kind.LOWER: 1.05}  # a bound is planted on its wrong side of what is so


def planted_seen(verdict: Verdict, runs: Sequence[Result]) -> bool | None:
    """Whether the planted error is refuted by the runs of a consistent verdict.

    None where the verdict is another one: nothing is claimed there.
    """
    if verdict.status is not Status.CONSISTENT:
        return None
    theorem = verdict.theorem
    if theorem.kind is Kind.ASYMPTOTIC:
        again = judge_ladder(_wrong(theorem), runs, asked=1.0, expected=Status.REFUTED)
    else:
        beyond = BEYOND.get(theorem.kind)
        wrong = theorem.planted(verdict.predicted) if beyond is None else beyond * verdict.observed
        run = runs[0]
        again = judge(
            theorem, run.experiment, run.column(theorem.observable),
            predicted=np.asarray(wrong, float), dtype=run.facts["dtype"],
        )  # fmt: skip
    return again.status is Status.REFUTED


def _wrong(theorem: Theorem) -> Theorem:
    def formula(experiment: Experiment) -> object:
        return theorem.planted(theorem.predict(experiment))

    return replace(theorem, formula=formula)


__all__ = ["planted_seen"]
