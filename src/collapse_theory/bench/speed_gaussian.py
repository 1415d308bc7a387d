"""Gaussians against NumPy, and the scalar replace chain against the fused loop."""

from __future__ import annotations

import functools
from typing import Any

from collapse_theory.bench import baselines
from collapse_theory.bench.law import Law, Make, experiment
from collapse_theory.families.gaussian import Gaussian
from collapse_theory.families.gaussian_nd import GaussianND, GaussianNDLaw
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.window import Window


def _gaussian(**more: Any) -> Make:
    return functools.partial(
        experiment, family=Gaussian(), n=100, observables=("mean_squared_error", "variance"), **more
    )


def gaussian_laws() -> list[Law]:
    """Gaussians in one and several dimensions."""
    b, part = baselines, functools.partial
    nd = part(
        experiment, family=GaussianND(), truth=GaussianNDLaw((0.0,) * 10), n=100,
        observables=("mean_squared_error", "variance"),
    )  # fmt: skip
    return [
        Law(
            name="gaussian-law", about="Gaussian, Replace, n = 100, on statistics",
            make=_gaussian(), walk=part(b.gaussian_statistic, n=100), generations=100,
            chains=1 << 19, few=40_000, target=5.0, fused=100, ceiling_target=0.8,
        ),
        Law(
            name="gaussian-raw", about="the same on rows",
            make=_gaussian(route="raw"), walk=part(b.gaussian_rows, n=100), generations=100,
            chains=1 << 14, few=1000, gpu_chains=1, target=2.0,
        ),
        Law(
            name="gaussian-nd", about="GaussianND, Replace, d = 10, n = 100; NumPy on rows",
            make=nd, walk=part(b.gaussian_nd_rows, n=100, d=10), generations=20,
            chains=1 << 15, few=400, gpu_chains=1,
        ),
        Law(
            name="mix-fixed", about="Gaussian, Mix(real='fixed'), n = 100",
            make=_gaussian(workflow=Mix(real="fixed")), walk=part(b.gaussian_mix_fixed, n=100),
            generations=100, chains=1 << 18, few=30_000,
        ),
        Law(
            name="window", about="Gaussian, Window(batches=3), n = 100",
            make=_gaussian(workflow=Window(batches=3)),
            walk=part(b.gaussian_window, n=100, batches=3), generations=100,
            chains=1 << 18, few=30_000,
        ),
    ]  # fmt: skip
