"""Classifiers of two Gaussian classes, trained on synthetic rows that a verifier has filtered.

Rows times their labels are x ~ N(m, C), so that a right label gives m and a wrong one -m. A right
label is kept with probability ``right``, a wrong one with probability ``wrong``. Accuracy is exact
given the fitted weights. The settings were read in a summary and in an early version of one paper's
code; the formulas are derived.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.validation import Vector

FIRDOUSSI, FENG = Source("elfirdoussi2024"), Source("feng2024")
LADDER: dict[str, Any] = {"kind": Kind.ASYMPTOTIC, "order": 1.0, "chunk": 256}
COSINE, SCALE = 0.8, 1.2  # of the synthetic mean with the true one; of the synthetic spread
SPREADS = ((1.6, 0.7, 1.0, 0.7), (0.6, 1.4, 0.9, 1.1))  # real and synthetic variances, in blocks


def _mean(size: int, length: float, cosine: float) -> Vector:
    """A mean of this length at this cosine to the one of cosine 1, spread over blocks of four."""
    first = np.tile([1.0, 1.0, 0.0, 0.0], size // 4)
    second = np.tile([0.0, 0.0, 1.0, 1.0], size // 4)
    both = cosine * first + np.sqrt(1 - cosine**2) * second
    return np.asarray(length * both / np.sqrt(size / 2))


def _filtered(
    rng: Any, count: int, n: int, mean: Any, spread: Any, flipped: float, keep: tuple[float, float]
) -> tuple[Any, Any]:
    """Synthetic rows times labels, (count, n, d), and which are kept."""
    sign = np.where(rng.random((count, n)) < flipped, -1.0, 1.0)
    kept = rng.random((count, n)) < np.where(sign > 0, *keep)
    x = sign[..., None] * mean[:, None, :] + rows.design(rng, count, n, spread)
    return x, kept


def _accuracy(w: Any, mean: Any, spread: Any) -> Any:
    """Without any kept row there is no direction, and a guess is right half of the time."""
    scale = np.sqrt((w**2) @ spread)
    return stats.norm.cdf(w @ mean / np.where(scale > 0, scale, 1))


def _fit(
    rng: Any, count: int, *, size: int, real: float, made: float, flipped: float, right: float,
    wrong: float, penalty: float, length: float, spreads: Any, generator: float,
) -> Any:  # fmt: skip
    """Accuracy of the ridge classifier; a generator's own mean is fitted to generator * size rows,
    or given where that is 0.
    """
    n, m = round(real * size), round(made * size)
    truth, spread = _mean(size, length, 1.0), np.tile(spreads, size // 4)
    if generator:
        drawn = rng.standard_normal((count, size)) * np.sqrt(spread[0] / (generator * size))
        mean = truth + drawn
    else:
        mean = np.broadcast_to(_mean(size, length, COSINE), (count, size))
    x, kept = _filtered(rng, count, m, mean, spread[1], flipped, (right, wrong))
    own = truth + rows.design(rng, count, n, spread[0])
    both = np.concatenate([own, x * kept[..., None]], 1)
    total = n + m  # rows are counted before pruning
    gram = np.matmul(both.swapaxes(-1, -2), both) / total + penalty * np.eye(size)
    w = np.linalg.solve(gram, both.sum(1)[..., None] / total)[..., 0]
    return _accuracy(w, truth, spread[0])


def _groups(n: int, m: int, flipped: float, right: float, wrong: float) -> Vector:
    """Shares of the real, the rightly and the wrongly labelled rows that are kept."""
    return np.array([n, m * right * (1 - flipped), m * wrong * flipped]) / (n + m)


def _state(
    share: Any, means: Any, spreads: Any, penalty: float, total: int
) -> tuple[Vector, Vector]:
    """Mean weights, and the variance of a score along the first spread, for groups with diagonal
    covariances: shares (K,), means (K, d), spreads (K, d).
    """
    delta = np.ones(len(share))
    for _ in range(2000):
        a = share / (1 + delta)
        q = 1 / (penalty + a @ spreads)
        new = spreads @ q / total
        if np.abs(new - delta).max() < 1e-14:
            break
        delta = new
    pull = np.linalg.solve(np.eye(len(a)) + a[:, None] * ((means * q) @ means.T), a)
    weights = q * (pull @ means)
    residual = (1 - means @ weights) ** 2
    noise = (spreads * q**2) @ spreads.T * share / (1 + delta) ** 2 / total
    fixed = spreads @ weights**2
    score = np.linalg.solve(np.eye(len(a)) - noise, fixed + noise @ residual)
    return weights, fixed + noise @ (residual + score)


def _limit(
    size: int, real: float, made: float, flipped: float, right: float, wrong: float,
    penalty: float, length: float, spreads: Any, generator: float,
) -> float:  # fmt: skip
    n, m = round(real * size), round(made * size)
    truth, spread = _mean(size, length, 1.0), np.tile(spreads, size // 4)
    mean = _mean(size, length, COSINE)
    if generator:  # a direction of its own, as long as the fitted mean is off
        off = np.sqrt(spread[0].sum() / (generator * size))
        mean = truth + off * _mean(size, 1.0, 0.0)
    means = np.stack([truth, mean, -mean])
    weights, scores = _state(
        _groups(n, m, flipped, right, wrong), means, spread[[0, 1, 1]], penalty, n + m
    )
    return float(stats.norm.cdf(weights @ truth / np.sqrt(scores[0])))


NUMBERS: dict[str, Any] = {
    "size": 8, "real": 0.75, "made": 1.75, "flipped": 0.3, "right": 0.85, "wrong": 0.35,
    "penalty": 0.3, "length": 1.3, "spreads": ((1.0,) * 4, (SCALE**2,) * 4), "generator": 0.0,
}  # fmt: skip


@trial(
    "elfirdoussi2024.test_accuracy",
    source=FIRDOUSSI,
    draws=_fit,
    cases=(NUMBERS, {**NUMBERS, "real": 0.0, "made": 2.5, "flipped": 0.4, "penalty": 0.1}),
    **LADDER,
)
def accuracy(**numbers: Any) -> float:
    r"""Accuracy $\to\Phi\big(\mu^\top\bar w/\sqrt\nu\big)$ with $\tau=\frac dN/\theta$,
    $\theta=\gamma+\sum\frac{\pi_ks_k}{1+s_k\tau}$, $\delta_k=s_k\tau$,
    $a_k=\frac{\pi_k}{1+\delta_k}$, $c=(\theta+\mathrm{diag}(a)MM^\top)^{-1}a$, $\bar w=\sum
    c_km_k$, $\nu=\frac{\lVert\bar w\rVert^2+\frac d{N\theta^2}\sum\frac{\pi_ks_k(1-m_k^\top\bar
    w)^2} {(1+\delta_k)^2}}{1-\frac d{N\theta^2}\sum\frac{\pi_ks_k^2}{(1+\delta_k)^2}}$.

    Ridge classifier on n real rows and m synthetic ones, wrongly labelled with probability
    $\varepsilon$ and pruned by the verifier; groups: real, right, wrong, with means
    $\mu,\mu_\beta,-\mu_\beta$, variances $s_k$ and shares $\pi_k$ of N = n + m, counted before
    pruning.
    """
    return _limit(**numbers)


@trial(
    "elfirdoussi2024.general_cov",
    source=FIRDOUSSI,
    draws=_fit,
    cases=({**NUMBERS, "spreads": SPREADS},),
    **LADDER,
)
def general_covariance(**numbers: Any) -> float:
    r"""As ``elfirdoussi2024.test_accuracy`` with covariances $C_k$: $q=(\gamma+\sum a_kC_k)^{-1}$,
    $\delta_k=\mathrm{tr}(C_kq)/N$, $c=(1+\mathrm{diag}(a)MqM^\top)^{-1}a$, $\bar w=qM^\top c$,
    $K_{kj}=\frac{\pi_j}{(1+\delta_j)^2}\frac{\mathrm{tr}(C_kqC_jq)}N$,
    $v=(1-K)^{-1}[\bar w^\top C_k\bar w+K(1-m^\top\bar w)^2]$; a test row has the variance
    $v_{real}$.

    Diagonal covariances, other ones for real and for synthetic rows.
    """
    return _limit(**numbers)


@trial(
    "elfirdoussi2024.generator_fit_nhat",
    source=FIRDOUSSI,
    draws=_fit,
    cases=({**NUMBERS, "generator": 1.5},),
    **LADDER,
)
def fitted_generator(**numbers: Any) -> float:
    r"""As ``elfirdoussi2024.test_accuracy`` with $\mu_\beta^\top\mu=\lVert\mu\rVert^2$ and
    $\lVert\mu_\beta\rVert^2=\lVert\mu\rVert^2+d/\hat n$.

    The synthetic mean is itself fitted to $\hat n$ real rows.
    """
    return _limit(**numbers)


def _averaging(
    rng: Any, count: int, *, size: int, made: float, flipped: float, right: float, wrong: float,
    length: float,
) -> Any:  # fmt: skip
    mean = _mean(size, length, 1.0)
    everywhere = np.broadcast_to(mean, (count, size))
    n = round(made * size)
    x, kept = _filtered(rng, count, n, everywhere, np.ones(size), flipped, (right, wrong))
    return _accuracy((x * kept[..., None]).sum(1), mean, np.ones(size))


@trial(
    "feng2024.mean_classifier_finite",
    source=FENG,
    draws=_averaging,
    cases=({"size": 12, "made": 3.0, "flipped": 0.37, "right": 0.8, "wrong": 0.45, "length": 1.1},),
    **LADDER,
)
def averaging(
    *, size: int, made: float, flipped: float, right: float, wrong: float, length: float
) -> float:
    r"""Accuracy $\to\Phi\Big(\frac{\lambda\lVert\mu\rVert^2}
    {\sqrt{\lambda^2\lVert\mu\rVert^2+\alpha d/m}}\Big)$ with $\lambda=\phi(1-p)-\psi p$ and
    $\alpha=\phi(1-p)+\psi p$. Pruning helps for a given m if $\lambda^2/\alpha>(1-2p)^2$.

    Averaging classifier on m synthetic rows before pruning, a share p wrongly labelled; right ones
    are kept with probability $\phi$, wrong ones with $\psi$.
    """
    signal = right * (1 - flipped) - wrong * flipped
    kept = right * (1 - flipped) + wrong * flipped
    scale = np.sqrt(signal**2 * length**2 + kept * size / round(made * size))
    return float(stats.norm.cdf(signal * length**2 / scale))


@trial(
    "feng2024.breakdown_point",
    kind=Kind.EXACT,
    source=FENG,
    draws=_averaging,
    cases=(
        {"size": 4, "made": 3.0, "flipped": 0.8 / 1.3, "right": 0.8, "wrong": 0.5, "length": 1.6},
        {"size": 40, "made": 0.5, "flipped": 0.8 / 1.3, "right": 0.8, "wrong": 0.5, "length": 1.6},
    ),
    chunk=1024,
)
def breakdown(**numbers: Any) -> float:
    r"""Accuracy is 1/2 at $p^*=\frac\phi{\phi+\psi}$ for every d and m: only the slope there
    depends on the dimension.

    Averaging classifier as in ``feng2024.mean_classifier_finite``, label noise p*. Derived: kept
    rows are right or wrong with equal probability, so the weights are symmetric about 0.
    """
    return 0.5
