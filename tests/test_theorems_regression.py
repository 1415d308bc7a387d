"""Formulas about least squares and exponential families against rows drawn in NumPy.

Statistical limit: |z| < 4.5 for each comparison (two-sided false-alarm rate 7e-6); 46 comparisons,
so the file raises a false alarm with probability 3e-4. Seeds are fixed, never re-rolled.
"""

import math

import numpy as np
import pytest

from collapse_theory.catalogue import deydonoho2024, gerstgrasser2024, ols, over_parametrised
from collapse_theory.exact import second_moments
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.families.exponential import Exponential, PositiveLaw
from collapse_theory.families.linear_regression import LinearRegression, RegressionLaw
from collapse_theory.families.poisson import Poisson, PoissonLaw
from collapse_theory.provenance import linear_workflow
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace

LIMIT = 4.5
CHAINS = 20_000
D, NOISE = 2, 0.8
W = np.array([0.9, -2.0])
COVARIANCE = ((1.4, -0.6), (-0.6, 0.9))
ROOT = np.linalg.cholesky(np.array(COVARIANCE))
SIZES = (12, 9, 15, 8)
LATER = (12, 1, 5, 3)  # under accumulate, later batches may be smaller than d + 2


def least_squares(x, y):
    gram = np.swapaxes(x, 1, 2) @ x
    return np.linalg.solve(gram, np.swapaxes(x, 1, 2) @ y[:, :, None])[:, :, 0]


def design(rng, n):
    return rng.standard_normal((CHAINS, n, D)) @ ROOT.T


def labels(rng, x, w):
    return (x @ w[:, :, None])[:, :, 0] + NOISE * rng.standard_normal(x.shape[:2])


def simulate(workflow, sizes, seed, real=(), fixed=False):
    rng = np.random.default_rng(seed)
    truth = np.tile(W, (CHAINS, 1))
    x = design(rng, real[0] if real else sizes[0])
    y = labels(rng, x, truth)
    same, fits = x, [least_squares(x, y)]
    for t in range(1, len(sizes)):
        new = same if fixed else design(rng, sizes[t])
        answer = labels(rng, new, fits[-1])
        if workflow == "accumulate":
            x, y = np.concatenate([x, new], 1), np.concatenate([y, answer], 1)
        elif workflow == "mix":
            fresh = design(rng, real[t])
            x = np.concatenate([fresh, new], 1)
            y = np.concatenate([labels(rng, fresh, truth), answer], 1)
        else:
            x, y = new, answer
        fits.append(least_squares(x, y))
    error = (np.stack(fits) - W) @ ROOT
    return (error**2).sum(-1)


def experiment(workflow, n, n_real=None, kind="fresh"):
    return Experiment(
        family=LinearRegression(kind, NOISE, COVARIANCE),
        truth=RegressionLaw(tuple(W)),
        workflow=workflow,
        n=n,
        n_real=n_real,
        generations=4,
    )


def check(theorem, e, values):
    assert theorem.covers(e)
    error = values.std(1, ddof=1) / math.sqrt(values.shape[1])
    gap = (values.mean(1) - theorem.predict(e)) / error
    assert (np.abs(gap) < LIMIT).all(), gap


CASES = {
    "replace schedule": (
        ols.replace_general_schedule,
        experiment(Replace(), SIZES),
        {"workflow": "replace", "sizes": SIZES},
    ),
    "replace": (
        gerstgrasser2024.replace_risk_one_size,
        experiment(Replace(), 9),
        {"workflow": "replace", "sizes": (9,) * 4},
    ),
    "replace fixed": (
        gerstgrasser2024.replace_risk_one_size,
        experiment(Replace(), 9, kind="fixed"),
        {"workflow": "replace", "sizes": (9,) * 4, "fixed": True},
    ),
    "accumulate schedule": (
        ols.accumulate_fresh_design,
        experiment(Accumulate(), LATER),
        {"workflow": "accumulate", "sizes": LATER},
    ),
    "accumulate fixed": (
        gerstgrasser2024.accumulate_fixed_design,
        experiment(Accumulate(), 9, kind="fixed"),
        {"workflow": "accumulate", "sizes": (9,) * 4, "fixed": True},
    ),
    "mix": (
        ols.fresh_real_synthetic,
        experiment(Mix("fresh"), 7, (10, 4, 4, 4)),
        {"workflow": "mix", "sizes": (7,) * 4, "real": (10, 4, 4, 4)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_risk_agrees_with_rows(name):
    theorem, e, setting = CASES[name]
    check(theorem, e, simulate(**setting, seed=len(name)))


def test_fresh_designs_refute_the_sum_of_one_design():
    e = experiment(Accumulate(), 9)
    exact = ols.accumulate_fresh_design.predict(e)
    printed = gerstgrasser2024.accumulate_fresh_as_fixed.predict(e)
    bound = gerstgrasser2024.pi2_over_6_bound.predict(e)
    assert printed[0] == pytest.approx(exact[0])
    assert (printed[1:] > exact[1:] * 1.02).all()
    assert (bound > printed).all()


@pytest.mark.parametrize("extra", [1, 2, 3, 5, 7])
def test_heavy_tails_are_not_judged(extra):
    e = experiment(Replace(), D + extra)
    theorem = gerstgrasser2024.replace_risk_one_size
    assert theorem.covers(e) == (extra > 1)
    assert not theorem.finite_kurtosis(e)


def poisson(workflow, seed):
    rng = np.random.default_rng(seed)
    rate = np.full(CHAINS, 0.9)
    batches, fits = [], []
    for n in SIZES:
        batches.append(rng.poisson(rate[:, None], (CHAINS, n)))
        used = np.concatenate(batches, 1) if workflow == "accumulate" else batches[-1]
        rate = used.mean(1)
        fits.append(rate)
    return (np.stack(fits) - 0.9) ** 2


@pytest.mark.parametrize(
    ("workflow", "theorem"),
    [
        (Accumulate(), deydonoho2024.flat_accumulate),
        (Replace(), deydonoho2024.flat_replace),
    ],
)
def test_flat_families_agree_with_rows(workflow, theorem):
    e = Experiment(
        family=Poisson(), truth=PoissonLaw(0.9), workflow=workflow, n=SIZES, generations=4
    )
    check(theorem, e, poisson(type(workflow).__name__.lower(), seed=5))


@pytest.mark.parametrize(
    ("family", "truth", "v2"),
    [(Exponential(), PositiveLaw(2.5), 1.0), (Bernoulli(), BernoulliLaw(0.3), -1.0)],
)
@pytest.mark.parametrize(
    ("workflow", "theorem"),
    [
        (Accumulate(), deydonoho2024.universality_accumulate),
        (Replace(), deydonoho2024.universality_replace),
    ],
)
def test_limit_is_reached_at_the_stated_order(family, truth, v2, workflow, theorem):
    """Against the exact second moments: the gap is O(1/n), so it shrinks tenfold when n grows
    tenfold.
    """
    gaps = []
    for n in (10**3, 10**4):
        e = Experiment(family=family, truth=truth, workflow=workflow, n=n, generations=5)
        variance = 6.25 if v2 > 0 else 0.21
        exact = variance * second_moments(linear_workflow(e), v2).variance
        gaps.append((theorem.predict(e) / exact - 1)[1:])
    np.testing.assert_allclose(gaps[1] / gaps[0], 0.1, rtol=0.02)
    assert (np.abs(gaps[1]) < 1e-3).all()


def test_least_norm_fits_forget_what_few_rows_do_not_see():
    """Rows and least-norm fits in NumPy; standard errors of less than 5 %."""
    e = over_parametrised.FEW_AND_MANY
    truth, noise, chains = np.asarray(e.truth.coefficients), e.family.noise, 4000
    rng, fit, risks = np.random.default_rng(77), np.tile(truth, (chains, 1)), []
    for n in e.n:
        x = rng.standard_normal((chains, n, len(truth)))
        y = np.einsum("cnd,cd->cn", x, fit) + noise * rng.standard_normal((chains, n))
        fit = np.einsum("cdn,cn->cd", np.linalg.pinv(x), y)
        risks.append(((fit - truth) ** 2).sum(1))
    risks = np.array(risks)
    error = risks.std(1) / np.sqrt(chains)
    z = (risks.mean(1) - over_parametrised.projections.predict(e)) / error
    assert np.abs(z).max() < LIMIT, z
    assert (error < 0.05 * risks.mean(1)).all()
