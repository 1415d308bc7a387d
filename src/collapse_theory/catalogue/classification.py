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
from collapse_theory.catalogue.calculation import Sides, calculation
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
    $\theta=\gamma+\sum\frac{\pi_ks_k}{1+s_k\tau}$, $\delta_k=s_k\tau$, $a_k=\frac{\pi_k}{1+\delta_k}$,
    $c=(\theta+\mathrm{diag}(a)MM^\top)^{-1}a$, $\bar w=\sum c_km_k$,
    $\nu=\frac{\lVert\bar w\rVert^2+\frac d{N\theta^2}\sum\frac{\pi_ks_k(1-m_k^\top\bar w)^2}
    {(1+\delta_k)^2}}{1-\frac d{N\theta^2}\sum\frac{\pi_ks_k^2}{(1+\delta_k)^2}}$.

    Ridge classifier on n real rows and m synthetic ones, wrongly labelled with probability
    $\varepsilon$ and pruned by the verifier; groups: real, right, wrong, with means
    $\mu,\mu_\beta,-\mu_\beta$, variances $s_k$ and shares $\pi_k$ of N = n + m, counted before pruning.
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
    $v=(1-K)^{-1}[\bar w^\top C_k\bar w+K(1-m^\top\bar w)^2]$; a test row has the variance $v_{real}$.

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
    cases=(
        {"size": 12, "made": 3.0, "flipped": 0.37, "right": 0.8, "wrong": 0.45, "length": 1.1},
    ),
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
    r"""Accuracy is 1/2 at $p^*=\frac\phi{\phi+\psi}$ for every d and m: only the slope there depends
    on the dimension.

    Averaging classifier as in ``feng2024.mean_classifier_finite``, label noise p*. Derived: kept
    rows are right or wrong with equal probability, so the weights are symmetric about 0.
    """
    return 0.5


@calculation(
    "feng2024.bisector",
    kind=Kind.EXACT,
    source=FENG,
    cases=({"angle": 1.1, "steps": 3},),
    error=1e-6,
)
def bisector(*, angle: float, steps: int) -> Sides:
    r"""The share kept is $1-\theta/\pi$ and the learnt direction halves the angle to the verifier:
    $\theta_t=\theta_0/2^t$, towards the verifier, not the truth.

    Rows $N(0,I)$, labels by the sign of $x^\top w_g$, kept where the verifier's sign of
    $x^\top w_p$ agrees, the average of label times row as the learner, many rows.

    Computed: integrals over the direction of x by the midpoint rule.
    """
    around = (np.arange(4_000_000) + 0.5) * (2 * np.pi / 4_000_000)
    x = np.stack([np.cos(around), np.sin(around)])
    stated, computed, theta = [], [], angle
    for t in range(steps):
        label = np.sign(x[0] * np.cos(theta) + x[1] * np.sin(theta))
        kept = label == np.sign(x[0])
        learnt = (x * (label * kept)).mean(1)
        stated += [1 - angle / 2**t / np.pi, angle / 2 ** (t + 1)]
        theta = float(np.arctan2(learnt[1], learnt[0]))
        computed += [float(kept.mean()), theta]
    return Sides(stated, computed)


@calculation(
    "yi2025.verifier_contraction",
    kind=Kind.EXACT,
    source=Source("yi2025"),
    cases=({"centre": 0.4, "radius": 1.1, "spread": 0.9},),
    error=1e-6,
)
def contraction(*, centre: float, radius: float, spread: float) -> Sides:
    r"""$m'=m+\sigma\frac{\varphi(a)-\varphi(b)}{\Phi(b)-\Phi(a)}$, $a,b=(c\mp r-m)/\sigma$, has the
    fixed point c with rate $\rho=1-\frac{2\zeta\varphi(\zeta)}{2\Phi(\zeta)-1}$, $\zeta=r/\sigma$:
    towards the verifier's centre, wherever the truth is.

    A Gaussian mean, fitted to rows that a verifier keeps within r of c; many rows.

    Computed: means of the truncated law by quadrature, the rate by their difference quotient.
    """

    def kept_mean(m: float) -> float:
        a, b = (centre - radius - m) / spread, (centre + radius - m) / spread
        nodes, weights = np.polynomial.legendre.leggauss(80)
        z = (a + b) / 2 + (b - a) / 2 * nodes
        mass = weights * np.exp(-(z**2) / 2)
        return m + spread * float(mass @ z / mass.sum())

    m, zeta, h = -0.3, radius / spread, 1e-4
    a, b = (centre - radius - m) / spread, (centre + radius - m) / spread
    law = stats.norm
    step = m + spread * (law.pdf(a) - law.pdf(b)) / (law.cdf(b) - law.cdf(a))
    rate = 1 - 2 * zeta * law.pdf(zeta) / (2 * law.cdf(zeta) - 1)
    slope = (kept_mean(centre + h) - kept_mean(centre - h)) / (2 * h)
    return Sides([step, centre, rate], [kept_mean(m), kept_mean(centre), slope])


def _prompts(
    rng: Any, count: int, *, weak: float, share: float, prompts: int, rounds: int
) -> Any:
    failing, out = np.ones((count, prompts), bool), []
    for _ in range(rounds):
        asked = rng.random((count, prompts)) < share
        failing &= ~(asked & (rng.random((count, prompts)) < weak))
        out.append(failing.mean(1))
    return np.stack(out, 1)


@trial(
    "amin2025.boosting_toy",
    kind=Kind.EXACT,
    source=Source("amin2025"),
    draws=_prompts,
    cases=({"weak": 0.3, "share": 0.6, "prompts": 50, "rounds": 6},),
)
def boosting(*, weak: float, share: float, prompts: int, rounds: int) -> Any:
    r"""The share of prompts without a right answer is $(1-\alpha\beta)^t$.

    A toy, not the paper's theorem: a perfect filter; in every round a share $\alpha$ of the prompts
    is asked again and answered rightly with probability $\beta$.
    """
    return (1 - share * weak) ** np.arange(1, rounds + 1)
