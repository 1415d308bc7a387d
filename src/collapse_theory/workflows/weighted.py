"""Real data with a weight of their own."""

from __future__ import annotations

from typing import Any

from collapse_theory.errors import InputError
from collapse_theory.workflows.base import AbstractWorkflow, Data


class Weighted(AbstractWorkflow):
    """Real data weigh ``weight`` in each fit, synthetic data the rest, whatever their row numbers.

    Training set at t >= 2, with N = n_real + n: N weight / n_real on each real row, N (1 - weight)
    / n on each row of fit t - 1. The total stays N, so that a divisor N - ddof keeps its meaning.

    Fields: ``weight``: share of the real data, in [0, 1]; ``real``: "fresh", new real rows in each
    generation, or "fixed", the first real batch forever.

    Raises:
        InputError: ``weight`` is not in [0, 1], or ``real`` is neither "fresh" nor "fixed".
    """

    weight: float
    real: str = "fresh"

    def __check_init__(self) -> None:
        if isinstance(self.weight, float | int) and not 0 <= self.weight <= 1:
            raise InputError(f"workflow.weight = {self.weight}: a share must lie in [0, 1]")
        if self.real not in ("fixed", "fresh"):
            raise InputError(f"workflow.real = {self.real!r}: allowed are 'fixed' and 'fresh'")

    def init(self, data: Data) -> Any:
        """Keep the real batch if it serves forever."""
        return data.real if self.real == "fixed" else None

    def step(self, data: Data, memory: Any) -> tuple[Any, Any]:
        """Train on both, reweighted."""
        real, synthetic = memory if self.real == "fixed" else data.fresh(), data.synthetic()
        total = real.n + synthetic.n
        real = real.scale(total * self.weight / real.n)
        return real.merge(synthetic.scale(total * (1 - self.weight) / synthetic.n)), memory
