"""What one run refutes is tried on another, and stands only if both refute it."""

from dataclasses import replace

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import confirming, discovery, trying, verification
from collapse_theory.catalogue.trial import Trial
from collapse_theory.confirming import FRESH, confirmed, unconfirmed
from collapse_theory.errors import Interrupted
from collapse_theory.trying import attempt

TRUE = ct.theorem_named("replace.log_variance")
FALSE = replace(TRUE, formula=lambda e: TRUE.formula(e) - 0.1, cases=TRUE.cases[:1])
CHAINS = 4096
REFUTED, CONSISTENT, INCONCLUSIVE = ct.Status.REFUTED, ct.Status.CONSISTENT, ct.Status.INCONCLUSIVE


@pytest.fixture(scope="module")
def verdicts():
    """Of a true statement and of a false one."""
    e = replace(TRUE.cases[0].experiment, observables=(TRUE.observable,))
    column = ct.simulate(e, chains=CHAINS, seed=0).column(TRUE.observable)
    true, false = (ct.judge(what, e, column, asked=0.2) for what in (TRUE, FALSE))
    return replace(true, seconds=1.0), replace(false, seconds=1.0)


@pytest.fixture
def runs(monkeypatch):
    """Which chains were run: first and number."""
    ran = []
    whole = verification.simulate

    def watched(*args, **named):
        ran.append((named["first_chain"], named["chains"]))
        return whole(*args, **named)

    monkeypatch.setattr(verification, "simulate", watched)
    return ran


def test_two_runs_decide_together(verdicts):
    good, bad = verdicts
    assert (good.status, bad.status) == (CONSISTENT, REFUTED)
    both = confirmed(bad, lambda: bad)
    assert both.status is REFUTED
    assert both.seconds == 2
    assert "fresh draws: z = " in both.reason
    lucky = confirmed(bad, lambda: good)
    assert lucky.status is CONSISTENT
    assert lucky.moments is good.moments
    assert lucky.reason.startswith("no deviation; z = ")
    assert lucky.reason.endswith("of other draws was not confirmed")
    silent = replace(good, status=INCONCLUSIVE)
    assert confirmed(bad, lambda: silent).status is INCONCLUSIVE


def test_only_a_refutation_is_tried_again(verdicts):
    def never():
        raise AssertionError("nothing is to be confirmed")

    good = verdicts[0]
    assert confirmed(good, never) is good
    silent = replace(good, status=INCONCLUSIVE)
    assert confirmed(silent, never) is silent


def test_what_was_not_tried_again_says_so(verdicts):
    good, bad = verdicts
    assert unconfirmed(good) is good
    assert unconfirmed(bad).reason.endswith("not tried on fresh draws")


def test_a_false_statement_is_refuted_by_chains_that_share_nothing(runs):
    """A gap of 0.1 is more than 10 standard errors of either run."""
    (verdict,) = ct.verify([FALSE], chains=CHAINS, seed=1)
    assert runs == [(0, CHAINS), (FRESH, CHAINS)]
    assert verdict.status is REFUTED
    first, second = (part.split(" at ")[0] for part in verdict.reason.split("; fresh draws: "))
    assert first != second  # other chains, another z


def test_a_true_statement_takes_one_run(runs):
    (verdict,) = ct.verify([replace(TRUE, cases=TRUE.cases[:1])], chains=CHAINS, seed=1)
    assert runs == [(0, CHAINS)]
    assert verdict.status is not REFUTED


def test_statements_on_one_experiment_share_the_fresh_run(runs):
    other = replace(FALSE, name="another", formula=lambda e: TRUE.formula(e) + 0.1)
    found = ct.verify([FALSE, other], chains=CHAINS, seed=1)
    assert [v.status for v in found] == [REFUTED, REFUTED]
    assert runs == [(0, CHAINS), (FRESH, CHAINS)]


def test_a_ladder_is_climbed_again(runs):
    """Every rung on chains of its own, in both tries; a limit that is missed by a third."""
    what = ct.theorem_named("deydonoho2024.gp_limit")
    case = what.cases[0]
    small = replace(case, experiment=replace(case.experiment, generations=2))
    wrong = replace(what, cases=(small,), formula=lambda e: 1.5 * what.formula(e))
    (verdict,) = ct.verify([wrong], chains=CHAINS, seed=0)
    places = [i << 40 for i in range(4)]
    assert sorted(runs) == [(p, CHAINS) for p in (*places, *(FRESH + p for p in places))]
    assert verdict.status is REFUTED


def test_an_interruption_keeps_what_one_run_said(monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(verification, "confirmed", stop)
    with pytest.raises(Interrupted) as caught:
        ct.verify([FALSE], chains=CHAINS, seed=1)
    (verdict,) = caught.value.verdicts
    assert verdict.status is REFUTED
    assert verdict.reason.endswith("not tried on fresh draws")


def test_kept_runs_are_not_made_again(runs, tmp_path):
    for _ in range(2):
        (verdict,) = ct.verify([FALSE], chains=CHAINS, seed=1, store=tmp_path)
        assert verdict.status is REFUTED
    assert runs == [(0, CHAINS), (FRESH, CHAINS)]


def test_replicates_that_confirm_are_others(monkeypatch):
    """A trial whose prediction is moved by a third; its second generator draws other numbers."""
    what = next(
        t for t in discovery.members(Trial) if t.name == "gerstgrasser2024.replace_fixed_law"
    )
    drawn = []

    def draws(rng, count, **numbers):
        rows = what.draws(rng, count, **numbers)
        drawn.append(float(np.asarray(rows).sum()))
        return rows

    wrong = replace(what, draws=draws, stated=lambda **numbers: 1.3 * what.stated(**numbers))
    verdict = attempt(wrong, what.cases[0])
    assert verdict.status is REFUTED
    assert "fresh draws" in verdict.reason
    assert len(set(drawn)) == len(drawn) > 1
    monkeypatch.setattr(trying, "confirmed", lambda first, again: first)
    assert "fresh draws" not in attempt(wrong, what.cases[0]).reason


def test_fresh_chains_lie_beyond_every_rung():
    highest = max(c for job in verification.jobs_for(None, brief=False) for c in job.first_chains)
    assert highest + (1 << 40) <= confirming.FRESH
