"""The store of a sweep: a zarr folder in which every config has chunks of its own.

Processes that run different configs never write the same file. All that a config is restored from
is one chunk of ``state``, replaced as a whole and with a checksum; the other arrays are computed
from it, and written again where a process was stopped before it could.
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
from collapse_theory.families.base import data_digest
from collapse_theory.moments import Moments
from collapse_theory.store import LONG, attributes_at, reading
from collapse_theory.sweeps.definition import Sweep
from collapse_theory.sweeps.values import coordinate

if TYPE_CHECKING:
    import xarray

SCHEMA = 2
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
STATE = "state"
PLANES = tuple(f"{part}{name}" for part in ("", "tally_") for name in ("chains", *Moments._fields))
NOTES = {
    "done": ("bool", False, "whether the config has been run; written after its data"),
    "chains": ("int64", 0, "how many chains have been run"),
    "facts": ("str", "", "versions, device, dtype and route of the config, as JSON"),
}
SAME = ("seed", "dtype")
REMEDY = "it is left alone: name another folder (--out), or start over (--force)"


def identity(sweep: Sweep, *, seed: int, dtype: str) -> dict[str, Any]:
    """The attributes that make two runs of a sweep the same run."""
    resolved = [to_table(e) for e in sweep.experiments]
    data = [d for e in sweep.experiments if (d := data_digest(e.family)) is not None]
    text = json.dumps([resolved, list(sweep.points), *data], sort_keys=True)
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "experiment": json.dumps(sweep.base, default=str),
        "sweep": json.dumps({"mode": sweep.mode, **sweep.parameters}),
        "digest": sha256(text.encode()).hexdigest(),
        "seed": int(seed),
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


def labels(sweep: Sweep) -> dict[str, Any]:
    """The coordinates of a sweep's folder."""
    first = sweep.experiments[0]
    coords: dict[str, Any] = {
        "config": np.arange(len(sweep)),
        "generation": np.arange(1, first.generations + 1),
        "observable": np.asarray([o.name for o in first.observables], dtype=object),
    }
    for path in sweep.parameters:
        coords[path] = ("config", coordinate([point[path] for point in sweep.points]))
    return coords


def shape_of(sweep: Sweep) -> tuple[int, int, int]:
    """Configs, generations, observables."""
    first = sweep.experiments[0]
    return len(sweep), first.generations, len(first.observables)


def _make(folder: Path, sweep: Sweep, attributes: dict[str, Any]) -> None:
    """Write the labels, and arrays without chunks."""
    import xarray as xr
    import zarr
    from zarr.codecs import Crc32cCodec, ZstdCodec

    empty = xr.Dataset({}, labels(sweep), attributes)
    empty.to_zarr(folder, mode="w-", consolidated=False, zarr_format=3)
    group = zarr.open_group(folder, mode="r+", zarr_format=3)
    shape = shape_of(sweep)
    long, checked = {**LONG, **COUNTS}, [ZstdCodec(), Crc32cCodec()]
    for name, (dtype, fill) in FILLS.items():
        group.create_array(
            name, shape=shape, chunks=(1, *shape[1:]), dtype=dtype, fill_value=fill,
            dimension_names=DIMS, compressors=checked, attributes={"long_name": long[name]},
        )  # fmt: skip
    group.create_array(
        STATE, shape=(len(sweep), len(PLANES), *shape[1:]), chunks=(1, len(PLANES), *shape[1:]),
        dtype="float64", fill_value=0.0, dimension_names=("config", "sum", *DIMS[1:]),
        compressors=checked,
        attributes={"long_name": f"what a config is restored from: {', '.join(PLANES)}"},
    )  # fmt: skip
    for name, (dtype, fill, note) in NOTES.items():
        group.create_array(
            name, shape=shape[:1], chunks=(1,), dtype=dtype, fill_value=fill,
            dimension_names=DIMS[:1], attributes={"long_name": note},
        )  # fmt: skip


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
    """How many configs of the folder are done; 0 where no sweep is.

    Raises:
        InputError: it is damaged.
    """
    if attributes_at(Path(path)).get("kind") != KIND:
        return 0
    with reading(path, DAMAGED), open_dataset(path) as there:
        return int(np.asarray(there["done"].values, bool).sum())


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
