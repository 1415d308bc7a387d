"""Generalised linear models refitted on rows of their own: the laws of least squares, for large n.

I is the information of one row at the truth, d the number of coefficients.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import Vector, batch_sizes
from collapse_theory.experiment import Experiment
from collapse_theory.families.glm import AbstractGLM
from collapse_theory.families.linear_regression import RegressionLaw
from collapse_theory.families.logistic import Logistic
from collapse_theory.observables.fisher import fisher_error
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.base import AbstractWorkflow
from collapse_theory.workflows.replace import Replace

SUBJECT = Source("deydonoho2024")
ROWS = 10  # a coefficient and generation, from which on the first order is offered


def _dimension(e: Experiment) -> int:
    return len(e.truth.coefficients)


def _many(e: Experiment) -> bool:
    return bool(batch_sizes(e).min() >= ROWS * _dimension(e) * e.generations)


def _case(workflow: AbstractWorkflow) -> Experiment:
    return Experiment(
        family=Logistic(firth=True, iterations=8), workflow=workflow,
        truth=RegressionLaw((0.6, -0.3)), n=80, generations=3,
    )  # fmt: skip


REPLACE, ACCUMULATE = _case(Replace()), _case(Accumulate())


@theorem(
    "glm.fisher.replace",
    observable=fisher_error,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=SUBJECT,
    family=AbstractGLM,
    workflow=Replace,
    where=_many,
    cases=(REPLACE,),
)
def fisher_replace(e: Experiment) -> Vector:
    r"""$E\lVert\hat w_t-w^*\rVert_I^2\approx d\sum_{g\le t}\frac1{n_g}$.

    Canonical generalised linear model, new features in every batch, each fit on the newest batch,
    from 10 d t rows on; the relative error is O(1/n). Of its terms maximum likelihood has more than
    Firth's fit: its bias adds up to $t\,b/n$, which gives $t^2\lVert b\rVert_I^2/n^2$, and it
    swells the errors too. Logistic, d = 3, |w| = 1, n = 320, t = 3: 12 % in all, 3 % with Firth's
    correction.

    Derived; the law was read in the abstract.
    """
    return np.asarray(_dimension(e) * np.cumsum(1 / batch_sizes(e)))


@theorem(
    "glm.fisher.accumulate",
    observable=fisher_error,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=SUBJECT,
    family=AbstractGLM,
    workflow=Accumulate,
    where=_many,
    cases=(ACCUMULATE,),
)
def fisher_accumulate(e: Experiment) -> Vector:
    r"""$E\lVert\hat w_t-w^*\rVert_I^2\approx d\sum_{g\le t}\frac{n_g}{N_g^2}$, $N_g=n_1+\dots+n_g$:
    $\frac dn\sum_{k\le t}\frac1{k^2}<\frac{\pi^2}6\frac dn$ for one size n.

    Canonical generalised linear model, new features in every batch, all batches kept, from 10 d t
    rows on; the relative error is O(1/n).

    Derived; the law was read in the abstract.
    """
    n = batch_sizes(e)
    return np.asarray(_dimension(e) * np.cumsum(n / np.cumsum(n) ** 2))


__all__ = ["fisher_accumulate", "fisher_replace"]
