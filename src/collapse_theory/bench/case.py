"""What a benchmark is, how it is run, and the row of numbers that it leaves."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import Any, ClassVar

from collapse_theory.bench.measuring import Spread

SMOKE_GENERATIONS = 3
REPEATS = 5


@dataclass(frozen=True)
class Settings:
    """How the cases are run.

    Attributes:
        repeats: rounds after the warm-up.
        smoke: tiny sizes, to see that everything runs; nothing is judged.
        dtype: of our chains.
        platform: "cpu", "gpu" or "tpu"; accelerators get more chains.
    """

    repeats: int = REPEATS
    smoke: bool = False
    dtype: str = "float32"
    platform: str = "cpu"


@dataclass(frozen=True)
class Row:
    """One line of the report.

    Attributes:
        name: of the case, with the size where a case has several.
        group: "speed" (rates in chain-generations per second), "scaling" (costs) or "process".
        unit: of the three numbers that follow.
        ours: median of ours.
        baseline: median of what ours is divided by.
        ceiling: median of the fused loop.
        ratio: ours / baseline, pair by pair.
        ceiling_ratio: ours / ceiling, median over pairs.
        cuda: median of the CUDA kernel.
        cuda_ratio: ours / cuda, median over pairs.
        target: what the ratio must reach (speed) or must not exceed (scaling).
        ceiling_target: what the ceiling ratio must reach.
        passed: whether it does; None where there is no target or the sizes are too small.
        cores_ours: CPU seconds / wall seconds of a call.
        cores_baseline: likewise.
        notes: what a reader should know.
    """

    name: str
    group: str
    unit: str
    ours: float
    baseline: float | None = None
    ceiling: float | None = None
    ratio: Spread | None = None
    ceiling_ratio: float | None = None
    cuda: float | None = None
    cuda_ratio: float | None = None
    target: float | None = None
    ceiling_target: float | None = None
    passed: bool | None = None
    cores_ours: float | None = None
    cores_baseline: float | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        ratio = None if self.ratio is None else self.ratio._asdict()
        return vars(self) | {"ratio": ratio, "notes": list(self.notes)}


class AbstractCase(abc.ABC):
    """A benchmark: a name, a line about it, and a way to run it."""

    name: str
    about: str
    target: float | None
    group: ClassVar[str]

    @property
    def by_default(self) -> bool:
        """Whether a run without names includes it."""
        return True

    @abc.abstractmethod
    def run(self, settings: Settings) -> list[Row]:
        """Measure; one row, or one for each size."""
