"""The tally of a run under way, in one file that is replaced as a whole."""

from __future__ import annotations

import io
import json
import os
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from collapse_theory.errors import InputError
from collapse_theory.moments import Moments, Tally

EVERY = 5.0
"""Seconds between checkpoints: what a killed run loses at most."""
KIND = "collapse_theory checkpoint"
SCHEMA = 1
Identity = dict[str, Any]


@dataclass
class Checkpoint:
    """The tally of a run under way, in one file.

    Attributes:
        path: the file.
        identity: what makes two runs the same run.
    """

    path: Path
    identity: Identity
    latest: Tally | None = None
    written: float = 0.0

    def __call__(self, tally: Tally) -> None:
        """Take note of a tally, and write it if the last one was written a while ago."""
        self.latest = tally
        if time.monotonic() - self.written > EVERY:
            self.flush()

    def keep(self, tally: Tally) -> None:
        """Write a tally now."""
        self.latest = tally
        self.flush()

    def flush(self) -> None:
        """Write the latest tally, if there is one.

        Raises:
            InputError: it cannot be written.
        """
        if self.latest is None:
            return
        about = {"kind": KIND, "schema": SCHEMA, "chains": self.latest.chains} | self.identity
        about["digest"] = digest(about, self.latest.moments)
        write_whole(self.path, about, self.latest.moments._asdict())
        self.written = time.monotonic()

    def read(self) -> Tally | None:
        """The tally of a run that was stopped; None if there is none.

        Raises:
            InputError: it is damaged, or of another run.
        """
        try:
            with np.load(io.BytesIO(self.path.read_bytes())) as data:  # never unpickles
                about = json.loads(str(data["about"]))
                moments = Moments(*(np.asarray(data[k], np.float64) for k in Moments._fields))
            if about.pop("digest") != digest(about, moments):
                raise ValueError("what is there is not what was written")
            chains = int(about.pop("chains"))
        except FileNotFoundError:
            return None
        except Exception as e:  # whatever the readers make of damage
            raise InputError(
                f"{self.path}: the checkpoint is damaged ({type(e).__name__}): remove it to start "
                "from what is finished"
            ) from e
        if about.pop("kind", None) != KIND or about.pop("schema", None) != SCHEMA:
            raise InputError(f"{self.path}: not a checkpoint of this version; remove it")
        refuse_difference(self.path, about, self.identity)
        return Tally(chains, moments)


def write_whole(path: Path, about: Identity, arrays: dict[str, Any]) -> None:
    """Write a file of arrays, whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    beside = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    try:
        with beside.open("wb") as file:
            np.savez(file, about=json.dumps(about), **arrays)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as e:
        raise InputError(f"{path}: cannot be written: {e.strerror or e}") from e
    finally:
        beside.unlink(missing_ok=True)


def recorded(folder: Path, identity: Identity) -> Checkpoint:
    """The record of one of many runs in a folder, named after what it is."""
    name = sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]
    return Checkpoint(folder / f"{name}.npz", identity)


def digest(about: Identity, *moments: Moments | None) -> str:
    """Of what is said of moments, and of their bits."""
    found = sha256(json.dumps(about, sort_keys=True).encode())
    for array in (a for m in moments if m is not None for a in m):
        found.update(np.ascontiguousarray(array, np.float64).tobytes())
    return found.hexdigest()


def refuse_difference(path: Path, found: Identity, wanted: Identity) -> None:
    """Refuse a store of another run, and say in what it differs.

    Raises:
        InputError: it differs.
    """
    for key, value in wanted.items():
        there = found.get(key)
        if there != value:
            told = _differing_line(str(there), str(value)) if key == "experiment" else (
                f"{key} is {there} there and {value} here"
            )  # fmt: skip
            raise InputError(f"{path} holds another run: {told}; it is left alone: name another")


def _differing_line(there: str, here: str) -> str:
    old, new = there.splitlines(), here.splitlines()
    gone = [line for line in old if line not in new]
    come = [line for line in new if line not in old]
    return f"{' and '.join(gone) or 'less'} there, {' and '.join(come) or 'less'} here"


__all__ = [
    "EVERY",
    "Checkpoint",
    "Identity",
    "digest",
    "recorded",
    "refuse_difference",
    "write_whole",
]
