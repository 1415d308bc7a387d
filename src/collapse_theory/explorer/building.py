"""One HTML file: recursions in a small script, and simulated bands at one setting."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from collapse_theory import templating
from collapse_theory.experiment import Experiment
from collapse_theory.families.known_variance import GaussianMean
from collapse_theory.observables import parameters
from collapse_theory.report import check_target
from collapse_theory.result import simulate
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace
from collapse_theory.workflows.weighted import Weighted

ROWS, GENERATIONS, WEIGHT = 20, 50, 0.618
LOOPS: dict[str, tuple[str, str, Any]] = {  # id: (name, dashes, workflow)
    "replace": ("replace", "none", Replace()),
    "accumulate": ("accumulate", "9 3", Accumulate()),
    "fixed": ("the same real rows in every fit", "4 3", Mix("fixed")),
    "fresh": ("new real rows in every fit", "9 3 2 3", Mix("fresh")),
    "weighted": ("weighted mean of new real rows", "2 3", Weighted(WEIGHT)),
}
FAMILIES = (
    ("0", "Gaussian with known variance, Poisson (v2 = 0)"),
    ("-1", "symbols; Gaussian with fitted variance, divisor n (v2 = -1)"),
    ("1", "exponential (v2 = 1)"), ("0.5", "gamma of shape 2 (v2 = 1/2)"),
)  # fmt: skip


def write_explorer(path: str | Path, *, chains: int = 20_000, seed: int = 0) -> Path:
    """Write the page; a file there is replaced. Nothing in it loads anything from elsewhere.

    Args:
        path: the file; its name ends in .html.
        chains: of the bands, simulated at N = n = 20 over 50 generations.
        seed: of the bands.

    Returns:
        The path.

    Raises:
        InputError: the file cannot be written.
    """
    target = check_target(path)
    bands = json.dumps([_band(loop, chains, seed) for loop in LOOPS]).replace("<", "\\u003c")
    page = templating.html(
        "explorer",
        loops=[(loop, name, dash) for loop, (name, dash, _) in LOOPS.items()],
        families=FAMILIES, data=Markup(bands), script=Markup(templating.text("explorer.js")),
    )  # fmt: skip
    target.write_text(page, "utf-8")
    return target


def _band(loop: str, chains: int, seed: int) -> dict[str, Any]:
    """A loop's simulated error over the exact first one, V(m) / N, with standard errors."""
    e = Experiment(
        family=GaussianMean(), workflow=LOOPS[loop][2], n=ROWS, generations=GENERATIONS,
        observables=(parameters.mean_squared_error,),
    )  # fmt: skip
    run = simulate(e, chains=chains, seed=seed)
    curves = {"mean": run.mean("mean_squared_error"), "se": run.se("mean_squared_error")}
    setting = {"real": ROWS, "made": ROWS, "weight": WEIGHT, "v2": 0, "generations": GENERATIONS}
    rounded = {k: [float(f"{x:.6g}") for x in ROWS * v] for k, v in curves.items()}
    return {"loop": loop, "chains": chains, **setting, **rounded}
