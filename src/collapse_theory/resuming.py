"""A run that survives being stopped: its folder, a checkpoint beside it, one writer at a time.

The folder holds a finished result. While a run is under way, the tally of its whole units lies in
one file beside the folder, replaced as a whole every few seconds and when the run is stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import filelock
import jax
import numpy as np

from collapse_theory.checkpoint import Checkpoint, Identity, refuse_difference
from collapse_theory.config import to_toml
from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.moments import Moments, Tally
from collapse_theory.placement import Plan
from collapse_theory.result import Result, data_facts
from collapse_theory.store import check_target, load, save
from collapse_theory.unfinished import Unfinished


@dataclass
class Run:
    """A run with its folder.

    Attributes:
        target: the folder.
        keep: called with each further tally; None in all processes but the first.
        tally: what it goes on from; None at the start.
        finished: what the folder holds.
        pages: the states of units that are trained.
    """

    target: Path
    keep: Checkpoint | None
    tally: Tally | None
    finished: Result | None = None
    pages: Unfinished | None = None

    def finish(self, result: Result) -> Result:
        """Put the finished result into the folder; the checkpoint is then needed no more."""
        if self.keep is None:
            return result
        if self.finished is not None and self.finished.chains >= result.chains:
            self._clear()
            return self.finished
        if self.tally is None or result.chains > self.tally.chains or not self.target.exists():
            self.keep.flush()
            save(result, self.target)
        self._clear()
        return result

    def _clear(self) -> None:
        if self.keep is not None:
            self.keep.path.unlink(missing_ok=True)
        if self.pages is not None:
            self.pages.clear()


@contextmanager
def open_run(
    path: str | Path, experiment: Experiment, seed: int, plan: Plan, first_chain: int, chains: int
) -> Iterator[Run]:
    """The folder of a run, locked, with what it holds of it.

    Leaving it, with an error or by Ctrl-C too, writes the latest tally. Where JAX runs in several
    processes the first one reads and writes, and tells the others.

    Raises:
        InputError: something else is there, another process is writing, or it cannot be written.
    """
    shape = (len(Moments._fields), experiment.generations, len(experiment.observables))
    if jax.process_index():
        yield Run(Path(path), None, _shared(None, shape))
        return
    told = False
    try:
        target = check_target(path)
        with locked(target):
            identity = identity_of(experiment, seed, plan, first_chain)
            checkpoint = Checkpoint(target.with_name(f".{target.name}.checkpoint"), identity)
            finished = _finished(target, identity)
            tally = _furthest(finished, chains, checkpoint)
            told, tally = True, _shared(tally, shape)
            try:
                yield Run(target, checkpoint, tally, finished, Unfinished(target, identity))
            except BaseException:
                checkpoint.flush()
                raise
    except InputError:
        if not told:
            _shared(None, shape, refused=True)
        raise


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Keep other processes from writing to a folder; the lock of a dead process does not hold.

    Raises:
        InputError: another process has it, or there is no place for the lock.
    """
    lock = filelock.FileLock(target.with_name(f".{target.name}.lock"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=target.parent):  # a lock says only that it cannot be had
            pass
        lock.acquire(timeout=0)
    except filelock.Timeout as e:
        raise InputError(
            f"{target}: another process is writing to it: wait, or name another"
        ) from e
    except OSError as e:
        raise InputError(f"{target}: cannot be written: {e.strerror or e}") from e
    try:
        yield
    finally:
        with suppress(OSError):  # whoever opened it before looks again: it has no name any more
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def is_held(lock: Path) -> bool:
    """Whether a living process holds a lock; one that none holds is removed."""
    try:
        with filelock.FileLock(lock, timeout=0):
            lock.unlink(missing_ok=True)
    except filelock.Timeout:
        return True
    return False


def remove(path: str | Path) -> None:
    """Remove a saved result and the checkpoint beside it, if they are there.

    Raises:
        InputError: something else is there, it is being written, or it cannot be removed.
    """
    target = check_target(path)
    with locked(target):
        try:
            target.with_name(f".{target.name}.checkpoint").unlink(missing_ok=True)
            Unfinished(target, {}).clear()
            if target.exists():
                shutil.rmtree(target)
        except OSError as e:
            raise InputError(f"{target}: cannot be removed: {e.strerror or e}") from e


def identity_of(experiment: Experiment, seed: int, plan: Plan, first_chain: int) -> Identity:
    """What makes two runs the same run; the number of chains is not in it."""
    return {
        "experiment": to_toml(experiment), "seed": int(seed), "first_chain": int(first_chain),
        "dtype": plan.resolve_dtype().name,
    } | data_facts(experiment)  # fmt: skip


def _finished(target: Path, identity: Identity) -> Result | None:
    if not target.exists():
        return None
    result = load(target)
    of_it = identity_of(result.experiment, result.seed, result.plan, result.first_chain)
    of_it |= {k: v for k, v in result.facts.items() if k == "data"}  # as they were then
    refuse_difference(target, of_it, identity)
    return result


def _furthest(finished: Result | None, chains: int, checkpoint: Checkpoint) -> Tally | None:
    there = [checkpoint.read()]
    if finished is not None:
        enough = finished.chains >= chains
        there.append(Tally(finished.chains, finished.moments) if enough else finished.tally)
    return max((t for t in there if t is not None), key=lambda t: t.chains, default=None)


def _shared(tally: Tally | None, shape: tuple[int, ...], *, refused: bool = False) -> Tally | None:
    """What the first process knows, in all of them.

    Raises:
        InputError: the first process refused the folder, and this is another one.
    """
    if jax.process_count() == 1:
        return tally
    from jax.experimental import multihost_utils

    chains = -1 if refused else tally.chains if tally else 0
    sums = np.stack(tally.moments) if tally else np.zeros(shape)
    # as words: without 64 bits JAX would round what it sends
    words = np.concatenate([np.asarray([chains], np.int64).view(np.uint32).ravel(),
                            sums.astype(np.float64).view(np.uint32).ravel()])  # fmt: skip
    got = np.asarray(multihost_utils.broadcast_one_to_all(words))
    count = int(got[:2].copy().view(np.int64)[0])
    if count < 0 and jax.process_index():
        raise InputError("the store: the first process refused it, and says why")
    return Tally(count, Moments(*got[2:].copy().view(np.float64).reshape(shape))) if count else None


__all__ = ["Run", "identity_of", "is_held", "locked", "open_run", "remove"]
