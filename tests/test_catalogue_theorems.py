"""What theorems predict, and where they speak, as it was: see kept_values.py.

Every theorem is asked about the cases of all, and about the neighbours of its own: experiments with
one number changed, where conditions end. `python tests/test_catalogue_theorems.py` writes again.
"""

import os

os.environ.setdefault("JAX_ENABLE_X64", "1")

import contextlib
import dataclasses
import functools

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory.catalogue import quadratic
from collapse_theory.catalogue.settings_symbols import batch_sizes
from kept_values import NEAR, most_are_kept, read, same, six, total, write

NAME = "theorems"
THEOREMS = {t.name: t for t in ct.theorems()}
KEPT = read(NAME)
SMALL = (1, 2, 3, 4, 5, 6, 9, 10, 11)  # rows: where means and fourth moments begin to exist
FEW = (1, 2, 4, 5, 10, 11)
LIMITS = (2000, 2001)  # the largest lumped chain, and the next
OTHER = {"fresh": "fixed", "fixed": "fresh"}


@pytest.fixture(autouse=True)
def _weights_are_read_off_once(monkeypatch):
    """Whether a theorem speaks and what it says ask for the same weights, one after the other."""
    once = functools.lru_cache(maxsize=2)(quadratic.linear_workflow)
    monkeypatch.setattr(quadratic, "linear_workflow", once)


@functools.cache
def cases():
    """All cases by name, without observables."""
    return {
        f"{t.name} {i}": dataclasses.replace(case.experiment, observables=())
        for t in THEOREMS.values()
        for i, case in enumerate(t.cases)
    }


def others(value):
    """Other values of a field."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int):
        return value - 1, value + 1
    if isinstance(value, float):
        return 0.0, 1.0, 1.05 * value
    return (OTHER[value],) if isinstance(value, str) and value in OTHER else ()


def changes(e):
    """What is changed, by name, and how to get it."""
    first, steps = int(e.sizes[0]), e.generations
    change = functools.partial(functools.partial, dataclasses.replace, e)
    uneven = {"first": (first + 1, *(first,) * (steps - 1)),
              "later": (*(first,) * (steps - 1), first + 1)}  # fmt: skip
    for key, sizes in (("n", (*SMALL, 3 * steps - 1, 3 * steps, *LIMITS)), ("n_real", FEW)):
        for n in sizes:
            yield f"{key} {n}", change(**{key: n})
        for name, n in uneven.items():
            yield f"{name} {key}", change(**{key: n})
    for t in (1, 2, steps + 1):
        real = None if e.n_real is None else resized(e.real_sizes, t)
        yield f"generations {t}", change(generations=t, n=resized(e.sizes, t), n_real=real)
    yield "generator", change(generator=ct.Scaled(0.9))
    for part in ("family", "workflow", "generator", "truth"):
        for field in dataclasses.fields(getattr(e, part)):
            for value in others(getattr(getattr(e, part), field.name)):
                yield (
                    f"{part}.{field.name} {value}",
                    functools.partial(altered, e, part, field.name, value),
                )


def resized(sizes, steps):
    """As many sizes as steps, those that there are over and over."""
    return tuple(int(n) for n in np.resize(sizes, steps))


def altered(e, part, field, value):
    """The experiment with one field of one part changed."""
    made = dataclasses.replace(getattr(e, part), **{field: value})
    return dataclasses.replace(e, **{part: made})


def neighbours(e):
    """Experiments with one thing changed, by name; those that are refused are left out."""
    for name, make in changes(e):
        with contextlib.suppress(ct.InputError):
            yield name, make()


def said(theorem, e):
    """A number for what it says, None where it does not speak."""
    if not theorem.covers(e):
        return None
    if batch_sizes(e).max() >= min(LIMITS):  # would take seconds
        return 1.0
    return total([theorem.finite_kurtosis(e), *theorem.predict(e)])


def answers(theorem, labels):
    """What is kept of a theorem."""
    own = [cases()[f"{theorem.name} {i}"] for i in range(len(theorem.cases))]
    spoken = {label: said(theorem, cases()[label]) for label in labels}
    return {
        "curves": [six(theorem.predict(e)) for e in own],
        "speaks": {label: x for label, x in spoken.items() if x is not None},
        "near": [said(theorem, x) for _, x in neighbours(own[0])],
    }


@pytest.mark.parametrize(
    "theorem", [t for t in THEOREMS.values() if t.name in KEPT], ids=lambda t: t.name
)
def test_it_speaks_where_it_did_and_says_the_same(theorem):
    kept, here = KEPT[theorem.name], answers(theorem, KEPT["cases"])
    for mine, other in zip(here["curves"], kept["curves"], strict=True):
        same(mine, other)
    assert here["speaks"].keys() == kept["speaks"].keys()
    same(list(here["speaks"].values()), list(kept["speaks"].values()))
    names = [name for name, _ in neighbours(cases()[f"{theorem.name} 0"])]
    for name, mine, other in zip(names, here["near"], kept["near"], strict=True):
        assert (mine is None) == (other is None), f"speaks or is silent: {name}"
        assert mine is None or mine == pytest.approx(other, rel=NEAR, abs=1e-15), name


def test_most_theorems_are_kept():
    most_are_kept([name for name in KEPT if name != "cases"], THEOREMS)


def test_a_change_is_seen():
    theorem = THEOREMS["gerstgrasser2024.replace_risk"]
    kept = KEPT[theorem.name]
    less = dataclasses.replace(theorem, where=lambda e: theorem.where(e) and e.sizes[0] != 10)
    assert kept["near"].count(None) < answers(less, [])["near"].count(None)
    more = dataclasses.replace(theorem, formula=lambda e: theorem.formula(e) * (1 + 1e-8))
    with pytest.raises(AssertionError):
        same(answers(more, [])["curves"][0], kept["curves"][0])


if __name__ == "__main__":
    first = {}
    for label, e in cases().items():
        first.setdefault(e, label)
    labels = list(first.values())
    write(NAME, {"cases": labels} | {t.name: answers(t, labels) for t in THEOREMS.values()})
