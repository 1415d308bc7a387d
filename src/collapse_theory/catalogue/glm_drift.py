r"""Generalised linear models refitted on rows of their own: where maximum likelihood drifts to.

b/n is the bias of one fit of n rows, for large n; I the information of one row at the truth.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from collapse_theory.catalogue import settings_glm as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.glm import AbstractGLM
from collapse_theory.observables import divergences, parameters
from collapse_theory.observables.fisher import fisher_error
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

SCOPE: dict[str, Any] = {
    "kind": Kind.ASYMPTOTIC, "order": 2.0, "source": Source(None), "family": AbstractGLM,
    "where": setting.second_order_holds,
}  # fmt: skip
CASES = (setting.DRIFTING, setting.DRIFTING_KEPT, setting.REPLACE, setting.ACCUMULATE)


def _first_coefficient(e: Experiment) -> Vector:
    true = np.asarray(e.truth.coefficients, float)
    bias = np.asarray(e.family.bias(jnp.asarray(true)), float)
    return np.asarray(true[0] + bias[0] * setting.refits(e).drift())


def _at_rest(values: Vector) -> Vector:
    """No drift at all: the truth, read off the first two generations of one size."""
    return np.full_like(values, 2 * values[0] - values[1])


def _at_rest_kept(values: Vector) -> Vector:
    """The same where all rows are kept, and doses fall as 1 and 1/4."""
    return np.full_like(values, 5 * values[0] - 4 * values[1])


@theorem(
    "glm.drift.replace",
    observable=parameters.mean,
    workflow=Replace,
    cases=(setting.DRIFTING,),
    planted=_at_rest,
    **SCOPE,
)
def drift_replace(e: Experiment) -> Vector:
    r"""$E\hat w_t\approx w^*+b\sum_{g\le t}\frac1{n_g}$ with
    $b=-\tfrac12I^{-1}E[A'''(x'w^*)\,(x'I^{-1}x)\,x]$, along $w^*$, A the cumulant function: the
    bias of each fit adds up, in proportion to t. With Firth's correction $E\hat w_t\approx w^*$.

    The first coefficient. Canonical generalised linear model, features N(0, I), new in every batch,
    each fit on the newest batch; from 10 d t rows on, and while the second order of
    ``glm.second_order.fisher`` is at most half of the first. The error is $O(1/n^2)$. In logistic
    regression b points away from 0, labels grow surer with every generation, and |b|/|w| is about d
    + 2 for small weights; in Poisson regression b points to 0.
    """
    return _first_coefficient(e)


@theorem(
    "glm.drift.accumulate",
    observable=parameters.mean,
    workflow=Accumulate,
    cases=(setting.DRIFTING_KEPT,),
    planted=_at_rest_kept,
    **SCOPE,
)
def drift_accumulate(e: Experiment) -> Vector:
    r"""$E\hat w_t\approx w^*+b\sum_{g\le t}\frac{n_g}{N_g^2}$, $N_g=n_1+\dots+n_g$: with one size
    at most $\frac{\pi^2}6\frac bn$. Firth's correction takes away the term g = 1 and no other.

    The first coefficient; b and the domain as in ``glm.drift.replace``, all batches kept.

    The later terms stay, for the correction is that of rows from one model, and it is the same in
    the fit before.
    """
    return _first_coefficient(e)


@theorem(
    "glm.second_order.fisher",
    observable=fisher_error,
    workflow=(Replace, Accumulate),
    cases=CASES,
    **SCOPE,
)
def fisher(e: Experiment) -> Vector:
    r"""$E\lVert\hat w_t-w^*\rVert_I^2=\frac{dt}n+\frac t{n^2}\big(Q+\tfrac32|T|^2+5|b|^2-F\big)
    +\frac{t(t-1)}{2n^2}\big(8|b|^2+2|T|^2-\tfrac32F\big)+O(n^{-3})$ for one size, each fit on the
    newest batch, maximum likelihood.

    In the metric I, T and F are the mean third and fourth derivatives of the cumulant function, F
    contracted, Q the variance of the information of one row; $t^2|b|^2$, the square of the drift,
    is part of it. Firth's correction, kept batches and sizes that differ: see
    ``exact.second_order``. Features N(0, I), new in every batch; from 10 d t rows on, while the
    second order is at most half of the first. Logistic, d = 2, n = 80, t = 3: it adds a third, and
    9 % are left to the third order.
    """
    return setting.refits(e).fisher()


@theorem(
    "glm.second_order.kl_forward",
    observable=divergences.kl_forward,
    workflow=(Replace, Accumulate),
    cases=CASES,
    **SCOPE,
)
def kl_forward(e: Experiment) -> Vector:
    r"""$E\,KL(w^*\Vert\hat w_t)=\frac{dt}{2n}+\frac t{n^2}
    \big(\tfrac12Q+\tfrac5{12}|T|^2+\tfrac32|b|^2-\tfrac38F\big)
    +\frac{t(t-1)}{2n^2}\,\mathrm{div}\,b+O(n^{-3})$ for one size, each fit on the newest batch,
    maximum likelihood, $\mathrm{div}\,b=2|b|^2+\tfrac12|T|^2-\tfrac12F$.

    Terms and domain as in ``glm.second_order.fisher``; of the mean over the features.
    """
    return setting.refits(e).kl_forward()


@theorem(
    "glm.second_order.kl_reverse",
    observable=divergences.kl_reverse,
    workflow=(Replace, Accumulate),
    cases=CASES,
    **SCOPE,
)
def kl_reverse(e: Experiment) -> Vector:
    r"""$E\,KL(\hat w_t\Vert w^*)=\frac{dt}{2n}\Big(1+\frac1{nd}
    \big(Q+\tfrac16|T|^2+|b|^2-\tfrac14F\big)\Big)+O(n^{-3})$ for one size, each fit on the newest
    batch, maximum likelihood: no term in $t^2$, for the mean parameter $E_x[A'(x'w)x]$ is a
    martingale to this order, and such a divergence adds up along one.

    Terms and domain as in ``glm.second_order.fisher``; of the mean over the features.
    """
    return setting.refits(e).kl_reverse()
