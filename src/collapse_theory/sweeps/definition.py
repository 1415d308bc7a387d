"""What a sweep is: an experiment, and lists of values for some of its keys."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from collapse_theory.config import experiment_from_table, read_table, to_table
from collapse_theory.errors import InputError, show
from collapse_theory.experiment import Experiment
from collapse_theory.sweeps.values import label, read_parameters

MODES = ("grid", "list")
MOST = 100_000  # configs; each is a dozen small files


@dataclass(frozen=True)
class Sweep:
    """An experiment over lists of some of its keys; all its configs are made, hence checked, here.

    Configs share generations and observables. ``len(sweep)`` is their number.

    Args:
        base: an Experiment, or its table as in a TOML file, which may lack keys that are swept.
        parameters: for each dotted path ("n", "truth.var", "workflow.name", "workflow") a list or
            array of values, or a range, ``{"from": 10, "to": 1e6, "steps": 7, "scale": "log"}``
            ("linear" if left out; rounded, and repetitions left out, where the key takes whole
            numbers). Values of "family", "truth", "workflow" and "generator" are tables or members.
        mode: "grid", every combination, the last key changing fastest; or "list", the first value
            of each list together, then the second, and so on.

    Attributes:
        base: the table.
        parameters: the values of each path as plain lists.
        points: for each config, the value of each path.
        experiments: the configs.

    Raises:
        InputError: a path or a value is not allowed; the message says in which config.

    Example:
        >>> import collapse_theory as ct
        >>> base = ct.Experiment(
        ...     family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3,
        ...     observables=("variance",),
        ... )
        >>> what = ct.Sweep(base, {"n": [10, 20], "family.ddof": [0, 1]})
        >>> len(what), what.points[1]
        (4, {'n': 10, 'family.ddof': 1})
    """

    base: Any
    parameters: Mapping[str, Any]
    mode: str = "grid"
    points: tuple[dict[str, Any], ...] = field(init=False, repr=False, compare=False)
    experiments: tuple[Experiment, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        given = self.base if isinstance(self.base, Experiment) else None
        put(self, "base", to_table(self.base) if given else dict(self.base))
        put(self, "parameters", read_parameters(self.parameters, self.base))
        put(self, "points", _points(self.parameters, self.mode))
        built = (_build(self.base, i, p, given) for i, p in enumerate(self.points))
        put(self, "experiments", tuple(built))

    def __len__(self) -> int:
        return len(self.points)

    def describe(self, config: int) -> str:
        """A config in words: its index and what is particular to it."""
        return _words(config, self.points[config])


def load_sweep(path: str | Path) -> Sweep:
    """Read a sweep from a TOML file: an experiment with one more table, ``[sweep]``.

    Args:
        path: the file; docs/cli.md has the keys.

    Raises:
        InputError: the file is missing, is not TOML, or describes no sweep.
    """
    base = read_table(path)
    table = base.pop("sweep", None)
    if not isinstance(table, dict):
        raise InputError(
            f"{path}: the table [sweep] is missing; it lists values, as in n = [10, 100]"
        )
    parameters = dict(table)
    return Sweep(base, parameters, parameters.pop("mode", MODES[0]))


def _points(parameters: Mapping[str, list[Any]], mode: Any) -> tuple[dict[str, Any], ...]:
    if mode not in MODES:
        raise InputError(f"sweep.mode = {show(mode)}: allowed are 'grid' and 'list'")
    lengths = {path: len(values) for path, values in parameters.items()}
    if mode == "list" and len(set(lengths.values())) > 1:
        told = ", ".join(f"{path} has {length}" for path, length in lengths.items())
        raise InputError(f"sweep.mode = 'list': all lists must be equally long; {told}")
    count = math.prod(lengths.values()) if mode == "grid" else max(lengths.values())
    if count > MOST:
        raise InputError(f"sweep: {count:,} configs; at most {MOST:,} are allowed")
    several = itertools.product(*parameters.values())
    rows = several if mode == "grid" else zip(*parameters.values(), strict=True)
    return tuple(dict(zip(parameters, row, strict=True)) for row in rows)


def _build(
    base: Mapping[str, Any], config: int, point: dict[str, Any], given: Experiment | None
) -> Experiment:
    table = {k: dict(v) if isinstance(v, Mapping) else v for k, v in base.items()}
    for path, value in point.items():
        room, _, key = path.partition(".")
        if not key:
            table[room] = value
        elif isinstance(table.setdefault(room, {}), dict):  # else refused below, by name
            table[room][key] = value
    try:
        if given is None:
            made = experiment_from_table(table)
        else:  # its observables may be the user's own, unknown to the reader of tables
            bare = experiment_from_table({**table, "observables": []})
            made = replace(bare, observables=given.observables)
    except InputError as e:
        raise InputError(f"sweep, {_words(config, point)}: {e}") from e
    if not made.observables:
        raise InputError("observables is empty: name at least one")
    return made


def _words(config: int, point: Mapping[str, Any]) -> str:
    values = ", ".join(f"{path} = {show_label(value)}" for path, value in point.items())
    return f"config {config} ({values})"


def show_label(value: Any) -> str:
    """A value as tables and messages show it, cut where it is long."""
    text = label(value)
    return text if len(text) <= 40 else text[:37] + "..."
