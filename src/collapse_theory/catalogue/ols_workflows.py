"""Least squares that keeps, samples or refreshes its data: exact and leading-order risks."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from collapse_theory.catalogue import rows
from collapse_theory.catalogue import settings_ols as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.catalogue.settings_ols import Vector
from collapse_theory.catalogue.trial import trial
from collapse_theory.exact import accumulate_risk_fresh
from collapse_theory.exact.gaussian_pooling import accumulate_subsample
from collapse_theory.exact.pooled_rows import pooled_multinomial_kappa
from collapse_theory.experiment import Experiment
from collapse_theory.families.linear_regression import LinearRegression, RegressionLaw
from collapse_theory.observables.parameters import excess_risk
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.random_sources import RandomSources

OWN, XU = Source(None), Source("xu2025")
SIZES = (100, 200, 400, 800)
LAW = RegressionLaw((1.5, -0.7))
MODEL = LinearRegression("fresh", setting.NOISE)


def _two(workflow: Any, n: int, **given: Any) -> Experiment:
    return Experiment(
        family=MODEL, truth=LAW, workflow=workflow, n=n, **{"generations": 5, **given}
    )


def _fresh(e: Experiment) -> bool:
    return setting.model(e).design == "fresh" and setting.has_mean(e)


def _fresh_one_size(e: Experiment) -> bool:
    return _fresh(e) and setting.one_size(e)


def _dose(e: Experiment) -> float:
    """Leading order of the first risk."""
    return setting.noise(e) ** 2 * setting.dimension(e) / float(setting.rows(e)[0])


@theorem(
    "ols.accumulate_general_schedule",
    observable=excess_risk,
    kind=Kind.EXACT,
    source=OWN,
    family=LinearRegression,
    workflow=Accumulate,
    where=lambda e: _fresh(e) and not setting.one_size(e),
    finite_kurtosis=setting.has_kurtosis,
    cases=(setting.ACCUMULATE_SCHEDULE,),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def any_sizes(e: Experiment) -> Vector:
    r"""$E_t=d\,\sigma^2\sum_{i\le t}\frac{n_i}{N_i(N_i-d-1)}$, $N_i=n_1+\dots+n_i$: only the first
    batch needs more than d + 1 rows. To leading order at most twice the first risk, for any sizes.

    Fresh designs, all batches kept, sizes that differ.
    """
    return accumulate_risk_fresh(setting.rows(e), setting.dimension(e), setting.noise(e))


@theorem(
    "ols.accumulate_subsample_fresh_draws",
    observable=excess_risk,
    kind=Kind.EXACT,
    source=OWN,
    family=LinearRegression,
    workflow=RandomSources,
    where=_fresh_one_size,
    finite_kurtosis=setting.has_kurtosis,
    cases=(_two(RandomSources(), 10),),
)
def all_models(e: Experiment) -> Vector:
    r"""$G_{tj}=\frac1t\sum_{i<t}G_{ij}$, $G_{tt}=\sum_{i,j<t}\bar\kappa_{ij}G_{ij}
    +\frac{\sigma^2d}{n-d-1}$ for $G_{ij}=E u_i^\top u_j$, $G_{0\cdot}=0$, $\bar\kappa$ of
    ``ols.pooled_multinomial`` with $\pi=1/t$; the risk is $G_{tt}$.

    n new rows in every generation, each labelled by the truth or by one of all past fits, picked
    uniformly. Leading order: $\frac{\pi^2}6$ times the first risk, as when all data are kept.
    """
    n, d = int(setting.rows(e)[0]), setting.dimension(e)
    dose = setting.noise(e) ** 2 * d / (n - d - 1)
    gram = np.zeros((e.generations + 1, e.generations + 1))
    for t in range(1, e.generations + 1):
        past = gram[:t, :t]
        kappa = pooled_multinomial_kappa(n, np.full(t, 1 / t), d)
        gram[t, :t] = gram[:t, t] = past.mean(0)
        gram[t, t] = (kappa * past).sum() + dose
    return np.asarray(np.diag(gram)[1:])


@calculation(
    "ols.accumulate_subsample_stored",
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=Source("kazdan2024"),
    cases=({"fits": 3, "sizes": SIZES}, {"fits": 12, "sizes": SIZES}),
)
def stored(*, fits: int, sizes: Any) -> Sides:
    r"""$E_t\approx\frac{\sigma^2d}n\Big(3\sum_{k\le t}\frac1{k^2}-2\Big)$, up to
    $\frac{\pi^2}2-2=2.93$: stored rows are used again and again, which costs more than new rows of
    all past models would.

    n new rows in every generation go into a pool, and n rows of it, without replacement, are
    fitted.

    Computed: one constant regressor, in units of $\sigma^2/n$; the exact moments of the mean of
    stored Gaussian rows, whose fitted variance is the true one to this order.
    """
    stated = 3 * setting.harmonic(fits, 2)[-1] - 2
    found = [n * accumulate_subsample(n, fits)[1][-1] for n in sizes]
    return Sides(np.full(len(sizes), stated), found, sizes)


@theorem(
    "ols.real_fixed_syn_swapped",
    observable=excess_risk,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=OWN,
    family=LinearRegression,
    workflow=Mix,
    where=lambda e: _fresh(e) and e.workflow.real == "fixed" and len(set(e.sizes[1:])) <= 1,
    cases=(_two(Mix("fixed"), 90, n_real=60),),
)
def real_kept(e: Experiment) -> Vector:
    r"""$E_t\approx\frac{\sigma^2d}{n_r}\Big[1+\frac{p(1-p^{2(t-1)})}{1+p}\Big]$,
    $p=\frac{n_s}{n_r+n_s}$: at most 3/2 of the real-only risk, however many synthetic rows there
    are, and never less than it.

    The same $n_r$ real rows in every fit, $n_s$ new rows of the last one; the first fit is on the
    real rows alone.
    """
    real, made = float(e.real_sizes[0]), float(e.sizes[-1])
    p, t = made / (real + made), np.arange(e.generations)
    return np.asarray(_dose(e) * (1 + p * (1 - p ** (2 * t)) / (1 + p)))


def _share(rng: Any, count: int, *, size: int, share: float, fits: int) -> Any:
    """One coefficient: of rows only x'x and x'y matter, drawn as chi2 and sqrt(chi2) z."""
    n = 20 * size
    real = round(share * n)
    gram, moment, w, out = np.zeros(count), np.zeros(count), np.zeros(count), []
    for t in range(fits):
        new = rng.chisquare(real, count) if t else rng.chisquare(n, count)
        made = rng.chisquare(n - real, count) if t else np.zeros(count)
        gram = gram + new + made
        moment = moment + made * w + np.sqrt(new + made) * rng.standard_normal(count)
        w = moment / gram
        out.append(w**2 * n)
    return np.stack(out, 1)


@trial(
    "ols.accumulate_fresh_real_fraction",
    kind=Kind.ASYMPTOTIC,
    source=OWN,
    draws=_share,
    cases=({"size": 1, "share": 0.3, "fits": 12}, {"size": 1, "share": 0.8, "fits": 12}),
    chunk=1 << 14,
    order=1.0,
)
def real_share(*, size: int, share: float, fits: int) -> Any:
    r"""$E_t\approx\frac{\sigma^2d}n\sum_i i^{-2}\prod_{j=i+1}^t(1-\tfrac\alpha j)^2$, $\alpha$ the
    share of new real rows in every generation: of order $t^{-2\alpha}$ for $\alpha<\tfrac12$,
    $\frac{\log t}t$ at 1/2, $\frac1{(2\alpha-1)t}$ beyond.

    All data kept, n rows a generation, the first all real, large n. Judged in units of
    $\sigma^2d/n$.
    """
    risk, out = 0.0, []
    for t in range(1, fits + 1):
        risk = (1 - share / t) ** 2 * risk + 1 / t**2
        out.append(risk)
    return np.asarray(out)


def _closer(rng: Any, count: int, *, n: int, d: int, fits: int, keep: bool) -> Any:
    """Whether the last fit predicts the rows' noiseless labels better than the first one did."""
    x = rows.design(rng, count, n, np.ones(d))
    y, errors = np.zeros((count, n)), []
    w = np.zeros((count, d))
    for t in range(fits):
        new = rows.labels(rng, x, w, 1.0)
        y = (t * y + new) / (t + 1) if keep else new  # the same rows: labels are averaged
        w = rows.least_squares(x, y)
        errors.append(rows.squared_norm(rows.apply(x, w)))
    return errors[-1] < errors[0]


BEATS: dict[str, Any] = {
    "kind": Kind.EXACT, "source": XU, "draws": _closer, "binary": True, "most": 1 << 22,
    "chunk": 1 << 13,
}  # fmt: skip


@trial(
    "xu2025.prob_beats_real_replace",
    cases=({"n": 5, "d": 3, "fits": 2, "keep": False}, {"n": 5, "d": 3, "fits": 4, "keep": False}),
    **BEATS,
)
def beats_replace(*, n: int, d: int, fits: int, keep: bool) -> float:
    r"""$P(\lVert Xu_t\rVert<\lVert Xu_1\rVert)=P\big(T_d>\tfrac12\sqrt{d(t-1)}\big)$, $T_d$ Student
    with d degrees of freedom: 0.352 for d = 1, t = 2.

    Least squares, one design for ever, replace; for other models to leading order.
    """
    return float(stats.t.sf(np.sqrt(d * (fits - 1)) / 2, d))


@trial(
    "xu2025.prob_beats_real_accumulate",
    cases=({"n": 6, "d": 4, "fits": 5, "keep": True},),
    **BEATS,
)
def beats_accumulate(*, n: int, d: int, fits: int, keep: bool) -> float:
    r"""$P(\lVert Xu_t\rVert<\lVert Xu_1\rVert)
    =P\Big(T_d>\tfrac12\sqrt{d(\sum_{k\le t}k^{-2}-1)}\Big)$: never below
    $P\big(T_d>\tfrac12\sqrt{d(\pi^2/6-1)}\big)$.

    Least squares, one design for ever, all labels kept.
    """
    harmonic = float(setting.harmonic(fits, 2)[-1])
    return float(stats.t.sf(np.sqrt(d * (harmonic - 1)) / 2, d))
