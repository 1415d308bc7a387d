"""Errors and sizes of fitted parameters."""

from __future__ import annotations

from collapse_theory.observables.base import Observable

mean = Observable("mean", "the fitted mean parameter (first coordinate), signed")
mean_squared_error = Observable(
    "mean_squared_error",
    "squared Euclidean distance between the fitted and the true mean parameter",
)
variance = Observable("variance", "the fitted variance (the trace, in several dimensions)")
variance_squared = Observable("variance_squared", "the square of the fitted variance")
total_variance = Observable(
    "total_variance",
    "fitted variance plus squared error of the fitted mean (traces, in several dimensions)",
)
log_variance = Observable(
    "log_variance", "natural logarithm of the fitted variance (of several classes: their mean)"
)
log_scale = Observable("log_scale", "natural logarithm of the fitted scale over the true one")
standard_deviation = Observable("standard_deviation", "the fitted standard deviation")
scale_survives = Observable(
    "scale_survives",
    "1 if the fitted standard deviation exceeds a tenth of the true one, else 0",
    binary=True,
)
log_det = Observable("log_det", "natural logarithm of the determinant of the fitted covariance")
frobenius_error = Observable(
    "frobenius_error", "squared Frobenius distance between fitted and true covariance"
)
excess_risk = Observable(
    "excess_risk",
    "squared prediction error on real rows beyond the noise: (w - w*)' Sigma (w - w*)",
)
