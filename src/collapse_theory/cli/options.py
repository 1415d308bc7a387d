"""Options that several subcommands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token


def _count(_: Any, tokens: Sequence[Token]) -> int:
    """A whole number, also as 1e6 or 10_000."""
    text = tokens[0].value
    try:
        return int(text) if text.lstrip("+-").replace("_", "").isdecimal() else _whole(float(text))
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


def _whole(number: float) -> int:
    if not number.is_integer():
        raise ValueError
    return int(number)


Count = Annotated[int, Parameter(converter=_count)]
Json = Annotated[bool, Parameter(name="--json", negative="", show_default=False)]
Flag = Annotated[bool, Parameter(negative="", show_default=False)]
ExperimentFile = Annotated[Path, Parameter(name="EXPERIMENT.toml")]
Dtype = Literal["float32", "float64"]
