"""What happens when generative AI models train recursively on each others' outputs?

Least squares: each of K models is fitted to new real rows and to new rows that the models of the
last generation labelled. The paper keeps the same real rows, and one pool of synthetic rows for all
models, says a summary of it; what is stated here is for new rows, and derived.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.interacting import gram

PAPER = Source("vu2025")
PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
NUMBERS = {
    "d": 3, "noise": 0.9, "real": (4, 6, 3), "counts": ((3, 5, 4), (2, 6, 0), (7, 1, 5)), "fits": 5,
}  # fmt: skip


def _several(
    rng: Any, count: int, *, d: int, noise: float, real: Any, counts: Any, fits: int
) -> Any:
    w = np.zeros((count, len(real), d))
    for _ in range(fits):
        new = []
        for k in range(len(real)):
            source = np.repeat(np.arange(len(real) + 1), (real[k], *counts[k]))
            labelling = np.concatenate([np.zeros((count, 1, d)), w], 1)[:, source]
            x = rows.design(rng, count, len(source), np.ones(d))
            y = (x * labelling).sum(-1) + noise * rng.standard_normal(x.shape[:2])
            new.append(rows.least_squares(x, y))
        w = np.stack(new, 1)
    return np.stack([(w[:, i] * w[:, j]).sum(-1) for i, j in PAIRS], 1)


@trial("vu2025.K_models_exact", kind=Kind.EXACT, source=PAPER, draws=_several, cases=(NUMBERS,))
def several(*, d: int, noise: float, real: Any, counts: Any, fits: int) -> Any:
    r"""$G_{kk}'=\sum_{ij}\kappa^{(k)}_{ij}G_{ij}+\frac{\sigma^2d}{n_k-d-1}$,
    $G_{kl}'=\sum_{ij}\frac{n_{ki}}{n_k}\frac{n_{lj}}{n_l}G_{ij}$ for $G_{kl}=E u_k^\top u_l$,
    started at 0; $\kappa$ as in ``ols.pooled_groups_exact``.

    Model k sees $r_k$ new real rows and $n_{kj}$ new rows labelled by model j, drawn for it alone,
    $n_k$ in all.
    """
    g = gram(d, noise, real, counts, fits)
    return np.array([g[i, j] for i, j in PAIRS])


@calculation(
    "vu2025.symmetric_limit",
    kind=Kind.ASYMPTOTIC,
    source=PAPER,
    cases=({"models": 3, "d": 2, "sizes": (500, 1000, 2000, 4000)},),
    order=1.0,
)
def symmetric(*, models: int, d: int, sizes: Any) -> Sides:
    r"""$E\lVert u_k\rVert^2\to v\Big[1+\frac{p^2}{K(1-p^2)}\Big]$, $v=\sigma^2d/n$: alone a model
    would settle at $v/(1-p^2)$.

    Each of K models uses a share p of synthetic rows, equally many from each, large n.

    Computed: the exact moments after 60 generations, p = 3/5.
    """
    share = 0.6
    found = []
    for n in sizes:
        each = round(share * n / models)
        counts = ((each,) * models,) * models
        found.append(gram(d, 1.0, (n - models * each,) * models, counts, 60)[0, 0] * n / d)
    stated = 1 + share**2 / (models * (1 - share**2))
    return Sides(np.full(len(sizes), stated), np.asarray(found), sizes)


def _shared(rng: Any, count: int, *, models: int, size: int, fits: int) -> Any:
    """One coefficient, as many synthetic rows as real ones: of rows x with labels y only x'x and
    x'y matter, drawn as chi2 and sqrt(chi2) z. Scaled by n.
    """
    w = np.zeros((count, models))
    for _ in range(fits):
        told = rng.chisquare(size / models, (count, models))
        common = (told * w).sum(1) + np.sqrt(told.sum(1)) * rng.standard_normal(count)
        real = rng.chisquare(size, (count, models))
        own = np.sqrt(real) * rng.standard_normal((count, models))
        w = (own + common[:, None]) / (real + told.sum(1)[:, None])
    return np.stack([w[:, 0] ** 2, (w[:, 0] - w[:, 1]) ** 2], 1) * 2 * size


@trial(
    "vu2025.shared_synthetic",
    kind=Kind.ASYMPTOTIC,
    source=PAPER,
    draws=_shared,
    cases=({"models": 3, "size": 30, "fits": 8},),
    chunk=1 << 15,
    most=1 << 22,
    order=1.0,
)
def shared(*, models: int, size: int, fits: int) -> Any:
    r"""$E\lVert u_k\rVert^2\to p^2\bar G+v$ with
    $\bar G=\frac{v(1+(K-1)p)}{K(1-p^2)}$, and $E\lVert u_k-u_l\rVert^2\to2(1-p)v$: models that
    share their synthetic rows grow alike.

    One synthetic set for all, equally many rows from each model, private real rows,
    $v=\sigma^2d/n$, large n; here p = 1/2, in units of v, after eight generations.
    """
    p = 0.5
    common = (1 + (models - 1) * p) / (models * (1 - p**2))
    return np.array([p**2 * common + 1, 2 * (1 - p)])
