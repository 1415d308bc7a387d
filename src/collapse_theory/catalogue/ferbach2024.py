"""Self-consuming generative models with curated data: population maps on a finite alphabet.

Each generation is fitted to an infinite sample of winners: K draws of the last model compete, x_k
wins with chance in proportion to e^r(x_k) (Bradley-Terry, Plackett-Luce); lambda is the weight of
winners against real data. The paper's own text was not read: the statements come from accounts of
it, and each was derived or checked here.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.exact.validation import Vector

PAPER = Source("ferbach2024")
OURS = Source(None)
REWARD = (0.0, 0.5, 1.2, -0.3, 2.0)
LAW = (0.35, 0.3, 0.2, 0.1, 0.05)
INSTANCES = 100


def winners(p: Vector, reward: Vector, k: int) -> Vector:
    """The law of the winner of k draws: p(x) H(x), by multisets of the k - 1 rivals."""
    e = np.exp(reward)
    gain = np.zeros(p.size)
    for rivals in itertools.combinations_with_replacement(range(p.size), k - 1):
        counts = np.bincount(rivals, minlength=p.size)
        ways = math.factorial(k - 1) / math.prod(map(math.factorial, counts))
        gain += ways * np.prod(p**counts) * k * e / (e + counts @ e)
    won = p * gain
    return np.asarray(won / won.sum())


def curated(p: Vector, real: Vector, reward: Vector, k: int, lam: float) -> Vector:
    """The next law: winners with weight lam against real data with weight 1."""
    return (real + lam * winners(p, reward, k)) / (1 + lam)


def _instances(seed: int, symbols: int = 5) -> list[tuple[Vector, Vector]]:
    rng = np.random.default_rng(seed)
    return [(rng.dirichlet(np.ones(symbols)), rng.normal(size=symbols)) for _ in range(INSTANCES)]


def _mean_and_variance(p: Vector, reward: Vector) -> tuple[float, float]:
    e = np.exp(reward)
    return float(p @ e), float(p @ e**2 - (p @ e) ** 2)


@calculation(
    "ferbach2024.curation_step", kind=Kind.EXACT, source=PAPER, error=1e-11,
    cases=({"k": 2}, {"k": 3}, {"k": 4}),
)  # fmt: skip
def curation_step(k: int) -> Sides:
    r"""$p_{t+1}(x) = p_t(x)\,H(x)$ with
    $H(x) = E_{x_1,\dots,x_{K-1}\sim p_t}\frac{K e^{r(x)}}{e^{r(x)}+\sum_i e^{r(x_i)}}$.

    Winners only. Multisets of rivals are held against all ordered draws and who wins among them.
    """
    p, reward = np.asarray(LAW), np.asarray(REWARD)
    found = np.zeros(p.size)
    for draws in itertools.product(range(p.size), repeat=k):
        e = np.exp(reward[list(draws)])
        np.add.at(found, list(draws), np.prod(p[list(draws)]) * e / e.sum())
    return Sides(winners(p, reward, k), found)


@calculation(
    "ferbach2024.lemma21", kind=Kind.ASYMPTOTIC, source=PAPER, order=1.0,
    cases=({"sizes": (4, 8, 16, 32, 64)},),
)  # fmt: skip
def lemma21(sizes: tuple[int, ...]) -> Sides:
    r"""$p_{t+1}(x) \to p_t(x)\,\frac{e^{r(x)}}{E_{p_t}e^r}$ as K grows: after t generations
    $p_t\propto p_0 e^{tr}$.

    Held against the finite-K winner of three symbols.
    """
    p, reward = np.asarray(LAW[:3]) / sum(LAW[:3]), np.asarray(REWARD[:3])
    limit = p * np.exp(reward) / (p @ np.exp(reward))
    found = [winners(p, reward, k)[2] for k in sizes]
    return Sides(np.full(len(sizes), limit[2]), found, sizes)


@calculation(
    "ferbach2024.lemma22", kind=Kind.LOWER, source=PAPER, error=1e-12,
    cases=({"k": 2}, {"k": 3}), planted=lambda values: 3 * values,
)  # fmt: skip
def lemma22(k: int) -> Sides:
    r"""$E_{p_{t+1}}e^r - E_{p_t}e^r \ge \frac{K-1}K\,\frac{\mathrm{Var}_{p_t}(e^r)}{e^{r^*}}$,
    $r^*$ the largest reward.

    Winners only. Held against one step from 100 random laws and rewards.
    """
    stated, found = [], []
    for p, reward in _instances(1):
        mean, variance = _mean_and_variance(p, reward)
        stated.append((k - 1) / k * variance / np.exp(reward.max()))
        found.append(_mean_and_variance(winners(p, reward, k), reward)[0] - mean)
    return Sides(stated, found)


@calculation(
    "ferbach2024.theorem21", kind=Kind.LIMIT, source=PAPER, error=1e-6,
    cases=({"ties": False}, {"ties": True}),
)  # fmt: skip
def theorem21(ties: bool) -> Sides:
    r"""$p_t \to p_0(\,\cdot\mid r = r^*)$: with winners only, the limit is the first law restricted
    to the best rewards, and $\mathrm{Var}_{p_t}(e^r)\to0$.

    Held against 400 generations of best of two.
    """
    p, reward = np.asarray(LAW), np.asarray(REWARD)
    if ties:
        reward = np.where(np.arange(p.size) == 2, reward.max(), reward)
    best = reward == reward.max()
    stated = p * best / (p @ best)
    for _ in range(400):
        p = winners(p, reward, 2)
    return Sides(stated[best], p[best])


@calculation(
    "ferbach2024.theorem23", kind=Kind.LOWER, source=PAPER, error=1e-12,
    cases=({"k": 2, "lam": 0.5}, {"k": 3, "lam": 2.0}), planted=lambda values: 2 * values,
)  # fmt: skip
def theorem23(k: int, lam: float) -> Sides:
    r"""$E_{p_t}e^r \ge E_{p_{ref}}e^r + \frac{\lambda}{(1+\lambda)^3}\,\frac{(K-1)
    \mathrm{Var}_{p_{ref}}(e^r)}{K e^{r^*}}$ for all $t\ge1$.

    Winners mixed with the reference law. Held against the least mean over 30 generations from 100
    random instances.
    """
    stated, found = [], []
    for real, reward in _instances(2, symbols=4):
        mean, variance = _mean_and_variance(real, reward)
        gain = lam / (1 + lam) ** 3 * (k - 1) * variance / (k * np.exp(reward.max()))
        p, least = real, np.inf
        for _ in range(30):
            p = curated(p, real, reward, k, lam)
            least = min(least, _mean_and_variance(p, reward)[0])
        stated.append(mean + gain)
        found.append(least)
    return Sides(stated, found)


@calculation(
    "ferbach2024.theorem24", kind=Kind.UPPER, source=PAPER, error=1e-12,
    cases=({"k": 2, "lam": 0.6}, {"k": 3, "lam": 0.4}), planted=lambda values: values / 100,
)  # fmt: skip
def theorem24(k: int, lam: float) -> Sides:
    r"""$\mathrm{KL}(p_t\Vert p_{ref}) \le -\log(1-\lambda(K-1))$ for all t, if
    $\lambda<\frac1{K-1}$.

    Loose: the ratio $p_t/p_{ref}$ is bounded through $H\le K$ alone. Held against the largest
    divergence over 30 generations from 100 random instances.
    """
    found = []
    for real, reward in _instances(3, symbols=4):
        p, most = real, 0.0
        for _ in range(30):
            p = curated(p, real, reward, k, lam)
            most = max(most, float(p @ np.log(p / real)))
        found.append(most)
    return Sides(np.full(len(found), -np.log(1 - lam * (k - 1))), found)


@calculation(
    "derived.curation_K2_replicator", kind=Kind.EXACT, source=OURS, error=1e-11,
    cases=({"lam": 0.7}, {"lam": 3.0}),
)  # fmt: skip
def replicator(lam: float) -> Sides:
    r"""Best of two is a replicator equation,
    $\Delta p(x) = p(x)\sum_y p(y)\tanh\frac{r(x)-r(y)}2$. Two symbols, mixed with real data: the
    share q of the better one settles where $\lambda h q^2+(1-\lambda h)q-q_0=0$,
    $h=\tanh\frac\Delta2$.

    Held against the winners' law, and against 500 generations of two symbols.
    """
    p, reward = np.asarray(LAW), np.asarray(REWARD)
    won = p * (np.tanh((reward[:, None] - reward[None]) / 2) @ p)
    h, q0 = np.tanh((REWARD[2] - REWARD[0]) / 2), 0.3
    fixed = (lam * h - 1 + np.sqrt((1 - lam * h) ** 2 + 4 * lam * h * q0)) / (2 * lam * h)
    real = np.array([1 - q0, q0])
    two = real
    for _ in range(500):
        two = curated(two, real, np.array([REWARD[0], REWARD[2]]), 2, lam)
    return Sides(np.append(won, fixed), np.append(winners(p, reward, 2) - p, two[1]))
