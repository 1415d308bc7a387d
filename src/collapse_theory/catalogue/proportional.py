"""Ridge chains and mixtures where rows and coefficients grow together: deterministic equivalents.

Coefficients come in blocks of four with the variances SPECTRUM, so that a problem of twice the size
has the same limit; true weights have length 1. All equivalents are derived; the relative error is
O(1 / size).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.equivalents import (
    equivalent,
    features_equivalent,
    ridge_chain_risk,
    ridge_risk,
)
from collapse_theory.exact.validation import Vector

SPECTRUM = (2.0, 1.0, 0.5, 0.25)
TRUE = (0.6, -0.4, 0.9, 0.7)
SHIFT = (0.5, 0.3, -0.4, 0.8)
LADDER: dict[str, Any] = {"kind": Kind.ASYMPTOTIC, "order": 1.0, "chunk": 256}


def _blocks(values: Any, size: int) -> Vector:
    return np.tile(np.asarray(values, float), size // len(values))


def _spectrum(size: int) -> Vector:
    return _blocks(SPECTRUM, size)


def _weights(values: Any, size: int) -> Vector:
    return np.asarray(_blocks(values, size) / np.sqrt(size))


def _risk(w: Any, true: Any, spectrum: Any) -> Any:
    return ((w - true) ** 2) @ spectrum


def _ridge_chain(
    rng: Any, count: int, *, size: int, ratio: float, penalty: float, fits: int
) -> Any:
    s, true, n = _spectrum(size), _weights(TRUE, size), round(ratio * size)
    w, out = np.broadcast_to(true, (count, size)), []
    for _ in range(fits):
        x = rows.design(rng, count, n, s)
        w = rows.ridge(x, rows.labels(rng, x, w, 0.6), penalty)
        out.append(_risk(w, true, s))
    return np.stack(out, 1)


@trial(
    "ridge.chain_fresh_design_DE",
    source=Source("dohmatob2024demystified"),
    draws=_ridge_chain,
    cases=(
        {"size": 8, "ratio": 1.5, "penalty": 0.15, "fits": 3},
        {"size": 8, "ratio": 0.75, "penalty": 0.15, "fits": 3},
    ),
    **LADDER,
)
def ridge_chain(*, size: int, ratio: float, penalty: float, fits: int) -> Any:
    r"""With $h=\kappa/(s+\kappa)$, $M_i=E w_i^2$, $m_i=E w_i$ from the truth:
    $Q=\kappa^2\sum_jM_js_j/(s_j+\kappa)^2$,
    $M_i\leftarrow(1-h_i)^2M_i+\frac{s_i/(s_i+\kappa)^2}{n-\mathrm{df}_2}(\sigma^2+Q)$,
    $m_i\leftarrow(1-h_i)m_i$, $E_t\approx\sum_is_i(M_i-2m_iw^*_i+w_i^{*2})$: never unstable.

    Replace, ridge, new rows in every generation, any covariance and any d / n.
    """
    s, true = _spectrum(size), _weights(TRUE, size)
    return ridge_chain_risk(penalty, round(ratio * size), s, true, 0.6, fits)


def _ridge_pooled(
    rng: Any, count: int, *, size: int, real: float, made: float, penalty: float, fits: int
) -> Any:
    true = _weights(TRUE, size)
    counts = round(real * size), round(made * size)
    w, out = np.broadcast_to(true, (count, size)), []
    for _ in range(fits):
        x = rows.design(rng, count, sum(counts), np.ones(size))
        y = (x[:, : counts[0]] * true).sum(-1), rows.apply(x[:, counts[0] :], w)
        label = np.concatenate(y, 1) + 0.8 * rng.standard_normal((count, sum(counts)))
        w = rows.ridge(x, label, penalty)
        out.append(rows.squared_norm(w - true))
    return np.stack(out, 1)


@trial(
    "ridge.pooled_real_syn_fresh_iso_DE",
    source=Source("garg2025"),
    draws=_ridge_pooled,
    cases=({"size": 8, "real": 0.5, "made": 1.0, "penalty": 0.25, "fits": 3},),
    **LADDER,
)
def ridge_pooled(*, size: int, real: float, made: float, penalty: float, fits: int) -> Any:
    r"""$A_t=E\lVert w_t-w^*\rVert^2$, $c_t=E(w_t-w^*)^\top w^*$, $B=\lVert w^*\rVert^2$,
    $g=(1-h)^2+h^2\frac u{1-u}$, from 0:
    $A'=B-2(1-h)(B+pc)+g(B+2pc+p^2A)+\frac u{1-u}(\sigma^2+p(1-p)A)$, $c'=(1-h)(B+pc)-B$.

    A share p of the rows is labelled by the last fit, the others are real; new isotropic rows,
    ridge.
    """
    counts = round(real * size), round(made * size)
    n, p, square = sum(counts), counts[1] / sum(counts), float((_weights(TRUE, size) ** 2).sum())
    e = equivalent(penalty, n, np.ones(size))
    keep, noise = 1 - float(e.shrink[0]), e.u / (1 - e.u)
    second = keep**2 + (1 - keep) ** 2 * noise
    a, c, out = 0.0, 0.0, []
    for _ in range(fits):
        signal = square + 2 * p * c + p**2 * a
        added = noise * (0.8**2 + p * (1 - p) * a)
        a = square - 2 * keep * (square + p * c) + second * signal + added
        c = keep * (square + p * c) - square
        out.append(a)
    return np.asarray(out)


def _labellers(
    rng: Any, count: int, *, size: int, ratio: float, before: float, penalty: float, models: int
) -> Any:
    s, true = _spectrum(size), _weights(TRUE, size)
    w = np.broadcast_to(true, (count, size))
    for _ in range(models):
        x = rows.design(rng, count, round(before * size), s)
        w = rows.least_squares(x, rows.labels(rng, x, w, 0.4))
    x = rows.design(rng, count, round(ratio * size), s)
    return _risk(rows.ridge(x, rows.labels(rng, x, w, 0.7), penalty), true, s)


@trial(
    "dohmatob2024.ridge_n_fake_labelers",
    source=Source("dohmatob2024demystified", read=True),
    draws=_labellers,
    cases=({"size": 8, "ratio": 1.5, "before": 2.5, "penalty": 0.2, "models": 3},),
    **LADDER,
)
def labellers(*, size: int, ratio: float, before: float, penalty: float, models: int) -> float:
    r"""$E=\mathrm{Bias}+\mathrm{Var}+m\,\sigma_0^2\rho$: linear in the number m of labellers.
    $\mathrm{Bias}=\frac{\kappa^2\sum sw^2/(s+\kappa)^2}{1-u}$,
    $\mathrm{Var}=\frac{\sigma^2u}{1-u}$,
    $\rho=\frac1{n_0-d-1}\Big[\mathrm{df}_2+\kappa^2\,\mathrm{tr}(\Sigma+\kappa)^{-2}
    \frac u{1-u}\Big]$.

    m least-squares fits in a row, each on $n_0>d+1$ new rows labelled by the one before, then ridge
    on n rows labelled by the last.

    Theorem 4.3 and Corollary 4.4, which have the limit $n_0-d$ of the exact $n_0-d-1$.
    """
    s, true, n = _spectrum(size), _weights(TRUE, size), round(ratio * size)
    e = equivalent(penalty, n, s)
    spread = float((e.shrink**2).sum()) * e.u / (1 - e.u)
    rho = (e.df2 + spread) / (round(before * size) - size - 1)
    return ridge_risk(penalty, n, s, true, 0.7) + models * 0.4**2 * rho


def _two_labellings(
    rng: Any, count: int, size: int, counts: tuple[int, int], noises: tuple[float, float]
) -> tuple[Any, Any, Any]:
    """Rows, labels and true weights; the second group is labelled with shifted weights whose signs
    are random.
    """
    s, true = _spectrum(size), _weights(TRUE, size)
    shift = _weights(SHIFT, size) * rng.choice((-1.0, 1.0), (count, size))
    x = rows.design(rng, count, sum(counts), s)
    y = (x * true).sum(-1)
    y[:, counts[0] :] += rows.apply(x[:, counts[0] :], shift)
    scale = np.repeat(noises, counts)
    return x, y + scale * rng.standard_normal(y.shape), true


def _mixture_of_two(size: int, counts: tuple[int, int], noises: tuple[float, float]) -> Any:
    """Share of the second group, its shift and what the mixture adds to the noise variance."""
    s, shift = _spectrum(size), _weights(SHIFT, size)
    p = counts[1] / sum(counts)
    power = float((s * shift**2).sum())
    return p, shift, power, (1 - p) * noises[0] ** 2 + p * noises[1] ** 2


def _strong(rng: Any, count: int, *, size: int, real: float, made: float, penalty: float) -> Any:
    counts = round(real * size), round(made * size)
    x, y, true = _two_labellings(rng, count, size, counts, (0.5, 0.3))
    return _risk(rows.ridge(x, y, penalty), true, _spectrum(size))


@trial(
    "dohmatob2025strong.ridge_mix_DE",
    source=Source("dohmatob2025strong"),
    draws=_strong,
    cases=({"size": 8, "real": 1.0, "made": 0.75, "penalty": 0.12},),
    **LADDER,
)
def strong(*, size: int, real: float, made: float, penalty: float) -> float:
    r"""$E=B+V+Z$: bias and variance of a clean fit with $\sigma^2=p_1\sigma_1^2+p_2\sigma_2^2$, and
    $Z=p_2^2\Big[\sum s\delta^2\frac{s^2}{(s+\kappa)^2}
    +\kappa^2\sum\frac{s\delta^2}{(s+\kappa)^2}\frac u{1-u}\Big]
    +p_1p_2\,\delta^\top\Sigma\delta\,\frac u{1-u}$.

    $n_1$ rows of the truth and $n_2$ rows of a law whose weights differ by $\delta$, of mean 0 and
    independent of them; ridge on all.
    """
    counts = round(real * size), round(made * size)
    s, true, n = _spectrum(size), _weights(TRUE, size), sum(counts)
    p, shift, power, noise = _mixture_of_two(size, counts, (0.5, 0.3))
    e = equivalent(penalty, n, s)
    added = e.u / (1 - e.u)
    kept = float((s * shift**2 * (1 - e.shrink) ** 2).sum())
    lost = float((s * shift**2 * e.shrink**2).sum())
    fake = p**2 * (kept + lost * added) + p * (1 - p) * power * added
    return float(ridge_risk(penalty, n, s, true, float(np.sqrt(noise))) + fake)


def _features(
    rng: Any, count: int, *, size: int, width: float, real: float, made: float, penalty: float
) -> Any:
    counts, m = (round(real * size), round(made * size)), round(width * size)
    x, y, true = _two_labellings(rng, count, size, counts, (0.4, 0.4))
    project = rng.standard_normal((count, size, m)) / np.sqrt(m)
    inner = rows.ridge(np.matmul(x, project), y, penalty)
    return _risk(rows.apply(project, inner), true, _spectrum(size))


@trial(
    "dohmatob2025strong.random_features_DE",
    source=Source("dohmatob2025strong"),
    draws=_features,
    cases=(
        {"size": 8, "width": 0.75, "real": 0.75, "made": 0.5, "penalty": 0.1},
        {"size": 8, "width": 1.75, "real": 0.75, "made": 0.5, "penalty": 0.1},
    ),
    **LADDER,
)
def features(*, size: int, width: float, real: float, made: float, penalty: float) -> float:
    r"""With $\kappa(1-z/n)(1-z/m)=\lambda$, $z=\sum\frac s{s+\kappa}$,
    $q=\sum\frac{s^2}{(s+\kappa)^2}$, $\tau^2=\sigma^2+p_1p_2\,\delta^\top\Sigma\delta$:
    $E=\frac{\sum\big(\frac\kappa{s+\kappa}-\frac{\kappa s}{(s+\kappa)^2}\frac{m-z}{m-q}\big)
    s(w^2+p_2^2\delta^2)+\tau^2}{1-\frac{q(m-2z)+z^2}{n(m-q)}}-\tau^2
    +p_2^2\,\delta^\top\Sigma\delta-2p_2^2\sum\frac{s\kappa}{s+\kappa}\delta^2$.

    Rows as in ``dohmatob2025strong.ridge_mix_DE``, mapped to m features by Gaussian weights of
    variance 1/m, then ridge.
    """
    counts, m = (round(real * size), round(made * size)), round(width * size)
    s, true, n = _spectrum(size), _weights(TRUE, size), sum(counts)
    p, shift, power, noise = _mixture_of_two(size, counts, (0.4, 0.4))
    k, z, q = features_equivalent(penalty, n, m, s)
    total = noise + p * (1 - p) * power
    bias = k / (s + k) - k * s / (s + k) ** 2 * (m - z) / (m - q)
    top = float((bias * s * (true**2 + p**2 * shift**2)).sum()) + total
    clean = top / (1 - (q * (m - 2 * z) + z**2) / (n * (m - q))) - total
    lost = float((s * k / (s + k) * shift**2).sum())
    return float(clean + p**2 * power - 2 * p**2 * lost)
