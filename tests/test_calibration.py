"""Verdicts and standard errors over many runs; each measurement is seen to find a planted fault.

Seeds are fixed. False-alarm rates are stated with each test; a fault is planted beside it, which
the same measurement must find.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import calibration, discovery
from collapse_theory.calibration import alarms, guards, page, running, spread
from collapse_theory.calibration.blocks import blocks, row
from collapse_theory.calibration.rates import Rate, pooled
from collapse_theory.calibration.tables import tables
from collapse_theory.catalogue import rare_chains
from collapse_theory.cli import app
from collapse_theory.judging import judge
from collapse_theory.observables.base import Observable
from collapse_theory.trying import attempt

SOME = [ct.theorem_named(n) for n in ("gamma.replace_log", "replace.var_moments.mean")]
TRAPS = calibration.traps()
UNTRIED = {
    "fisher_error", "first_logit", "training_loss", "training_steps", "held_out_loss",
    "truth_perplexity", "distinct_trigrams", "held_out_accuracy",
}  # fmt: skip
"""Of families fitted by iteration, on texts or tables: 400,000 chains would take an hour."""
TINY = running.Level(
    theorems=1, replicates=20, planted=10, chains=(512,), traps=(0,), trapped=(256,),
    budget=1 << 14, families=1, blocks=20,
)  # fmt: skip


def wrong_by(factor):
    """The theorems with a false formula."""
    return [replace(t, formula=lambda e, t=t: factor * t.formula(e)) for t in SOME]


@pytest.fixture(scope="module")
def tiny():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(running.LEVELS, "quick", TINY)
        yield calibration.calibrate()


def test_the_interval_of_a_rate():
    """Clopper and Pearson in closed form for none of n: 1 - q^(1/n)."""
    none = Rate(0, 1000)
    assert none.interval == pytest.approx((0, 1 - 0.025 ** (1 / 1000)))
    assert none.upper == pytest.approx(1 - 0.05 ** (1 / 1000))
    assert pooled([none, Rate(3, 500)]) == Rate(3, 1500)
    assert Rate(0, 0).interval == (0, 1)
    assert np.isnan(Rate(0, 0).value)


def test_true_theorems_are_rarely_refuted_and_false_ones_always():
    """More than 3 refutations of 200 at the rate 0.001 come once in 18,000 times."""
    found = alarms.false_alarms(SOME, replicates=100, chains=2048)
    assert pooled(a.refuted for a in found).of == 200
    assert pooled(a.refuted for a in found).count <= 3
    assert pooled(a.confirmed for a in found).count == 0  # 1 in 5,000 times
    fault = alarms.false_alarms(wrong_by(1.5), replicates=20, chains=2048)
    assert all(a.refuted.value == a.confirmed.value == 1 for a in fault)


def test_planted_errors_are_seen_by_their_size():
    """At the size that is said to be detectable 0.1 % are missed; 3 of 160 come once in 1,700."""
    found = alarms.power(SOME, replicates=40, chains=2048, multiples=(0.0, 0.5, 1.0, 2.0))
    rates = {m: pooled(p.refuted for p in found if p.multiple == m) for m in (0, 0.5, 1, 2)}
    twice = {m: pooled(p.confirmed for p in found if p.multiple == m) for m in (0, 0.5, 1, 2)}
    assert rates[0].count <= 2
    assert rates[0].value < rates[0.5].value < rates[1].value
    assert rates[1].of - rates[1].count <= 2
    assert rates[2].value == 1
    assert twice[0].count == 0
    assert twice[0.5].count < rates[0.5].count
    assert twice[1].of - twice[1].count <= 4
    assert twice[2].value == 1


@pytest.mark.parametrize("trap", TRAPS[:1] + TRAPS[8:9], ids=lambda t: t.name)
def test_the_guard_keeps_verdicts_right_where_none_does_not(trap):
    """More than 3 wrong verdicts of 128 at the rate 0.001 come once in 100,000 times."""
    rules = {name: guards.GUARDS[name] for name in (guards.IN_USE, "none")}
    here = calibration.guard([trap], chains=[1024], budget=1 << 18, most=128, rules=rules)
    found = {g.guard: g for g in here}
    assert found[guards.IN_USE].wrong.count <= 3
    if trap.has_kurtosis:
        assert found["none"].sound.value == 1
    else:  # theory knows better than any rule that looks at chains
        assert found[guards.IN_USE].able == 0
        assert found["none"].able > 0
    if found["none"].unsound.of and trap.has_kurtosis:
        assert found["none"].wrong.count > 20
        assert found[guards.IN_USE].unsound.value < 0.01


def test_a_rule_gives_the_verdicts_that_judging_gives():
    trap = replace(TRAPS[0], experiment=replace(TRAPS[0].experiment, generations=4))
    assert list(trap.generations) == [1, 2, 3, 4]
    bare = replace(trap.experiment, observables=())
    (values,) = blocks(trap.experiment, chains=1024, count=32, seeds=range(1))
    seen = guards.evidence(values[..., 0])
    says = guards.GUARDS[guards.IN_USE](seen)
    for factor in (1.0, 1.15):  # a prediction that is false, too
        theorem = replace(trap.theorem, formula=lambda e, f=factor: f * trap.theorem.formula(e))
        moved = replace(trap, theorem=theorem)
        found = guards.refuted(moved, seen.moments, says)
        judged = [judge(theorem, bare, row(seen.moments, i)) for i in range(32)]
        assert list(found) == [v.status is ct.Status.REFUTED for v in judged]
    assert found.any()


def test_what_rules_look_at():
    """Tail index of a symmetric Pareto law, within 5 errors and the bias 1/127 of one over a mean
    of 128; the share of a chain that is all there is.
    """
    rng = np.random.default_rng(0)
    pareto = (1 - rng.random((20, 1 << 14, 1))) ** (-1 / 3) * rng.choice([-1, 1], (20, 1 << 14, 1))
    tail = guards.evidence(pareto).tail.mean()
    assert abs(tail / 3 - 1) < 5 / np.sqrt(20 * 128) + 1 / 127
    one = np.zeros((1, 100, 1))
    one[0, 0] = 1.0
    assert guards.evidence(one).largest[0, 0] == pytest.approx(0.99)
    assert guards.evidence(one).share[0, 0] == pytest.approx(0.5)


def test_standard_errors_are_right_and_wrong_ones_are_found():
    """False alarms: 0.0001 for each of three ratios of some 20 observables, 1 in 170 in all."""
    few = spread.EXPERIMENTS[:2]
    found = calibration.standard_errors(few, count=100, chains=512)
    assert not [s for s in found if s.wrong]
    assert {s.observable for s in found if s.judged} >= {"variance", "mean", "scale_survives"}
    fault = calibration.standard_errors(few, count=100, chains=512, shrink=0.7)
    assert all(s.wrong for s in fault if s.judged)


def test_every_observable_has_its_standard_errors_tested():
    names = set()
    for e in spread.EXPERIMENTS:
        every = [o for o in discovery.members(Observable) if o.supports(e.family)]
        names |= {o.name for o in e.observables or every}
    assert names | UNTRIED == {o.name for o in discovery.members(Observable)}
    assert not names & UNTRIED


def test_rates_that_are_not_kept_are_named(tiny):
    assert tiny.violations == ()
    a, p, s = tiny.alarms[0], tiny.power[2], tiny.spreads[0]
    wrong = [replace(g, wrong=Rate(9, 100), able=100) for g in tiny.guards]
    faults = {
        "true statements": replace(tiny, alarms=(replace(a, refuted=Rate(9, 1000)),)),
        "upper limit": replace(
            tiny,
            alarms=(a,),
            level="full",
            power=(replace(p, multiple=1.0, confirmed=Rate(20, 20)),),
        ),
        "planted errors": replace(tiny, power=(replace(p, multiple=1.0, confirmed=Rate(8, 10)),)),
        "traps": replace(tiny, guards=tuple(wrong)),
        "standard error": replace(tiny, spreads=(replace(s, scatter=2.0, error=0.1),)),
    }
    for words, fault in faults.items():
        (line,) = fault.violations
        assert words in line
        assert line in page.page(fault)


def test_tables_are_whole(tiny):
    for table in tables(tiny).values():
        assert {len(r) for r in table.rows} == {len(table.headings)}


def test_the_page_of_the_docs_is_of_a_full_run_of_what_there_is():
    text = (Path(__file__).parents[1] / "docs" / "calibration.md").read_text("utf-8")
    assert "collapse calibrate --full" in text
    names = [*running.THEOREMS, *guards.GUARDS, *(t.name for t in TRAPS)]
    names += [o.name for o in discovery.members(Observable) if o.name not in UNTRIED]
    assert [n for n in names if n not in text] == []


def test_the_command(tiny, tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(calibration, "calibrate", lambda level, **_: calls.append(level) or tiny)
    file = tmp_path / "calibration.md"
    assert app.run(["calibrate", "--json", "--no-cache", "--out", str(file)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["alarms"][0]["refuted"]["of"] == 20
    assert "No measured rate lies beyond" in file.read_text()
    bad = replace(tiny, alarms=(replace(tiny.alarms[0], refuted=Rate(9, 1000)),))
    monkeypatch.setattr(calibration, "calibrate", lambda level, **_: calls.append(level) or bad)
    assert app.run(["calibrate", "--full", "--no-cache"]) == 1
    assert "NOT KEPT" in capsys.readouterr().out
    assert calls == ["quick", "full"]


@pytest.mark.parametrize("words", [["--quick", "--full"], ["--out", "x.txt"], ["--seed", "-1"]])
def test_what_the_command_refuses(words, capsys):
    assert app.run(["calibrate", *words]) == 2
    assert capsys.readouterr().err.startswith("collapse: ")


def test_an_unknown_level_is_refused():
    with pytest.raises(ct.InputError, match="allowed are quick, full"):
        calibration.calibrate("slow")


@pytest.mark.parametrize(
    ("what", "part", "factor"),
    [
        (rare_chains.tilted_variance, "gammaln", 1.002),
        (rare_chains.rare_designs, "_mean_det", 1.2),
    ],
)
def test_importance_sampling_decides_what_plain_simulation_cannot(what, part, factor, monkeypatch):
    """False alarms: 0.001 a verdict. A wrong ratio of densities is refuted."""
    numbers = what.cases[0]
    verdict = attempt(what, numbers)
    assert verdict.status is ct.Status.CONSISTENT, str(verdict)
    assert verdict.planted_seen
    right = getattr(rare_chains, part)
    monkeypatch.setattr(rare_chains, part, lambda *given: factor * right(*given))
    assert attempt(what, numbers).status is ct.Status.REFUTED
