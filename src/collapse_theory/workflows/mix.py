"""Real and synthetic batches together."""

from __future__ import annotations

from typing import Any

from collapse_theory.errors import InputError
from collapse_theory.workflows.base import AbstractWorkflow, Data


class Mix(AbstractWorkflow):
    """Each fit sees n_real real rows and n rows of the last fit, every row with weight 1.

    Training set at t >= 2: real_1 + synthetic_t ("fixed") or real_t + synthetic_t ("fresh").

    Fields: ``real``: "fixed", the first real batch forever, or "fresh", new real rows in each
    generation.

    Raises:
        InputError: ``real`` is neither "fixed" nor "fresh".
    """

    real: str = "fixed"
    synonyms = ("augmentation", "partially synthetic", "contaminated")

    def __check_init__(self) -> None:
        if self.real not in ("fixed", "fresh"):
            raise InputError(f"workflow.real = {self.real!r}: allowed are 'fixed' and 'fresh'")

    def init(self, data: Data) -> Any:
        """Keep the real batch if it serves forever."""
        return data.real if self.real == "fixed" else None

    def step(self, data: Data, memory: Any) -> tuple[Any, Any]:
        """Train on a synthetic batch and a real one."""
        real = memory if self.real == "fixed" else data.fresh()
        return data.synthetic().merge(real), memory
