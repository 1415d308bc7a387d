"""Numbers as they were on a day when every verdict was as it should be, to compare with today's.

What `collapse verify --full` finds consistent is true at every size and number that it is judged
on; its values from then on may only change on purpose. So these are tests against change, and no
evidence for a formula. A file of tests keeps its numbers in tests/kept; run as a script it writes
them again, which is right only after a change that is meant, and after the verdicts have been
looked at. What is new has nothing kept yet and is passed over.
"""

import json
from pathlib import Path

import numpy as np

PLACE = Path(__file__).with_name("kept")
DIGITS = 12
NEAR = 1e-9  # relative: no formula loses more than this to rounding


def read(name):
    """What is kept under this name."""
    path = PLACE / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write(name, kept):
    """Keep it, one line an entry."""
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in kept.items())
    PLACE.mkdir(exist_ok=True)
    (PLACE / f"{name}.json").write_text("{\n" + lines + "\n}\n")


def six(values):
    """At most six of the values, the first and the last among them, rounded."""
    flat = np.asarray(values, float).ravel()
    picked = flat[np.unique(np.linspace(0, flat.size - 1, 6).astype(int))]
    return [rounded(x) for x in picked]


def rounded(x):
    """To DIGITS digits."""
    return float(f"{x:.{DIGITS}g}")


def total(values):
    """One number for many: earlier ones weigh more, and a place without a value counts as well."""
    flat = np.asarray(values, float).ravel()
    return rounded(np.where(np.isnan(flat), -0.123, flat) @ (1 / np.arange(1.0, flat.size + 1)))


def same(here, kept, near=NEAR):
    """Whether they agree; where terms cancel, to a small part of the largest."""
    here, kept = np.asarray(here, float), np.asarray(kept, float)
    assert here.shape == kept.shape, "another number of values"
    finite = np.abs(kept[np.isfinite(kept)])
    lost = max(1e-15, 1e-3 * near * finite.max(initial=0.0))
    np.testing.assert_allclose(here, kept, rtol=near, atol=lost)


def most_are_kept(kept, names):
    """New ones may be without, but not many; none may be kept that is not there."""
    assert not set(kept) - set(names), "kept of what is not there any more: write again"
    assert len(set(names) - set(kept)) <= len(names) / 10, "write what is new"
