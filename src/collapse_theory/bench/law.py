"""Ours against NumPy, and against a ceiling where there is one, law by law.

Chain counts are such that a call takes a few tenths of a second on two cores; rates are per
chain-generation, so the counts of the contenders need not agree.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from collapse_theory.bench import baselines
from collapse_theory.bench.case import SMOKE_GENERATIONS, AbstractCase, Row, Settings
from collapse_theory.bench.cuda import cuda_side
from collapse_theory.bench.fused import fused_side
from collapse_theory.bench.machine import CONTENDED
from collapse_theory.bench.measuring import Calls, Outcome, Side, alternate, gap, spread
from collapse_theory.engine import unit_size
from collapse_theory.experiment import Experiment
from collapse_theory.placement import Plan
from collapse_theory.result import simulate
from collapse_theory.workflows.replace import Replace

LARGEST_Z = 6.0  # ours against the baseline, at the last generation
SMOKE_CHAINS = 64
GPU_CHAINS = 10 << 20
FUSED_CHAINS = {"cpu": 200_000}

Make = Callable[[int], Experiment]
Baseline = Callable[[np.random.Generator, int, int], baselines.Walk]


@dataclass(frozen=True, kw_only=True)
class Law(AbstractCase):
    """One law, ours and the baseline's.

    Attributes:
        make: the experiment for a number of generations; its first observable is the baseline's.
        walk: the baseline.
        generations: of both.
        chains: ours, on a CPU; rounded up to whole units of the engine.
        few: the baseline's.
        gpu_chains: ours, on an accelerator; likewise.
        target: ours / baseline.
        fused: rows a generation of the fused loop for this law, where there is one.
        ceiling_target: ours / ceiling.
    """

    name: str
    about: str
    make: Make
    walk: Baseline
    generations: int
    chains: int
    few: int
    gpu_chains: int = GPU_CHAINS
    target: float | None = None
    fused: int | None = None
    ceiling_target: float | None = None
    group: ClassVar[str] = "speed"

    def run(self, settings: Settings) -> list[Row]:
        """Ours, baseline and ceilings in turn."""
        with contextlib.ExitStack() as stack:
            sides = {
                "ours": ours_side(self.sized(settings), settings),
                "baseline": self.baseline(settings),
            }
            notes = self._ceilings(settings, sides, stack)
            calls = alternate(sides, settings.repeats)
        return [_row(self, calls, notes, settings)]

    def sized(self, settings: Settings) -> tuple[Experiment, int]:
        """The experiment and our chains, in the sizes that the settings want."""
        if settings.smoke:
            return self.make(SMOKE_GENERATIONS), SMOKE_CHAINS
        e = self.make(self.generations)
        setup = e.setup(Plan(dtype=settings.dtype).resolve_dtype())
        unit = unit_size(setup, settings.platform)
        wanted = self.chains if settings.platform == "cpu" else self.gpu_chains
        return e, -(-wanted // unit) * unit  # a part of a unit costs as much as a whole one

    def baseline(self, settings: Settings) -> Side:
        """The baseline as a contender."""
        generations = SMOKE_GENERATIONS if settings.smoke else self.generations
        chains = min(self.few, SMOKE_CHAINS) if settings.smoke else self.few

        def run(seed: int) -> Outcome:
            return baselines.record(self.walk(np.random.default_rng(seed), chains, generations))

        return Side(run, chains * generations)

    def _ceilings(
        self, settings: Settings, sides: dict[str, Side], stack: contextlib.ExitStack
    ) -> tuple[str, ...]:
        """Add what there is, and say what there is not."""
        if self.fused is None:
            return ()
        chains = FUSED_CHAINS.get(settings.platform, GPU_CHAINS)
        shape = (SMOKE_CHAINS, self.fused, SMOKE_GENERATIONS)
        shape = shape if settings.smoke else (chains, self.fused, self.generations)
        sides["ceiling"] = fused_side(*shape)
        if settings.platform != "gpu":
            return ()
        found = stack.enter_context(cuda_side(*shape))
        if isinstance(found, str):
            return (found,)
        sides["cuda"] = found
        return ()


def ours_side(what: tuple[Experiment, int], settings: Settings) -> Side:
    """Ours as a contender: a whole call of the public function."""
    e, chains = what
    name, plan = e.observables[0], Plan(dtype=settings.dtype)

    def run(seed: int) -> Outcome:
        result = simulate(e, chains=chains, seed=seed, plan=plan)
        return Outcome(float(result.mean(name)[-1]), float(result.se(name)[-1]))

    return Side(run, chains * e.generations)


def _row(law: Law, calls: dict[str, Calls], notes: tuple[str, ...], settings: Settings) -> Row:
    ours, baseline = calls["ours"], calls["baseline"]
    rates = {name: float(np.median(c.rate)) for name, c in calls.items()}
    over = {name: spread(ours.rate / c.rate) for name, c in calls.items()}
    targets = ((over["baseline"], law.target), (over.get("ceiling"), law.ceiling_target))
    judged = [x.median >= least for x, least in targets if x is not None and least is not None]
    return Row(
        name=law.name,
        group=law.group,
        unit="chain-generations/s",
        ours=rates["ours"],
        baseline=rates["baseline"],
        ceiling=rates.get("ceiling"),
        ratio=over["baseline"],
        ceiling_ratio=over["ceiling"].median if "ceiling" in over else None,
        cuda=rates.get("cuda"),
        cuda_ratio=over["cuda"].median if "cuda" in over else None,
        target=law.target,
        ceiling_target=law.ceiling_target,
        passed=None if settings.smoke or not judged else all(judged),
        cores_ours=float(np.median(ours.cores)),
        cores_baseline=float(np.median(baseline.cores)),
        notes=notes + remarks(calls),
    )


def remarks(calls: dict[str, Calls]) -> tuple[str, ...]:
    """What makes the numbers doubtful: laws that differ, cores that were shared."""
    notes = []
    for name in calls.keys() - {"ours"}:
        z = gap(calls["ours"], calls[name])
        if not abs(z) <= LARGEST_Z:
            notes.append(f"laws differ: ours and {name} are {z:.1f} standard errors apart")
    share = float(np.median(calls["baseline"].cores))
    if share < CONTENDED:
        notes.append(f"the machine was busy: the baseline had {share:.2f} of its core")
    return tuple(sorted(notes))


def experiment(
    generations: int,
    *,
    family: Any,
    n: int,
    observables: tuple[Any, ...],
    workflow: Any = None,
    truth: Any = None,
    route: str = "auto",
) -> Experiment:
    """An experiment, generations first, the rest to be fixed beforehand."""
    return Experiment(
        family=family,
        truth=truth,
        workflow=workflow or Replace(),
        n=n,
        generations=generations,
        observables=observables,
        route=route,
    )
