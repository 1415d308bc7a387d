"""An experiment: a value that says what is repeated, and nothing about where or how often."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collapse_theory.errors import InputError, RouteError, show
from collapse_theory.families.base import AbstractSufficientFamily, reduced
from collapse_theory.generators.faithful import Faithful
from collapse_theory.observables.base import Observable, find_observable
from collapse_theory.recursion import Setup, prepare
from collapse_theory.routes import AbstractRoute, Law, Raw

ROUTES: dict[str, type[AbstractRoute]] = {"law": Law, "raw": Raw}
MOST_ROWS = 10**12
"""Of a batch. Sums over all generations stay whole numbers of 64 bits."""
MOST_GENERATIONS = 10**6


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A recursive-fitting experiment.

    Generation 0 is the truth, generation 1 the first fit, on real data; results carry generations
    1..T.

    Args:
        family: the model and its estimator.
        truth: the true parameters, an instance of ``family.truth_type``; its defaults if left out.
        workflow: which data each fit may see.
        n: rows drawn from a model in each generation, or a list with one size a generation.
        generations: T, the number of fits.
        n_real: rows of real data wherever the workflow takes real data, the first fit included;
            ``n`` if left out; or a list with one size a generation.
        generator: how synthetic data leave a fitted model.
        observables: what is measured; names are accepted.
        route: "law", "raw", or "auto": law where it can serve, reduced to what the observables
            depend on where that has the same law.

    Raises:
        InputError: a value is out of range; the message names it and what is allowed.

    Example:
        >>> import collapse_theory as ct
        >>> e = ct.Experiment(family=ct.Gaussian(), workflow=ct.Replace(), n=10, generations=3)
        >>> e.truth, e.sizes
        (GaussianLaw(mean=0.0, var=1.0), array([10, 10, 10]))
        >>> print(e, end="")
        n = 10
        generations = 3
        observables = []
        <BLANKLINE>
        [family]
        name = "Gaussian"
        ddof = 1
        <BLANKLINE>
        [truth]
        mean = 0.0
        var = 1.0
        <BLANKLINE>
        [workflow]
        name = "Replace"
    """

    family: (
        Any  # an AbstractFamily; members have fields of their own, so the three are not narrowed
    )
    workflow: Any
    n: int | tuple[int, ...]
    generations: int
    truth: Any = None
    n_real: int | tuple[int, ...] | None = None
    generator: Any = field(default_factory=Faithful)
    observables: tuple[Observable, ...] = ()
    route: str = "auto"

    def __post_init__(self) -> None:
        put = object.__setattr__
        if self.truth is None:
            put(self, "truth", self.family.truth_type())
        put(self, "observables", _observables(self.observables, self.family))
        put(self, "generations", _whole(self.generations, "generations", MOST_GENERATIONS))
        put(self, "n", _size(self.n, "n", self.generations))
        if self.n_real is not None:
            put(self, "n_real", _size(self.n_real, "n_real", self.generations))
        if self.route not in ("auto", *ROUTES):
            raise InputError(f"route = {show(self.route)}: allowed are 'auto', 'law', 'raw'")
        self.generator.check(self.family)
        least = self.family.smallest_fit(self.truth)
        if self.real_sizes[0] < least:
            key = "n" if self.n_real is None else "n_real"
            raise InputError(
                f"{key} = {self.real_sizes[0]}: {type(self.family).__name__} needs at least "
                f"{least} rows in its first fit"
            )
        if self.route == "law":
            self.setup(np.float32, "law")

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Rows drawn from models, by generation; shape (T,)."""
        return _expand(self.n, self.generations)

    @property
    def real_sizes(self) -> NDArray[np.int64]:
        """Rows of real data, by generation, where the workflow takes any; shape (T,)."""
        return _expand(self.n if self.n_real is None else self.n_real, self.generations)

    def __str__(self) -> str:
        from collapse_theory.config import to_toml  # a floor above: only for show

        try:
            return to_toml(self)
        except InputError:  # a user's own member may hold what TOML cannot
            return repr(self)

    def setup(self, dtype: Any, route: str | None = None) -> Setup:
        """The experiment as arrays, on the route asked for (its own by default).

        Raises:
            RouteError: the route was named and cannot serve the workflow.
        """
        name = self.route if route is None else route
        if name not in ("auto", *ROUTES):
            raise InputError(f"route = {name!r}: allowed are 'auto', 'law', 'raw'")
        lawful = isinstance(self.family, AbstractSufficientFamily)
        if name == "law" and not lawful:
            raise RouteError(
                f"route = 'law': {type(self.family).__name__} has no sufficient statistic; "
                "use route = 'raw'"
            )
        if name == "auto" and lawful:
            with suppress(RouteError, AttributeError):  # a workflow may look at what is left out
                small = self._reduced()
                if small is not None:
                    return prepare(small, Law(), dtype)
            with suppress(RouteError):
                return prepare(self, Law(), dtype)
        return prepare(self, ROUTES["raw" if name == "auto" else name](), dtype)

    def _reduced(self) -> Experiment | None:
        """The experiment with a smaller family in which its observables have the same law."""
        if type(self.generator) is not Faithful or not self.observables:
            return None
        small = reduced(self.family, self.observables)
        if small is None or not all(o.supports(small) for o in self.observables):
            return None
        return replace(self, family=small)


def _expand(n: int | Sequence[int], generations: int) -> NDArray[np.int64]:
    return np.broadcast_to(np.asarray(n, np.int64), (generations,))


def _whole(x: Any, name: str, most: int) -> int:
    if isinstance(x, bool) or not isinstance(x, int | np.integer) or x < 1:
        raise InputError(f"{name} = {show(x)}: a whole number >= 1 is needed")
    if x > most:
        raise InputError(f"{name} = {show(x)}: at most {most:,} are allowed")
    return int(x)


def _size(n: Any, name: str, generations: int) -> int | tuple[int, ...]:
    if not isinstance(n, Sequence | np.ndarray) or isinstance(n, str):
        return _whole(n, name, MOST_ROWS)
    sizes = tuple(_whole(x, f"{name}[{i}]", MOST_ROWS) for i, x in enumerate(n))
    if len(sizes) != generations:
        raise InputError(
            f"{name} lists {len(sizes)} sizes: one for each of the {generations} generations "
            "is needed"
        )
    return sizes


def _observables(given: Sequence[Observable | str], family: Any) -> tuple[Observable, ...]:
    found = tuple(find_observable(o) if isinstance(o, str) else o for o in given)
    for observable in found:
        if not observable.supports(family):
            from collapse_theory.discovery import members

            allowed = ", ".join(o.name for o in members(Observable) if o.supports(family))
            raise InputError(
                f"observables: {observable.name!r} is not defined for {type(family).__name__}; "
                f"allowed are {allowed}"
            )
    if len({o.name for o in found}) < len(found):
        raise InputError("observables: a name is given twice")
    return found


def describe(experiment: Experiment) -> str:
    """The experiment in a few words, for tables."""
    e = experiment
    size = e.n if isinstance(e.n, int) else f"{e.n[0]}..{e.n[-1]}"
    first = e.n_real[0] if isinstance(e.n_real, tuple) else e.n_real
    real = "" if first is None else f", n_real={first}"
    return f"{_short(e.family)} {_short(e.workflow)} n={size}{real} T={e.generations}"


def _short(module: Any) -> str:
    fields = {
        k: v
        for k, v in vars(module).items()
        if isinstance(v, int | float | str) and not k.startswith("_")
    }
    inner = ", ".join(f"{k}={v}" for k, v in fields.items())
    return type(module).__name__ + (f"({inner})" if inner else "")
