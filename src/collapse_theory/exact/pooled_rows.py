"""How the label errors of groups of rows enter one least-squares fit of all, Gaussian design."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from collapse_theory.exact.validation import Matrix, Sizes, probability, schedule, whole


def pooled_groups_kappa(counts: Sizes, d: int) -> Matrix:
    r"""How the label errors of several groups of rows enter one pooled fit.

    Group k holds `n_k` rows labelled by $w^*+u_k$; then
    $E\lVert\hat w-w^*\rVert^2=\sum_{kl}\kappa_{kl}u_k\cdot u_l + \frac{d}{n-d-1}\sum_k\sigma_k^2
    n_k/n$, $g=\frac{(d-1)(n+1)}{(n-1)(n-d-1)}$,
    $\kappa_{kk}=\frac{n_k(n_k+2)+n_k(n-n_k)g}{n(n+2)}$, $\kappa_{kl}=\frac{n_kn_l(1-g)}{n(n+2)}$.
    All entries sum to 1.

    Args:
        counts: rows of each group, shape [K], with total n > d+1; 0 is allowed.
        d: dimension.

    Returns:
        kappa, shape [K, K]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    d = whole("d", d, 1)
    k = schedule("counts", counts, 0)
    n = whole("sum of counts", float(k.sum()), d + 2)
    g = _spread(n, d)
    kappa = np.outer(k, k) * (1.0 - g)
    np.fill_diagonal(kappa, k * (k + 2.0) + k * (n - k) * g)
    return kappa / (n * (n + 2.0))


def pooled_multinomial_kappa(n: int, probs: ArrayLike, d: int) -> Matrix:
    r"""The mean of `pooled_groups_kappa` over multinomial counts.

    Each row is of group k with probability `pi_k`:
    $\bar\kappa_{kk}=\frac{(n-1)\pi_k^2+3\pi_k+(n-1)\pi_k(1-\pi_k)g}{n+2}$,
    $\bar\kappa_{kl}=\frac{\pi_k\pi_l(n-1)(1-g)}{n+2}$.

    Args:
        n: rows, > d+1.
        probs: probabilities of the groups, shape [K].
        d: dimension.

    Returns:
        Shape [K, K]; rounding error only.

    Raises:
        ValueError: outside the domain.

    References:
        derived
    """
    d = whole("d", d, 1)
    n = whole("n", n, d + 2)
    p = np.asarray([probability("probs", x) for x in np.asarray(probs)])
    g = _spread(n, d)
    kappa = np.outer(p, p) * (n - 1.0) * (1.0 - g)
    np.fill_diagonal(kappa, (n - 1) * p**2 + 3 * p + (n - 1) * p * (1 - p) * g)
    return kappa / (n + 2.0)


def _spread(n: int, d: int) -> float:
    return (d - 1.0) * (n + 1.0) / ((n - 1.0) * (n - d - 1.0))
