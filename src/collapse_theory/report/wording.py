"""Verdicts and their numbers in words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from collapse_theory.calculating import Check
from collapse_theory.catalogue.base import Status, Theorem
from collapse_theory.experiment import Experiment
from collapse_theory.judging import Verdict
from collapse_theory.ladder import RUNGS
from collapse_theory.verdicts import Found

NONE = "–"  # where there is no number
SHOWN = 7  # generations in a table of numbers, besides the one that deviates most
SYMBOLS = {Status.CONSISTENT: "✓", Status.REFUTED: "✗", Status.INCONCLUSIVE: "?"}
PLANTED = {True: "seen", False: "not seen", None: NONE}


def number(value: float, form: str = "#.4g") -> str:
    """A number for a table, with a true minus sign; a dash where there is none."""
    return format(value, form).rstrip(".").replace("-", "−") if math.isfinite(value) else NONE


def verdict_cell(v: Found) -> dict[str, str]:
    """A verdict by word and symbol, and what kind of agreement with the expectation it is.

    ``agreement`` is ``expected``, ``against`` (it contradicts the expected verdict) or ``short``
    (it fails to reach it).
    """
    word = v.status.value
    if v.as_expected:
        agreement = "expected"
        words = word if v.status is Status.CONSISTENT else f"{word}, as expected"
    elif v.status.contradicts(v.expected):
        agreement, words = "against", f"{word}, against expectation"
    else:
        agreement, words = "short", f"{word}, {v.expected.value} expected"
    return {
        "status": word, "symbol": SYMBOLS[v.status], "words": words, "agreement": agreement,
        "expected": v.expected.value,
    }  # fmt: skip


def workflow(v: Found) -> str:
    """The workflow that a case runs; a dash for what is no experiment."""
    e = v.experiment if isinstance(v, Verdict) else None
    return type(e.workflow).__name__ if isinstance(e, Experiment) else NONE


def evidence(v: Found) -> dict[str, tuple[str, str]]:
    """What a case rests on: text to show, and a number to sort by (empty where there is none)."""
    if isinstance(v, Check):  # no chains: how finely both sides were compared
        seen = (
            f"order {number(v.order, '.2g')}" if v.order is not None else f"{v.theorem.error:.0e}"
        )
        finest = "" if v.order is not None else f"{v.theorem.error:g}"
        return {
            "z": ("computed", ""), "detectable": (seen.replace("-", "−"), finest),
            "trusted": (NONE, ""), "chains": (NONE, ""),
        }  # fmt: skip
    return {
        "z": (number(v.max_abs_z, ".1f"), _key(v.max_abs_z)),
        "detectable": (number(v.detectable, ".2%"), _key(v.detectable)),
        "trusted": (f"{v.trusted_until} of {v.experiment.generations}", str(v.trusted_until)),
        "chains": (f"{v.chains:,}", str(v.chains)),
    }


def _key(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""


def curve(v: Verdict) -> list[dict[str, str]]:
    """Stated and simulated values at some generations: the ends, a few between, the worst."""
    last = len(v.observed)
    chosen = set(np.linspace(1, last, min(last, SHOWN)).round().astype(int).tolist())
    if np.isfinite(v.z[v.trusted]).any():
        chosen.add(int(np.nanargmax(np.where(v.trusted, np.abs(v.z), np.nan))) + 1)
    return [_at(v, t - 1) for t in sorted(chosen)]


def _at(v: Verdict, i: int) -> dict[str, str]:
    return {
        "t": str(i + 1), "stated": number(v.predicted[i]), "seen": number(v.observed[i]),
        "se": number(v.se[i], ".1e"), "z": number(v.z[i], "+.1f"),
        "trusted": "yes" if v.trusted[i] else "no",
    }  # fmt: skip


def ladder(v: Verdict) -> str:
    """How an asymptotic statement was judged; empty for others."""
    if not v.rungs:
        return ""
    gaps = [r.observed[-1] / r.predicted[-1] - 1 for r in v.rungs]
    sizes = ", ".join(str(r) for r in RUNGS[:-1])
    return (
        f"Judged by extrapolation from sizes multiplied by {sizes} and {RUNGS[-1]}: z is of the "
        "extrapolated limit, all else of the first size. Relative gaps at the end, size by size: "
        f"{', '.join(number(gap, '+.2%') for gap in gaps)}."
    )


def alternative(v: Verdict) -> str:
    """What a figure shows, for those who do not see it."""
    axis = "generation" if isinstance(v.theorem, Theorem) else "value"
    ends = sorted({1, len(v.observed)})
    said = "; ".join(
        f"at {axis} {t} {number(v.predicted[t - 1])} is stated ({v.theorem.kind.value}) and "
        f"{number(v.observed[t - 1])} ± {number(2 * v.se[t - 1], '.1e')} was simulated"
        for t in ends
    )
    largest = number(v.max_abs_z, ".1f")
    runs = "chains" if isinstance(v.theorem, Theorem) else "replicates"
    return (
        f"A line for what is stated, markers for the mean of {v.chains:,} {runs} with bars of two "
        f"standard errors: {said}. Largest |z| {largest}."
    )


def judged(v: Found) -> str:
    """How a statement is judged."""
    if isinstance(v, Check):
        return "by computing both sides"
    if isinstance(v.theorem, Theorem):
        return "against simulated chains of fits"
    return "against replicates drawn for it alone"


def case_names(group: Sequence[Found]) -> list[str]:
    """The cases in words, numbered where the words do not tell them apart."""
    words = [v.case for v in group]
    return [f"{w} ({i})" if words.count(w) > 1 else w for i, w in enumerate(words, 1)]


def breaking(name: str) -> Markup:
    """A name that a narrow column may break after dots and underscores, and before capitals."""
    return Markup(re.sub(r"(?<=[._])(?=\w)|(?<=[a-z])(?=[A-Z])", "<wbr>", str(escape(name))))


def short(classes: tuple[Any, ...]) -> str:
    """The classes that a statement covers."""
    return ", ".join(
        f"any {c.__name__.removeprefix('Abstract').lower()}"
        if c.__name__ in ("AbstractWorkflow", "AbstractFamily", "AbstractGenerator")
        else c.__name__
        for c in classes
    )
