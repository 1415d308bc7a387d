"""``collapse rerun``: run a saved result again, and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from collapse_theory.cli.options import Flag, Json

if TYPE_CHECKING:
    from collapse_theory.result import Result

SAME_LAW = 5.0
"""Standard errors of a difference up to which two runs may have one law: at most one false alarm in
a thousand runs of 1,700 means."""


def rerun(
    folder: Annotated[Path, Parameter(name="RESULT")],
    /,
    *,
    devices: str = "1",
    as_json: Json = False,
    no_cache: Flag = False,
) -> int:
    """Run a saved result again as its record says, and compare.

    Leaves with 0 where the bits are the same, or all means agree within errors (as between versions
    of JAX or kinds of devices); with 1 where they do not.

    Args:
        folder: What `collapse simulate --save` or `Result.save` wrote.
        devices: How many devices to use, or "all".
        as_json: Print JSON instead of text.
        no_cache: Do not keep compiled programs for the next run.
    """
    from collapse_theory.cli.console import print_json, progress_bar, stdout
    from collapse_theory.cli.session import begin, make_plan

    begin(cache=not no_cache, devices=devices)
    from collapse_theory.result import simulate
    from collapse_theory.store import load

    there = load(folder)
    with progress_bar() as progress:
        here = simulate(
            there.experiment, chains=there.chains, seed=there.seed,
            first_chain=there.first_chain,
            plan=make_plan(devices, there.facts["dtype"], progress),
        )  # fmt: skip
    found = compared(there, here)
    if as_json:
        print_json(found)
    else:
        for line in told(found):
            stdout().print(line)
    return 0 if found["same_bits"] or found["max_z"] <= SAME_LAW else 1


def compared(there: Result, here: Result) -> dict[str, Any]:
    """How two runs of one experiment differ."""
    import numpy as np

    pairs = zip(there.moments, here.moments, strict=True)
    z = 0.0
    for name in there.names:
        gap = np.abs(there.mean(name) - here.mean(name))
        error = np.hypot(there.se(name), here.se(name))
        use = (gap > 0) & there.trusted(name) & here.trusted(name)
        z = max(z, float(np.max(gap[use] / error[use], initial=0.0)))
    keys = sorted({*there.facts["versions"], *here.facts["versions"]})
    pairs_of = {k: [f["versions"].get(k) for f in (there.facts, here.facts)] for k in keys}
    pairs_of["device"] = [there.facts["device"], here.facts["device"]]
    pairs_of["data"] = [there.facts.get("data"), here.facts.get("data")]
    return {
        "same_bits": all(a.tobytes() == b.tobytes() for a, b in pairs),
        "max_z": z,
        "chains": there.chains,
        "seed": there.seed,
        "differing": {k: v for k, v in pairs_of.items() if v[0] != v[1]},
    }


def told(found: dict[str, Any]) -> list[str]:
    """The comparison in words."""
    size = f"{found['chains']:,} chains, seed {found['seed']}"
    if found["same_bits"]:
        lines = [f"the same bits: {size}"]
    else:
        agree = "agree" if found["max_z"] <= SAME_LAW else "DO NOT agree"
        lines = [f"other bits; means {agree}, at most {found['max_z']:.2g} SE apart: {size}"]
    return lines + [
        f"{k}: {a or '-'} there, {b or '-'} here" for k, (a, b) in found["differing"].items()
    ]
