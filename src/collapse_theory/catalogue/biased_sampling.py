"""Samplers that are biased: temperature, top-k, nucleus. Maps of an infinite sample."""

from __future__ import annotations

import numpy as np
from scipy import optimize, special

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact.validation import Vector

OURS = Source(None)
LAW = np.array([0.35, 0.3, 0.2, 0.1, 0.05])


def tempered(p: Vector, tau: float) -> Vector:
    """The law in proportion to p^(1/tau)."""
    logs = np.log(p) / tau
    return np.asarray(np.exp(logs - special.logsumexp(logs)))


@calculation(
    "derived.temperature_power", kind=Kind.EXACT, source=OURS, error=1e-11,
    cases=({"tau": 0.8}, {"tau": 1.3}),
)  # fmt: skip
def temperature_power(tau: float) -> Sides:
    r"""$p_m \propto p_0^{\tau^{-m}}$: log-odds grow by $1/\tau$ in each generation, doubly
    exponential to the mode if $\tau<1$, to the uniform law if $\tau>1$.

    An infinite sample at temperature $\tau$ in each generation. Held against ten generations.
    """
    p, stated, found = LAW, [], []
    for m in range(1, 11):
        p = tempered(p, tau)
        found.append(p)
        stated.append(tempered(LAW, tau**m))
    return Sides(np.concatenate(stated), np.concatenate(found))


@calculation(
    "marchi2024.temperature", kind=Kind.EXACT, source=Source("marchi2024"), error=1e-9,
    cases=({"tau": 0.7}, {"tau": 1.5}),
)  # fmt: skip
def heat_death(tau: float) -> Sides:
    r"""$\log\frac{p_i}{p_j}(t) = \tau^{-t}\log\frac{p_i}{p_j}(0)$: without real data the loop ends
    in a Dirac on the mode ($\tau<1$) or in the uniform law ($\tau>1$).

    Held against 60 generations, their end included.
    """
    p, odds = LAW, []
    for _ in range(8):
        p = tempered(p, tau)
        odds.append(np.log(p[0] / p[3]))
    for _ in range(52):
        p = np.maximum(tempered(p, tau), 1e-300)
    end = np.eye(LAW.size)[0] if tau < 1 else np.full(LAW.size, 1 / LAW.size)
    stated = np.log(LAW[0] / LAW[3]) * tau ** -np.arange(1.0, 9)
    return Sides(np.append(stated, end), np.append(odds, p))


@calculation(
    "derived.temperature_threshold", kind=Kind.EXACT, source=OURS, error=1e-6,
    cases=({"tau": 0.8, "alpha": 0.7}, {"tau": 0.8, "alpha": 0.9}, {"tau": 1.4, "alpha": 0.9}),
)  # fmt: skip
def temperature_threshold(tau: float, alpha: float) -> Sides:
    r"""With uniform real data the map $p\mapsto(1-\alpha)u+\alpha\,\mathrm{Temp}_\tau(p)$ has the
    slope $\alpha/\tau$ at the uniform law u, in every direction: u is stable if and only if
    $\alpha<\tau$.

    Three and more symbols are bistable below that: started from a peaked law the loop may stay
    there. Held against finite differences.
    """
    u = np.full(4, 0.25)
    slopes = []
    for direction in (np.array([3.0, -1, -1, -1]), np.array([1.0, -1, 0, 0])):
        step = 1e-6 * direction
        ahead = (1 - alpha) * u + alpha * tempered(u + step, tau)
        behind = (1 - alpha) * u + alpha * tempered(u - step, tau)
        slopes.append((ahead - behind)[0] / (2 * step[0]))
    return Sides(np.full(2, alpha / tau), slopes)


@calculation(
    "derived.temperature_threshold.bistable", kind=Kind.EXACT, source=OURS, error=1e-6,
    cases=({"symbols": 4, "alpha": 0.79}, {"symbols": 4, "alpha": 0.70}),
)  # fmt: skip
def bistable(symbols: int, alpha: float) -> Sides:
    r"""A loop started at 0.98 on one symbol settles at the largest root of $q = \frac{1-\alpha}s+
    \alpha\,\frac{q^{1/\tau}}{q^{1/\tau}+(s-1)^{1-1/\tau}(1-q)^{1/\tau}}$: with four symbols and
    $\tau=0.8$ it stays peaked at $\alpha=0.79<\tau$ and returns to the uniform law at
    $\alpha=0.70$.

    Held against 5000 generations.
    """
    power, others = 1 / 0.8, (symbols - 1) ** (1 - 1 / 0.8)
    grid = np.linspace(0.999, 1 / symbols, 2000)

    def drift(q: float) -> float:
        won = q**power / (q**power + others * (1 - q) ** power)
        return float((1 - alpha) / symbols + alpha * won - q)

    signs = np.sign([drift(q) for q in grid])
    turn = int(np.argmax(signs[1:] > 0))  # it falls from above until the first root
    peaked = bool((signs[1:-1] > 0).any())
    root = optimize.brentq(drift, grid[turn + 1], grid[turn]) if peaked else 1 / symbols
    p = np.full(symbols, 0.02 / (symbols - 1))
    p[0] = 0.98
    for _ in range(5000):
        p = (1 - alpha) / symbols + alpha * tempered(p, 0.8)
    return Sides(root, p[0])


@calculation(
    "derived.temperature_accumulate", kind=Kind.EXACT, source=OURS, error=1e-9,
    cases=({"tau": 0.8}, {"tau": 1.25}),
)  # fmt: skip
def temperature_accumulate(tau: float) -> Sides:
    r"""Accumulating equal batches, a small deviation from the uniform law moves as
    $\delta_t = \delta_0\frac{\Gamma(t+1+1/\tau)}{\Gamma(t+2)\Gamma(1+1/\tau)}\sim t^{1/\tau-1}$: a
    power law in place of an exponential.

    Linearised; $\delta_0$ is the deviation of the truth, which is the first batch. Held against the
    recursion $\delta_t = \frac{t\,\delta_{t-1}+\delta_{t-1}/\tau}{t+1}$, and at its start against
    the nonlinear loop.
    """
    stated, found, delta = [], [], 1.0
    for t in range(1, 2001):
        delta = (t * delta + delta / tau) / (t + 1)
        logs = special.gammaln(t + 1 + 1 / tau) - special.gammaln(t + 2)
        stated.append(np.exp(logs - special.gammaln(1 + 1 / tau)))
        found.append(delta)
    return Sides(stated, found)


def _top(p: Vector, k: int) -> Vector:
    kept = np.where(np.argsort(np.argsort(-p, kind="stable")) < k, p, 0)
    return np.asarray(kept / kept.sum())


@calculation(
    "derived.topk", kind=Kind.EXACT, source=OURS, error=1e-11, cases=({"k": 2}, {"k": 4}),
)  # fmt: skip
def top_k(k: int) -> Sides:
    r"""$p_t = p_0(\,\cdot\mid\text{top } k)$ for all t: top-k truncates once and is a fixed
    point from then on; what is lost for good is the mass of the tail.

    Held against ten generations.
    """
    p = LAW
    for _ in range(10):
        p = _top(p, k)
    stated = np.append(LAW[:k] / LAW[:k].sum(), LAW[k:].sum())
    return Sides(stated, np.append(p[:k], LAW[p == 0].sum()))


def _nucleus(p: Vector, q: float) -> Vector:
    order = np.argsort(-p, kind="stable")
    before = np.cumsum(p[order]) - p[order]
    kept = np.zeros(p.size)
    kept[order] = np.where(before < q - 1e-12, p[order], 0)
    return np.asarray(kept / kept.sum())


@calculation(
    "derived.nucleus", kind=Kind.EXACT, source=OURS, error=1e-12,
    cases=({"r": 0.8, "q": 0.9}, {"r": 0.9, "q": 0.95}),
)  # fmt: skip
def nucleus(r: float, q: float) -> Sides:
    r"""Top-q of a geometric law keeps shrinking: k symbols become
    $k' = \lceil\log(1-q(1-r^k))/\log r\rceil$, until the last symbol cannot be spared.

    $p_i\propto r^i$, no real data, infinite samples. Held against ten generations.
    """
    p = r ** np.arange(400.0)
    p, k, stated, found = p / p.sum(), np.inf, [], []
    for _ in range(10):
        k = np.ceil(np.log(1 - q * (1 - r**k)) / np.log(r) - 1e-9)
        p = _nucleus(p, q)
        stated.append(k)
        found.append((p > 0).sum())
    return Sides(stated, found)
