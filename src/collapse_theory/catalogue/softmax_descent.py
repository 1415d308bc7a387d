r"""A softmax that is not trained to the end: one step a generation, and early stopping.

w are the logits of one context, s its symbols, eta the rate, $\hat p$ the frequencies of n rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import Vector, one_size
from collapse_theory.catalogue.trial import trial
from collapse_theory.engine import run_paths
from collapse_theory.experiment import Experiment
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.families.softmax import Softmax
from collapse_theory.families.training import Training
from collapse_theory.observables import parameters
from collapse_theory.observables.logit import first_logit
from collapse_theory.placement import Plan
from collapse_theory.workflows.replace import Replace

OWN = Source(None)


def _plain(e: Experiment, *, warm: bool) -> bool:
    """Plain gradient descent on all rows of one context, whose law is sampled as it is."""
    how = e.family.training
    bare = how.clip is None and how.batch is None and how.tolerance == 0 and not how.validation
    whole = e.family.contexts is None and e.family.floor == 0
    return bool(how.optimiser == "sgd" and how.warm is warm and bare and whole)


def _one_step(e: Experiment) -> bool:
    return _plain(e, warm=True) and e.family.training.steps == 1


def _early(e: Experiment) -> bool:
    table, how = e.truth.table, e.family.training
    uniform = table.ndim == 1 and np.ptp(table) == 0
    return _plain(e, warm=False) and bool(uniform) and one_size(e) and how.rate < table.size


def _softmax(symbols: int, rate: float, steps: int, warm: bool) -> Softmax:
    training = Training("sgd", rate=rate, steps=steps, warm=warm)
    return Softmax(symbols=symbols, floor=0.0, training=training)


ONE_STEP = Experiment(
    family=_softmax(3, 0.8, 1, True), workflow=Replace(), truth=CategoricalLaw((0.7, 0.2, 0.1)),
    n=6, generations=10,
)  # fmt: skip
STOPPED = Experiment(
    family=_softmax(3, 1.0, 3, False), workflow=Replace(), truth=CategoricalLaw((1 / 3,) * 3),
    n=20, generations=5,
)  # fmt: skip


@theorem(
    "derived.softmax_sgd_mean",
    observable=first_logit,
    kind=Kind.EXACT,
    source=OWN,
    family=Softmax,
    workflow=Replace,
    where=_one_step,
    cases=(ONE_STEP,),
)
def one_step_mean(e: Experiment) -> Vector:
    r"""$E w_t=\eta\,(p_0-\tfrac1s)$ for all t: the step from 0 to the truth, and a martingale from
    then on, for $w_{t+1}=w_t+\eta(\hat p_t-\mathrm{softmax}(w_t))$.

    One step of gradient descent on all rows in each generation, from the last weights; no law is
    absorbing.
    """
    table = e.truth.table
    return np.full(e.generations, e.family.training.rate * (table[0] - 1 / table.size))


@theorem(
    "derived.early_stopped_gd.chain",
    observable=parameters.mean_squared_error,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=OWN,
    family=Softmax,
    workflow=Replace,
    where=_early,
    cases=(STOPPED,),
)
def early_stopped(e: Experiment) -> Vector:
    r"""$E|p_t-u|^2\approx\frac{1-1/s}n\,\lambda^2\frac{1-\lambda^{2t}}{1-\lambda^2}$ with
    $\lambda=1-(1-\eta/s)^k$ after k steps from zero logits: $w\approx\lambda s(\hat p-u)$, a
    shrinkage to the uniform law u as that by pseudo-counts.

    The truth is u, one context, one size, from scratch in each generation, $\eta<s$; the relative
    error is O(1/n).

    Derived from $\mathrm{softmax}(w)=u+w/s+O(w^2)$ for logits that sum to 0.
    """
    how, s = e.family.training, e.truth.table.size
    kept = (1 - (1 - how.rate / s) ** how.steps) ** 2
    t = np.arange(1, e.generations + 1)
    return np.asarray((1 - 1 / s) / e.sizes[0] * kept * (1 - kept**t) / (1 - kept))


def _balance(rng: Any, count: int, *, n: int, symbols: int, rate: float, fits: int) -> Any:
    """Square of the logits plus what the concentration of past laws has saved: (count, fits)."""
    e = Experiment(
        family=_softmax(symbols, rate, 1, True), workflow=Replace(),
        truth=CategoricalLaw((1 / symbols,) * symbols), n=n, generations=fits,
        observables=(first_logit,),
    )  # fmt: skip
    setup = e.setup(Plan().resolve_dtype())
    paths = run_paths(setup, int(rng.integers(2**62)), np.arange(count))[0]
    w = np.asarray(paths.arrays.table, float)
    p = np.exp(w) / np.exp(w).sum(-1, keepdims=True)
    before = np.concatenate([np.full((count, 1), 1 / symbols), (p**2).sum(-1)[:, :-1]], 1)
    return (w**2).sum(-1) + rate**2 / n * np.cumsum(before, 1)


@trial(
    "derived.softmax_sgd_martingale.trained",
    kind=Kind.EXACT,
    source=OWN,
    draws=_balance,
    cases=({"n": 6, "symbols": 3, "rate": 0.8, "fits": 15},),
)
def one_step_spread(*, n: int, symbols: int, rate: float, fits: int) -> Vector:
    r"""$E\lVert w_t\rVert^2=\frac{\eta^2}n\sum_{g<t}E(1-\sigma_g)$, $\sigma_g=\sum_ip_i(g)^2$, so
    $E\big[\lVert w_t\rVert^2+\frac{\eta^2}n\sum_{g<t}\sigma_g\big]=\frac{\eta^2t}n$.

    One step of gradient descent from the last weights on n rows of the last law, in each
    generation; the truth is uniform and the first weights are 0.
    """
    return np.asarray(rate**2 * np.arange(1, fits + 1) / n)
