"""Engines that need no simulation: NumPy and SciPy in float64."""

from collapse_theory.exact.gaussian import GaussianReplace, c4, kappa1, kappa2, trace_moments
from collapse_theory.exact.gaussian_pooling import (
    accumulate,
    accumulate_second,
    accumulate_subsample,
    mad_fresh_loop,
    mad_fully_synthetic,
    universal_two,
)
from collapse_theory.exact.linear import (
    LinearWorkflow,
    SecondMoments,
    coefficients,
    second_moments,
    variance_function,
)
from collapse_theory.exact.lumping import LumpedChain
from collapse_theory.exact.ols import (
    accumulate_limit_fresh,
    accumulate_risk_fixed,
    accumulate_risk_fresh,
    fresh_real_plus_synthetic,
    replace_fourth_moment,
    replace_fourth_moment_fixed,
    replace_risk,
)
from collapse_theory.exact.pooled_rows import pooled_groups_kappa
from collapse_theory.exact.symbols import batch_covariance, fresh_covariance
from collapse_theory.exact.weighting import (
    optimal_variance_weight,
    optimal_weight,
    prob_beat,
    prob_beat_bivariate,
    prob_beat_replace,
    variance_weight,
    weighted_mse,
)

__all__ = [
    "GaussianReplace",
    "LinearWorkflow",
    "LumpedChain",
    "SecondMoments",
    "accumulate",
    "accumulate_limit_fresh",
    "accumulate_risk_fixed",
    "accumulate_risk_fresh",
    "accumulate_second",
    "accumulate_subsample",
    "batch_covariance",
    "c4",
    "coefficients",
    "fresh_covariance",
    "fresh_real_plus_synthetic",
    "kappa1",
    "kappa2",
    "mad_fresh_loop",
    "mad_fully_synthetic",
    "optimal_variance_weight",
    "optimal_weight",
    "pooled_groups_kappa",
    "prob_beat",
    "prob_beat_bivariate",
    "prob_beat_replace",
    "replace_fourth_moment",
    "replace_fourth_moment_fixed",
    "replace_risk",
    "second_moments",
    "trace_moments",
    "universal_two",
    "variance_function",
    "variance_weight",
    "weighted_mse",
]
