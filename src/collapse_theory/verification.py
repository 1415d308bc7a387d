"""Run theorems on experiments and judge them.

Cases that differ only in numbers share one compiled program, and theorems about the same experiment
share one simulation. Chains are added in whole steps until every statement on the experiment can
see the deviation asked for, or until the limit; how many are needed is read off standard errors
alone, never off the agreement. A refutation is tried once more, on fresh chains.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from collapse_theory.catalogue.base import Kind, Theorem
from collapse_theory.checkpoint import recorded
from collapse_theory.confirming import FRESH, confirmed, unconfirmed
from collapse_theory.errors import Failed, InputError, Interrupted
from collapse_theory.experiment import Experiment, describe
from collapse_theory.jobs import Job, jobs_for, most_telling, shape, theorem_named, theorems
from collapse_theory.judging import Verdict, judge
from collapse_theory.ladder import RUNGS, judge_ladder
from collapse_theory.moments import Tally
from collapse_theory.placement import Plan
from collapse_theory.planting import planted_seen
from collapse_theory.result import Result, provenance_facts, simulate
from collapse_theory.revision import versions
from collapse_theory.sizing import chains_for

MORE = 4  # times the chains of a refutation may be taken to confirm it
WORKERS = 2  # one program compiles while another runs


@dataclass(frozen=True)
class Level:
    """How hard to look: chains in a step, chains at most, the relative deviation asked for.

    Where ``brief``, the catalogue is judged on the first case of each theorem only, and on those
    that should not come out consistent; of the compiled programs that takes, at most ``programs``
    are run: those of cases that should not come out consistent, then those that judge most.
    """

    step: int
    most: int
    asked: float
    brief: bool = False
    programs: int | None = None


LEVELS = {
    "quick": Level(step=1 << 15, most=1 << 18, asked=0.03, brief=True, programs=24),
    "all": Level(step=1 << 15, most=1 << 18, asked=0.03, brief=True),
    "full": Level(step=1 << 17, most=1 << 23, asked=0.01),
}

_Runs = dict[Experiment, tuple[Result, float]]


def verify(
    what: Experiment | Sequence[str | Theorem] | None = None,
    *,
    level: str = "quick",
    chains: int | None = None,
    seed: int = 0,
    plan: Plan | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    store: Path | None = None,
) -> list[Verdict]:
    """Judge theorems.

    Args:
        what: an experiment (every theorem that covers it), or theorem ids or objects (on their own
            cases), or nothing (all of them).
        level: "quick" or "all" (deviations of 3 % are seen), or "full" (1 %). Without ``what``,
            "quick" judges the part of the catalogue that few simulations judge, "all" every
            theorem on one case, "full" all cases.
        chains: exactly this many chains for each experiment, instead of as many as the level needs;
            and as many fresh ones where a statement is refuted, up to 4 times as many where their
            tails ask for it.
        seed: of all simulations.
        plan: devices, dtype.
        progress: called with (experiments done, in all, what is done).
        store: a folder for the runs, each kept when it is finished: judged again by the same
            version, they are read and not run.

    Returns:
        A verdict for each theorem and case.

    Raises:
        InputError: an unknown id or level, or nothing covers the experiment.
        Failed: some experiments could not be run; it carries the other verdicts.
        Interrupted: Ctrl-C; it carries the finished verdicts.

    Example:
        >>> import collapse_theory as ct
        >>> for v in ct.verify(["seddik2024.S_partial_as_printed"], chains=20_000):
        ...     print(v.status.value, v.as_expected)
        refuted True
        refuted True
    """
    if level not in LEVELS:
        raise InputError(f"level = {level!r}: allowed are {', '.join(LEVELS)}")
    setting = LEVELS[level]
    plan = plan or Plan()
    jobs = jobs_for(what, brief=setting.brief and what is None)
    if setting.programs is not None and what is None:
        jobs = most_telling(jobs, setting.programs, plan)
    if chains is not None:
        setting = Level(step=chains, most=chains, asked=setting.asked)
    runs: _Runs = {}
    try:
        simulated = functools.partial(_kept, store) if store else _simulate
        for experiment, run in _run_all(jobs, simulated, setting, seed, plan, progress):
            runs[experiment] = run
    except (KeyboardInterrupt, ExceptionGroup) as e:
        finished = [job for job in jobs if all(x in runs for x in job.experiments)]
        if isinstance(e, ExceptionGroup):
            verdicts = _verdicts(finished, runs, simulated, setting.asked)
            raise Failed(f"verify: {_told(e)}", verdicts) from e.exceptions[0]
        verdicts = [unconfirmed(_judged(job, runs, setting.asked)) for job in finished]
        raise Interrupted(verdicts) from e
    return _verdicts(jobs, runs, simulated, setting.asked)


def _verdicts(jobs: list[Job], runs: _Runs, simulated: Any, asked: float) -> list[Verdict]:
    """Of all jobs; what is refuted is confirmed by fresh chains."""
    fresh: _Runs = {}

    def again(job: Job) -> Verdict:
        for e in job.experiments:
            if e not in fresh:
                run = runs[e][0]
                enough = Level(run.chains, MORE * run.chains, asked)  # for its tails, too
                place = run.first_chain + FRESH, [job.theorem], enough, run.seed, run.plan
                fresh[e] = simulated(run.experiment, *place)
        return _judged(job, fresh, asked)

    verdicts: list[Verdict] = []
    try:
        for job in jobs:
            first = _judged(job, runs, asked)
            verdicts.append(confirmed(first, functools.partial(again, job)))
    except KeyboardInterrupt as e:
        rest = [unconfirmed(_judged(job, runs, asked)) for job in jobs[len(verdicts) :]]
        raise Interrupted([*verdicts, *rest]) from e
    return verdicts


def _told(failures: ExceptionGroup[Exception]) -> str:
    first = failures.exceptions[0]
    reason = f"{type(first).__name__}: {' '.join(str(first).split())}"
    where = " ".join(getattr(first, "__notes__", ()))
    return f"{len(failures.exceptions)} experiments could not be run; the first, {where}: {reason}"


def _run_all(
    jobs: list[Job], simulated: Any, level: Level, seed: int, plan: Plan, progress: Any
) -> Iterator[tuple[Experiment, tuple[Result, float]]]:
    """One simulation for each experiment, grouped by compiled program, as they are finished."""
    wanted, first = _wanted(jobs)
    groups: dict[Any, list[Experiment]] = {}
    for experiment in wanted:
        groups.setdefault(shape(experiment, plan.resolve_dtype()), []).append(experiment)
    done: SimpleQueue[Any] = SimpleQueue()
    failures: list[Exception] = []
    stop = threading.Event()

    def work(group: list[Experiment]) -> None:
        names = {t.observable.name: t.observable for e in group for t in wanted[e]}
        for e in group:
            if stop.is_set():
                return
            measured = replace(e, observables=tuple(names.values()))
            try:
                done.put((e, simulated(measured, first[e], wanted[e], level, seed, plan)))
            except BaseException as failure:
                failure.add_note(describe(e))
                done.put(failure)

    pool = ThreadPoolExecutor(WORKERS)
    try:
        for group in sorted(groups.values(), key=len, reverse=True):
            pool.submit(work, group)
        for count in range(1, len(wanted) + 1):
            item = done.get()
            if isinstance(item, Exception):
                failures.append(item)
                continue
            if isinstance(item, BaseException):
                raise item
            if progress is not None:
                progress(count, len(wanted), describe(item[0]))
            yield item
        if failures:
            raise ExceptionGroup("experiments", failures)
    finally:  # after an error or Ctrl-C: what is under way ends in the background, no more begins
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _wanted(jobs: list[Job]) -> tuple[dict[Experiment, list[Theorem]], dict[Experiment, int]]:
    """The theorems that need each experiment, and its first chain."""
    wanted: dict[Experiment, list[Theorem]] = {}
    first: dict[Experiment, int] = {}
    for job in jobs:
        for experiment, chain in zip(job.experiments, job.first_chains, strict=True):
            wanted.setdefault(experiment, []).append(job.theorem)
            first[experiment] = max(chain, first.get(experiment, 0))
    return wanted, first


def _simulate(
    experiment: Experiment,
    first_chain: int,
    judged: Iterable[Theorem],
    level: Level,
    seed: int,
    plan: Plan,
) -> tuple[Result, float]:
    """The first step, then as many more as the standard errors ask for."""
    begun = time.perf_counter()
    run = simulate(experiment, chains=level.step, seed=seed, plan=plan, first_chain=first_chain)
    needed = max(chains_for(t, experiment, run, level.asked, level.most) for t in judged)
    steps = min(math.ceil(1.1 * needed / level.step), level.most // level.step) - 1
    if steps > 0:
        run = run.extend(steps * level.step)
    return run, time.perf_counter() - begun


def _kept(
    store: Path,
    experiment: Experiment,
    first_chain: int,
    judged: Iterable[Theorem],
    level: Level,
    seed: int,
    plan: Plan,
) -> tuple[Result, float]:
    """As :func:`_simulate`, or read from the store."""
    identity = {
        "experiment": str(experiment), "seed": seed, "first_chain": first_chain,
        "dtype": plan.resolve_dtype().name, "level": [level.step, level.most, level.asked],
        "judged": sorted(t.name for t in judged), "versions": versions(),
    }  # fmt: skip
    record = recorded(store, identity)
    tally = record.read()
    if tally is not None:
        facts = provenance_facts(plan, "")
        return Result(experiment, seed, *tally, facts, plan, first_chain), 0.0
    run, seconds = _simulate(experiment, first_chain, judged, level, seed, plan)
    record.keep(Tally(run.chains, run.moments))
    return run, seconds


def _judged(job: Job, runs: _Runs, asked: float) -> Verdict:
    theorem, expected = job.theorem, job.case.expected
    results = [runs[e] for e in job.experiments]
    rungs = [
        judge(
            theorem, e, run.column(theorem.observable), asked=asked, dtype=run.facts["dtype"],
            expected=expected,
        )
        for e, (run, _) in zip(job.experiments, results, strict=True)
    ]  # fmt: skip
    verdict = rungs[0]
    if theorem.kind is Kind.ASYMPTOTIC:
        verdict = judge_ladder(theorem, rungs, RUNGS, asked=asked, expected=expected)
    seconds = sum(s for _, s in results)
    return replace(verdict, seconds=seconds, planted_seen=planted_seen(verdict))


__all__ = [
    "LEVELS", "Interrupted", "Verdict", "theorem_named", "theorems", "verify",
]  # fmt: skip
