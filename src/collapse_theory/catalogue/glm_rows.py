"""Generalised linear models refitted on rows of their own: the laws of least squares, for large n.

I is the information of one row at the truth, d the number of coefficients.
"""

from __future__ import annotations

from collapse_theory.catalogue import settings_glm as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.glm import AbstractGLM
from collapse_theory.observables.divergences import kl_forward
from collapse_theory.observables.fisher import fisher_error
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

SUBJECT = Source("deydonoho2024")


@theorem(
    "glm.fisher.replace",
    observable=fisher_error,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=SUBJECT,
    family=AbstractGLM,
    workflow=Replace,
    where=setting.first_order_holds,
    cases=(setting.REPLACE,),
)
def fisher_replace(e: Experiment) -> Vector:
    r"""$E\lVert\hat w_t-w^*\rVert_I^2\approx d\sum_{g\le t}\frac1{n_g}$.

    Canonical generalised linear model, features N(0, I), new in every batch, each fit on the newest
    batch; from 10 d t rows on, and while ``glm.second_order.fisher`` adds at most a quarter. The
    relative error is O(t/n). Of its terms maximum likelihood has more than Firth's fit: its bias
    adds up to $t\,b/n$, which gives $t^2\lVert b\rVert_I^2/n^2$, and it swells the errors too.
    Logistic, d = 3, |w| = 1, n = 320, t = 3: 12 % in all, 3 % with Firth's correction.

    Derived; the law was read in the abstract.
    """
    return setting.first_order(e)


@theorem(
    "glm.fisher.accumulate",
    observable=fisher_error,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=SUBJECT,
    family=AbstractGLM,
    workflow=Accumulate,
    where=setting.first_order_holds,
    cases=(setting.ACCUMULATE,),
)
def fisher_accumulate(e: Experiment) -> Vector:
    r"""$E\lVert\hat w_t-w^*\rVert_I^2\approx d\sum_{g\le t}\frac{n_g}{N_g^2}$, $N_g=n_1+\dots+n_g$:
    $\frac dn\sum_{k\le t}\frac1{k^2}<\frac{\pi^2}6\frac dn$ for one size n.

    Canonical generalised linear model, features N(0, I), new in every batch, all batches kept; from
    10 d t rows on, and while ``glm.second_order.fisher`` adds at most a quarter. The relative error
    is O(1/n) for all t.

    Derived; the law was read in the abstract.
    """
    return setting.first_order(e)


@theorem(
    "glm.kl.replace",
    observable=kl_forward,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=SUBJECT,
    family=AbstractGLM,
    workflow=Replace,
    where=setting.first_order_holds,
    cases=(setting.REPLACE,),
)
def kl_replace(e: Experiment) -> Vector:
    r"""$E\,KL(w^*\Vert\hat w_t)\approx\frac d2\sum_{g\le t}\frac1{n_g}$, a mean over the features:
    $\frac d{2n}$ nats a generation.

    Model and domain as in ``glm.fisher.replace``; the relative error is O(t/n), and
    ``glm.second_order.kl_forward`` gives it.

    Derived: $KL=\tfrac12\lVert\hat w_t-w^*\rVert_I^2$ plus terms of the third order in the error,
    whose mean is $O(1/n^2)$ as that of the fourth.
    """
    return setting.first_order(e) / 2


@theorem(
    "glm.kl.accumulate",
    observable=kl_forward,
    kind=Kind.ASYMPTOTIC,
    order=1.0,
    source=SUBJECT,
    family=AbstractGLM,
    workflow=Accumulate,
    where=setting.first_order_holds,
    cases=(setting.ACCUMULATE,),
)
def kl_accumulate(e: Experiment) -> Vector:
    r"""$E\,KL(w^*\Vert\hat w_t)\approx\frac d2\sum_{g\le t}\frac{n_g}{N_g^2}$,
    $N_g=n_1+\dots+n_g$: below $\frac{\pi^2}{12}\frac dn$ nats for one size n, for ever.

    Model and domain as in ``glm.fisher.accumulate``; the relative error is O(1/n) for all t.

    Derived as ``glm.kl.replace``.
    """
    return setting.first_order(e) / 2
