"""Trained families go from generation to generation: killed in the middle, they end the same."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import checkpoint, stepwise
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.unfinished import Unfinished

E = ct.Experiment(
    family=ct.Softmax(symbols=3, training=ct.Training("adam", rate=0.3, steps=40, batch=5)),
    workflow=ct.Accumulate(), truth=CategoricalLaw((0.5, 0.3, 0.2)), n=9, generations=6,
    observables=("mean", "training_loss"),
)  # fmt: skip
CHAINS = 20

CHILD = """
import sys
import collapse_theory as ct
from collapse_theory import checkpoint, stepwise
from test_stepwise import E, CHAINS

checkpoint.EVERY = 0.0
stepwise.UNIT_BYTES = 0  # units of eight
def report(words):
    print(words, flush=True)
ct.simulate(E, chains=CHAINS, seed=5, store=sys.argv[1], plan=ct.Plan(report=report))
"""


@pytest.fixture(autouse=True)
def _units_of_eight(monkeypatch):
    monkeypatch.setattr(stepwise, "UNIT_BYTES", 0)
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)


def bits(found):
    return [a.tobytes() for a in found.moments]


def killed(store, unit, generation):
    """A run in a process of its own, ended by SIGKILL after this generation of this unit."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(store)], stdout=subprocess.PIPE, text=True,
        cwd=__file__.rpartition("/")[0],
    )  # fmt: skip
    seen = 0
    for line in child.stdout:
        seen += line.startswith(f"generation {generation} of 6: mean training loss ")
        if seen == unit:
            break
    child.kill()
    child.wait()
    child.stdout.close()


@pytest.fixture(scope="module")
def whole():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepwise, "UNIT_BYTES", 0)
        return ct.simulate(E, chains=CHAINS, seed=5)


@pytest.mark.slow
@pytest.mark.parametrize(("unit", "generation"), [(1, 4), (2, 1), (3, 5)])
def test_a_killed_run_goes_on_to_the_same_bits(tmp_path, whole, unit, generation):
    killed(tmp_path / "run", unit, generation)
    told = []
    plan = ct.Plan(report=told.append)
    found = ct.simulate(E, chains=CHAINS, seed=5, store=tmp_path / "run", plan=plan)
    assert bits(found) == bits(whole)
    # nothing finished is run again; the child may have got one generation further than was seen
    done = 6 * (unit - 1) + generation
    assert len(told) in (18 - done, 18 - done - 1)
    assert bits(ct.load(tmp_path / "run")) == bits(whole)
    assert {p.name for p in tmp_path.iterdir()} <= {"run", ".run.lock"}


def stopped(store, generation):
    def report(words):
        if words.startswith(f"generation {generation} "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ct.simulate(E, chains=CHAINS, seed=5, store=store, plan=ct.Plan(report=report))


def test_a_damaged_or_foreign_state_is_refused_and_another_version_begins_again(
    tmp_path, whole, monkeypatch
):
    stopped(tmp_path / "run", 3)
    page = tmp_path / ".run.unit-0"
    content = page.read_bytes()
    with pytest.raises(ct.InputError, match="holds another run: n = 9 there, n = 10 here"):
        Unfinished(tmp_path / "run", {"experiment": str(replace(E, n=10))}).read(0)
    page.write_bytes(content[:2000] + bytes([content[2000] ^ 1]) + content[2001:])
    with pytest.raises(ct.InputError, match="damaged"):
        ct.simulate(E, chains=CHAINS, seed=5, store=tmp_path / "run")
    page.write_bytes(content)
    monkeypatch.setattr("collapse_theory.unfinished.versions", lambda: {"jax": "0"})
    found = ct.simulate(E, chains=CHAINS, seed=5, store=tmp_path / "run")
    assert bits(found) == bits(whole)


def test_chains_are_the_same_in_any_company(whole):
    longer = ct.simulate(E, chains=8, seed=5).extend(CHAINS - 8)
    np.testing.assert_allclose(longer.moments.mean, whole.moments.mean, rtol=1e-12)
    first = ct.simulate(E, chains=8, seed=5, first_chain=8)
    assert (first.moments.n == 8).all()


def test_progress_counts_chains_up_to_all():
    told = []
    ct.simulate(E, chains=CHAINS, seed=5, plan=ct.Plan(progress=lambda *at: told.append(at)))
    done = [d for d, _ in told]
    assert done == sorted(done)
    assert told[-1] == (CHAINS, CHAINS)
    assert len(told) == 18
    assert {total for _, total in told} == {CHAINS}


def test_what_does_not_fit_is_refused_before_it_runs(monkeypatch):
    monkeypatch.setattr(stepwise, "_memory_of", lambda device: 1000)
    forbidden = ct.Plan(report=lambda words: pytest.fail("a generation was run"))
    with pytest.raises(ct.InputError, match=r"memory: 8 chains are trained side by side and take"):
        ct.simulate(E, chains=8, seed=0, plan=forbidden)
