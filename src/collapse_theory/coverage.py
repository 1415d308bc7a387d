"""Which of the field's results are in the package, and how each is judged.

``catalogue/results.txt`` lists them by id; a theorem or calculation named ``id`` or ``id.part``
judges one. What cannot be run is named with the reason; what is neither is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from collapse_theory import discovery
from collapse_theory.catalogue.base import Theorem
from collapse_theory.catalogue.calculation import Calculation
from collapse_theory.catalogue.not_executable import NOT_EXECUTABLE
from collapse_theory.catalogue.trial import Trial


@dataclass(frozen=True)
class Coverage:
    """Ids by how they are judged; an id may be judged in both ways.

    Attributes:
        simulated: against simulation.
        computed: against another computation.
        not_executable: with the reason.
        missing: not in the package yet.
    """

    simulated: tuple[str, ...]
    computed: tuple[str, ...]
    not_executable: dict[str, str]
    missing: tuple[str, ...]


def coverage() -> Coverage:
    """Hold the list of results against what the package judges."""
    text = resources.files("collapse_theory.catalogue").joinpath("results.txt").read_text()
    ids = text.split()

    def judged(names: list[str]) -> tuple[str, ...]:
        return tuple(i for i in ids if any(n == i or n.startswith(f"{i}.") for n in names))

    simulated = judged([t.name for t in (*discovery.members(Theorem), *discovery.members(Trial))])
    computed = judged([c.name for c in discovery.members(Calculation)])
    known = {*simulated, *computed, *NOT_EXECUTABLE}
    return Coverage(simulated, computed, NOT_EXECUTABLE, tuple(i for i in ids if i not in known))
