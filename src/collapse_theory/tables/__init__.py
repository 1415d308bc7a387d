"""Real tables as numbers: read, checked, split into a training and a held-out part."""

from collapse_theory.tables.reading import Table, TableSource, read_table

__all__ = ["Table", "TableSource", "read_table"]
