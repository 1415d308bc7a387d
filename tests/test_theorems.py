"""Every theorem of the catalogue: stated, cited, covering its cases, and able to fail."""

import re
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import engine
from collapse_theory.jobs import jobs_for
from collapse_theory.planting import planted_seen
from collapse_theory.verification import theorem_named, verify

THEOREMS = ct.theorems()
KEYS = set(
    re.findall(r"^@\w+\{([^,]+),", (resources.files(ct) / "references.bib").read_text(), re.M)
)
# the quick tests judge a few; `collapse verify --strict`, which CI runs too, judges many
QUICK = ("kazdan2024.accumulate_gaussian.",)
JUDGED = [
    pytest.param(t, id=t.name, marks=() if t.name.startswith(QUICK) else pytest.mark.slow)
    for t in THEOREMS
]


@pytest.fixture(scope="module")
def verdicts(request):
    """What is to be judged in this session, as ``collapse verify`` does it, once."""
    here = [i for i in request.session.items if "verdicts" in getattr(i, "fixturenames", ())]
    asked = {i.callspec.params["theorem"].name for i in here if i.path == request.path}
    few = sorted(asked) if all(name.startswith(QUICK) for name in asked) else None
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            engine.LARGEST_UNIT, "cpu", 1 << 15
        )  # the command's own; faster for many chains
        judged = verify(few, level="all")
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


@pytest.mark.parametrize("theorem", JUDGED)
def test_its_cases_get_the_verdict_they_should(theorem, verdicts):
    """False alarms: 0.001 a verdict. The seed is the command's own and stays as it is."""
    for v in verdicts[theorem.name]:
        assert v.as_expected, str(v)
        if v.status is ct.Status.CONSISTENT:
            assert v.detectable <= 0.03


@pytest.mark.parametrize("theorem", JUDGED)
def test_its_planted_error_is_refuted(theorem, verdicts):
    """Of the cases that are believed at all, at least one must refute the planted error."""
    seen = [v.planted_seen for v in verdicts[theorem.name] if v.planted_seen is not None]
    expected = {v.expected for v in verdicts[theorem.name]}
    assert any(seen) or ct.Status.CONSISTENT not in expected


@pytest.mark.parametrize("kind", [ct.Kind.EXACT, ct.Kind.UPPER])
def test_an_error_too_small_to_be_seen_is_not_claimed_to_be(kind):
    """5 % is seen; a planted error of nothing is not; a bound is planted by what was seen."""
    theorem = replace(theorem_named("gerstgrasser2024.replace_risk"), kind=kind)
    (verdict,) = verify([replace(theorem, cases=theorem.cases[:1])], chains=1 << 18)
    assert verdict.planted_seen
    right = replace(verdict, theorem=replace(theorem, planted=lambda values: values))
    assert planted_seen(right) is (kind is ct.Kind.UPPER)
    assert planted_seen(replace(verdict, status=ct.Status.REFUTED)) is None


def test_what_is_known_to_be_false_is_offered_to_nobody():
    """A false statement covers its own case, and is neither predicted nor judged elsewhere."""
    false = theorem_named("errata.bessel_keeps_the_variance")
    e = replace(false.cases[0].experiment, observables=())
    assert false.covers(e)
    assert not false.applies(e)
    names = {p.theorem.name for p in ct.predict(e)}
    assert "accumulate.unbiased.variance" in names
    assert false.name not in names
    assert false.name not in {job.theorem.name for job in jobs_for(e, brief=False)}
