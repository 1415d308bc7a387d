"""Verdicts of every kind together: by simulated chains, by replicates, by computing both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from collapse_theory.calculating import Check, calculations, check_all
from collapse_theory.config.fields import suggestion
from collapse_theory.engine import Plan, check_run
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.judging import Verdict
from collapse_theory.trying import trials, try_all
from collapse_theory.verification import Interrupted, theorems, verify

Found = Verdict | Check


def judge_all(
    what: Experiment | Sequence[str] = (),
    *,
    level: str = "all",
    chains: int | None = None,
    seed: int = 0,
    plan: Plan | None = None,
    progress: Callable[[int, int, str], None] | None = None,
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

    Returns:
        A verdict for each statement and case.

    Raises:
        InputError: an unknown id or level, or nothing covers the experiment.
        Interrupted: Ctrl-C; it carries the finished verdicts.
    """
    check_run(1 if chains is None else chains, seed)  # before the work, not after a part of it
    run = partial(verify, level=level, chains=chains, seed=seed, plan=plan, progress=progress)
    if isinstance(what, Experiment):
        return [*run(what)]
    simulated, tried, computed = _split(what) if what else (None, None, None)
    found: list[Found] = [*run(simulated)]
    try:
        for others in (
            try_all(tried, level=level, seed=seed),
            check_all(computed, brief=computed is None and level != "full"),
        ):
            for verdict in others:
                found.append(verdict)  # one by one: what is finished outlives an interruption
    except KeyboardInterrupt as e:
        raise Interrupted(found) from e
    return found


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


__all__ = ["Found", "judge_all", "planted"]
