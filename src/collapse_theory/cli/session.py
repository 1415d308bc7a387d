"""What a command sets before JAX is first used; importing the package sets none of it."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collapse_theory.errors import InputError, show

if TYPE_CHECKING:
    from collapse_theory.placement import Plan

MOST_DEVICES = 1024
DIGITS = 9


def begin(*, cache: bool, devices: str = "1") -> None:
    """Switch on float64 and, if wanted, the persistent compilation cache; make room for devices.

    A CPU shows itself as one device; asked for more, it is split.

    Raises:
        InputError: more are asked for than a CPU is split into.
    """
    import jax

    settings: Any = jax.config  # its update carries no types
    settings.update("jax_enable_x64", True)
    if devices.isdecimal() and (len(devices) > DIGITS or int(devices) > MOST_DEVICES):
        raise InputError(f"--devices = {show(devices)}: at most {MOST_DEVICES:,} are allowed")
    if devices.isdecimal() and int(devices) > 1:
        # refused once a device is in use: the plan then says what there is
        with contextlib.suppress(RuntimeError):
            settings.update("jax_num_cpu_devices", int(devices))
    if cache and (folder := cache_folder()) is not None:
        settings.update("jax_compilation_cache_dir", str(folder))
        settings.update("jax_persistent_cache_min_compile_time_secs", 0)


def cache_folder() -> Path | None:
    """Where compiled programs are kept, made if need be; None where it cannot be.

    ``JAX_COMPILATION_CACHE_DIR`` wins, then ``XDG_CACHE_HOME``, then ``~/.cache``; one folder for
    each version of JAX.
    """
    from importlib.metadata import version

    if chosen := os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return Path(chosen)
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "collapse-theory" / f"jax-{version('jax')}"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # no home, or it is not ours to write
        return None
    return folder if os.access(folder, os.W_OK) else None


def make_plan(
    devices: str, dtype: str | None = None, progress: Callable[..., None] | None = None
) -> Plan:
    """The plan from the command's words.

    Raises:
        InputError: devices is neither a number nor "all", or there are not so many.
    """
    from collapse_theory.placement import Plan

    if devices != "all" and not devices.isdecimal():
        raise InputError(f"--devices = {devices!r}: allowed are 'all' and a whole number >= 1")
    plan = Plan(
        devices=devices if devices == "all" else int(devices), dtype=dtype, progress=progress,
        report=None if progress is None else functools.partial(progress, None, None),
    )  # fmt: skip
    plan.resolve_devices()
    return plan
