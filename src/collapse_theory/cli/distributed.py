"""Several processes, on one machine or many, that share the chains of one run."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

from collapse_theory.errors import InputError

TIMEOUT = 120  # seconds to wait for the other processes
ADDRESS = re.compile(r"(?P<host>.+:\d{1,5}),(?P<rank>\d{1,9})/(?P<processes>\d{1,9})")


@contextlib.contextmanager
def joined(where: str | None) -> Iterator[bool]:
    """Join the other processes for a while; gives whether this one is to print and to save.

    Args:
        where: "auto" (Slurm, Open MPI and others that JAX recognises), or "HOST:PORT,RANK/COUNT",
            the address at which rank 0 listens; None for one process alone.

    Raises:
        InputError: the words make no sense, or the others cannot be found.
    """
    if where is None:
        yield True
        return
    found = _found(where)
    import jax

    with _quiet_stdout():
        try:
            jax.distributed.initialize(**found, initialization_timeout=TIMEOUT)
        except (ValueError, RuntimeError) as e:
            raise InputError(f"--distributed = {where!r}: {str(e).splitlines()[0]}") from e
        try:
            rank = jax.process_index()
            yield rank == 0
        finally:
            jax.distributed.shutdown()  # type: ignore[no-untyped-call]  # JAX's gap


def _found(where: str) -> dict[str, Any]:
    if where == "auto":
        return {}
    match = ADDRESS.fullmatch(where)
    if match is None or not int(match["rank"]) < int(match["processes"]):
        raise InputError(
            f"--distributed = {where!r}: allowed are 'auto' and HOST:PORT,RANK/COUNT with "
            "RANK = 0..COUNT - 1"
        )
    return {
        "coordinator_address": match["host"],
        "process_id": int(match["rank"]),
        "num_processes": int(match["processes"]),
    }


@contextlib.contextmanager
def _quiet_stdout() -> Iterator[None]:
    """What libraries below Python print goes to standard error: the output is ours alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
