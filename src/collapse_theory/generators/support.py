"""Which families a generator covers, read off the methods of its generic function."""

from __future__ import annotations

from typing import Any

from collapse_theory.errors import InputError


def require_method(generator: Any, function: Any, family: Any) -> None:
    """Check that a ``functools.singledispatch`` function has a method for the family.

    Raises:
        InputError: it has none; the message names generator, family and the families allowed.
    """
    if function.dispatch(type(family)) is function.dispatch(object):
        allowed = ", ".join(
            sorted(kind.__name__ for kind in function.registry if kind is not object)
        )
        raise InputError(
            f"generator {type(generator).__name__} is not defined for {type(family).__name__}; "
            f"allowed are {allowed}"
        )
