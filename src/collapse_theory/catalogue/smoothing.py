"""Pseudo-counts: nothing is lost for ever, but the truth is forgotten."""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.families.smoothed import Smoothed
from collapse_theory.observables import diversity, parameters
from collapse_theory.workflows.replace import Replace

JANGJOO = Source("jangjoo2025")
LAPLACE = Experiment(
    family=Smoothed(0.7), workflow=Replace(), truth=CategoricalLaw((0.6, 0.3, 0.1)),
    n=25, n_real=18, generations=10,
)  # fmt: skip
PRIOR = Experiment(
    family=Smoothed((0.7, 1.1)), workflow=Replace(), truth=CategoricalLaw((0.8, 0.2)),
    n=12, generations=120,
)  # fmt: skip


def _prior(e: Experiment) -> tuple[Vector, Vector]:
    """Weight of the data in each fit, and the law of the pseudo-counts."""
    symbols = e.truth.table.shape[-1]
    pseudo = np.broadcast_to(np.asarray(e.family.pseudo, float), symbols)
    n = batch_sizes(e)
    return n / (n + pseudo.sum()), pseudo / pseudo.sum()


def _moments(e: Experiment) -> tuple[Vector, Vector]:
    """E p, shape (T, symbols), and E sum p^2, shape (T,)."""
    weights, prior = _prior(e)
    mean, square = e.truth.table, float((e.truth.table**2).sum())
    means, squares = [], []
    for w, n in zip(weights, batch_sizes(e), strict=True):
        counted = 1 / n + (1 - 1 / n) * square
        square = float(
            w**2 * counted + 2 * w * (1 - w) * prior @ mean + (1 - w) ** 2 * prior @ prior
        )
        mean = w * mean + (1 - w) * prior
        means.append(mean)
        squares.append(square)
    return np.asarray(means), np.asarray(squares)


def _one_context(e: Experiment) -> bool:
    return bool(e.truth.table.ndim == 1)


@theorem(
    "derived.laplace.mean",
    observable=parameters.mean,
    kind=Kind.EXACT,
    source=Source(None),
    family=Smoothed,
    workflow=Replace,
    where=_one_context,
    cases=(LAPLACE,),
)
def laplace_mean(e: Experiment) -> Vector:
    r"""$E p_t=\beta^tp+(1-\beta^t)\pi_0$, $\beta=\frac n{n+\sum a}$, $\pi_0=a/\sum a$: the mean
    goes to the law of the pseudo-counts a, the uniform one for Laplace's rule.

    Each fit on the newest batch; any sizes by the product of their $\beta$.
    """
    return np.asarray(_moments(e)[0][:, 0])


@theorem(
    "derived.laplace.sum_of_squares",
    observable=diversity.sum_of_squares,
    kind=Kind.EXACT,
    source=Source(None),
    family=Smoothed,
    workflow=Replace,
    where=_one_context,
    cases=(LAPLACE,),
)
def laplace_squares(e: Experiment) -> Vector:
    r"""$S_{t+1}=\beta^2\big[\tfrac1n+(1-\tfrac1n)S_t\big]+2\beta(1-\beta)\pi_0^\top E p_t
    +(1-\beta)^2\pi_0^\top\pi_0$ for $S=E\sum p_i^2$: never 1, no Dirac.

    As in ``derived.laplace.mean``.
    """
    return _moments(e)[1]


@theorem(
    "jangjoo2025.map.mean",
    observable=parameters.mean,
    kind=Kind.EXACT,
    source=JANGJOO,
    family=Smoothed,
    workflow=Replace,
    where=_one_context,
    cases=(PRIOR,),
)
def map_mean(e: Experiment) -> Vector:
    r"""$E p_t-\pi_0=\beta(E p_{t-1}-\pi_0)$, $\beta=\frac M{M+a+b}$, $\pi_0=\frac a{a+b}$.

    Conjugate maximum a posteriori of a coin, M rows of the last fit: no collapse, but the prior
    takes the place of the truth.

    Derived; the setting was read.
    """
    return np.asarray(_moments(e)[0][:, 0])


@theorem(
    "jangjoo2025.map.stationary_squares",
    observable=diversity.sum_of_squares,
    kind=Kind.LIMIT,
    source=JANGJOO,
    family=Smoothed,
    workflow=Replace,
    where=lambda e: _one_context(e) and e.truth.table.size == 2 and len(set(batch_sizes(e))) == 1,
    cases=(PRIOR,),
)
def map_stationary(e: Experiment) -> Vector:
    r"""$\mathrm{Var}\,p_\infty=\frac{\beta^2V_0/M}{1-\beta^2(1-1/M)}$, $V_0=\pi_0(1-\pi_0)$; as
    $M\to\infty$ the law is Beta(2a, 2b).

    As in ``jangjoo2025.map.mean``; judged as $E\sum p_i^2=\sum\pi_{0i}^2+2\mathrm{Var}\,p$, once
    the exact recursion lies within a millionth of it.
    """
    weights, prior = _prior(e)
    beta, m = float(weights[0]), float(batch_sizes(e)[0])
    own = float(prior[0] * prior[1])
    variance = beta**2 * own / m / (1 - beta**2 * (1 - 1 / m))
    limit = float(prior @ prior) + 2 * variance
    curve = _moments(e)[1]
    return np.where(np.abs(curve - limit) < 1e-6 * limit, limit, np.nan)
