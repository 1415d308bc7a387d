"""Least squares against NumPy on rows (fresh designs) or on the reduced problem (fixed ones)."""

from __future__ import annotations

import functools
from typing import Any

from collapse_theory.bench import baselines_regression as numpy_versions
from collapse_theory.bench.law import GPU_CHAINS, Law, experiment
from collapse_theory.families.linear_regression import LinearRegression, RegressionLaw
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

RISKS = ("excess_risk", "closer_than_first")
VECTOR = ("excess_risk", "mean_squared_error")
ROWS = "fresh design, NumPy on rows"
REDUCED = "fixed design, NumPy on the reduced problem"


def regression_laws() -> list[Law]:
    """Every case at d = 10, n = 100, and again at d = 100, n = 1000, without targets.

    The numbers of chains are small where a chain is large: rates count, not totals.
    """
    return [*_laws(10, 100, few=200), *_laws(100, 1000, few=4)]


def _laws(d: int, n: int, few: int) -> list[Law]:
    law, large, np_ = functools.partial(_law, d, n), d > 10, numpy_versions
    # Gram matrices are d x d: few generations, or a call would take minutes
    generations, pooled = (5, 20) if large else (50, few)
    many, reduced = (1 << 20) // d, 100_000 // d
    return [
        law("ols-replace-norm", f"Replace, {ROWS}", np_.fresh_replace,
            chains=1 << 19, gpu_chains=GPU_CHAINS, few=few, target=500.0),
        law("ols-replace-vector", f"Replace, all coefficients kept, {ROWS}", np_.fresh_replace,
            observables=VECTOR, route="law", chains=many, few=few, target=60.0),
        law("ols-accumulate", f"Accumulate, {ROWS}", np_.fresh_accumulate,
            workflow=Accumulate(), generations=generations, chains=1 if large else 1 << 16,
            few=pooled, target=12.0),
        law("ols-fixed-replace", f"Replace, {REDUCED}", np_.fixed_replace,
            design="fixed", chains=many, few=reduced, target=2.0),
        law("ols-fixed-accumulate", f"Accumulate, {REDUCED}", np_.fixed_accumulate,
            design="fixed", workflow=Accumulate(), chains=many, few=reduced, target=2.0),
    ]  # fmt: skip


def _law(
    d: int,
    n: int,
    name: str,
    about: str,
    walk: Any,
    *,
    chains: int,
    few: int,
    target: float,
    gpu_chains: int = 1,
    generations: int = 50,
    design: str = "fresh",
    workflow: Any = None,
    observables: tuple[str, ...] = RISKS,
    route: str = "auto",
) -> Law:
    make = functools.partial(
        experiment,
        family=LinearRegression(design),
        truth=RegressionLaw((0.0,) * d),
        workflow=workflow or Replace(),
        n=n,
        observables=observables,
        route=route,
    )
    return Law(
        name=name if d == 10 else f"{name}-d{d}",
        about=f"least squares, d = {d}, n = {n}: {about}",
        make=make,
        walk=functools.partial(walk, n=n, d=d),
        generations=generations,
        chains=chains,
        few=few,
        gpu_chains=gpu_chains,
        target=target if d == 10 else None,
    )
