"""Verifiers that keep some of the synthetic rows: where the learner goes in the end."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.catalogue.trial import trial


@calculation(
    "feng2024.bisector",
    kind=Kind.EXACT,
    source=Source("feng2024"),
    cases=({"angle": 1.1, "steps": 3},),
    error=1e-5,
)
def bisector(*, angle: float, steps: int) -> Sides:
    r"""The share kept is $1-\theta/\pi$ and the learnt direction halves the angle to the verifier:
    $\theta_t=\theta_0/2^t$, towards the verifier, not the truth.

    Rows $N(0,I)$, labels by the sign of $x^\top w_g$, kept where the verifier's sign of
    $x^\top w_p$ agrees, the average of label times row as the learner, many rows.

    Computed: integrals over the direction of x by the midpoint rule; an edge is off by up to half
    a step of 1.6e-6, the last angle by some millionths of itself.
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


def _prompts(rng: Any, count: int, *, weak: float, share: float, prompts: int, rounds: int) -> Any:
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
