"""The store of a sweep: a zarr folder in which every config has chunks of its own.

Processes that run different configs never write the same file, and ``done`` is written after the
data of its config: what it marks is whole, whenever a process was stopped.
"""

from __future__ import annotations

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from collapse_theory.config import to_table
from collapse_theory.errors import InputError
from collapse_theory.result import Result
from collapse_theory.store import LONG, attributes_at, reading
from collapse_theory.sweeps.definition import Sweep
from collapse_theory.sweeps.values import coordinate

if TYPE_CHECKING:
    import xarray

SCHEMA = 1
"""Raised when a reader of the former layout would misread the new one."""
KIND = "collapse_theory sweep"
DAMAGED = "the sweep's folder"
DIMS = ("config", "generation", "observable")
FLOATS = ("mean", "se", "variance", "skewness", "kurtosis", "m2", "m3", "m4")
COUNTS = {"count": "chains with a finite value", "nonfinite": LONG["nonfinite"]}
FILLS: dict[str, tuple[str, Any]] = {
    **{name: ("float64", np.nan) for name in FLOATS},
    **{name: ("int64", 0) for name in COUNTS},
    "trusted": ("bool", False),
}
NOTES = {
    "done": ("bool", False, "whether the config has been run; written after its data"),
    "facts": ("str", "", "versions, device, dtype and route of the config, as JSON"),
}
SAME = ("seed", "chains", "dtype")
REMEDY = "it is left alone: name another folder (--out), or start over (--force)"


def identity(sweep: Sweep, *, chains: int, seed: int, dtype: str) -> dict[str, Any]:
    """The attributes that make two runs of a sweep the same run."""
    resolved = [to_table(e) for e in sweep.experiments]
    text = json.dumps([resolved, list(sweep.points)], sort_keys=True)
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "experiment": json.dumps(sweep.base, default=str),
        "sweep": json.dumps({"mode": sweep.mode, **sweep.parameters}),
        "digest": sha256(text.encode()).hexdigest(),
        "seed": int(seed),
        "chains": int(chains),
        "dtype": dtype,
    }


def ensure(path: str | Path, sweep: Sweep, attributes: dict[str, Any]) -> Path:
    """The folder of this sweep, made if it is not there.

    It is made beside and renamed. Of several processes that make it at the same moment one wins,
    and the others use its folder.

    Raises:
        InputError: another sweep, or something else, is there, or it cannot be written.
    """
    target = Path(os.path.abspath(path))
    if not os.path.lexists(target):
        beside = target.with_name(f".{target.name}.{uuid4().hex}.partial")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _make(beside, sweep, attributes)
            beside.rename(target)  # refused where a folder with files is: another was first
        except OSError as e:
            if not os.path.lexists(target):
                raise InputError(f"{path}: cannot be written: {e.strerror or e}") from e
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    _check(path, attributes_at(target), attributes)
    return target


def _check(path: str | Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    if found.get("kind") != KIND:
        raise InputError(
            f"{path} exists and is not the folder of a sweep: it is left alone; name another"
        )
    if found.get("schema") != SCHEMA:
        raise InputError(f"{path}: written in layout {found.get('schema')}, not {SCHEMA}; {REMEDY}")
    for key in SAME:
        if found.get(key) != wanted[key]:
            raise InputError(
                f"{path} was begun with {key} = {found.get(key)!r}, not {wanted[key]!r}; {REMEDY}"
            )
    if found.get("digest") != wanted["digest"]:
        raise InputError(f"{path} holds another sweep; {REMEDY}")
    for key in ("experiment", "sweep"):
        if found.get(key) != wanted[key]:
            raise InputError(f"{path}: the sweep's folder is damaged: its {key} differs; {REMEDY}")


def _labels(sweep: Sweep) -> dict[str, Any]:
    first = sweep.experiments[0]
    coords: dict[str, Any] = {
        "config": np.arange(len(sweep)),
        "generation": np.arange(1, first.generations + 1),
        "observable": np.asarray([o.name for o in first.observables], dtype=object),
    }
    for path in sweep.parameters:
        coords[path] = ("config", coordinate([point[path] for point in sweep.points]))
    return coords


def _shape(sweep: Sweep) -> tuple[int, int, int]:
    first = sweep.experiments[0]
    return len(sweep), first.generations, len(first.observables)


def _make(folder: Path, sweep: Sweep, attributes: dict[str, Any]) -> None:
    """Write the labels, and arrays without chunks."""
    import xarray as xr
    import zarr

    labels = xr.Dataset({}, _labels(sweep), attributes)
    labels.to_zarr(folder, mode="w-", consolidated=False, zarr_format=3)
    group = zarr.open_group(folder, mode="r+", zarr_format=3)
    shape = _shape(sweep)
    long = {**LONG, **COUNTS}
    for name, (dtype, fill) in FILLS.items():
        group.create_array(
            name, shape=shape, chunks=(1, *shape[1:]), dtype=dtype, fill_value=fill,
            dimension_names=DIMS, attributes={"long_name": long[name]},
        )  # fmt: skip
    for name, (dtype, fill, note) in NOTES.items():
        group.create_array(
            name, shape=shape[:1], chunks=(1,), dtype=dtype, fill_value=fill,
            dimension_names=DIMS[:1], attributes={"long_name": note},
        )  # fmt: skip


class Writer:
    """The arrays of a sweep's folder, open for writing.

    Raises:
        InputError: an array is missing, is not what was made, or cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        import zarr

        self._folder = folder
        with reading(folder, DAMAGED):
            group = zarr.open_group(folder, mode="r+", zarr_format=3)
            self._arrays: dict[str, Any] = {name: group[name] for name in (*FILLS, *NOTES)}

    def check(self, sweep: Sweep) -> None:
        """Check that arrays and labels are those that were made for this sweep.

        Raises:
            InputError: they are not.
        """
        with reading(self._folder, DAMAGED):
            self._check(sweep)

    def _check(self, sweep: Sweep) -> None:
        shape = _shape(sweep)
        for name, (dtype, _) in FILLS.items():
            if (self._arrays[name].shape, self._arrays[name].dtype) != (shape, np.dtype(dtype)):
                raise ValueError(f"{name} is not what was made")
        if any(self._arrays[name].shape != shape[:1] for name in NOTES):
            raise ValueError("a note is not what was made")
        with open_dataset(self._folder) as there:
            for name, label in _labels(sweep).items():
                values = label[1] if isinstance(label, tuple) else label
                if there[name].values.tolist() != values.tolist():
                    raise ValueError(f"the label {name} is not what was written")

    def finished(self) -> np.ndarray:
        """Which configs are done; shape (config,)."""
        with reading(self._folder, DAMAGED):
            return np.asarray(self._arrays["done"][:], bool)

    def whole(self, config: int) -> bool:
        """Whether what is there of a config is what was written."""
        try:
            facts = json.loads(str(self._arrays["facts"][config]))
            found = {name: np.asarray(self._arrays[name][config]) for name in FILLS}
        except Exception:  # whatever the readers make of damage
            return False
        said = facts.pop("digest", None)
        return said is None or bool(said == _digest(found, facts))

    def write(self, config: int, result: Result) -> None:
        """Write a config, its mark last."""
        values = columns(result)
        facts = {**result.facts, "digest": _digest(values, result.facts)}
        notes = {"facts": json.dumps(facts, sort_keys=True), "done": True}
        try:
            for name, value in {**values, **notes}.items():
                self._arrays[name][config] = value
        except OSError as e:
            raise InputError(f"{self._folder}: cannot be written: {e.strerror or e}") from e


def _digest(columns: dict[str, np.ndarray], facts: dict[str, Any]) -> str:
    found = sha256(json.dumps(facts, sort_keys=True).encode())
    for name in FILLS:
        found.update(np.ascontiguousarray(columns[name]).tobytes())
    return found.hexdigest()


def columns(result: Result) -> dict[str, np.ndarray]:
    """The arrays of one config; shape (generation, observable)."""
    m = result.moments
    stored: dict[str, Any] = {"m2": m.m2, "m3": m.m3, "m4": m.m4, "count": m.n}
    stored["nonfinite"] = m.nonfinite
    for name in FILLS:
        if name not in stored:
            column = getattr(result, name)
            stored[name] = np.stack([column(o) for o in result.names], axis=1)
    return {name: np.asarray(stored[name], dtype) for name, (dtype, _) in FILLS.items()}


def open_dataset(path: str | Path) -> xarray.Dataset:
    """The dataset of a sweep's folder, read as its values are asked for.

    Dimensions (config, generation, observable); see ``docs/cli.md`` for its variables.

    Raises:
        InputError: no sweep is there.
    """
    import xarray as xr

    if attributes_at(Path(path)).get("kind") != KIND:
        raise InputError(f"{path}: no sweep is there")
    with reading(path, DAMAGED):
        dataset: xarray.Dataset = xr.open_zarr(path, consolidated=False, chunks=None, zarr_format=3)
    return dataset


def finished(path: str | Path) -> int:
    """How many configs of the folder are done; 0 where no sweep is."""
    if attributes_at(Path(path)).get("kind") != KIND:
        return 0
    return int(Writer(Path(path)).finished().sum())


def remove(path: str | Path) -> None:
    """Remove the folder of a sweep, if there is one.

    Raises:
        InputError: something else is there, or it cannot be removed.
    """
    target = Path(os.path.abspath(path))
    if not os.path.lexists(target):
        return
    if attributes_at(target).get("kind") != KIND:
        raise InputError(f"{path} exists and is not the folder of a sweep: it is left alone")
    aside = target.with_name(f".{target.name}.{uuid4().hex}.old")
    try:
        target.rename(aside)
    except OSError as e:
        raise InputError(f"{path}: cannot be removed: {e.strerror or e}") from e
    shutil.rmtree(aside, ignore_errors=True)
