"""All measurements of the calibration together, and the rates that they are held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from collapse_theory.calibration.alarms import Alarms, Power, false_alarms, power
from collapse_theory.calibration.guards import IN_USE, GuardRow, guard
from collapse_theory.calibration.rates import Rate, pooled
from collapse_theory.calibration.spread import EXPERIMENTS, Spread, standard_errors
from collapse_theory.calibration.traps import traps
from collapse_theory.errors import InputError
from collapse_theory.jobs import theorem_named
from collapse_theory.judging import ALPHA

THEOREMS = (
    "gamma.replace_log", "replace.var_moments.mean", "replace.var_moments.square",
    "replace.kl_forward", "gerstgrasser2024.replace_risk", "replace.mean_moments",
    "kazdan2024.accumulate_gaussian.variance", "nefqvf.martingale.replace",
    "suresh2024.poisson.extinction", "seddik2024.S_fully_synthetic",
    "seddik2024.fixation_probability.mean", "nonregular.uniform.mean",
)  # fmt: skip
"""Exact statements of several families: symmetric, skewed, heavy-tailed and binary observables."""

MOST_ALARMS = 0.003  # upper 95 % limit of the rate of refuted true statements
LEAST_POWER = 0.99  # of planted errors of the size that a verdict says it can detect


@dataclass(frozen=True)
class Level:
    """How much is run.

    Args:
        theorems: how many of them.
        replicates: verdicts on each, for each number of chains.
        planted: verdicts on each that errors are planted in.
        chains: of a verdict.
        traps: which of them, by their places.
        trapped: chains of a verdict there.
        budget: chains in all, for each trap and number of chains.
        families: how many experiments standard errors are taken from.
        blocks: of each of these experiments.
    """

    theorems: int
    replicates: int
    planted: int
    chains: tuple[int, ...]
    traps: tuple[int, ...]
    trapped: tuple[int, ...]
    budget: int
    families: int
    blocks: int


LEVELS = {
    "quick": Level(
        theorems=5, replicates=250, planted=50, chains=(1 << 12,), traps=(0, 3, 8),
        trapped=(1 << 11,), budget=1 << 19, families=3, blocks=100,
    ),
    "full": Level(
        theorems=12, replicates=1000, planted=200, chains=(1 << 10, 1 << 12),
        traps=tuple(range(13)), trapped=(1 << 10, 1 << 12, 1 << 15), budget=1 << 22, families=9,
        blocks=400,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Calibration:
    """What was measured.

    Args:
        level: "quick" or "full".
        seed: the first of those used.
        alarms: verdicts on true theorems.
        power: verdicts on planted errors.
        guards: rules on traps.
        spreads: standard errors.
    """

    level: str
    seed: int
    alarms: tuple[Alarms, ...]
    power: tuple[Power, ...]
    guards: tuple[GuardRow, ...]
    spreads: tuple[Spread, ...]

    @property
    def refuted(self) -> Rate:
        """Verdicts of one run on true theorems that were refutations."""
        return pooled(a.refuted for a in self.alarms)

    @property
    def confirmed(self) -> Rate:
        """The same with another run to confirm, as ``verify`` judges."""
        return pooled(a.confirmed for a in self.alarms)

    def seen(self, multiple: float) -> Rate:
        """Refutations of planted errors of this size, by one run."""
        return pooled(p.refuted for p in self.power if p.multiple == multiple)

    def seen_twice(self, multiple: float) -> Rate:
        """The same with another run to confirm."""
        return pooled(p.confirmed for p in self.power if p.multiple == multiple)

    @property
    def wrong(self) -> Rate:
        """Wrong verdicts of one run on traps under the rule in use, of those that believed any."""
        return self.wrong_from(1)

    def wrong_from(self, chains: int) -> Rate:
        """The same, of verdicts that took at least so many chains."""
        here = [g for g in self._in_use if g.chains >= chains]
        return Rate(sum(g.wrong.count for g in here), sum(g.able for g in here))

    @property
    def wrong_twice(self) -> Rate:
        """Wrong verdicts there with another run to confirm."""
        here = self._in_use
        return Rate(sum(g.confirmed.count for g in here), sum(g.able for g in here))

    @property
    def _in_use(self) -> list[GuardRow]:
        return [g for g in self.guards if g.guard == IN_USE]

    @property
    def violations(self) -> tuple[str, ...]:
        """Declared rates that were not kept, each in a sentence; none if all is well.

        A rate counts as violated where its 95 % interval lies beyond it; after a full run, of
        which that can be asked, limits and values themselves count too.
        """
        refuted, seen, wrong = self.refuted, self.seen_twice(1.0), self.wrong
        full = self.level == "full"
        checks = {
            f"true statements are refuted more often than {ALPHA:.1%}": (
                refuted.interval[0] > ALPHA
            ),
            f"the upper limit of refuted true statements is above {MOST_ALARMS:.1%}": (
                full and refuted.upper > MOST_ALARMS
            ),
            f"fewer than {LEAST_POWER:.0%} of planted errors are seen": (
                (seen.value if full else seen.interval[1]) < LEAST_POWER
            ),
            f"verdicts on traps are wrong more often than {ALPHA:.1%}": wrong.interval[0] > ALPHA,
            "a confirmed verdict on a trap is wrong": full and self.wrong_twice.count > 0,
            "a standard error is wrong": any(s.wrong for s in self.spreads),
        }
        return tuple(text for text, broken in checks.items() if broken)


def calibrate(
    level: str = "quick",
    *,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Calibration:
    """Measure how often verdicts are wrong, what they see, and what their standard errors are.

    Args:
        level: "quick", under a minute, or "full", some minutes.
        seed: the first of those used.
        progress: called with (parts done, in all, the next one).

    Raises:
        InputError: an unknown level.
    """
    if level not in LEVELS:
        raise InputError(f"level = {level!r}: allowed are {', '.join(LEVELS)}")
    n, done = LEVELS[level], iter(range(100))
    some = [theorem_named(name) for name in THEOREMS[: n.theorems]]
    wheres = [traps()[i] for i in n.traps]
    total = 2 * len(some) + len(wheres) + n.families

    def step(text: str) -> None:
        if progress is not None:
            progress(next(done), total, text)

    alarms: list[Alarms] = []
    seen: list[Power] = []
    guards: list[GuardRow] = []
    spreads: list[Spread] = []
    for i, theorem in enumerate(some):
        first = seed + 1000 * i  # far enough apart for no seed to be used twice
        step(theorem.name)
        for j, chains in enumerate(n.chains):
            args = {"chains": chains, "seed": first + 100 * j}
            alarms += false_alarms([theorem], replicates=n.replicates, **args)
        step(f"{theorem.name}: planted errors")
        seen += power([theorem], replicates=n.planted, chains=n.chains[-1], seed=first + 500)
    for i, where in enumerate(wheres):
        step(where.name)
        guards += guard([where], chains=n.trapped, budget=n.budget, seed=seed + 100_000 + i)
    for i, e in enumerate(EXPERIMENTS[: n.families]):
        step(type(e.family).__name__)
        spreads += standard_errors([e], count=n.blocks, chains=1024, seed=seed + 200_000 + i)
    return Calibration(level, seed, tuple(alarms), tuple(seen), tuple(guards), tuple(spreads))


__all__ = ["LEVELS", "THEOREMS", "Calibration", "calibrate"]
