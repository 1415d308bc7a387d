"""What fails as printed, as quoted or as it is often repeated, beside what holds.

Each entry names a statement of the catalogue that its own case must refute and those that correct
it. Where the paper's text was not read, the entry says so: then only the quotation is at fault.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from collapse_theory.catalogue import settings_families as families
from collapse_theory.catalogue import settings_symbols as symbols
from collapse_theory.catalogue.alemohammad2023_limits import CRITICAL
from collapse_theory.catalogue.base import Case, Kind, Source, Status, theorem
from collapse_theory.catalogue.calculation import Sides, calculation
from collapse_theory.catalogue.dohmatob2024tails import hutter_error, mean_error
from collapse_theory.exact.equivalents import weighted_step
from collapse_theory.exact.validation import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.categorical import Categorical
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.generators.scaled import Scaled
from collapse_theory.observables import divergences, diversity, parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace


@dataclass(frozen=True)
class Erratum:
    """A statement that fails, and what holds instead.

    Args:
        name: a short title.
        claim: the statement in words.
        fails: id of the statement that is refuted.
        holds: ids of what corrects it.
        read: whether the claim was seen in the paper's own text.
    """

    name: str
    claim: str
    fails: str
    holds: tuple[str, ...]
    read: bool


def _case(e: Experiment) -> tuple[Case, ...]:
    return (Case(e, Status.REFUTED),)


LONG = replace(families.DIVIDED_BY_N, n=4, n_real=4, generations=12)
ONE_POINT = replace(symbols.FIXED, n=5, n_real=1)


@theorem(
    "errata.bias_below_one",
    observable=parameters.log_variance,
    kind=Kind.EXACT,
    source=Source("alemohammad2023"),
    family=Gaussian,
    workflow=Replace,
    generator=Scaled,
    where=lambda e: e.family.ddof == 1,
    cases=_case(CRITICAL),
)
def bias_below_one(e: Experiment) -> Vector:
    r"""$E\log S_t=\log\sigma^2+(t-1)\log\lambda$, so that S collapses for $\lambda<1$ only: fails,
    the sampling itself lowers $\log S$ in every generation.
    """
    t = np.arange(e.generations)
    return np.asarray(np.log(e.truth.var) + t * np.log(e.generator.factor))


@theorem(
    "errata.one_fixed_point",
    observable=diversity.gini,
    kind=Kind.LOWER,
    source=Source(None),
    family=Categorical,
    workflow=Mix,
    where=lambda e: e.workflow.real == "fixed" and int(e.real_sizes[0]) == 1,
    cases=_case(ONE_POINT),
)
def one_fixed_point(e: Experiment) -> Vector:
    r"""$E[1-\sum p_i^2]\ge(1-S_0)\frac{2n}{3n+1}$ with one real row: fails where it is the same row
    for ever, which keeps nothing.
    """
    n = float(e.sizes[-1])
    return np.full(e.generations, symbols.diversity_at_start(e) * 2 * n / (3 * n + 1))


@theorem(
    "errata.w2_diverges_for_every_divisor",
    observable=divergences.w2_squared,
    kind=Kind.LOWER,
    source=Source("shumailov2024"),
    family=Gaussian,
    workflow=Replace,
    where=lambda e: e.family.ddof == 0,
    cases=_case(LONG),
)
def w2_diverges(e: Experiment) -> Vector:
    r"""$E W_2^2\ge\sigma^2\sum_{g\le t}\frac1{n_g}$, which diverges: fails for the variance with
    divisor n, where $E W_2^2\le2\sigma^2$ for ever.
    """
    return np.asarray(e.truth.var * np.cumsum(1 / symbols.batch_sizes(e)))


@theorem(
    "errata.bessel_keeps_the_variance",
    observable=parameters.variance,
    kind=Kind.EXACT,
    source=Source("kazdan2024"),
    family=Gaussian,
    workflow=Accumulate,
    where=lambda e: e.family.ddof == 1,
    cases=_case(families.ACCUMULATE_UNBIASED),
)
def bessel(e: Experiment) -> Vector:
    r"""$E S_t=\sigma^2$ with divisor n - 1: holds where data are replaced, fails where they are
    kept, because rows of one batch share its mean.
    """
    return np.full(e.generations, e.truth.var)


@calculation(
    "errata.golden_ratio_everywhere",
    kind=Kind.EXACT,
    source=Source("he2025"),
    cases=({"ratio": 0.9},),
    error=0.005,
    expected=Status.REFUTED,
)
def golden_ratio(*, ratio: float) -> Sides:
    r"""The best share of real data is $1/\varphi=0.618$ at every d / n: fails for pooled new rows,
    where it is 0.606 at d / n = 0.9 and 0.587 at 1.5.

    It holds at every n and d where both kinds of labels belong to the same rows.

    Computed: the settled risk of ``he2025.weighted_ls_fresh_DE`` for equal numbers of real and
    synthetic rows, by share, minimised by search.
    """

    def risk(share: float) -> float:
        carried, dose = weighted_step((share, 1 - share), (1.0, 1.0), ratio)
        return dose / (1 - carried)

    found = minimize_scalar(risk, bounds=(0.3, 0.95), method="bounded", options={"xatol": 1e-9})
    return Sides((5**0.5 - 1) / 2, found.x)


@calculation(
    "errata.error_linear_in_generations",
    kind=Kind.ASYMPTOTIC,
    source=Source("dohmatob2024tails"),
    cases=({"beta": 1.5, "sizes": (50, 100, 200)},),
    order=0.3,
    expected=Status.REFUTED,
)
def linear_error(*, beta: float, sizes: Any) -> Sides:
    r"""$E_m\sim mE_1$ after m generations of T rows: fails, the error of the Hutter model grows
    like $m^{(\beta-1)/\beta}$. The linear law is an upper bound.

    As in ``derived.hutter_n_fold``: $m=\sqrt T$, exact means over the number of ancestors.
    """
    stated, found = [], []
    for rows in sizes:
        m = round(rows**0.5)
        stated.append(m * hutter_error(beta, rows))
        found.append(mean_error(beta, rows, m))
    return Sides(stated, found, sizes)


PARTIAL = Erratum(
    "A sign in the partially synthetic recursion",
    "The printed form of equation (9) for the sum of squares under a fixed real corpus.",
    "seddik2024.S_partial_as_printed", ("seddik2024.S_partial_corrected",), read=True,
)  # fmt: skip
FIXED_DESIGN = Erratum(
    "The factor pi^2/6 as a finite sum",
    "The risk of least squares under accumulation is the first risk times the sum of 1/k^2. It "
    "needs a design that is reused; with new rows the sum is smaller, and pi^2/6 is a bound that "
    "is not reached.",
    "gerstgrasser2024.accumulate_fresh_as_fixed",
    ("ols.accumulate_fresh_design", "gerstgrasser2024.accumulate_fixed_design",
     "gerstgrasser2024.pi2over6_bound"), read=False,
)  # fmt: skip
TOKEN_EDITS = Erratum(
    "A bound for any number of token edits",
    "The risk never exceeds twice the first one, in however many rounds labels are edited.",
    "zhu2024toedit.uniform_bound_as_stated",
    ("zhu2024toedit.fixed_mask", "zhu2024toedit.fresh_random_edits",
     "zhu2024toedit.single_pass_disjoint"), read=False,
)  # fmt: skip
SAMPLING_BIAS = Erratum(
    "Collapse needs a sampler that is biased towards quality",
    "Collapse ends at lambda = 1. The proposition itself, that lambda <= 1 is enough, was read and "
    "holds; the sharp condition is above 1.",
    "errata.bias_below_one", ("alemohammad2023.lambda_critical",), read=False,
)  # fmt: skip
REAL_POINT = Erratum(
    "One real data point prevents collapse",
    "One real row keeps two thirds of the diversity: true for a new row in every generation.",
    "errata.one_fixed_point", ("derived.single_real_point",), read=False,
)  # fmt: skip
WASSERSTEIN = Erratum(
    "The Wasserstein distance diverges",
    "The expected squared distance grows without bound whichever divisor the variance has. The "
    "theorem itself, which was read, has the unbiased variance, and holds.",
    "errata.w2_diverges_for_every_divisor",
    ("shumailov2024.w2_risk", "mle.w2_identity", "replace.collapsed_location_law"), read=False,
)  # fmt: skip
BESSEL = Erratum(
    "Bessel's correction when data accumulate",
    "With divisor n - 1 the fitted variance is right on average in every generation.",
    "errata.bessel_keeps_the_variance", ("accumulate.unbiased",), read=False,
)  # fmt: skip
GOLDEN = Erratum(
    "The golden ratio at every dimension",
    "The best share of real data is 0.618 whatever the number of coefficients.",
    "errata.golden_ratio_everywhere",
    ("he2025.optimal_weight", "he2025.weighted_ls_fresh_DE", "garg2025.label_mix_fixed_X"),
    read=False,
)  # fmt: skip
LINEAR = Erratum(
    "An error proportional to the number of generations",
    "After m generations the error of the scaling law is m times the first one.",
    "errata.error_linear_in_generations", ("derived.hutter_n_fold",), read=False,
)  # fmt: skip
