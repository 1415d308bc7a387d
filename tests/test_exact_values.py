"""Exact engines as they were, and the numbers they refuse: see kept_values.py.

Each is asked at the least that it takes, where a constant that is one off shows, and refuses what
is one less. `python tests/test_exact_values.py` writes the values again.
"""

import numpy as np
import pytest

from collapse_theory.exact import (
    ancestors,
    equivalents,
    gaussian,
    gaussian_pooling,
    interacting,
    linear,
    lumping,
    ols,
    paths,
    pooled_rows,
    real_data,
    symbols,
    validation,
    weighting,
)
from kept_values import NEAR, most_are_kept, read, same, write

NAME = "exact"
ENGINES = (
    ancestors, equivalents, gaussian, gaussian_pooling, interacting, linear, lumping, ols, paths,
    pooled_rows, real_data, symbols, validation, weighting,
)  # fmt: skip
KEPT = read(NAME)
INF = np.inf
SPACE = [[1.7, 0.3, -0.2], [0.3, 0.6, 0.1], [-0.2, 0.1, 0.9]]
LAW = [0.38, 0.26, 0.19, 0.13, 0.025, 0.015]
TRIANGLE = [[1.0, 0, 0], [0.3, 0.7, 0], [0.2, 0.5, 0.3]]
SPECTRUM = np.linspace(0.1, 3, 40)
MIXED = linear.LinearWorkflow(
    sizes=[5, 4, 0, 7, INF],
    sources=[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 9], [0.2, 0.5, 0.3, 0], [0.0, 0, 1, 0]],
    weights=[[1, 0, 0, 0, 0], [0.4, 0.6, 0, 0, 0], [0.1, -0.2, 0, 0.8, 0.3]],
)
PLAIN = linear.LinearWorkflow(
    sizes=[5, 4, 6, 7],
    sources=[[1, 0, 0, 0], [0, 1, 0, 0], [0.5, 0, 0.5, 0], [0.2, 0.5, 0.3, 0]],
    weights=[[1, 0, 0, 0], [0.4, 0.6, 0, 0], [0, 0.1, 0.2, 0.7]],
)


def chain(n=5, generations=3, share=0.0):
    return lumping.LumpedChain(n, generations, share)


def fits(ddof, sizes=(2, 5, 3, 7)):
    return gaussian.GaussianReplace(sizes, ddof)


METHODS = (
    "variance_mean", "variance_second", "variance_variance", "deviation_mean", "log_variance_mean",
    "log_variance_variance", "mean_square", "mean_fourth", "wasserstein", "kl_reverse",
    "kl_forward",
)  # fmt: skip
OF_SYMBOLS = (
    "collapse_probability", "support_size", "entropy", "l1_to_truth", "sum_of_squares",
    "unseen_mass",
)  # fmt: skip
ASKED = [
    *(f"fits({ddof}).{name}()" for name in METHODS for ddof in (0, 1)),
    *(f"fits({ddof}, (4, 5, 9)).{name}({d})" for name in
      ("logdet_mean", "logdet_variance", "kl_reverse", "kl_forward") for ddof in (0, 1)
      for d in (1, 2, 3, 4)),
    *(f"fits(0, (6, 7, 6)).kl_forward({d})" for d in (3, 4)),
    *(f"fits({ddof}).log_moment({p})" for p in (-0.5, -0.4, 0.5, 2.0) for ddof in (0, 1)),
    "fits(1).moment(1.5)", "fits(1).frobenius(SPACE)", "gaussian.trace_moments(SPACE)",
    *(f"gaussian.{name}([2, 3, 10])" for name in ("c4", "kappa1", "kappa2")),
    *(f"gaussian_pooling.mad_fully_synthetic([2, 5, 3, 4], {lam}, first_biased={first})"
      for lam in (0.0, 0.8) for first in (False, True)),
    *(f"gaussian_pooling.mad_fresh_loop(2, {counts}, {lam}, 4)"
      for counts in ((1, 1), (0, 2), (2, 0), (3, 5)) for lam in (0.0, 0.9)),
    "gaussian_pooling.mad_fresh_loop(2, (1, 1), 0.9, 1)",
    "gaussian_pooling.mad_second_moments(6, (3, 5), 0.9, 4)",
    "gaussian_pooling.accumulate([1, 1, 2, 5])", "gaussian_pooling.accumulate([2, 1, 2, 5], 1)",
    *(f"gaussian_pooling.accumulate_subsample(2, {t}, {ddof})" for t in (1, 5) for ddof in (0, 1)),
    "gaussian_pooling.accumulate_second([1, 1, 2, 5], SPACE)",
    "gaussian_pooling.universal_two([1, 1, 2, 5])",
    "linear.coefficients(MIXED)", "linear.coefficients(PLAIN)", "MIXED.used",
    *(f"linear.second_moments({flow}, {v2}).{what}" for flow in ("MIXED", "PLAIN")
      for v2 in (-1.0, 0.0, 0.5) for what in ("covariance", "variance", "variance_function")),
    *(f"linear.variance_function(PLAIN, {v2})" for v2 in (-1.0, 0.0, 0.5)),
    *(f"chain({of}).{name}(LAW)" for of in ("", "(4, 1, 3), 3", "5, 3, 0.3", "(4, 6), 2, 0.2")
      for name in OF_SYMBOLS),
    *(f"chain({of}).tail_recall(LAW, [0, 0, 1, 0, 1, 1])" for of in ("", "5, 3, 1.0")),
    "chain().expected([0.5, 0.25, 0.25], lambda i, x: (i + 1) * x**2)",
    "chain(1, 1).entropy([1.0])",
    *(f"chain({n}, 3).expected_collapse_time({p})" for n in (1, 2, 4)
      for p in ("LAW", "[0.5, 0.5]", "[1.0, 0.0]")),
    *(f"chain((4, 2, 3), 3, {share}).distribution({q})" for share in (0.0, 0.3, 1.0)
      for q in (0.0, 0.3, 1.0)),
    "ols.replace_risk([5, 6, 9], 3, 1.3)", "ols.replace_risk([5, 6, 9], 3, [1.3, 0.0, 2.0])",
    "ols.replace_risk([3], 1, 1.0)", "ols.replace_fourth_moment([7, 8, 12], 3, 1.3)",
    "ols.replace_fourth_moment_fixed(7, 3, 1.3, 3)", "ols.replace_fourth_moment_fixed(5, 1, 1, 1)",
    "ols.accumulate_risk_fresh([5, 1, 2, 9], 3, 1.3)", "ols.accumulate_risk_fixed(5, 3, 1.3, 4)",
    "ols.accumulate_limit_fresh(5, 3, 1.3)", "ols.accumulate_limit_fresh(40, 1, 1.3)",
    "ols.fresh_real_plus_synthetic((2, 3), 3, 1.3, 4)",
    "ols.fresh_real_plus_synthetic((0, 5), 3, 1.3, 4, 5)",
    "ols.fresh_real_plus_synthetic((5, 0), 3, 1.3, 1, 6)",
    *(f"pooled_rows.pooled_groups_kappa([2, 0, {n}], {d})" for n, d in ((3, 3), (1, 1), (9, 4))),
    "pooled_rows.pooled_multinomial_kappa(5, [0.2, 0.8, 0.0], 3)",
    "pooled_rows.pooled_multinomial_kappa(3, [0.2, 0.8, 0.0], 1)",
    "interacting.gram(3, 1.3, (4, 2), ((2, 3), (5, 1)), 4)",
    *(f"weighting.weighted_mse(1, 1, {w}, 4)" for w in (0.0, 0.3, 1.0)),
    "weighting.weighted_mse(7, 3, 0.4, 4, initial=0.0)", "weighting.weighted_mse(7, 3, 0.4, 1)",
    *(f"weighting.optimal_weight(7.0, 3.0, {v2})" for v2 in (-1.0, 0.0, 2.0)),
    *(f"weighting.variance_weight(2, 2, {w}, 4)" for w in (0.0, 0.3, 1.0)),
    "weighting.variance_weight(7, 4, 0.4, 1)", "weighting.optimal_variance_weight(2, 2)",
    "weighting.optimal_variance_weight(7, 4)",
    *(f"weighting.prob_beat([0.0, 0.5, 3.0], {d})" for d in (1, 2, 5)),
    "weighting.prob_beat_replace(1, [1, 2, 5])", "weighting.prob_beat_replace(4, [3, 9], 3)",
    *(f"weighting.prob_beat_bivariate(1.0, {v}, {c})" for v, c in
      ((2.0, 0.5), (0.5, -0.3), (1.0, 1.0), (1.0, -1.0), (4.0, 2.0), (0.25, 0.5))),
    "symbols.batch_covariance([1, 4, 7], TRIANGLE)", "symbols.batch_covariance([1], [[1.0]])",
    "symbols.fresh_covariance(TRIANGLE, [[1, 0, 0], [3, 4, 0], [5, 6, 7]])",
    "symbols.fresh_covariance([[1.0, 0], [0.0, 1.0]], [[3, 0], [0, 4]])",
    "symbols.fresh_covariance(TRIANGLE, [1, 4, 7], iid=True)",
    "ancestors.ancestor_law(1, 3)", "ancestors.ancestor_law(5, 4)",
    *(f"ancestors.{name}([0.5, 0.3, 0.2], 4)" for name in
      ("distinct", "unseen", "all_equal", "all_seen")),
    "ancestors.all_seen([1 / 16] * 16, 17)",
    "ancestors.mean_over_ancestors(ancestors.ancestor_law(3, 4), [0.0, 1.0, 4.0, 9.0])",
    "paths.mean_over_paths(0.3, (2, 3), lambda q, g: q, lambda q, k, g: k / (g + 2), np.sqrt)",
    *(f"equivalents.equivalent({penalty}, {n}, SPECTRUM)[{part}]" for penalty, n in
      ((0.3, 25), (0.0, 25), (0.0, 39), (0.0, 40), (0.3, 90)) for part in range(4)),
    "equivalents.ridge_risk(0.2, 60, SPECTRUM, 1 / SPECTRUM, 0.7)",
    "equivalents.ridge_chain_risk(0.2, 60, SPECTRUM, np.sin(SPECTRUM), 0.7, 3)",
    "equivalents.weighted_step((0.3, 0.7), (40, 60), 12)",
    *(f"equivalents.features_equivalent(0.05, {n}, {m}, SPECTRUM)" for n, m in
      ((60, 30), (20, 70), (90, 80))),
    *(f"real_data.{name}(10.0, {made}, {v2})" for name in
      ("settled_inflation", "settled_inflation_fresh") for made in (0.0, 4.0, 60.0)
      for v2 in (-1.0, 0.0, 1.0, 20.0, 24.0, 25.0, 45.0)),
    "real_data.settled_inflation(2.0, 2.0, 6.0)",
    "real_data.settled_inflation_fresh(2.0, 2.0, 6.0)",
    *(f"real_data.most_synthetic(10.0, {eta}, {v2})" for eta in (1.1, 1.4, 1.5, 1.6)
      for v2 in (-1.0, 0.0, 1.0, 2.5)),
    *(f"real_data.enough_for_l1(8.0, {far}, {s})" for far in (0.1, 0.5, 0.75) for s in (2, 4, 9)),
    "validation.whole('n', 3.0, 3)", "validation.schedule('n', [3, 4], 3)",
    "validation.at_least('x', 0.5, 0.5)", "validation.at_least('x', 0.6, 0.5, strict=True)",
    "validation.probability('p', 0)", "validation.probability('p', 1)",
    "validation.divisor(0)", "validation.divisor(1)",
]  # fmt: skip
REFUSED = [
    "fits(2)", "fits(1, (2, 1))", "fits(1, ())", "fits(1, (2, 2.5))", "fits(1, [[2, 3]])",
    "fits(1).log_moment(INF)", "fits(0).frobenius(SPACE)", "fits(1).frobenius([[1.0, 2.0]])",
    "fits(1).frobenius([[1.0, 0.2], [0.3, 1.0]])", "fits(1).frobenius([1.0])",
    "fits(1).logdet_mean(0)", "fits(1).logdet_variance(0)", "fits(1).kl_reverse(0)",
    "fits(1).kl_forward(0)",
    *(f"gaussian.{name}([1.9])" for name in ("c4", "kappa1", "kappa2")),
    "gaussian_pooling.mad_fully_synthetic([1], 0.5)",
    "gaussian_pooling.mad_fully_synthetic([2], -0.1)",
    "gaussian_pooling.mad_fresh_loop(1, (1, 1), 0.9, 4)",
    "gaussian_pooling.mad_fresh_loop(2, (1, 0), 1, 4)",
    "gaussian_pooling.mad_fresh_loop(2, (-1, 3), 0.9, 4)",
    "gaussian_pooling.mad_fresh_loop(2, (3, -1), 1, 4)",
    "gaussian_pooling.mad_fresh_loop(2, (1, 1), -0.1, 4)",
    "gaussian_pooling.mad_fresh_loop(2, (1, 1), 1, 0)",
    "gaussian_pooling.accumulate([0, 3])", "gaussian_pooling.accumulate([1, 3], 1)",
    "gaussian_pooling.accumulate([3], 2)", "gaussian_pooling.accumulate_subsample(1, 3)",
    "gaussian_pooling.accumulate_subsample(2, 0)", "gaussian_pooling.accumulate_subsample(2, 1, 2)",
    "gaussian_pooling.accumulate_second([0], SPACE)", "gaussian_pooling.universal_two([0])",
    "linear.second_moments(PLAIN, -1.01)", "linear.variance_function(PLAIN, -1.01)",
    "linear.variance_function(PLAIN, INF)",
    "linear.LinearWorkflow(sizes=[5], sources=[[1, 0]], weights=[1])",
    "linear.LinearWorkflow(sizes=[5, 5], sources=[[1, 0]], weights=[[1]])",
    "linear.LinearWorkflow(sizes=[5], sources=[[1]], weights=[[1]])",
    "linear.LinearWorkflow(sizes=[], sources=np.ones((0, 2)), weights=np.ones((1, 0)))",
    "linear.LinearWorkflow(sizes=[5], sources=[[1, 0]], weights=[[np.nan]])",
    "linear.LinearWorkflow(sizes=[5], sources=[[np.nan, 0]], weights=[[1]])",
    "linear.LinearWorkflow(sizes=[5], sources=[[1.5, -0.5]], weights=[[1]])",
    "linear.LinearWorkflow(sizes=[5], sources=[[1, 0]], weights=[[1 + 2e-9]])",
    "linear.LinearWorkflow(sizes=[5], sources=[[1 - 2e-9, 0]], weights=[[1]])",
    "linear.LinearWorkflow(sizes=[0], sources=[[1, 0]], weights=[[1]])",
    "linear.LinearWorkflow(sizes=[5], sources=[[0, 1]], weights=[[1]])",
    "chain(0, 3)", "chain(5, 0)", "chain((4, 3), 3)", "chain(5, 3, 1.01)", "chain(5, 3, -0.01)",
    "chain().distribution(1.01)", "chain().entropy([])", "chain().entropy([[0.5, 0.5]])",
    "chain().entropy([1.5, -0.5])", "chain().entropy([0.5, 0.5 + 2e-9])",
    "chain().entropy([INF, 1])",
    "chain().tail_recall(LAW, [0] * 6)", "chain().tail_recall(LAW, [1] * 5)",
    "chain(5, 3, 0.1).expected_collapse_time(LAW)", "chain((5, 4), 2).expected_collapse_time(LAW)",
    "ols.replace_risk([5, 4], 3, 1.0)", "ols.replace_risk([5], 0, 1.0)",
    "ols.replace_risk([5], 3, -1.0)",
    "ols.replace_risk([5, 5, 5], 3, [1.0, 1.0])", "ols.replace_risk([5], 3, INF)",
    "ols.replace_fourth_moment([6], 3, 1.0)", "ols.replace_fourth_moment([6], 0, 1.0)",
    "ols.replace_fourth_moment_fixed(6, 3, 1.0, 2)",
    "ols.replace_fourth_moment_fixed(7, 3, 1.0, 0)",
    "ols.replace_fourth_moment_fixed(7, 3, -1.0, 2)",
    "ols.replace_fourth_moment_fixed(7, 0, 1.0, 2)",
    "ols.accumulate_risk_fresh([4, 9], 3, 1.0)", "ols.accumulate_risk_fresh([5, 0], 3, 1.0)",
    "ols.accumulate_risk_fresh([5], 0, 1.0)", "ols.accumulate_risk_fixed(4, 3, 1.0, 2)",
    "ols.accumulate_risk_fixed(5, 3, 1.0, 0)", "ols.accumulate_risk_fixed(5, 0, 1.0, 2)",
    "ols.accumulate_limit_fresh(4, 3, 1.0)", "ols.accumulate_limit_fresh(5, 0, 1.0)",
    "ols.accumulate_limit_fresh(5, 3, -1.0)", "ols.accumulate_risk_fixed(5, 3, -1.0, 2)",
    "ols.fresh_real_plus_synthetic((2, 2), 3, 1.0, 2)",
    "ols.fresh_real_plus_synthetic((2, 3), 3, 1.0, 0)",
    "ols.fresh_real_plus_synthetic((2, 3), 3, 1.0, 2, 4)",
    "pooled_rows.pooled_groups_kappa([2, 2], 3)", "pooled_rows.pooled_groups_kappa([-1, 9], 3)",
    "pooled_rows.pooled_groups_kappa([2, 2], 0)",
    "pooled_rows.pooled_multinomial_kappa(4, [1.0], 3)",
    "pooled_rows.pooled_multinomial_kappa(4, [1.0], 0)",
    "pooled_rows.pooled_multinomial_kappa(9, [1.1], 3)",
    "weighting.weighted_mse(0, 1, 0.5, 2)", "weighting.weighted_mse(1, 0, 0.5, 2)",
    "weighting.weighted_mse(1, 1, 1.1, 2)", "weighting.weighted_mse(1, 1, 0.5, 0)",
    "weighting.weighted_mse(1, 1, 0.5, 2, initial=-0.1)", "weighting.optimal_weight(0.0, 1.0)",
    "weighting.optimal_weight(1.0, 0.0)", "weighting.optimal_weight(1.0, 1.0, -1.1)",
    "weighting.variance_weight(1, 2, 0.5, 2)", "weighting.variance_weight(2, 1, 0.5, 2)",
    "weighting.variance_weight(2, 2, 1.1, 2)", "weighting.variance_weight(2, 2, 0.5, 0)",
    "weighting.optimal_variance_weight(1, 2)", "weighting.optimal_variance_weight(2, 1)",
    "weighting.prob_beat(-0.1)", "weighting.prob_beat(0.1, 0)",
    "weighting.prob_beat_replace(0, [1])",
    "weighting.prob_beat_replace(1, [0])", "weighting.prob_beat_bivariate(0.0, 1.0, 0.0)",
    "weighting.prob_beat_bivariate(1.0, 0.0, 0.0)",
    "weighting.prob_beat_bivariate(1.0, 1.0, 1.001)",
    "symbols.batch_covariance([0], [[1.0]])", "symbols.batch_covariance([1, 1], [[1.0]])",
    "symbols.batch_covariance([3, 3], [[0.5, 0.5], [0.5, 0.5]])",
    "symbols.batch_covariance([3], [[INF]])", "symbols.batch_covariance([3], [[1 + 2e-9]])",
    "symbols.fresh_covariance([[1.0]], [[0.5]])", "symbols.fresh_covariance([[1.0]], [3])",
    "symbols.fresh_covariance([[1.0]], [[3]], iid=True)",
    "symbols.fresh_covariance([[1.0]], [0], iid=True)",
    "symbols.fresh_covariance(np.ones((0, 0)), [], iid=True)",
    "symbols.fresh_covariance([[1.0]], 3)",
    "ancestors.ancestor_law(0, 1)", "ancestors.ancestor_law(1, 0)",
    "ancestors.all_seen([1 / 17] * 17, 3)",
    "interacting.gram(3, 1.0, (1, 9), ((1, 2), (3, 1)), 1)",
    "real_data.settled_inflation(0.0, 1.0, 0.0)", "real_data.settled_inflation(1.0, -0.1, 0.0)",
    "real_data.settled_inflation(1.0, 1.0, -1.1)", "real_data.most_synthetic(0.0, 1.1, 0.0)",
    "real_data.most_synthetic(1.0, 1.0, 0.0)", "real_data.settled_inflation_fresh(0.0, 1.0, 0.0)",
    "real_data.enough_for_l1(0.0, 0.1, 3)", "real_data.enough_for_l1(1.0, 0.0, 3)",
    "validation.whole('n', 2, 3)", "validation.whole('n', 3.5, 3)", "validation.whole('n', INF, 3)",
    "validation.whole('n', np.nan, 3)", "validation.schedule('n', 3, 3)",
    "validation.at_least('x', 0.4, 0.5)", "validation.at_least('x', 0.5, 0.5, strict=True)",
    "validation.at_least('x', np.nan, 0.5)", "validation.at_least('x', INF, 0.5)",
    "validation.probability('p', -1e-9)", "validation.probability('p', np.nan)",
    "validation.divisor(-1)",
]  # fmt: skip


def value(code):
    """What the code gives."""
    return eval(code, globals() | {engine.__name__.split(".")[-1]: engine for engine in ENGINES})


def numbers(code):
    """The same as one vector."""
    found = value(code)
    parts = found if isinstance(found, tuple) else (found,)
    return np.concatenate([np.asarray(p, float).ravel() for p in parts])


@pytest.mark.parametrize("code", [code for code in ASKED if code in KEPT])
def test_it_gives_what_it_did(code):
    same(numbers(code), KEPT[code])


def test_most_values_are_kept():
    most_are_kept(KEPT, ASKED)


@pytest.mark.parametrize("code", REFUSED)
def test_what_lies_outside_is_refused(code):
    with pytest.raises(ValueError, match=r"must|needs|takes at most"):
        value(code)


def test_a_change_is_seen():
    kept = KEPT["fits(0).variance_mean()"]
    with pytest.raises(AssertionError):
        same(np.array(kept) * (1 + 3 * NEAR), kept)


if __name__ == "__main__":
    write(NAME, {code: [float(f"{x:.12g}") for x in numbers(code)] for code in ASKED})
