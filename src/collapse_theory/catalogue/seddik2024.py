"""How Bad is Training on Synthetic Data? A Statistical Analysis of Language Model Collapse.

One context of n next symbols is refitted by its shares; S_t = E sum_i p_i(t)^2, rho_t = P(the fit
at t is a Dirac), T the first such t. The paper's full text was read.
"""

from __future__ import annotations

import numpy as np

from collapse_theory.catalogue import settings_symbols as setting
from collapse_theory.catalogue.base import Case, Kind, Source, Status, theorem
from collapse_theory.exact import LumpedChain
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.observables import diversity, parameters
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace

READ = Source("seddik2024", read=True)
NEGLIGIBLE = 1e-6  # relative size of a transient that counts as nothing
SYMBOLS = (Categorical, Bernoulli)


def _one_size(e: Experiment) -> bool:
    return setting.one_context(e) and setting.one_size(e)


@theorem(
    "seddik2024.S_fully_synthetic",
    observable=diversity.sum_of_squares,
    kind=Kind.EXACT,
    source=READ,
    family=SYMBOLS,
    workflow=Replace,
    where=setting.one_context,
    cases=(setting.REPLACE, setting.REPLACE_SCHEDULE),
    planted=lambda values: np.append(values[1:], np.nan),  # generations counted from 0
)
def s_fully_synthetic(e: Experiment) -> setting.Vector:
    r"""$S_t = 1 - (1 - S_0)\prod_{k\le t}(1 - 1/n_k)$: for one size n, $1-(1-1/n)^t(1-S_0)$.

    Any alphabet, one context; $n_k$ rows in the batch before fit k.

    Theorem 1.1 states it for one size n; the product follows by the same step.
    """
    kept = np.cumprod(1 - 1 / setting.batch_sizes(e))
    return np.asarray(1 - setting.diversity_at_start(e) * kept, float)


@theorem(
    "seddik2024.rho_bounds.lower",
    observable=diversity.collapsed,
    kind=Kind.LOWER,
    source=READ,
    family=SYMBOLS,
    workflow=Replace,
    where=_one_size,
    cases=(setting.REPLACE_LONG,),
    planted=lambda values: 1 - (1 - values) / 3,  # the factor n forgotten: n = 3 in the case
)
def rho_lower(e: Experiment) -> setting.Vector:
    r"""$\rho_t \ge 1 - n(1-S_0)(1-1/n)^t$ for the probability $\rho_t$ that fit t is a Dirac.

    One context and one size n, the first batch included; silent where the bound is not positive.

    Theorem 1.2. The factor is loose: on the lattice $1-\sum_i p_i^2 \ge 2(n-1)/n^2$ off the Diracs,
    so $n^2/(2(n-1))$ serves as well, and its sharp value for large t tends to 3 as n grows.
    """
    n = setting.batch_sizes(e)[0]
    bound = 1 - n * setting.diversity_at_start(e) * (1 - 1 / n) ** setting.fits(e)
    return np.where(bound > 0, bound, np.nan)


@theorem(
    "seddik2024.rho_bounds.upper",
    observable=diversity.collapsed,
    kind=Kind.UPPER,
    source=READ,
    family=SYMBOLS,
    workflow=Replace,
    where=_one_size,
    cases=(setting.REPLACE, setting.REPLACE_LONG),
    planted=lambda values: 3 * values - 2,  # three times the surviving probability
)
def rho_upper(e: Experiment) -> setting.Vector:
    r"""$\rho_t \le 1 - \frac{1-S_0}{1-1/s}(1-1/n)^t$ for the probability $\rho_t$ that fit t is a
    Dirac.

    s symbols of positive probability, one context, one size n, the first batch included.

    Theorem 1.2.
    """
    n, s = setting.batch_sizes(e)[0], np.count_nonzero(setting.true_law(e))
    factor = setting.diversity_at_start(e) / (1 - 1 / s)
    return np.asarray(1 - factor * (1 - 1 / n) ** setting.fits(e), float)


@theorem(
    "seddik2024.collapse_time_bounds.lower",
    observable=diversity.generations_survived,
    kind=Kind.LOWER,
    source=READ,
    family=SYMBOLS,
    workflow=Replace,
    where=setting.lumpable_one_size,
    cases=(setting.REPLACE_LONG,),
    planted=lambda values: 2 * values,
)
def collapse_time_lower(e: Experiment) -> setting.Vector:
    r"""$E[T] \ge 1 + \frac{1-S_0}{1-1/s}(n-1)$ for the first generation T with a Dirac.

    s symbols of positive probability, one context, one size n. The observable is $\min(T-1,t)$: the
    bound on $E[T]-1$ is held against it where less than a millionth of $E[T]$ lies beyond t.

    Theorem 1.3; what lies beyond t is computed with the lumped chain.
    """
    n, p = int(setting.batch_sizes(e)[0]), setting.true_law(e)
    bound = setting.diversity_at_start(e) / (1 - 1 / np.count_nonzero(p)) * (n - 1)
    until = np.cumsum(1 - setting.lumped(e).collapse_probability(p))
    beyond = LumpedChain(n, 1).expected_collapse_time(p) - 1 - until
    return np.where(beyond < NEGLIGIBLE * until, bound, np.nan)


@theorem(
    "seddik2024.collapse_time_bounds.upper",
    observable=diversity.generations_survived,
    kind=Kind.UPPER,
    source=READ,
    family=SYMBOLS,
    workflow=Replace,
    where=_one_size,
    cases=(setting.REPLACE_LONG,),
    planted=lambda values: values / 2,
)
def collapse_time_upper(e: Experiment) -> setting.Vector:
    r"""$E[T] \le 1 + (1-S_0)\,n(n-1)$ for the first generation T with a Dirac.

    One context, one size n. The observable $\min(T-1,t)$ obeys the bound on $E[T]-1$ at every t,
    and needs none while t is below it.

    Theorem 1.3; the paper suspects that it should be $O(n)$, and it is: see
    ``wf.collapse_time.two_n``.
    """
    n = setting.batch_sizes(e)[0]
    return setting.binding(e, setting.diversity_at_start(e) * n * (n - 1))


@theorem(
    "seddik2024.fixation_probability.mean",
    observable=parameters.mean,
    kind=Kind.EXACT,
    source=READ,
    family=SYMBOLS,
    workflow=Replace,
    where=setting.one_context,
    cases=(setting.REPLACE, setting.REPLACE_SCHEDULE, setting.REPLACE_LONG),
)
def fixation_mean(e: Experiment) -> setting.Vector:
    r"""$E\,p_1(t) = p_1$ at every t: each probability is a martingale.

    Any sizes, one context; the first symbol is observed (for bits, the one).

    The step that proves Proposition 1.
    """
    p = setting.true_law(e)
    return np.full(e.generations, p[-1] if isinstance(e.family, Bernoulli) else p[0])


@theorem(
    "seddik2024.fixation_probability.fixed_on_first",
    observable=diversity.fixed_on_first,
    kind=Kind.LIMIT,
    source=READ,
    family=SYMBOLS,
    workflow=Replace,
    where=setting.lumpable,
    cases=(setting.REPLACE_LONG,),
    planted=np.sqrt,  # as if frequent symbols were favoured
)
def fixation_probability(e: Experiment) -> setting.Vector:
    r"""$P(\lim_t p(t) = \delta_i) = p_i$: which symbol is left is a draw from the truth.

    One context; the first symbol is observed, at the generations where less than a millionth of
    $p_1$ is still undecided.

    Proposition 1; the undecided part, $p_1 - P(p_1(t)=1)$, is computed with the lumped chain.
    """
    p, n = setting.true_law(e)[0], setting.batch_sizes(e).astype(int)
    laws = setting.lumped(e).distribution(float(p))
    fixed = laws[np.arange(e.generations), n]
    return np.where(p - fixed < NEGLIGIBLE * p, p, np.nan)


def _mixed_sums(e: Experiment, sign: float) -> setting.Vector:
    """Equation (9): S_t with a sign in front of the last term, + in truth and - in print."""
    real, synthetic = float(e.real_sizes[0]), float(e.sizes[-1])
    a, m = synthetic / (real + synthetic), setting.fits(e) - 1
    power = a / real * (a * ((1 + 1 / real) * a - 1 / real)) ** m
    first = (1 + 2 * a - (real - 1) * power) / real
    second = (1 - 1 / real) * (1 - setting.diversity_at_start(e)) * (1 + a + sign * power)
    return (first + second) / (1 + (1 + 1 / real) * a)


@theorem(
    "seddik2024.S_partial_corrected",
    observable=diversity.sum_of_squares,
    kind=Kind.EXACT,
    source=Source("seddik2024"),
    family=SYMBOLS,
    workflow=Mix,
    where=setting.fixed_corpus,
    cases=(setting.FIXED, setting.FIXED_OTHER_LAW),
    planted=lambda values: np.append(values[1:], 1.02 * values[-1]),
)
def s_partial_corrected(e: Experiment) -> setting.Vector:
    r"""$S_{m+1} = \frac1D\big[\tfrac1N(1+2\alpha-(1-\tfrac1N)\alpha\beta^m) +
    (1-\tfrac1N)S_0(1+\alpha+\tfrac{\alpha}{N}\beta^m)\big]$ with $\alpha=\frac{n}{N+n}$,
    $\beta=\alpha((1+\frac1N)\alpha-\frac1N)$, $D=1+(1+\frac1N)\alpha$.

    The same N real rows in every fit and n new rows of the last one; one context.

    Equation (9) with the sign of its last term corrected: $m=0$ must give
    $S_1=\frac1N+(1-\frac1N)S_0$.
    """
    return _mixed_sums(e, +1.0)


@theorem(
    "seddik2024.S_partial_as_printed",
    observable=diversity.sum_of_squares,
    kind=Kind.EXACT,
    source=READ,
    family=SYMBOLS,
    workflow=Mix,
    where=setting.fixed_corpus,
    cases=(
        Case(setting.FIXED, Status.REFUTED),
        Case(setting.FIXED_OTHER_LAW, Status.REFUTED),
    ),
)
def s_partial_as_printed(e: Experiment) -> setting.Vector:
    r"""$S_{m+1} = \frac1D\big[\tfrac1N(1+2\alpha-(1-\tfrac1N)\alpha\beta^m)
    + (1-\tfrac1N)S_0(1+\alpha-\tfrac{\alpha}{N}\beta^m)\big]$
    with $\alpha=\frac{n}{N+n}$, $\beta=\alpha((1+\frac1N)\alpha-\frac1N)$, $D=1+(1+\frac1N)\alpha$.

    The same N real rows in every fit and n new rows of the last one; one context.

    Theorem 2, equation (9), as printed: false, by a sign; see ``seddik2024.S_partial_corrected``.
    """
    return _mixed_sums(e, -1.0)
