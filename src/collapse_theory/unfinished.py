"""The states of units under way, on disk: a long training that is stopped goes on from there."""

from __future__ import annotations

import io
import json
import time
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from collapse_theory import checkpoint
from collapse_theory.checkpoint import Identity, refuse_difference, write_whole
from collapse_theory.errors import InputError
from collapse_theory.revision import versions
from collapse_theory.stepwise import Page

KIND = "collapse_theory unit"


@dataclass
class Unfinished:
    """Pages of units, each in a file beside the folder of the run.

    A page is written at the end of a generation, unless the last one of its unit was written less
    than `checkpoint.EVERY` seconds ago. Of another version none is read: its programs may differ in
    the last bit.

    Attributes:
        target: the folder of the run.
        identity: what makes two runs the same run.
    """

    target: Path
    identity: Identity
    written: dict[int, float] = field(default_factory=dict)

    def read(self, first: int) -> Page | None:
        """The page of the unit whose first chain this is; None if there is none of this version.

        Raises:
            InputError: it is damaged, or of another run.
        """
        path = self._path(first)
        try:
            with np.load(io.BytesIO(path.read_bytes())) as data:  # never unpickles
                about = json.loads(str(data["about"]))
                raw = [data[f"array{i}"] for i in range(len(about["arrays"]))]
            if about.pop("digest") != _digest(about, raw):
                raise ValueError("what is there is not what was written")
            kinds = about.pop("arrays")
            arrays = [_typed(a, *kind) for a, kind in zip(raw, kinds, strict=True)]
            done, states = int(about.pop("done")), int(about.pop("states"))
        except FileNotFoundError:
            return None
        except Exception as e:  # whatever the readers make of damage
            raise InputError(
                f"{path}: the state is damaged ({type(e).__name__}): remove it to start its chains "
                "again"
            ) from e
        if about.pop("kind", None) != KIND or about.pop("versions", None) != versions():
            return None
        refuse_difference(path, about, self.identity)
        return Page(done, arrays[:states], arrays[states:])

    def write(self, first: int, page: Page) -> None:
        """Keep a page in the place of the one before it.

        Raises:
            InputError: it cannot be written.
        """
        now = time.monotonic()
        if page.state and now - self.written.get(first, -np.inf) <= checkpoint.EVERY:
            return
        arrays = [*page.state, *page.sums]
        raw = [np.frombuffer(a.tobytes(), np.uint8) for a in arrays]  # bfloat16 is no type of NumPy
        about = {
            "kind": KIND, "versions": versions(), "done": page.done, "states": len(page.state),
            "arrays": [[list(a.shape), a.dtype.name] for a in arrays],
        } | self.identity  # fmt: skip
        about["digest"] = _digest(about, raw)
        write_whole(self._path(first), about, {f"array{i}": a for i, a in enumerate(raw)})
        self.written[first] = time.monotonic()

    def clear(self) -> None:
        """Remove all pages: the run is finished."""
        for path in self.target.parent.glob(f".{self.target.name}.unit-*"):
            path.unlink(missing_ok=True)

    def _path(self, first: int) -> Path:
        return self.target.with_name(f".{self.target.name}.unit-{first}")


def _typed(raw: np.ndarray, shape: list[int], dtype: str) -> np.ndarray:
    return np.frombuffer(raw.tobytes(), jnp.dtype(dtype)).reshape(shape)


def _digest(about: dict[str, Any], raw: list[np.ndarray]) -> str:
    found = sha256(json.dumps(about, sort_keys=True).encode())
    for array in raw:
        found.update(array.tobytes())
    return found.hexdigest()


__all__ = ["KIND", "Unfinished"]
