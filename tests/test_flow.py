"""The normalising flow: a density, drawn from as it says, trained, and in a loop."""

import jax
import jax.random as jr
import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory.families import plane
from collapse_theory.families.learned import as_learned
from collapse_theory.families.plane import PlaneLaw
from collapse_theory.observables.base import Snapshot
from collapse_theory.sampling.counter import seed_key
from plane_checks import by_density, density_at, gaussian_kl, midpoints, odds, unit_cells

FAMILY = ct.Flow(layers=4, width=5)
SIDE = np.linspace(-12, 12, 481)


@pytest.fixture(scope="module")
def bent():
    """A flow whose layers all do something."""
    module = FAMILY.build(seed_key(0))
    leaves, tree = jax.tree.flatten(module)
    keys = jr.split(seed_key(1), len(leaves))
    return jax.tree.unflatten(
        tree, [x + 0.3 * jr.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)]
    )


def test_it_is_a_density(bent):
    area = (SIDE[1] - SIDE[0]) ** 2
    assert density_at(SIDE, bent.log_density).sum() * area == pytest.approx(1, abs=1e-6)
    fault = density_at(SIDE, lambda x: bent.log_density(x * 1.01))  # planted: a stretch forgotten
    assert abs(fault.sum() * area - 1) > 1e-2


def test_it_is_drawn_from_as_it_says(bent):
    """Chi-square over unit cells of expectation >= 20, of 20,000 rows; false alarms 1e-4."""
    cells = unit_cells(density_at(midpoints(20), bent.log_density))
    rows = np.asarray(FAMILY.sample(seed_key(2), as_learned(bent), 20_000))
    assert odds(rows, cells) > 1e-4
    assert odds(rows, cells.T) < 1e-4  # planted: coordinates exchanged


def test_the_grid_is_fine_enough(bent, monkeypatch):
    truth = FAMILY.model(PlaneLaw())
    snap = Snapshot(truth, as_learned(bent), as_learned(bent))
    coarse = float(jax.jit(lambda s: plane.kl_forward(FAMILY, s))(snap))
    monkeypatch.setattr(plane, "SIDE", 96)
    monkeypatch.setattr(plane, "REACH", 8.0)
    fine = float(jax.jit(lambda s: plane.kl_forward(FAMILY, s))(snap))
    assert coarse != fine
    assert coarse == pytest.approx(fine, abs=1e-6)
    x = FAMILY.sample(seed_key(3), truth, 50_000)
    gaps = plane.log_mixture(truth, x) - jax.jit(jax.vmap(bent.log_density))(x)
    error = 4 * float(gaps.std()) / np.sqrt(len(x))  # false alarms 6e-5
    assert coarse == pytest.approx(float(gaps.mean()), abs=error)


def test_moments_are_those_of_the_density(bent):
    """By a sum over normals, and by one over the plane: two codes."""
    found = jax.jit(lambda fit: plane.plane_moments(FAMILY, fit))(as_learned(bent))
    mean, spread = by_density(SIDE, density_at(SIDE, bent.log_density))
    np.testing.assert_allclose(found[0], mean, atol=1e-4)
    np.testing.assert_allclose(found[1], spread, atol=1e-4)
    assert abs(spread[0, 1]) > 1e-2  # an exchange of coordinates would be seen
    assert np.abs(np.diff(mean)) > 1e-2


def test_truth_is_drawn_from():
    rows = np.asarray(FAMILY.sample(seed_key(4), FAMILY.model(PlaneLaw()), 40_000))
    table = PlaneLaw().table
    np.testing.assert_allclose(rows.mean(0), table.mean(0), atol=4 * 1.4 / np.sqrt(40_000))
    np.testing.assert_allclose(np.cov(rows.T, ddof=0), np.cov(table.T, ddof=0) + 0.2 * np.eye(2),
                               atol=0.06)  # fmt: skip


@pytest.mark.slow
def test_a_loop_of_flows_loses_the_truth():
    """The first fit beats the best Gaussian; on their own rows KL(truth || fit) grows."""
    e = ct.Experiment(family=ct.Flow(layers=4, width=8), workflow=ct.Replace(), n=400,
                      generations=3, observables=("kl_forward", "training_loss"))  # fmt: skip
    found = ct.simulate(e, chains=8, seed=0, plan=ct.Plan(dtype="float32"))
    kl = found.mean("kl_forward")
    assert 0 < kl[0] < gaussian_kl()
    assert kl[2] > kl[0] + 4 * found.se("kl_forward")[[0, 2]].max()
    assert not found.nonfinite("kl_forward").any()


@pytest.mark.parametrize(("make", "word"), [
    (lambda: ct.Flow(layers=0), "family.layers = 0"),
    (lambda: ct.Flow(width=5000), "1..1024"),
    (lambda: PlaneLaw(means=((0.0,), (1.0,))), "not 2"),
    (lambda: PlaneLaw(var=0.0), "truth.var"),
])  # fmt: skip
def test_what_is_refused(make, word):
    with pytest.raises(ct.InputError, match=word.replace(".", r"\.")):
        make()


def test_truth_and_fit_are_not_put_into_one_pool():
    e = ct.Experiment(family=FAMILY, workflow=ct.MixShare(0.5), n=4, generations=2)
    with pytest.raises(ct.InputError, match="no model of the family's own kind"):
        e.setup(np.float32)
