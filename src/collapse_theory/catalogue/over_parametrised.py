"""Chains of interpolating fits: fewer rows than coefficients, isotropic Gaussian designs."""

from __future__ import annotations

from typing import Any

import numpy as np

from collapse_theory.catalogue import rows
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.linear_regression import RegressionLaw
from collapse_theory.families.ridge import Ridge
from collapse_theory.observables import parameters
from collapse_theory.workflows.replace import Replace

DOHMATOB = Source("dohmatob2024demystified")
NUMBERS = {"n": 9, "d": 17, "noise": 0.7, "norm": 2.0, "fits": 4}


def truth(d: int, norm: float) -> Vector:
    """True weights of this length along no axis."""
    w = np.sin(1.0 + np.arange(d))
    return np.asarray(norm * w / np.linalg.norm(w))


def _start(count: int, d: int, norm: float) -> tuple[Vector, Any]:
    w = truth(d, norm)
    return w, np.broadcast_to(w, (count, d))


def _replace(
    rng: Any, count: int, *, n: int, d: int, noise: float, norm: float, fits: int, fixed: bool
) -> Any:
    true, w = _start(count, d, norm)
    return rows.squared_norm(rows.replace_chain(rng, w, n, noise, fits, fixed=fixed) - true)


def _fresh_designs(rng: Any, count: int, **numbers: Any) -> Any:
    return _replace(rng, count, fixed=False, **numbers)


def _one_design(rng: Any, count: int, **numbers: Any) -> Any:
    return _replace(rng, count, fixed=True, **numbers)


@trial(
    "dohmatob2024.minnorm_replace_fresh",
    kind=Kind.EXACT,
    source=DOHMATOB,
    draws=_fresh_designs,
    cases=(NUMBERS,),
)
def replace_fresh(*, n: int, d: int, noise: float, norm: float, fits: int) -> Any:
    r"""$E_t=(1-\eta^t)\lVert w^*\rVert^2+\frac{1-\eta^t}{1-\eta}\,\frac{\sigma^2n}{d-n-1}$,
    $\eta=n/d<1$: the signal is forgotten exponentially, without noise too.

    Replace, the least-norm interpolation of n < d - 1 rows, new isotropic designs.

    The first term is the limit of Theorem 4.6, which was read; the second is derived.
    """
    eta, t = n / d, np.arange(1, fits + 1)
    forgotten = 1 - eta**t
    return forgotten * norm**2 + forgotten / (1 - eta) * noise**2 * n / (d - n - 1)


@trial(
    "minnorm.replace_fixed",
    kind=Kind.EXACT,
    source=DOHMATOB,
    draws=_one_design,
    cases=(NUMBERS,),
)
def replace_fixed(*, n: int, d: int, noise: float, norm: float, fits: int) -> Any:
    r"""$E_t=(1-\tfrac nd)\lVert w^*\rVert^2+\frac{t\,\sigma^2n}{d-n-1}$: the bias stays, the
    variance grows linearly.

    Replace, the least-norm interpolation of n < d - 1 rows, one isotropic design used again.

    The first term is the limit of Theorem 4.5, which was read; the second is derived.
    """
    t = np.arange(1, fits + 1)
    return (1 - n / d) * norm**2 + t * noise**2 * n / (d - n - 1)


def _mix(
    rng: Any, count: int, *, n_real: int, n: int, d: int, noise: float, norm: float, fits: int
) -> Any:
    true, w = _start(count, d, norm)
    source, out = w, []
    for _ in range(fits):
        x = rows.design(rng, count, n_real + n, np.ones(d))
        real, synthetic = x[:, :n_real], x[:, n_real:]
        y = [rows.labels(rng, real, source, noise), rows.labels(rng, synthetic, w, noise)]
        w = rows.least_squares(x, np.concatenate(y, 1))
        out.append(rows.squared_norm(w - true))
    return np.stack(out, 1)


@trial(
    "minnorm.pooled_fresh_real_syn",
    kind=Kind.EXACT,
    source=Source("garg2025"),
    draws=_mix,
    cases=({"n_real": 5, "n": 8, "d": 23, "noise": 0.6, "norm": 1.3, "fits": 5},),
)
def pooled(*, n_real: int, n: int, d: int, noise: float, norm: float, fits: int) -> Any:
    r"""$E_t=(1-\tfrac Nd)\lVert w^*\rVert^2+\kappa E_{t-1}+\frac{\sigma^2N}{d-N-1}$,
    $\kappa=\frac{n_s(d-1-n_s)}{d(d-N-1)}$, $E_0=0$.

    $n_r$ new real rows and $n_s$ rows labelled by the last fit, $N=n_r+n_s<d-1$, least-norm
    interpolation, isotropic designs; the first fit sees labels of the truth only.
    """
    total, risk, out = n_real + n, 0.0, []
    kappa = n * (d - 1 - n) / (d * (d - total - 1))
    for _ in range(fits):
        risk = (1 - total / d) * norm**2 + kappa * risk + noise**2 * total / (d - total - 1)
        out.append(risk)
    return np.asarray(out)


FEW_AND_MANY = Experiment(
    family=Ridge(0.0, 0.6), truth=RegressionLaw((0.9, -0.5, 0.3, 0.8, -0.2, 0.6, 0.4, -0.7, 0.5)),
    workflow=Replace(), n=(4, 3, 16, 5, 2, 4), generations=6,
)  # fmt: skip


def _interpolates(e: Experiment) -> bool:
    """No penalty, isotropic rows, and a finite mean risk in every fit."""
    d = len(e.truth.coefficients)
    spaced = bool((np.abs(batch_sizes(e) - d) > 1).all())
    return e.family.penalty == 0 and e.family.covariance is None and spaced


@theorem(
    "dohmatob2024.projections",
    observable=parameters.excess_risk,
    kind=Kind.EXACT,
    source=DOHMATOB,
    family=Ridge,
    workflow=Replace,
    where=_interpolates,
    cases=(FEW_AND_MANY,),
)
def projections(e: Experiment) -> Vector:
    r"""$E_t=(1-\eta_1\cdots\eta_t)\lVert w^*\rVert^2+\sum_{g\le t}\eta_{g+1}\cdots\eta_t\,v_g$ with
    $\eta=\min(n/d,1)$, $v=\frac{\sigma^2\min(n,d)}{|d-n|-1}$: what a fit with fewer rows than
    coefficients forgets, later ones with many rows do not bring back.

    Replace, least-norm fits on new isotropic rows, any sizes with $|n-d|>1$.

    The first term is the limit of Theorem 4.6, which was read; the rest is derived.
    """
    n, d = batch_sizes(e), len(e.truth.coefficients)
    signal = size = float((np.asarray(e.truth.coefficients) ** 2).sum())
    correlation, out = signal, []
    for rows_now in n:
        kept = min(rows_now / d, 1.0)
        dose = e.family.noise**2 * min(rows_now, d) / (abs(d - rows_now) - 1)
        size, correlation = kept * size + dose, kept * correlation
        out.append(size - 2 * correlation + signal)
    return np.asarray(out)
