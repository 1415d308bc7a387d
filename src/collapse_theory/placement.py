"""Where a run takes place: devices, precision, how much at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from collapse_theory.errors import InputError, show

SEEDS = 2**63
MOST_CHAINS = 10**15
Progress = Callable[[int, int], None]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """Where to run and in what pieces; models never hear of it.

    Args:
        chunk: chains under way on a device before their moments are read; rounded up to whole
            units.
        devices: how many devices to use, or "all".
        dtype: "float32" or "float64"; float64 where JAX has it switched on, if left out.
        progress: called with (chains done, chains in all) after each chunk; where a family is
            trained, after each generation, with the share of the unit's chains that is done.
        report: called with a line of words after each generation of a family that is trained.

    Example:
        >>> import collapse_theory as ct
        >>> ct.Plan(dtype="float32").resolve_dtype()
        dtype('float32')
    """

    chunk: int | None = None
    devices: int | str = 1
    dtype: str | None = None
    progress: Progress | None = None
    report: Report | None = None

    def resolve_dtype(self) -> np.dtype[Any]:
        """The dtype of the chains.

        Raises:
            InputError: float64 was asked for and JAX runs without it.
        """
        name = self.dtype or ("float64" if wide() else "float32")
        if name not in ("float32", "float64"):
            raise InputError(f"plan.dtype = {name!r}: allowed are 'float32' and 'float64'")
        if name == "float64" and not wide():
            raise InputError(
                "plan.dtype = 'float64' needs jax.config.update('jax_enable_x64', True) first"
            )
        return np.dtype(name)

    def resolve_devices(self) -> list[Any]:
        """The devices to use.

        Raises:
            InputError: more were asked for than there are.
        """
        there = _local_devices()
        count = len(there) if self.devices == "all" else self.devices
        if not isinstance(count, int) or not 1 <= count <= len(there):
            raise InputError(
                f"plan.devices = {self.devices!r}: allowed are 'all' and 1..{len(there)}"
            )
        return there[:count]


def _local_devices() -> list[Any]:
    try:
        return list(jax.local_devices())
    except (RuntimeError, AssertionError) as e:  # JAX 0.10 asserts where a platform is not there
        wanted = os.environ.get("JAX_PLATFORMS", "")
        raise InputError(
            f"JAX finds no device (JAX_PLATFORMS = {wanted!r}): unset it, or install what that "
            "device needs, as in pip install 'collapse-theory[cuda12]'"
        ) from e


def check_run(chains: Any, seed: Any) -> None:
    """Refuse what is no number of chains or no seed.

    Raises:
        InputError: ``chains`` is not a whole number in 1..10**15, ``seed`` not one in [0, 2**63).
    """
    if not _whole(chains) or not 1 <= chains <= MOST_CHAINS:
        raise InputError(f"chains = {show(chains)}: a whole number in 1..10**15 is needed")
    if not _whole(seed) or not 0 <= seed < SEEDS:
        raise InputError(f"seed = {show(seed)}: a whole number in [0, 2**63) is needed")


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def wide() -> bool:
    """Whether JAX runs with 64 bits."""
    return bool(jax.config.read("jax_enable_x64"))  # type: ignore[no-untyped-call]  # JAX's gap
