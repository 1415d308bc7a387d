"""Symbols and coins against NumPy's own multinomial and binomial."""

from __future__ import annotations

import functools

from collapse_theory.bench import baselines
from collapse_theory.bench.law import Law, experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical, CategoricalLaw


def symbol_laws() -> list[Law]:
    """Categorical and Bernoulli."""
    part = functools.partial
    coin = part(experiment, family=Bernoulli(), n=100, observables=("mean_squared_error", "mean"))
    return [
        _symbols("symbols-100", 100, 1000, chains=1 << 13, few=1000),
        _symbols("symbols-100-small", 100, 100, chains=1 << 13, few=1000),
        _symbols("symbols-1000", 1000, 1000, chains=1 << 10, few=100),
        Law(
            name="bernoulli", about="Bernoulli, Replace, n = 100", make=coin,
            walk=part(baselines.bernoulli, n=100), generations=100, chains=1 << 17, few=10_000,
        ),
    ]  # fmt: skip


def _symbols(name: str, k: int, n: int, *, chains: int, few: int) -> Law:
    make = functools.partial(
        experiment, family=Categorical(), truth=CategoricalLaw((1 / k,) * k), n=n,
        observables=("gini", "support_size"),
    )  # fmt: skip
    return Law(
        name=name, about=f"Categorical, Replace, K = {k}, n = {n}", make=make,
        walk=functools.partial(baselines.symbols, n=n, k=k), generations=20,
        chains=chains, few=few, gpu_chains=1, target=2.0,
    )  # fmt: skip
