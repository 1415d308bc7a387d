"""Statements judged on replicates: stated, cited, right, able to fail; and the machine that tries.

The seed of a trial is that of its name and numbers: nothing is re-rolled. A false alarm has
probability 0.001 a verdict. The quick tests run what takes little; `collapse verify --all`,
which CI runs too, tries all.
"""

import numpy as np
import pytest
from scipy import stats

import collapse_theory as ct
from collapse_theory.catalogue.base import Source
from collapse_theory.catalogue.trial import Replicates
from collapse_theory.exact.equivalents import equivalent, features_equivalent, ridge_risk
from collapse_theory.moments import moments_of
from collapse_theory.trying import attempt
from test_theorems import KEYS

ALL = ct.trials()
QUICK = ("garg2025.ridge", "kde.", "feng2024.break", "xu2025.", "replace.hitting")
CASES = [
    pytest.param(
        t, n, id=f"{t.name}-{i}", marks=() if t.name.startswith(QUICK) else pytest.mark.slow
    )
    for t in ALL
    for i, n in enumerate(t.cases)
]


@pytest.mark.parametrize("what", ALL, ids=lambda t: t.name)
def test_it_is_stated_and_cited(what):
    assert "$" in what.statement
    assert what.source.key is None or what.source.key in KEYS
    assert (what.order is not None) == (what.kind is ct.Kind.ASYMPTOTIC)
    for numbers in what.cases:
        assert np.isfinite(what.predict(Replicates(numbers, 0))).all()
        assert ("size" in numbers) or what.order is None


@pytest.mark.parametrize(("what", "numbers"), CASES)
def test_it_gets_its_verdict_and_a_planted_error_is_seen(what, numbers):
    verdict = attempt(what, numbers)
    assert verdict.as_expected, str(verdict)
    assert verdict.planted_seen or verdict.expected is not ct.Status.CONSISTENT


REPLICATES, FARTHEST = 2000, 5.0
FINITE_SIZE = 0.1  # relative, of an asymptotic statement at four times the size of its case


@pytest.mark.parametrize(
    ("what", "numbers"),
    [pytest.param(t, n, id=f"{t.name}-{i}") for t in ALL for i, n in enumerate(t.cases)],
)
def test_a_few_replicates_are_near_what_is_stated(what, numbers):
    """Every trial, in milliseconds: |z| < 5 for some 300 means, so the false-alarm rate is 2e-4.

    An error of 8 standard errors, mostly 10 to 40 %, is seen with probability 0.998.
    """
    if what.kind is ct.Kind.ASYMPTOTIC:
        numbers = {**numbers, "size": 4 * numbers["size"]}
    rng = np.random.default_rng(20_261_121)
    stated = what.predict(Replicates(numbers, 0))
    rows = np.asarray(what.draws(rng, REPLICATES, **numbers), float).reshape(REPLICATES, -1)
    assert rows.shape[1:] == stated.shape
    spread = np.sqrt(stated * (1 - stated)) if what.binary else rows.std(0)
    error = np.maximum(spread / np.sqrt(REPLICATES), 1e-9 * np.abs(stated))
    gap = rows.mean(0) - stated
    if what.kind in (ct.Kind.UPPER, ct.Kind.LOWER):
        gap = np.maximum(gap if what.kind is ct.Kind.UPPER else -gap, 0)
    if what.kind is ct.Kind.ASYMPTOTIC:
        gap = np.sign(gap) * np.maximum(np.abs(gap) - FINITE_SIZE * np.abs(stated), 0)
    near = (np.abs(gap) < FARTHEST * error).all()
    assert near == (what.expected is not ct.Status.REFUTED), gap / error


def made(**changes):
    given = {
        "kind": ct.Kind.EXACT, "draws": lambda rng, count, mean: rng.normal(mean, 1, (count, 2)),
        "cases": ({"mean": 2.0},), "chunk": 500,
    } | changes  # fmt: skip

    @ct.trial("x", source=Source(None), **given)
    def stated(*, mean):
        """$m$."""
        return [mean, mean]

    return stated


def test_as_many_replicates_as_the_standard_errors_ask_for():
    what = made()
    rough, fine = (attempt(what, {"mean": 2.0}, asked=asked) for asked in (0.2, 0.01))
    assert rough.chains == 500
    assert 80_000 < fine.chains < 200_000  # (6.4 / 2 / 0.01)^2 and a margin
    assert fine.detectable <= 0.01
    assert fine.status is ct.Status.CONSISTENT
    capped = attempt(made(most=1000), {"mean": 2.0}, asked=0.01)
    assert capped.chains == 1000
    assert capped.status is ct.Status.INCONCLUSIVE


def test_the_seed_decides():
    first, again, other = (attempt(made(), {"mean": 2.0}, seed=s) for s in (1, 1, 2))
    assert (first.observed == again.observed).all()
    assert (first.observed != other.observed).all()


@pytest.mark.parametrize(("power", "status"), [(1.0, "consistent"), (0.0, "refuted")])
def test_a_ladder_must_reach_its_limit(power, status):
    what = made(
        kind=ct.Kind.ASYMPTOTIC, order=1.0, chunk=5000,
        draws=lambda rng, count, mean, size: rng.normal(
            mean * (1 + 0.2 * float(size) ** -power), 1, (count, 2)
        ),
    )  # fmt: skip
    what = ct.Trial(**{**vars(what), "stated": lambda mean, size: [mean, mean]})
    assert attempt(what, {"mean": 2.0, "size": 1}).status.value == status


def test_moments_are_those_of_the_samples():
    x = np.random.default_rng(3).gamma(2.0, size=(1000, 2))
    whole = moments_of(x)
    both = moments_of(x[:300]).merge(moments_of(x[300:]))
    for mine, other in zip(whole, both, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10)
    np.testing.assert_allclose(whole.m3 / len(x), stats.moment(x, 3), rtol=1e-10)
    x[5, 1] = np.inf
    assert moments_of(x).nonfinite.tolist() == [0, 1]
    assert moments_of(x).mean[1] == pytest.approx(np.delete(x[:, 1], 5).mean())


def test_unknown_names_are_refused():
    with pytest.raises(ct.InputError, match="unknown trial"):
        list(ct.try_all(["nothing"]))


# --- deterministic equivalents, against one large matrix ------------------------------------------


def test_the_effective_penalty_solves_its_equation():
    s = np.linspace(0.1, 3, 40)
    for penalty, n in ((0.3, 25), (1e-6, 25), (0.3, 90)):
        e = equivalent(penalty, n, s)
        assert e.kappa - penalty == pytest.approx(e.kappa / n * (s / (s + e.kappa)).sum())
    assert equivalent(0.0, 90, s).kappa == 0
    k, z, q = features_equivalent(0.05, 60, 30, s)
    assert k * (1 - z / 60) * (1 - z / 30) == pytest.approx(0.05)
    assert 0 < q < z < 30


def test_ridge_of_one_large_problem():
    """Self-averaging: d = 600, one draw, within 5 %; the rate is tried on the ladder of a trial."""
    rng, d, n = np.random.default_rng(8), 600, 900
    s = np.tile([2.0, 0.5, 0.2], d // 3)
    w = rng.normal(size=d) / np.sqrt(d)
    x = rng.normal(size=(n, d)) * np.sqrt(s)
    gram = x.T @ x / n + 0.2 * np.eye(d)
    bias = 0.2 * np.linalg.solve(gram, w)
    spread = np.linalg.solve(gram, x.T / n)
    risk = float(bias**2 @ s + 0.7**2 * (spread**2).sum(1) @ s)
    assert ridge_risk(0.2, n, s, w, 0.7) == pytest.approx(risk, rel=0.05)
