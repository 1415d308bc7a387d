"""AI Models Collapse When Trained on Recursively Generated Data.

One Gaussian, mean and variance fitted, each fit on rows of the last one. Of the paper, the
paragraph with Theorem 3.1 of the journal version was read.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import batch_sizes
from collapse_theory.exact.gaussian import kappa1
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.observables import divergences, parameters
from collapse_theory.workflows.replace import Replace

DERIVED = Source("shumailov2024")


def _unbiased(e: Experiment) -> bool:
    return e.family.ddof == 1 and setting.two_rows(e)


@theorem(
    "shumailov2024.as_collapse",
    observable=parameters.log_variance,
    kind=Kind.ALMOST_SURE,
    source=DERIVED,
    family=Gaussian,
    workflow=Replace,
    where=lambda e: _unbiased(e) and setting.constant(batch_sizes(e)),
    cases=(setting.HEAVY, setting.UNBIASED),
    planted=lambda values: np.log(setting.LAW.var) + 0 * values,  # as E S_t = sigma^2 suggests
)
def as_collapse(e: Experiment) -> Vector:
    r"""$S_t \to 0$ almost surely: $\log S_t$ is a random walk with
    $E\log S_t = \log\sigma^2 + t\,\kappa_1(n)$,
    $\kappa_1(n) = \psi(\frac{n-1}{2}) - \log\frac{n-1}{2} < 0$, and
    $\frac1t\log S_t \to \kappa_1(n)$.

    One size n in every batch, unbiased variance.

    That the fitted variance tends to 0 almost surely is part of Theorem 3.1, which was read; the
    walk and its drift are derived.
    """
    n = batch_sizes(e)[0]
    values: Vector = np.log(e.truth.var) + np.arange(1, e.generations + 1) * kappa1(n)
    return values


@theorem(
    "shumailov2024.w2_risk",
    observable=divergences.w2_squared,
    kind=Kind.EXACT,
    source=DERIVED,
    family=Gaussian,
    workflow=Replace,
    where=_unbiased,
    cases=(setting.UNBIASED, setting.UNBIASED_SCHEDULE),
)
def w2_risk(e: Experiment) -> Vector:
    r"""$E W_2^2 = \sigma^2\big[\sum_{g\le t}\frac1{n_g} + 2\big(1-\prod_{g\le t}
    c_4(n_g)\big)\big]$.

    Any sizes, unbiased variance; $c_4(n) = E s/\sigma$ for n rows.

    The first sum is the squared error of the mean and diverges with t; the second part tends to 2.
    """
    values: Vector = e.truth.var * setting.replace_law(e).wasserstein()
    return values


@theorem(
    "shumailov2024.w2_three_halves",
    observable=divergences.w2_squared,
    kind=Kind.ASYMPTOTIC,
    source=DERIVED,
    family=Gaussian,
    workflow=Replace,
    where=setting.two_rows,
    order=1,
    cases=(setting.UNBIASED,),
    planted=lambda values: values * 2 / 3,  # the error of the mean alone
)
def w2_three_halves(e: Experiment) -> Vector:
    r"""$E W_2^2 = \tfrac32\,\sigma^2\sum_{g\le t}\frac1{n_g}\,\big(1+O(1/n)\big)$ as all sizes
    grow, t fixed.

    Either divisor of the variance.

    Known to us from accounts of the first version; here it is the expansion of
    ``shumailov2024.w2_risk``.
    """
    values: Vector = 1.5 * e.truth.var * np.cumsum(1 / batch_sizes(e))
    return values
