"""Sweeps: one experiment over lists of its keys, into one labelled store that many may fill.

A sweep is a value, like an experiment. Its configs are run one after the other with the same seed
and written to a zarr folder, a chunk for each config, so that a run that was stopped goes on where
it was, and several processes fill one folder.
"""

from collapse_theory.sweeps.definition import Sweep, load_sweep
from collapse_theory.sweeps.running import Cost, estimate, shard_of, sweep
from collapse_theory.sweeps.storage import KIND, finished, open_dataset, remove

__all__ = [
    "KIND", "Cost", "Sweep", "estimate", "finished", "load_sweep", "open_dataset", "remove",
    "shard_of", "sweep",
]  # fmt: skip
