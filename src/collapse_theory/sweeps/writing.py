"""Configs of a sweep, written to its folder and read back."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from collapse_theory.errors import InputError
from collapse_theory.moments import Moments, Tally
from collapse_theory.result import Result
from collapse_theory.store import reading
from collapse_theory.sweeps.definition import Sweep
from collapse_theory.sweeps.storage import (
    DAMAGED,
    FILLS,
    NOTES,
    PLANES,
    STATE,
    labels,
    open_dataset,
    shape_of,
)

HALF = len(PLANES) // 2


class Writer:
    """The arrays of a sweep's folder, open for writing.

    Args:
        folder: of the sweep.

    Raises:
        InputError: an array is missing, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        import zarr

        self._folder = folder
        with reading(folder, DAMAGED):
            group = zarr.open_group(folder, mode="r+", zarr_format=3)
            self._arrays: dict[str, Any] = {name: group[name] for name in (STATE, *FILLS, *NOTES)}

    def check(self, sweep: Sweep) -> None:
        """Check that arrays and labels are those that were made for this sweep.

        Raises:
            InputError: they are not.
        """
        with reading(self._folder, DAMAGED):
            self._check(sweep)

    def _check(self, sweep: Sweep) -> None:
        shape = shape_of(sweep)
        shapes: dict[str, Any] = {
            name: (shape, np.dtype(dtype)) for name, (dtype, _) in FILLS.items()
        }
        shapes[STATE] = ((shape[0], len(PLANES), *shape[1:]), np.dtype("float64"))
        for name, made in shapes.items():
            if (self._arrays[name].shape, self._arrays[name].dtype) != made:
                raise ValueError(f"{name} is not what was made")
        if any(self._arrays[name].shape != shape[:1] for name in NOTES):
            raise ValueError("a note is not what was made")
        with open_dataset(self._folder) as there:
            for name, label in labels(sweep).items():
                values = label[1] if isinstance(label, tuple) else label
                if there[name].values.tolist() != values.tolist():
                    raise ValueError(f"the label {name} is not what was written")

    def chains(self, config: int) -> int:
        """How many chains of a config the folder holds; 0 where it is damaged."""
        found = self._state(config)
        return 0 if found is None else int(found[0, 0, 0])

    def shown(self, config: int) -> int:
        """How many of them its other arrays tell of: fewer where a process was stopped there, 0
        where one of them is damaged.
        """
        try:
            facts = json.loads(str(self._arrays["facts"][config]))
            found = {name: np.asarray(self._arrays[name][config]) for name in FILLS}
            chains, said = int(self._arrays["chains"][config]), facts.pop("digest")
            whole = bool(self._arrays["done"][config]) and said == _digest(found, chains, facts)
            return chains if whole else 0
        except Exception:  # whatever the readers make of damage
            return 0

    def restored(self, config: int) -> tuple[Moments, Tally | None]:
        """Moments and tally of a config."""
        state = self._state(config)
        assert state is not None
        whole = int(state[HALF, 0, 0])
        tally = Tally(whole, Moments(*state[HALF + 1 :])) if whole else None
        return Moments(*state[1:HALF]), tally

    def write(self, config: int, result: Result) -> None:
        """Write a config: its state, then what is computed from it, its mark last.

        Raises:
            InputError: it cannot be written.
        """
        shown = columns(result)
        facts = {**result.facts, "digest": _digest(shown, result.chains, result.facts)}
        marks = {"facts": json.dumps(facts, sort_keys=True), "chains": result.chains, "done": True}
        try:
            for name, values in {STATE: state(result), **shown, **marks}.items():
                self._arrays[name][config] = values
        except OSError as e:
            raise InputError(f"{self._folder}: cannot be written: {e.strerror or e}") from e

    def _state(self, config: int) -> np.ndarray | None:
        try:
            return np.asarray(self._arrays[STATE][config], np.float64)
        except Exception:  # a checksum that does not match, or whatever the readers make of damage
            return None


def _digest(shown: dict[str, np.ndarray], chains: int, facts: dict[str, Any]) -> str:
    found = sha256(json.dumps([chains, facts], sort_keys=True).encode())
    for name in FILLS:
        found.update(np.ascontiguousarray(shown[name]).tobytes())
    return found.hexdigest()


def state(result: Result) -> np.ndarray:
    """All that a config is restored from; shape (sum, generation, observable)."""
    m = result.moments
    tally = result.tally or Tally(0, Moments(*(np.zeros_like(a) for a in m)))
    planes = [np.full_like(m.n, result.chains), *m]
    return np.stack([*planes, np.full_like(m.n, tally.chains), *tally.moments])


def columns(result: Result) -> dict[str, np.ndarray]:
    """The arrays of one config; shape (generation, observable)."""
    m = result.moments
    stored: dict[str, Any] = {"m2": m.m2, "m3": m.m3, "m4": m.m4, "count": m.n}
    stored["nonfinite"] = m.nonfinite
    for name in FILLS:
        if name not in stored:
            column = getattr(result, name)
            stored[name] = np.stack([column(o) for o in result.names], axis=1)
    return {name: np.asarray(stored[name], dtype) for name, (dtype, _) in FILLS.items()}
