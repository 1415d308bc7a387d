"""Configs of a sweep, written to its folder and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from collapse_theory.errors import InputError
from collapse_theory.moments import Moments, Tally
from collapse_theory.result import Result
from collapse_theory.sweeps.storage import FILLS, NOTES, PLANES, STATE

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
        try:
            group = zarr.open_group(folder, mode="r+")
            self._arrays: dict[str, Any] = {name: group[name] for name in (STATE, *FILLS, *NOTES)}
        except (KeyError, OSError, ValueError) as e:
            raise InputError(f"{folder}: the sweep's folder is damaged: {e!r}") from e

    def chains(self, config: int) -> int:
        """How many chains of a config the folder holds."""
        return int(self._state(config)[0, 0, 0])

    def shown(self, config: int) -> int:
        """How many of them its other arrays tell of: fewer where a process was stopped there."""
        return int(self._arrays["chains"][config])

    def restored(self, config: int) -> tuple[Moments, Tally | None]:
        """Moments and tally of a config."""
        state = self._state(config)
        whole = int(state[HALF, 0, 0])
        tally = Tally(whole, Moments(*state[HALF + 1 :])) if whole else None
        return Moments(*state[1:HALF]), tally

    def write(self, config: int, result: Result) -> None:
        """Write a config: its state, then what is computed from it, its mark last.

        Raises:
            InputError: it cannot be written.
        """
        facts = json.dumps(result.facts, sort_keys=True)
        marks = {"facts": facts, "chains": result.chains, "done": True}
        try:
            for name, values in {STATE: state(result), **columns(result), **marks}.items():
                self._arrays[name][config] = values
        except OSError as e:
            raise InputError(f"{self._folder}: cannot be written: {e.strerror or e}") from e

    def _state(self, config: int) -> np.ndarray:
        try:
            return np.asarray(self._arrays[STATE][config], np.float64)
        except (ValueError, RuntimeError, OSError) as e:
            raise InputError(
                f"{self._folder}: config {config} is damaged ({e}): remove its file "
                f"{STATE}/c/{config}/0/0/0 to run it again"
            ) from e


def state(result: Result) -> np.ndarray:
    """All that a config is restored from; shape (sum, generation, observable)."""
    m = result.moments
    tally = result.tally or Tally(0, Moments(*(np.zeros_like(a) for a in m)))
    planes = [np.full_like(m.n, result.chains), *m]
    return np.stack([*planes, np.full_like(m.n, tally.chains), *tally.moments])


def columns(result: Result) -> dict[str, np.ndarray]:
    """The arrays of one config; shape (generation, observable)."""
    m = result.moments
    stored: dict[str, Any] = {"mean": m.mean, "m2": m.m2, "m3": m.m3, "m4": m.m4, "count": m.n}
    stored["nonfinite"] = m.nonfinite
    for name in FILLS:
        if name not in stored:
            column = getattr(result, name)
            stored[name] = np.stack([column(o) for o in result.names], axis=1)
    return {name: np.asarray(stored[name], dtype) for name, (dtype, _) in FILLS.items()}
