"""On the Stability of Iterative Retraining of Generative Models on Their Own Data.

The paper's text was not read.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_families as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.observables import parameters
from collapse_theory.workflows.replace import Replace


@theorem(
    "bertrand2023.sqrt_cov_decay",
    observable=parameters.standard_deviation,
    kind=Kind.EXACT,
    source=Source("bertrand2023"),
    family=Gaussian,
    workflow=Replace,
    where=setting.two_rows,
    cases=(setting.UNBIASED, setting.UNBIASED_SCHEDULE, setting.DIVIDED_BY_N),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def sqrt_cov_decay(e: Experiment) -> Vector:
    r"""$E s_t = \sigma\prod_{g\le t} c_4(n_g)\sqrt{\frac{n_g-1}{n_g-\mathrm{ddof}}}$, with the
    unbiased variance $\sigma\,c_4(n)^t \approx \sigma e^{-t/(4(n-1))}$ for one size.

    Any sizes, either divisor.

    The paper bounds the square root of the covariance by $\alpha(n)^t$ with $\alpha<1$, as we know
    from accounts of it; in one dimension the exact $\alpha$ is $c_4(n)$.
    """
    values: Vector = np.sqrt(e.truth.var) * setting.replace_law(e).deviation_mean()
    return values
