"""What was measured as tables of words, for a terminal and for a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from collapse_theory.calibration.guards import GUARDS, IN_USE, GuardRow
from collapse_theory.calibration.rates import Rate, pooled
from collapse_theory.calibration.running import Calibration

ENOUGH = 100  # verdicts of one row, for its rate to be named as a rule's worst


@dataclass(frozen=True)
class Table:
    """Headings and rows of words; the first column is left-aligned.

    Args:
        title: what it shows.
        headings: of the columns.
        rows: as many words as headings.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(found: Calibration) -> dict[str, Table]:
    """Every table, by a short name."""
    return {
        "alarms": _alarms(found), "power": _power(found), "traps": _traps(found),
        "guards": _guards(found), "spreads": _spreads(found),
    }  # fmt: skip


def _alarms(found: Calibration) -> Table:
    rows = [
        (a.theorem, a.observable, f"{a.chains:,}", _counted(a.refuted), str(a.confirmed.count),
         str(a.silent), f"{a.believed:.0%}", _percent(a.refuted.value), _between(a.refuted))
        for a in found.alarms
    ]  # fmt: skip
    every = found.refuted
    silent = str(sum(a.silent for a in found.alarms))
    rows.append(
        ("all", "", "", _counted(every), str(found.confirmed.count), silent, "",
         _percent(every.value), _between(every))
    )  # fmt: skip
    headings = ("true theorem", "observable", "chains", "refuted", "confirmed", "silent",
                "believed", "rate", "95 % interval")  # fmt: skip
    return Table("False alarms", headings, tuple(rows))


def _power(found: Calibration) -> Table:
    sizes = sorted({p.multiple for p in found.power})
    names = list(dict.fromkeys(p.theorem for p in found.power))
    rows = []
    for name in names:
        some = {p.multiple: p.refuted for p in found.power if p.theorem == name}
        rows.append((name, f"{some[sizes[0]].of:,}", *(_percent(some[m].value, 1) for m in sizes)))
    of = f"{found.seen(sizes[0]).of:,}"
    rows.append(("all", of, *(_percent(found.seen(m).value, 2) for m in sizes)))
    rows.append(("95 % interval", "", *(_between(found.seen(m), 2) for m in sizes)))
    twice = [found.seen_twice(m) for m in sizes]
    rows.append(("all, confirmed", f"{twice[0].of:,}", *(_percent(r.value, 2) for r in twice)))
    headings = ("theorem with a planted error", "verdicts", *(f"{m:g} x detectable" for m in sizes))
    return Table("Power", headings, tuple(rows))


def _traps(found: Calibration) -> Table:
    here = [g for g in found.guards if g.guard == IN_USE]
    rows = [
        (g.trap, f"{g.chains:,}", _counted(g.wrong), str(g.confirmed.count), f"{g.able:,}",
         *_believed(g), _never(g, found.guards))
        for g in here
    ]  # fmt: skip
    every = pooled(g.wrong for g in here)
    twice = str(found.wrong_twice.count)
    rows.append(("all", "", _counted(every), twice, f"{found.wrong.of:,}", "", "", ""))
    headings = ("trap", "chains", "wrong verdicts", "confirmed", "not silent",
                "believed, of sound generations", "believed, of the others",
                "wrong verdicts without a guard")  # fmt: skip
    return Table("Traps under the guard in use", headings, tuple(rows))


def _believed(g: GuardRow) -> tuple[str, str]:
    return _percent(g.sound.value, 0), _percent(g.unsound.value, 2)


def _never(g: GuardRow, every: Sequence[GuardRow]) -> str:
    same = [x for x in every if (x.guard, x.trap, x.chains) == ("none", g.trap, g.chains)]
    return _percent(same[0].wrong.value, 1) if same else "-"


def _guards(found: Calibration) -> Table:
    rows = []
    for name in GUARDS:
        some = [g for g in found.guards if g.guard == name and (g.has_kurtosis or _blind(name))]
        if not some:
            continue
        wrong = pooled(g.wrong for g in some)
        unsound = pooled(g.unsound for g in some)
        many = [g for g in some if g.wrong.of >= ENOUGH]
        worst = max(many, key=lambda g: g.wrong.interval[0]) if many else None
        at = f"{_counted(worst.wrong)}: {worst.trap}, {worst.chains:,} chains" if worst else "-"
        rows.append(
            (name, _counted(wrong), _percent(wrong.value), _between(wrong),
             _percent(mean_believed(some), 0), _percent(unsound.value, 2),
             at if wrong.count else "-")
        )  # fmt: skip
    headings = ("rule", "wrong verdicts", "rate", "95 % interval", "believed, of sound generations",
                "believed, of the others", "worst")  # fmt: skip
    return Table("Rules compared on the same draws", headings, tuple(rows))


def _blind(rule: str) -> bool:
    """Whether a rule judges also where theory knows that there is no fourth moment."""
    return rule == "none" or "without theory" in rule


def mean_believed(some: Sequence[GuardRow]) -> float:
    """Share of sound generations; each trap and number of chains counts the same."""
    shares = [g.sound.value for g in some if g.sound.of]
    return sum(shares) / len(shares) if shares else float("nan")


def better(found: Calibration) -> list[str]:
    """Rules that believe more sound generations than the one in use and are wrong no more often."""
    rows = {n: [g for g in found.guards if g.guard == n and g.has_kurtosis] for n in GUARDS}
    known = {
        n: (pooled(g.wrong for g in some).value, mean_believed(some))
        for n, some in rows.items() if some
    }  # fmt: skip
    wrong, believed = known.get(IN_USE, (0.0, 1.0))
    return [n for n, (w, b) in known.items() if w <= wrong and b > believed and not _blind(n)]


def _spreads(found: Calibration) -> Table:
    rows = [
        (s.observable, s.case, str(s.generation), f"{s.believed:.0%}", _ratio(s.scatter, s.error),
         _ratio(s.bootstrap), _ratio(s.known, s.known_error), "wrong" if s.wrong else "")
        for s in found.spreads if s.judged
    ]  # fmt: skip
    headings = ("observable", "experiment", "t", "believed", "scatter of means", "bootstrap",
                "known variance", "")  # fmt: skip
    return Table("Standard errors: what is so over what is reported", headings, tuple(rows))


def _counted(rate: Rate) -> str:
    return f"{rate.count:,} of {rate.of:,}"


def _percent(value: float, digits: int = 3) -> str:
    return f"{100 * value:.{digits}f} %" if math.isfinite(value) else "-"


def _between(rate: Rate, digits: int = 3) -> str:
    low, high = (100 * x for x in rate.interval)
    return f"{low:.{digits}f} to {high:.{digits}f} %"


def _ratio(value: float, error: float | None = None) -> str:
    if not math.isfinite(value):
        return "-"
    return f"{value:.3f}" if error is None else f"{value:.3f} ± {error:.3f}"


__all__ = ["Table", "better", "tables"]
