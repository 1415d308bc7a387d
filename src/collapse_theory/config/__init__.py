"""Experiments as TOML, both ways: what is written loads back to an equal experiment.

Top-level keys are ``n``, ``generations``, ``observables``, ``n_real``, ``route``; tables are
``family``, ``truth``, ``workflow``, ``generator``, whose ``name`` picks a class and whose other
keys are its fields.
"""

from collapse_theory.config.reading import (
    experiment_from_table,
    find_class,
    load_experiment,
    parsed,
    read_table,
)
from collapse_theory.config.writing import member_table, plain, to_table, to_toml

__all__ = [
    "experiment_from_table", "find_class", "load_experiment", "member_table", "parsed",
    "plain", "read_table", "to_table", "to_toml",
]  # fmt: skip
