"""The fields of a class, as a table may set them: types in words, conversion, suggestions."""

from __future__ import annotations

import collections.abc
import contextlib
import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterable
from typing import Any, Literal, Union

from collapse_theory.errors import InputError, show

WORDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a string"}
LISTS = (tuple, list, collections.abc.Sequence)


def same_name(a: str, b: str) -> bool:
    """Whether two names agree but for case, spaces, underscores and hyphens."""
    return _bare(a) == _bare(b)


def member_fields(cls: type) -> dict[str, tuple[Any, dataclasses.Field[Any]]]:
    """Type hint and dataclass field of every field that a table may set, by name."""
    try:
        hints = typing.get_type_hints(cls)
    except NameError:  # a hint that exists for type checkers only
        hints = {}
    return {f.name: (hints.get(f.name, Any), f) for f in dataclasses.fields(cls) if f.init}


def required(field: dataclasses.Field[Any]) -> bool:
    """Whether the field has no default."""
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def hint_words(hint: Any) -> str:
    """A type hint in words: "a number", "a list of whole numbers", ..."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(hint_words(h) for h in args if h is not type(None)))
    if origin is Literal:
        return " or ".join(repr(a) for a in args)
    if origin in LISTS or hint in LISTS:
        items = {a for a in args if a is not Ellipsis}
        if len(items) != 1:
            return "a list"
        inner = hint_words(items.pop())
        return "a list of " + re.sub(r"^an? (.*?)(?= of |$)", r"\1s", inner, count=1)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return "a table"
    return WORDS.get(hint, "a value")


def construct(key: str, make: Any, **values: Any) -> Any:
    """Call ``make``; what Python or NumPy refuse becomes one line that names the key."""
    try:
        return make(**values)
    except InputError:
        raise
    except (TypeError, ValueError, OverflowError) as e:
        raise InputError(f"{key}: {' '.join(str(e).split())}") from e


def convert(value: Any, hint: Any, key: str) -> Any:
    """The value as a field of this type wants it: lists as tuples, whole numbers as floats.

    Raises:
        InputError: the value is of another type; the message names the key.
    """
    if typing.get_origin(hint) in (Union, types.UnionType):
        return _convert_union(value, hint, key)
    if typing.get_origin(hint) in LISTS or hint in LISTS:
        return _convert_list(value, hint, key)
    if typing.get_origin(hint) is Literal and value not in typing.get_args(hint):
        raise _wrong(value, hint, key)
    if hint not in WORDS and isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return built(hint, subtable(value, key), key)
    if hint not in WORDS:
        return frozen(value)
    accepted = (int, float) if hint is float else (hint,)
    if not isinstance(value, accepted) or isinstance(value, bool) != (hint is bool):
        raise _wrong(value, hint, key)
    return construct(key, lambda: hint(value))


def built(cls: type, table: dict[str, Any], key: str) -> Any:
    """An object of a class from a table of its fields.

    Raises:
        InputError: a key is unknown or missing, or a value is of another type.
    """
    fields = member_fields(cls)
    needed = [name for name, (_, field) in fields.items() if required(field)]
    check_keys(table, needed, fields, f"{key}.", cls.__name__)
    values = {k: convert(v, fields[k][0], f"{key}.{k}") for k, v in table.items()}
    return construct(key, cls, **values)


def check_keys(
    table: dict[str, Any], needed: Iterable[str], allowed: Iterable[str], prefix: str, owner: str
) -> None:
    """Refuse a table that lacks a needed key, or has one that is not allowed.

    Raises:
        InputError: it does.
    """
    allowed = list(allowed)
    for k in table:
        if k not in allowed:
            takes = f"{owner} takes {', '.join(allowed)}" if allowed else f"{owner} takes no keys"
            raise InputError(f"{prefix}{_cut(k)} is unknown{suggestion(k, allowed)}; {takes}")
    for k in needed:
        if k not in table:
            raise InputError(f"{prefix}{k} is missing: {owner} needs it")


def _cut(key: str) -> str:
    bare = show(key)[1:-1]
    return key if key == bare else show(key)


def subtable(value: Any, key: str) -> dict[str, Any]:
    """A value that must be a table.

    Raises:
        InputError: it is none.
    """
    if not isinstance(value, dict):
        raise InputError(f"{key} = {show(value)}: a table is needed, [{key}]")
    return value


def _convert_union(value: Any, hint: Any, key: str) -> Any:
    options = [h for h in typing.get_args(hint) if h is not type(None)]  # TOML has no null
    if len(options) == 1:
        return convert(value, options[0], key)
    for option in options:
        with contextlib.suppress(InputError):
            return convert(value, option, key)
    raise _wrong(value, hint, key)


def _convert_list(value: Any, hint: Any, key: str) -> Any:
    args = typing.get_args(hint)
    fixed = typing.get_origin(hint) is tuple and args and Ellipsis not in args
    if not isinstance(value, list) or (fixed and len(value) != len(args)):
        raise _wrong(value, hint, key)
    hints = args if fixed else (args[0] if args else Any,) * len(value)
    pairs = zip(value, hints, strict=True)
    return tuple(convert(v, h, f"{key}[{i}]") for i, (v, h) in enumerate(pairs))


def _wrong(value: Any, hint: Any, key: str) -> InputError:
    return InputError(f"{key} = {show(value)}: {hint_words(hint)} is needed")


def frozen(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """The words " (did you mean ...?)", or nothing where no allowed name is close."""
    by_lower = {a.casefold(): a for a in allowed}
    close = difflib.get_close_matches(name.casefold(), by_lower, n=1)
    return f" (did you mean {by_lower[close[0]]!r}?)" if close else ""


def _bare(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()
