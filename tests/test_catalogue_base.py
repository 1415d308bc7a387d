"""What the catalogue is made of: values that are compared by what they say."""

from dataclasses import FrozenInstanceError, replace

import pytest

import collapse_theory as ct

STATED = ct.theorems()[0]


@pytest.mark.parametrize(
    ("thing", "field"),
    [(STATED, "name"), (STATED.source, "key"), (STATED.cases[0], "experiment")],
    ids=lambda x: type(x).__name__,
)
def test_statements_are_values(thing, field):
    assert replace(thing) == thing
    assert hash(replace(thing)) == hash(thing)
    with pytest.raises(FrozenInstanceError):
        setattr(thing, field, None)
