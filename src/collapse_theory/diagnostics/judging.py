"""From measurements to answers, and the way in."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from collapse_theory import discovery
from collapse_theory.diagnostics.base import (
    Answer,
    Curves,
    Definition,
    Diagnosis,
    Measurement,
    Settled,
)
from collapse_theory.diagnostics.evidence import GROUPS, Evidence, default_risk
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.observables.base import Observable, find_observable
from collapse_theory.placement import Plan, check_run
from collapse_theory.result import Result

LEVEL = 0.01
"""False-alarm rate of one test in one direction; a table of twelve answers holds several."""

IN_A_ROW = 3
FEW_CARRY = "{} a few chains carry the variance: run more chains"
ROUNDING = 1e-12
CRITICAL = float(student.ppf(1 - LEVEL, GROUPS - 1))


@functools.cache
def definitions() -> tuple[Definition, ...]:
    """Every definition, those with a number first.

    Example:
        >>> import collapse_theory as ct
        >>> [d.name for d in ct.definitions()][:2]
        ['catastrophic_increase', 'any_increase']
    """
    return tuple(
        sorted(discovery.members(Definition), key=lambda d: (d.number is None, d.number or 0))
    )


def diagnose(result: Result, risk: Observable | str | None = None) -> list[Diagnosis]:
    """Ask every definition of collapse about the chains of a result.

    The same chains are run once more, with what the definitions look at, and up to 4,096 of them
    with 2 and 8 times the rows. Each answer is a one-sided test at 1 % in either direction, by
    the jackknife over 32 groups of chains.

    Args:
        result: of :func:`collapse_theory.simulate`; its moments are not looked at.
        risk: what measures how bad a fit is, 0 for the truth; if left out, the excess risk, the
            squared 2-Wasserstein distance or the squared parameter error, the first that the family
            has.

    Returns:
        A diagnosis for each of :func:`definitions`, in that order.

    Raises:
        InputError: fewer than 64 chains, or a risk that the family does not have.

    Example:
        >>> import collapse_theory as ct
        >>> experiment = ct.Experiment(
        ...     family=ct.GaussianMean(), workflow=ct.Replace(), n=10, generations=5,
        ...     observables=("mean",),
        ... )
        >>> result = ct.simulate(experiment, chains=4096, seed=0)
        >>> found = {d.definition.name: d.answer.value for d in ct.diagnose(result)}
        >>> found["any_increase"], found["collapsing_variance"]
        ('yes', 'not applicable')
    """
    return examine(
        result.experiment,
        chains=result.chains,
        seed=result.seed,
        risk=risk,
        plan=result.plan,
        first_chain=result.first_chain,
    )


def examine(
    experiment: Experiment,
    *,
    chains: int,
    seed: int,
    risk: Observable | str | None = None,
    plan: Plan | None = None,
    first_chain: int = 0,
) -> list[Diagnosis]:
    """:func:`diagnose` without a result: the chains of an experiment, whatever it measures."""
    check_run(chains, seed)
    if chains < 2 * GROUPS:
        raise InputError(f"chains = {chains}: a diagnosis needs at least {2 * GROUPS}")
    chosen = find_observable(risk) if isinstance(risk, str) else risk
    chosen = chosen or default_risk(experiment)
    if not chosen.supports(experiment.family):
        family = type(experiment.family).__name__
        raise InputError(f"risk = {chosen.name!r} is not defined for {family}")
    evidence = Evidence(experiment, chosen, chains, seed, first_chain, plan or Plan())
    return [answer(d, evidence) for d in definitions()]


def answer(definition: Definition, evidence: Evidence) -> Diagnosis:
    """What one definition says: yes if any of its measurements does, no if all say no."""
    finding = definition.measure(evidence)
    if isinstance(finding, Settled):
        return Diagnosis(definition, finding.answer, why=finding.why)
    judged = [_judged(definition, m) for m in finding]
    order = (Answer.YES, Answer.UNDECIDED, Answer.NO)
    return min(judged, key=lambda d: order.index(d.answer))


def _judged(definition: Definition, m: Measurement) -> Diagnosis:
    passed, failed = _tests(m)
    trusted = np.ones(passed.size, bool) if m.trusted is None else m.trusted
    believed = np.flatnonzero(trusted)
    if not believed.size:
        infinite = not np.isfinite(m.value[0]).any()
        why = "infinite in some chains" if infinite else FEW_CARRY.format("at every generation")
        return Diagnosis(definition, Answer.UNDECIDED, m.statistic, m.threshold, why=why)
    at = int(believed[-1])
    onset = _onset((passed & trusted)[: at + 1])
    if m.ever and onset is not None:
        at = onset - 1
    said = Answer.YES if passed[at] else Answer.NO if failed[at] else Answer.UNDECIDED
    if said is Answer.NO and not trusted[-1]:
        said = Answer.UNDECIDED  # not until then; what comes later is not known
    if m.ever and onset is None:
        said = Answer.NO if failed[trusted].all() else Answer.UNDECIDED
    return Diagnosis(
        definition,
        said,
        m.statistic,
        m.threshold,
        value=float(m.value[0, at]),
        se=float(_errors(m.value)[at]),
        at=at + 1,
        onset=onset,
        why=_why(said, at, m, bool(trusted[-1])),
    )


def _why(said: Answer, at: int, m: Measurement, to_the_end: bool) -> str:
    if said is Answer.UNDECIDED and not np.isfinite(m.value[0, at]):
        return "the statistic is not defined there: too few generations, or an infinite mean"
    if said is Answer.UNDECIDED and to_the_end:
        return "within its error of the threshold: run more chains"
    return "" if to_the_end else FEW_CARRY.format("later")


def _tests(m: Measurement) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where all margins are significantly positive, and where one is significantly not: (T,)."""
    passed = np.ones(m.value.shape[1], bool)
    failed = np.zeros_like(passed)
    for margin in m.margins:
        noise = CRITICAL * _errors(margin) + ROUNDING * np.abs(margin[0])
        with np.errstate(invalid="ignore"):
            passed &= margin[0] - noise > 0
            failed |= margin[0] + noise < 0
        failed |= (margin == 0).all(0)  # nothing ever happened
    return passed, failed


def _errors(curves: Curves) -> Curves:
    """Jackknife standard errors: (T,)."""
    without = curves[1:]
    with np.errstate(invalid="ignore"):
        spread = ((without - without.mean(0)) ** 2).sum(0)
    return np.asarray(np.sqrt(spread * (GROUPS - 1) / GROUPS))


def _onset(passed: NDArray[np.bool_]) -> int | None:
    """The first of three generations in a row, or of those up to the last."""
    starts = (t for t in range(passed.size) if passed[t : t + IN_A_ROW].all())
    return next((t + 1 for t in starts), None)
