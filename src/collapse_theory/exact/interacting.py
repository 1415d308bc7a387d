"""Least squares by several models that label rows for each other: exact second moments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from collapse_theory.exact.pooled_rows import pooled_groups_kappa
from collapse_theory.exact.validation import Matrix


def gram(
    d: int, noise: float, real: Sequence[int], counts: Sequence[Sequence[int]], fits: int
) -> Matrix:
    r"""E u_k . u_l of the errors of K models.

    Model k is fitted to `real[k]` new real rows and to `counts[k][j]` new rows labelled by model j,
    drawn for it alone:
    $G_{kk}'=\sum_{ij}\kappa^{(k)}_{ij}G_{ij}+\frac{\sigma^2d}{n_k-d-1}$,
    $G_{kl}'=\sum_{ij}\frac{n_{ki}}{n_k}\frac{n_{lj}}{n_l}G_{ij}$, from 0.

    Args:
        d: coefficients.
        noise: standard deviation of the label noise.
        real: real rows of each model, shape [K].
        counts: synthetic rows of each model by source, shape [K, K].
        fits: generations.

    Returns:
        Shape [K, K], after the last fit; rounding error only.

    Raises:
        ValueError: a model has no more than d+1 rows.

    References:
        derived
    """
    kappa = [pooled_groups_kappa((r, *c), d)[1:, 1:] for r, c in zip(real, counts, strict=True)]
    made = np.asarray(counts, float)
    totals = np.asarray(real) + made.sum(1)
    shares = made / totals[:, None]
    doses = noise**2 * d / (totals - d - 1)
    g = np.zeros(made.shape)
    for _ in range(fits):
        own = [(k * g).sum() for k in kappa] + doses
        g = shares @ g @ shares.T
        np.fill_diagonal(g, own)
    return g
