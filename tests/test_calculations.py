"""Statements judged without random numbers: stated, cited, right, and able to fail.

Their numbers are kept, too: see kept_values.py. `python tests/test_calculations.py` writes them.
"""

import os
from dataclasses import replace

os.environ.setdefault("JAX_ENABLE_X64", "1")

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory.calculating import check, compare
from collapse_theory.catalogue import dohmatob2024tails
from collapse_theory.catalogue.base import Source, Status
from collapse_theory.coverage import coverage
from collapse_theory.exact import ancestors
from collapse_theory.exact.lumping import LumpedChain
from collapse_theory.exact.paths import mean_over_paths
from kept_values import most_are_kept, read, same, six, write
from test_theorems import KEYS

NAME = "calculations"
KEPT = read(NAME)
NEAR = 1e-7  # relative: what searches and integrals are good to
ALL = ct.calculations()
CASES = [pytest.param(c, n, id=f"{c.name}-{i}") for c in ALL for i, n in enumerate(c.cases)]


@pytest.mark.parametrize("what", ALL, ids=lambda c: c.name)
def test_it_is_stated_and_cited(what):
    assert "$" in what.statement
    assert what.source.key is None or what.source.key in KEYS
    assert what.cases
    assert (what.order is not None) == (what.kind is ct.Kind.ASYMPTOTIC)


@pytest.mark.parametrize(("what", "numbers"), CASES)
def test_both_sides_agree_as_they_did_and_a_planted_error_is_seen(what, numbers):
    sides = what.sides(**numbers)
    verdict = check(replace(what, sides=lambda **_: sides), numbers)
    assert verdict.as_expected, str(verdict)
    assert verdict.planted_seen or verdict.expected is not Status.CONSISTENT
    if what.name in KEPT:
        stated, computed = KEPT[what.name][what.cases.index(numbers)]
        same(six(sides.stated), stated, NEAR)
        same(six(sides.computed), computed, max(NEAR, what.error))


def test_most_calculations_are_kept():
    most_are_kept(KEPT, [c.name for c in ALL])


def test_names_are_told_apart_and_from_theorems():
    names = [c.name for c in ALL] + [t.name for t in ct.theorems()]
    assert len(set(names)) == len(names)


def of_kind(kind, order=None):
    return ct.Calculation("x", "$x$", kind, Source(None), lambda: None, ({},), 1e-6, order)


@pytest.mark.parametrize(
    ("kind", "stated", "computed", "status"),
    [
        (ct.Kind.EXACT, [1, 2], [1, 2 + 1e-9], Status.CONSISTENT),
        (ct.Kind.EXACT, [1, 2], [1, 2.1], Status.REFUTED),
        (ct.Kind.UPPER, [1, 2], [0.1, 2], Status.CONSISTENT),
        (ct.Kind.UPPER, [1, 2], [0.1, 2.1], Status.REFUTED),
        (ct.Kind.LOWER, [1, 2], [9, 2], Status.CONSISTENT),
        (ct.Kind.LOWER, [1, 2], [9, 1.9], Status.REFUTED),
        (ct.Kind.EXACT, [0.0], [1e-3], Status.REFUTED),
    ],
)
def test_equality_and_bounds(kind, stated, computed, status):
    assert compare(of_kind(kind), {}, ct.Sides(stated, computed)).status is status


@pytest.mark.parametrize(
    ("gap", "status"),
    [
        (lambda n: 1 / n, Status.CONSISTENT),
        (lambda n: n**-0.65, Status.INCONCLUSIVE),
        (lambda n: 0.05 + 0 * n, Status.REFUTED),
        (lambda n: n**-0.2, Status.REFUTED),
        (lambda n: 0 * n, Status.CONSISTENT),
    ],
)
def test_a_gap_must_close_with_the_stated_order(gap, status):
    n = np.array([10.0, 20, 40, 80])
    sides = ct.Sides(np.ones(4), 1 + gap(n), n)
    assert compare(of_kind(ct.Kind.ASYMPTOTIC, 1.0), {}, sides).status is status


@pytest.mark.parametrize("computed", [[1.0], [1.0, np.nan]])
def test_sides_that_cannot_be_compared(computed):
    with pytest.raises(ValueError, match="finite and of one shape"):
        compare(of_kind(ct.Kind.EXACT), {}, ct.Sides([1.0, 2.0], computed))


def test_every_listed_result_is_in_one_group_and_reasons_are_given():
    found = coverage()
    judged = {*found.simulated, *found.computed}
    assert not judged & {*found.not_executable}
    assert not judged & {*found.missing}
    assert all(found.not_executable.values())


def test_ancestors_are_the_lumped_chain():
    """Two code paths: balls in bins backwards, counts of a symbol forwards."""
    p, n, t = np.array([0.4, 0.3, 0.2, 0.1]), 9, 7
    law = ancestors.ancestor_law(n, t)
    np.testing.assert_allclose(law.sum(1), 1, rtol=1e-12)
    chain = LumpedChain(n, t)
    for mine, other in [
        (ancestors.distinct(p, n), chain.support_size(p)),
        (ancestors.unseen(p, n), chain.unseen_mass(p)),
        (ancestors.all_equal(p, n), chain.collapse_probability(p)),
    ]:
        np.testing.assert_allclose(ancestors.mean_over_ancestors(law, mine), other, rtol=1e-10)
    alive = ancestors.mean_over_ancestors(law, ancestors.all_seen([0.5, 0.5], n))
    both = 1 - chain.collapse_probability(np.array([0.5, 0.5]))
    np.testing.assert_allclose(alive, both, rtol=1e-10)
    np.testing.assert_allclose(ancestors.all_seen([0.5, 0.5], 2), [0, 0, 0.5])
    with pytest.raises(ValueError, match="16"):
        ancestors.all_seen([1 / 17] * 17, 3)


def test_paths_are_the_lumped_chain():
    found = mean_over_paths(
        0.3, (4, 3, 5), lambda q, g: q, lambda q, k, g: k / (4, 3, 5)[g], lambda q: q * q
    )
    chain = LumpedChain([4, 3, 5], 3)
    squares = [chain.distribution(0.3)[t, : n + 1] @ (np.arange(n + 1) / n) ** 2
               for t, n in enumerate((4, 3, 5))]  # fmt: skip
    np.testing.assert_allclose(found, squares, rtol=1e-12)


@pytest.mark.parametrize("beta", [1.5, 2.0])
def test_the_head_of_a_sum_may_end_anywhere(beta, monkeypatch):
    """Summed one by one to a million, or to a thousand with the series for all that follow."""
    whole = dohmatob2024tails.hutter_error(beta, 1000.0)
    monkeypatch.setattr(dohmatob2024tails, "HEAD", 1000)
    assert dohmatob2024tails.hutter_error(beta, 1000.0) == pytest.approx(whole, rel=1e-9)


if __name__ == "__main__":
    found = {c.name: [c.sides(**n) for n in c.cases] for c in ALL}
    write(NAME, {k: [[six(s.stated), six(s.computed)] for s in v] for k, v in found.items()})
