"""Every theorem of the catalogue: stated, cited, covering its cases, and able to fail."""

import re
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import engine
from collapse_theory.judging import judge
from collapse_theory.verification import verify

THEOREMS = ct.theorems()
KEYS = set(
    re.findall(r"^@\w+\{([^,]+),", (resources.files(ct) / "references.bib").read_text(), re.M)
)
EXACT = {ct.Kind.EXACT, ct.Kind.LIMIT, ct.Kind.ALMOST_SURE}


@pytest.fixture(scope="module")
def verdicts():
    """Every theorem, as ``collapse verify`` does it, once."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            engine.LARGEST_UNIT, "cpu", 1 << 15
        )  # the command's own; faster for many chains
        judged = verify()
    for v in judged:
        found.setdefault(v.theorem.name, []).append(v)
    return found


def test_there_are_enough_and_each_has_one_name():
    assert len(THEOREMS) >= 40
    assert len({t.name for t in THEOREMS}) == len(THEOREMS)


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.name)
def test_it_is_stated_cited_and_covers_its_cases(theorem):
    assert "$" in theorem.statement
    assert theorem.source.key is None or theorem.source.key in KEYS
    assert not (theorem.source.read and theorem.source.key is None)
    assert theorem.cases
    for case in theorem.cases:
        bare = replace(case.experiment, observables=())
        assert theorem.covers(bare)
        values = theorem.predict(bare)
        assert values.shape == (bare.generations,)
        assert np.isfinite(values).any()


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.name)
def test_its_cases_get_the_verdict_they_should(theorem, verdicts):
    """False alarms: 0.001 a verdict. The seed is the command's own and stays as it is."""
    for v in verdicts[theorem.name]:
        assert v.as_expected, str(v)
        if v.status is ct.Status.CONSISTENT:
            assert v.detectable <= 0.03


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda t: t.name)
def test_its_planted_error_is_refuted(theorem, verdicts):
    """Of the cases that are believed at all, at least one must refute the planted error."""
    found = [v for v in verdicts[theorem.name] if v.status is ct.Status.CONSISTENT]
    if not found or theorem.kind is ct.Kind.ASYMPTOTIC:
        assert any(v.expected is not ct.Status.CONSISTENT for v in verdicts[theorem.name]) or (
            theorem.kind is ct.Kind.ASYMPTOTIC
        )
        return
    assert any(refutes_planted(theorem, v) for v in found)


def refutes_planted(theorem, verdict):
    """Judge the same simulation against the planted prediction."""
    if theorem.kind not in EXACT:  # a bound is planted on its wrong side of what was seen
        wrong = verdict.observed * (0.95 if theorem.kind is ct.Kind.UPPER else 1.05)
    else:
        wrong = np.asarray(theorem.planted(verdict.predicted))
    again = judge(theorem, verdict.experiment, verdict.moments, predicted=wrong)
    return again.status is ct.Status.REFUTED
