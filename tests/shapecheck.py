"""A run-time checker for jaxtyping's import hook: arguments and results against their hints."""

import functools
import inspect
import typing

from jaxtyping import AbstractArray


def _checked(hint):
    return isinstance(hint, type) and issubclass(hint, AbstractArray)


def typechecked(function):
    """Check every argument and the result whose hint is a jaxtyping array type."""
    try:
        hints = typing.get_type_hints(function)
    except NameError:
        return function
    arrays = {name: hint for name, hint in hints.items() if _checked(hint)}
    if not arrays:
        return function
    signature = inspect.signature(function)

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if name in arrays and not isinstance(value, arrays[name]):
                raise TypeError(f"{function.__qualname__}: {name} is not {arrays[name]}: {value!r}")
        out = function(*args, **kwargs)
        if "return" in arrays and not isinstance(out, arrays["return"]):
            raise TypeError(f"{function.__qualname__}: result is not {arrays['return']}: {out!r}")
        return out

    return wrapper
