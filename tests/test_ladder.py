"""Asymptotic statements on a ladder: true ones pass, wrong ones fail, small sizes say so."""

from dataclasses import replace

import pytest

import collapse_theory as ct

RULE = ct.theorem_named("shumailov2024.w2_three_halves")


def judged(theorem, n, generations, ddof):
    experiment = ct.Experiment(
        family=ct.Gaussian(ddof=ddof), workflow=ct.Replace(), n=n, generations=generations
    )
    alone = replace(theorem, cases=(ct.Case(experiment),))
    (verdict,) = ct.verify([alone])
    return verdict.status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factor", "n", "generations", "ddof", "status"),
    [
        (1.0, 40, 4, 1, ct.Status.CONSISTENT),
        (1.15, 40, 4, 1, ct.Status.REFUTED),
        (1.0, 20, 30, 0, ct.Status.INCONCLUSIVE),  # the expansion is in generations / n
    ],
)
def test_the_three_verdicts(factor, n, generations, ddof, status):
    """The seed is fixed; false alarms 0.001 each, and the planted 15 % is 8 errors off or more."""
    wrong = replace(RULE, formula=lambda e: factor * RULE.formula(e))
    assert judged(wrong, n, generations, ddof) is status
