"""The machine that the numbers are of; no host or user name."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from collapse_theory.placement import cores

BUSY = 0.5  # of the cores, as load before the run
CONTENDED = 0.9  # a NumPy baseline that gets less of its one core has to share it


def machine() -> dict[str, Any]:
    """Processor, cores, versions, device and load."""
    import jax

    device = jax.local_devices()[0]
    return {
        "cpu": cpu_name(),
        "cores": cores(),
        "platform": device.platform,
        "device": device.device_kind,
        "system": platform.system(),
        "python": platform.python_version(),
        "jax": version("jax"),
        "numpy": version("numpy"),
        "collapse-theory": version("collapse-theory"),
        "load": load(),
    }


def cpu_name() -> str:
    """The processor's own name, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.M) if info.exists() else None
    return found[1].strip() if found else platform.processor() or platform.machine()


def load() -> float | None:
    """Mean number of runnable threads over the last minute."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # not on Windows
        return None


def busy() -> str | None:
    """A note where others are at work on the machine; call it before the run."""
    now = load()
    if now is None or now <= BUSY * cores():
        return None
    return f"the machine was busy before the run: load {now:.1f} on {cores()} cores"
