"""Results on disk: labelled zarr folders, complete or absent, that load and extend."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from collapse_theory.checkpoint import digest
from collapse_theory.config import experiment_from_table, parsed, to_toml
from collapse_theory.errors import InputError, show
from collapse_theory.moments import Moments, Tally
from collapse_theory.placement import Plan
from collapse_theory.result import Result

if TYPE_CHECKING:
    import xarray

SCHEMA = 2
"""Raised when a reader of the former layout would misread the new one."""
KIND = "collapse_theory result"
DIMS = ("generation", "observable")
TALLY = "tally_"
SUMS = ("n", "mean", "m2", "m3", "m4", "nonfinite")
DERIVED = {
    "se": "Monte Carlo standard error of the mean",
    "variance": "variance over chains",
    "skewness": "third standardised moment over chains",
    "kurtosis": "fourth standardised moment over chains (3 for a Gaussian)",
    "trusted": "whether the standard error may be believed",
}
LONG = DERIVED | {
    "n": "chains with a finite value",
    "mean": "mean over chains",
    "m2": "sum of squared deviations from the mean",
    "m3": "sum of cubed deviations",
    "m4": "sum of fourth powers of deviations",
    "nonfinite": "chains with an infinite or undefined value",
}


def to_dataset(result: Result) -> xarray.Dataset:
    """A dataset with dimensions (generation, observable).

    Variables: mean, se, variance, skewness, kurtosis, trusted, nonfinite, and the sums n, m2, m3,
    m4 that :func:`load` restores the result from. Attributes: the experiment as TOML, seed, chains,
    versions.
    """
    import xarray as xr

    columns: dict[str, Any] = {k: v for k, v in zip(Moments._fields, result.moments, strict=True)}
    for name in DERIVED:
        column = getattr(result, name)
        columns[name] = np.stack([column(o) for o in result.names], axis=1)
    columns["nonfinite"] = columns["nonfinite"].astype(np.int64)
    variables = {k: (DIMS, v, {"long_name": LONG[k]}) for k, v in columns.items()}
    # strings of any length: those of a fixed one have no specification in zarr 3
    names = np.asarray(result.names, dtype=object)
    coords = {"generation": result.generations, "observable": names}
    if result.tally is not None:
        for name, values in zip(Moments._fields, result.tally.moments, strict=True):
            variables[f"{TALLY}{name}"] = (
                DIMS,
                values,
                {"long_name": f"{LONG[name]}, whole units"},
            )
    return xr.Dataset(variables, coords, _attributes(result))


def save(result: Result, path: str | Path) -> Path:
    """Write a result as a zarr folder.

    It is written beside and renamed, so that a killed write leaves nothing half. An earlier result
    at ``path`` is replaced.

    Raises:
        InputError: something else is at ``path``, or it cannot be written.
    """
    target = check_target(path)
    dataset = to_dataset(result)
    beside = target.with_name(f".{target.name}.{uuid4().hex}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        dataset.to_zarr(beside, mode="w-", consolidated=False, zarr_format=3)
        _put(beside, target)
    except OSError as e:
        raise InputError(f"{target}: cannot be written: {e.strerror or e}") from e
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return target


def check_target(path: str | Path) -> Path:
    """The path, if a result may be saved there.

    Raises:
        InputError: something is there that is not a saved result.
    """
    target = Path(os.path.abspath(path))
    if os.path.lexists(target) and attributes_at(target).get("kind") != KIND:
        raise InputError(
            f"{path} exists and is not a saved result: it is left alone; name another folder"
        )
    return target


def load(path: str | Path) -> Result:
    """Read a saved result: equal sums, bit for bit, and it can be extended.

    Args:
        path: the zarr folder that :meth:`Result.save` wrote.

    Raises:
        InputError: there is no whole saved result at ``path``, or it was saved by a later version.
    """
    attributes = attributes_at(Path(path))
    if attributes.get("kind") != KIND:
        raise InputError(f"{path}: no saved result is there")
    if attributes.get("schema") != SCHEMA:
        raise InputError(
            f"{path}: saved in layout {attributes.get('schema')}; this version reads {SCHEMA}"
        )
    with reading(path, "the saved result"):
        return _restored(path, attributes)


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """Say of whatever a damaged file makes its readers raise that it is damaged.

    Raises:
        InputError: it is.
    """
    try:
        with warnings.catch_warnings():  # the error says it, in one line
            warnings.simplefilter("ignore", UserWarning)
            yield
    except Exception as e:
        if type(e) is InputError and str(e).startswith(str(path)):
            raise
        raise InputError(f"{path}: {what} is damaged: {show(e)}") from e


def _restored(path: str | Path, attributes: dict[str, Any]) -> Result:
    import xarray as xr

    experiment = experiment_from_table(parsed(attributes["experiment"], "the experiment"))
    shape = (experiment.generations, len(experiment.observables))
    # version 3 alone: arrays of version 2 may hold pickled objects
    with xr.open_zarr(path, consolidated=False, chunks=None, zarr_format=3) as dataset:
        if any(array.shape != shape for array in dataset.values()):
            raise ValueError("an array has another shape")
        moments, whole = (
            Moments(*(np.asarray(dataset[start + name].values, np.float64) for name in SUMS))
            if start + SUMS[0] in dataset
            else None
            for start in ("", TALLY)
        )
    said = {k: v for k, v in attributes.items() if k != "digest"}
    if moments is None or attributes["digest"] != digest(said, moments, whole):
        raise ValueError("what is there is not what was written")
    tally = None if whole is None else Tally(attributes["tally_chains"], whole)
    facts = json.loads(attributes["facts"])
    return Result(
        experiment=experiment,
        seed=attributes["seed"],
        chains=attributes["chains"],
        moments=moments,
        facts=facts,
        plan=Plan(dtype=facts["dtype"]),
        first_chain=attributes["first_chain"],
        tally=tally,
    )


def _attributes(result: Result) -> dict[str, Any]:
    tally = result.tally
    about = {
        "kind": KIND,
        "schema": SCHEMA,
        "experiment": to_toml(result.experiment),
        "seed": int(result.seed),
        "chains": int(result.chains),
        "first_chain": int(result.first_chain),
        "facts": json.dumps(result.facts, sort_keys=True),
        "tally_chains": tally.chains if tally else 0,
    }
    whole = tally.moments if tally else None
    return about | {"digest": digest(about, result.moments, whole)}


def attributes_at(folder: Path) -> dict[str, Any]:
    """The attributes of the zarr group in a folder; none where there is no such group."""
    try:
        attributes = json.loads((folder / "zarr.json").read_text())["attributes"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _put(new: Path, target: Path) -> None:
    """Rename ``new`` to ``target``; an earlier result steps aside first and is then removed."""
    aside = target.with_name(f".{target.name}.{uuid4().hex}.old")
    if target.exists():
        target.rename(aside)
    try:
        new.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
