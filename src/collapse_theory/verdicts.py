"""Verdicts of every kind together: by simulated chains, by replicates, by computing both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from collapse_theory.calculating import Check, calculations, check_all
from collapse_theory.catalogue.base import Case, Theorem
from collapse_theory.config.fields import suggestion
from collapse_theory.errors import InputError, Interrupted
from collapse_theory.experiment import Experiment
from collapse_theory.judging import Verdict
from collapse_theory.placement import Plan, check_run
from collapse_theory.resuming import locked
from collapse_theory.trying import attempt, trials, try_all
from collapse_theory.verification import theorem_named, theorems, verify

Found = Verdict | Check


def judge_all(
    what: Experiment | Sequence[str] = (),
    *,
    level: str = "all",
    chains: int | None = None,
    seed: int = 0,
    plan: Plan | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    store: str | Path | None = None,
) -> list[Found]:
    """Judge statements, each in its own way.

    Args:
        what: ids of statements or their part before a dot, each on all of its cases; or an
            experiment (every theorem that covers it); or nothing: as much of the catalogue as the
            level says.
        level: "quick", "all" or "full", as of ``verify``.
        chains: exactly this many for each simulated experiment.
        seed: of all simulations.
        plan: devices, dtype.
        progress: called with (experiments done, in all, what is done).
        store: a folder that keeps every run when it is finished; the same call, made again after
            it was stopped, reads them.

    Returns:
        A verdict for each statement and case.

    Raises:
        InputError: an unknown id or level, or nothing covers the experiment.
        Interrupted: Ctrl-C; it carries the finished verdicts.
    """
    check_run(1 if chains is None else chains, seed)  # before the work, not after a part of it
    with _folder(store) as folder:
        return _judged(what, level, chains, seed, plan, progress, folder)


@contextmanager
def _folder(store: str | Path | None) -> Iterator[Path | None]:
    if store is None:
        yield None
        return
    folder = Path(store)
    with locked(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            others = [p.name for p in folder.iterdir() if p.suffix != ".npz"]
        except OSError as e:
            raise InputError(f"{folder}: cannot be written: {e.strerror or e}") from e
        if others:
            raise InputError(f"{folder} holds {others[0]!r}: name a folder for runs alone")
        yield folder


def _judged(
    what: Experiment | Sequence[str],
    level: str,
    chains: int | None,
    seed: int,
    plan: Plan | None,
    progress: Callable[[int, int, str], None] | None,
    store: Path | None,
) -> list[Found]:
    run = partial(
        verify, level=level, chains=chains, seed=seed, plan=plan, progress=progress, store=store
    )
    if isinstance(what, Experiment):
        return [*run(what)]
    simulated, tried, computed = _split(what) if what else (None, None, None)
    found: list[Found] = [*run(simulated)]
    try:
        for others in (
            try_all(tried, level=level, seed=seed, store=store),
            check_all(computed, brief=computed is None and level != "full"),
        ):
            for verdict in others:
                found.append(verdict)  # one by one: what is finished outlives an interruption
    except KeyboardInterrupt as e:
        raise Interrupted(found) from e
    return found


def judge_case(
    name: str, case: int = 1, *, experiment: Experiment | None = None, chains: int | None = None,
    seed: int = 0,
) -> Verdict:  # fmt: skip
    """Judge one statement on one case, against simulation.

    Args:
        name: its id.
        case: which of its own cases, from 1.
        experiment: judge a theorem on this instead.
        chains: exactly this many; as many as deviations of 3 % need if left out. A statement
            judged on replicates takes as many as it needs.
        seed: any whole number.

    Raises:
        InputError: an unknown id, one of several statements, one that no simulation judges, no such
            case, or a theorem that does not cover the experiment.
    """
    simulated, tried, computed = _split([name])
    if len(found := [*simulated, *tried, *computed]) > 1:
        raise InputError(f"{name} stands for several: name one of {', '.join(found)}")
    if computed:
        raise InputError(f"{found[0]} is judged by computing both sides: nothing was simulated")
    if tried and experiment is not None:
        raise InputError(f"{found[0]} speaks about replicates, not about an experiment")
    what = theorem_named(found[0]) if simulated else next(t for t in trials() if t.name in tried)
    if not 1 <= case <= len(what.cases):
        raise InputError(f"case = {case}: {found[0]} has {len(what.cases)}")
    if not isinstance(what, Theorem):
        return attempt(what, what.cases[case - 1], seed=seed)
    own = what.cases[case - 1] if experiment is None else Case(experiment)
    if not what.covers(replace(own.experiment, observables=())):
        raise InputError(f"{what.name} does not cover this experiment")
    (verdict,) = verify([replace(what, cases=(own,))], chains=chains, seed=seed)
    return verdict


def _split(ids: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """The names that ids stand for, by the way in which they are judged."""
    kinds = [[t.name for t in theorems()], [t.name for t in trials()]]
    kinds.append([c.name for c in calculations()])
    known = [name for names in kinds for name in names]
    chosen: dict[str, None] = {}
    for i in ids:
        found = [name for name in known if name == i or name.startswith(f"{i}.")]
        if not found:
            near = suggestion(i, known)
            raise InputError(f"unknown theorem {i!r}{near}; 'collapse list theorems' names them")
        chosen |= dict.fromkeys(found)
    simulated, tried, computed = ([n for n in chosen if n in names] for names in kinds)
    return simulated, tried, computed


def planted(verdicts: Sequence[Found]) -> dict[str, bool]:
    """Whether a planted error is seen on any case of a statement, for those found consistent."""
    seen: dict[str, bool] = {}
    for v in verdicts:
        if v.planted_seen is not None:
            seen[v.theorem.name] = seen.get(v.theorem.name, False) or v.planted_seen
    return seen


__all__ = ["Found", "judge_all", "judge_case", "planted"]
