"""What :mod:`collapse_theory.bench.scaling` runs in a process of its own; prints one JSON object.

python -m collapse_theory.bench.child memory CHAINS GENERATIONS DTYPE
python -m collapse_theory.bench.child devices CHAINS GENERATIONS DTYPE REPEATS
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any


def memory(chains: int, generations: int, dtype: str) -> dict[str, Any]:
    """Peak of the resident memory, MiB, after so many chains."""
    begun = time.perf_counter()
    _simulate(chains, generations, dtype, devices=1, seed=0)
    return {"mib": peak(), "seconds": time.perf_counter() - begun}


def devices(chains: int, generations: int, dtype: str, repeats: int) -> dict[str, Any]:
    """Seconds on 1, 2, 4 and 8 devices, in turn, and whether the moments have the same bits."""
    import jax
    import numpy as np

    settings: Any = jax.config  # its update carries no types
    settings.update("jax_num_cpu_devices", 8)
    there = len(jax.local_devices())
    seconds: dict[int, list[float]] = {n: [] for n in (1, 2, 4, 8) if n <= there}
    equal = dict.fromkeys(seconds, True)
    for seed in range(repeats + 1):
        found: Any = None
        for count, taken in seconds.items():
            begun = time.perf_counter()
            moments = _simulate(chains, generations, dtype, devices=count, seed=seed).moments
            taken.append(time.perf_counter() - begun)
            found = moments if found is None else found
            equal[count] &= all(np.array_equal(a, b) for a, b in zip(found, moments, strict=True))
    taken_by = {str(n): taken[1:] for n, taken in seconds.items()}  # without the warm-up
    return {"seconds": taken_by, "equal": {str(n): same for n, same in equal.items()}}


def peak() -> float:
    """Peak of this program's resident memory, MiB.

    Linux counts it for the program alone in VmHWM; ru_maxrss starts from the parent's there.
    """
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s*(\d+) kB", status.read_text())):
        return int(found[1]) / 1024
    import resource

    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _simulate(chains: int, generations: int, dtype: str, *, devices: int, seed: int) -> Any:
    import collapse_theory as ct
    from collapse_theory.bench.scaling import gaussian

    plan = ct.Plan(dtype=dtype, devices=devices)
    return ct.simulate(gaussian(100, generations), chains=chains, seed=seed, plan=plan)


if __name__ == "__main__":
    what, chains, generations, dtype, *rest = sys.argv[1:]
    sizes = (int(chains), int(generations), dtype)
    print(json.dumps(devices(*sizes, int(rest[0])) if what == "devices" else memory(*sizes)))
