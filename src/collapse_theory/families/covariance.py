"""Covariance matrices as users write them."""

from __future__ import annotations

from typing import Any

import numpy as np

from collapse_theory.errors import InputError, show


def check_covariance(given: Any, d: int, name: str) -> np.ndarray:
    """A covariance matrix that a user wrote, checked.

    Raises:
        InputError: it is not d x d, not finite, not symmetric or not positive definite.
    """
    try:
        cov = np.asarray(given, float)
    except (TypeError, ValueError):  # rows of different lengths, or no numbers
        cov = np.empty(0)
    if not cov.size or cov.shape != (d, d):
        needed = f"{d} x {d}" if d else "a square of numbers"
        raise InputError(f"{name} = {show(given)}: {needed} is needed, a row for each dimension")
    if not np.isfinite(cov).all():
        raise InputError(f"{name} = {show(cov.tolist())}: finite numbers are needed")
    if not np.array_equal(cov, cov.T):
        raise InputError(f"{name} = {show(cov.tolist())}: a covariance must be symmetric")
    if not _positive(cov):
        raise InputError(f"{name} = {show(cov.tolist())}: a covariance must be positive definite")
    return cov


def _positive(cov: np.ndarray) -> bool:
    try:  # what the root is made with: eigenvalues may round to either side of 0
        np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        return False
    return bool(np.linalg.eigvalsh(cov)[0] > 0)
