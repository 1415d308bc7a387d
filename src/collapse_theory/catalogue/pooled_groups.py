"""One fit on rows that several models labelled: exact second moments, and laws of one fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.ols import replace_fourth_moment, replace_fourth_moment_fixed
from collapse_theory.exact.pooled_rows import pooled_groups_kappa, pooled_multinomial_kappa
from collapse_theory.exact.validation import Vector

OWN = Source(None)
ERRORS = ((1.0, 0.3, 0.0, -0.5), (-0.7, 1.2, 0.4, 0.0), (0.2, 0.2, -2.0, 1.0))
NOISES = (0.5, 1.0, 1.5)
PROBS = (0.1, 0.5, 0.9, 0.99)


def _quadratic_form(kappa: Any, errors: Any) -> float:
    u = np.asarray(errors, float)
    return float((kappa * (u @ u.T)).sum())


def _groups(rng: Any, count: int, *, counts: Any, errors: Any, noises: Any) -> Any:
    group = np.repeat(np.arange(len(counts)), counts)
    return _fit_error(rng, count, np.broadcast_to(group, (count, len(group))), errors, noises)


def _mixture(rng: Any, count: int, *, n: int, probs: Any, errors: Any, noises: Any) -> Any:
    group = rng.choice(len(probs), size=(count, n), p=probs)
    return _fit_error(rng, count, group, errors, noises)


def _fit_error(rng: Any, count: int, group: Any, errors: Any, noises: Any) -> Any:
    """The true weights are 0; group k is labelled by its error."""
    u, noise = np.asarray(errors, float), np.asarray(noises, float)
    x = rows.design(rng, count, group.shape[1], np.ones(u.shape[1]))
    y = (x * u[group]).sum(-1) + noise[group] * rng.standard_normal(group.shape)
    return rows.squared_norm(rows.least_squares(x, y))


@trial(
    "ols.pooled_groups_exact",
    kind=Kind.EXACT,
    source=OWN,
    draws=_groups,
    cases=({"counts": (5, 7, 3), "errors": ERRORS, "noises": NOISES},),
)
def pooled_groups(*, counts: Any, errors: Any, noises: Any) -> float:
    r"""$E\lVert\hat w-w^*\rVert^2=\sum_{kl}\kappa_{kl}u_k^\top u_l
    + \frac{d}{n-d-1}\sum_k\frac{n_k}{n}\sigma_k^2$, with $\kappa$ of
    ``exact.pooled_rows.pooled_groups_kappa``.

    Group k has $n_k$ rows labelled by $w^*+u_k$ with noise $\sigma_k$; Gaussian design, one
    least-squares fit on all n > d + 1 rows.
    """
    d, n = len(errors[0]), sum(counts)
    share = np.asarray(counts) / n
    dose = d / (n - d - 1) * float(share @ np.square(noises))
    return float(_quadratic_form(pooled_groups_kappa(counts, d), errors) + dose)


@trial(
    "ols.pooled_multinomial",
    kind=Kind.EXACT,
    source=OWN,
    draws=_mixture,
    cases=({"n": 13, "probs": (0.5, 0.3, 0.2), "errors": ERRORS, "noises": NOISES},),
)
def pooled_multinomial(*, n: int, probs: Any, errors: Any, noises: Any) -> float:
    r"""As ``ols.pooled_groups_exact`` with
    $\bar\kappa_{kk}=\frac{(n-1)\pi_k^2+3\pi_k+(n-1)\pi_k(1-\pi_k)g}{n+2}$,
    $\bar\kappa_{kl}=\frac{\pi_k\pi_l(n-1)(1-g)}{n+2}$ and $\pi_k$ for $n_k/n$.

    Each row is of group k with probability $\pi_k$: the average of $\kappa$ over multinomial
    counts.
    """
    d, p = len(errors[0]), np.asarray(probs)
    dose = d / (n - d - 1) * float(p @ np.square(noises))
    return _quadratic_form(pooled_multinomial_kappa(n, probs, d), errors) + dose


@trial(
    "minnorm.pooled_groups_exact",
    kind=Kind.EXACT,
    source=OWN,
    draws=lambda rng, count, *, counts, d, noises: _wide(rng, count, counts, d, noises),
    cases=({"counts": (3, 4, 2), "d": 22, "noises": NOISES},),
)
def wide_groups(*, counts: Any, d: int, noises: Any) -> float:
    r"""$E\lVert\hat w-w^*\rVert^2=(1-\tfrac nd)\lVert w^*\rVert^2+\sum_{kl}\kappa_{kl}u_k^\top u_l
    +\sum_k\frac{\sigma_k^2n_k}{d-n-1}$, $\kappa_{kk}=\frac{n_k(d-1-n_k)}{d(d-n-1)}$,
    $\kappa_{kl}=-\frac{n_kn_l}{d(d-n-1)}$.

    n < d - 1 rows in groups as in ``ols.pooled_groups_exact``, isotropic Gaussian design, the
    interpolating fit of least norm.
    """
    truth, u = _wide_truth(d, len(counts))
    k, n = np.asarray(counts, float), sum(counts)
    kappa = -np.outer(k, k)
    np.fill_diagonal(kappa, k * (d - 1 - k))
    noise = float(k @ np.square(noises)) / (d - n - 1)
    bias = (1 - n / d) * float(truth @ truth)
    return float(bias + _quadratic_form(kappa / (d * (d - n - 1)), u) + noise)


def _wide_truth(d: int, groups: int) -> tuple[Any, Any]:
    """True weights, and the errors of the groups, that are no multiples of each other."""
    i = np.arange(1, d + 1)
    u = np.stack([np.cos((k + 1.3) * i) for k in range(groups)])
    return np.sin(i), u


def _wide(rng: Any, count: int, counts: Any, d: int, noises: Any) -> Any:
    truth, u = _wide_truth(d, len(counts))
    group = np.repeat(np.arange(len(counts)), counts)
    x = rows.design(rng, count, len(group), np.ones(d))
    noise = np.asarray(noises)[group] * rng.standard_normal((count, len(group)))
    y = (x * (truth + u[group])).sum(-1) + noise
    return rows.squared_norm(rows.least_squares(x, y) - truth)


def _below(rng: Any, count: int, *, n: int, d: int, noise: float, fits: int) -> Any:
    chain = rows.replace_chain(rng, np.zeros((count, d)), n, noise, fits, fixed=True)
    errors = rows.squared_norm(chain)
    scaled = errors[:, -1:] / (fits * noise**2)
    return scaled <= _quantiles(n, d)


def _quantiles(n: int, d: int) -> Vector:
    return np.asarray(d / (n - d + 1) * stats.f.ppf(PROBS, d, n - d + 1), float)


LAW: dict[str, Any] = {
    "kind": Kind.EXACT, "draws": _below, "binary": True, "most": 1 << 17,
    "planted": lambda values: 0.95 * values,
}  # fmt: skip


@trial(
    "ols.single_fit_law_F",
    source=OWN,
    cases=({"n": 9, "d": 4, "noise": 1.1, "fits": 1},),
    **LAW,
)
def one_fit_law(*, n: int, d: int, noise: float, fits: int) -> Any:
    r"""$\lVert\hat w-w^*\rVert_\Sigma^2/\sigma^2\sim\frac{d}{n-d+1}F_{d,n-d+1}$: judged by the
    shares of fits below the quantiles of probability 0.1, 0.5, 0.9 and 0.99.

    One least-squares fit on n Gaussian rows.
    """
    return np.asarray(PROBS)


@trial(
    "gerstgrasser2024.replace_fixed_law",
    source=Source("gerstgrasser2024"),
    cases=({"n": 9, "d": 4, "noise": 1.1, "fits": 5},),
    **LAW,
)
def fixed_design_law(*, n: int, d: int, noise: float, fits: int) -> Any:
    r"""$\lVert w_t-w^*\rVert_\Sigma^2/(t\sigma^2)\sim\frac{d}{n-d+1}F_{d,n-d+1}$ at every t: judged
    by the shares of chains below the quantiles of probability 0.1, 0.5, 0.9 and 0.99.

    Replace, one Gaussian design used again and again, new labels.

    Derived: given X, $w_t-w^*$ is Gaussian with t times the covariance of one fit.
    """
    return np.asarray(PROBS)


def _fourth(rng: Any, count: int, *, n: int, d: int, noise: float, fits: int, fixed: bool) -> Any:
    chain = rows.replace_chain(rng, np.zeros((count, d)), n, noise, fits, fixed=fixed)
    return rows.squared_norm(chain) ** 2


@trial(
    "gerstgrasser2024.replace_fourth_moment",
    kind=Kind.EXACT,
    source=Source("gerstgrasser2024"),
    draws=_fourth,
    cases=(
        {"n": 40, "d": 8, "noise": 0.9, "fits": 2, "fixed": True},
        {"n": 40, "d": 8, "noise": 0.9, "fits": 2, "fixed": False},
    ),
)
def fourth_moment(*, n: int, d: int, noise: float, fits: int, fixed: bool) -> Any:
    r"""Design reused: $E\lVert u_t\rVert^4=t^2\sigma^4\,
    \frac{2d(n-1)+d((n-d-2)d+2)}{(n-d)(n-d-1)(n-d-3)}$. Fresh designs:
    $\sigma^4[t\,m_2+t(t-1)m_1^2(1+\tfrac2d)]$, $m_1=\frac{d}{\nu-2}$,
    $m_2=\frac{d(d+2)}{(\nu-2)(\nu-4)}$, $\nu=n-d+1$.

    $u_t=w_t-w^*$ in the norm of the covariance, replace, n > d + 3 rows. The two designs share the
    mean of the risk, not its variance.
    """
    if fixed:
        return replace_fourth_moment_fixed(n, d, noise, fits)
    return replace_fourth_moment([n] * fits, d, noise)


def _increment(
    rng: Any, count: int, *, n: int, d: int, noise: float, early: int, late: int, keep: bool
) -> Any:
    """Squared distance of two fits of a chain, old rows kept or not."""
    w, out = np.zeros((count, d)), []
    x, y = np.zeros((count, 0, d)), np.zeros((count, 0))
    for _ in range(late):
        new = rows.design(rng, count, n, np.ones(d))
        label = rows.labels(rng, new, w, noise)
        x, y = (
            (np.concatenate([x, new], 1), np.concatenate([y, label], 1)) if keep else (new, label)
        )
        w = rows.least_squares(x, y)
        out.append(w)
    return rows.squared_norm(out[late - 1] - out[early - 1])


@trial(
    "ols.martingale",
    kind=Kind.EXACT,
    source=OWN,
    draws=_increment,
    cases=(
        {"n": 10, "d": 3, "noise": 1.2, "early": 2, "late": 5, "keep": True},
        {"n": 10, "d": 3, "noise": 1.2, "early": 2, "late": 5, "keep": False},
    ),
)
def martingale(*, n: int, d: int, noise: float, early: int, late: int, keep: bool) -> float:
    r"""$E\lVert w_t-w_s\rVert_\Sigma^2=E_t-E_s$ for s < t, and
    $\mathrm{Cov}(w_s,w_t)=\mathrm{Cov}(w_s)$: chains of least squares that replace their data, or
    keep all of it, are martingales.

    $E_t$: the exact risks; fresh Gaussian designs.
    """
    i = np.arange(early + 1, late + 1)
    dose = 1 / (i * (i * n - d - 1)) if keep else np.full(i.shape, 1 / (n - d - 1))
    return noise**2 * d * float(dose.sum())
