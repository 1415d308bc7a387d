"""A table as a file, for the tests of what reads and learns tables."""

import csv

import numpy as np

from collapse_theory import tables


def forget():
    """Tables are read again from now on: one that is read once is kept."""
    tables.reading._read.cache_clear()
    tables.reading._read_as.cache_clear()


def written(path, rows=60, seed=0):
    """Three columns of numbers, and a class that depends on the first two: the path."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(5, 2, rows), rng.exponential(3, rows), rng.integers(0, 9, rows)
    z = 0.8 * (a - 5) + 0.4 * (b - 3) + rng.logistic(0, 1, rows)
    kind = np.where(z > 1, "high", np.where(z > -1, "mid", "low"))
    with open(path, "w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["a", "b", "c", "kind"])
        lines.writerows(zip(a.tolist(), b.tolist(), c.tolist(), kind.tolist(), strict=True))
    return str(path)


def by_hand(file):
    """The numbers of such a file, and the classes."""
    with open(file, newline="") as lines:
        rows = list(csv.DictReader(lines))
    return np.array([[float(row[c]) for c in "abc"] for row in rows]), [r["kind"] for r in rows]
