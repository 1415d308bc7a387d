"""What theory says of n-grams, were every context visited as often as is expected of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from collapse_theory.errors import InputError
from collapse_theory.experiment import Experiment
from collapse_theory.families.ngram import NGram, coded, tallied
from collapse_theory.families.text_rows import contexts, text_of
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.replace import Replace

Array = NDArray[np.float64]


def count_theory(experiment: Experiment) -> dict[str, Array]:
    """Distances of an n-gram to its first fit, by generation, at the fixed contexts of its text.

    A context that is visited m times is a law over symbols fitted by m draws, and for such a law
    the second moments are known in closed form. Here m is held at its mean under the truth; it
    varies from batch to batch, and drifts with the fits, so the curves are approximate. With order
    0 there is one context, m is no accident, and the squared distance is exact.

    Args:
        experiment: of ``NGram`` without pseudo-counts, under ``Replace`` or ``Mix`` with a fixed
            corpus; n and n_real are numbers.

    Returns:
        By name of the observable, float64, shape (T,): "squared_l2_to_first", and "l1_to_first",
        which also takes the fitted probabilities for normal.

    Raises:
        InputError: another experiment.

    References:
        derived
    """
    e = experiment
    fixed = isinstance(e.workflow, Mix) and e.workflow.real == "fixed"
    if not isinstance(e.family, NGram) or not (fixed or isinstance(e.workflow, Replace)):
        raise InputError("count_theory: NGram under Replace or Mix(real='fixed') is needed")
    if len({*e.sizes.tolist()}) > 1 or e.family.pseudo or e.truth.pseudo:
        raise InputError("count_theory: one size for all generations and no pseudo-counts, please")
    p, share = _laws(e.family, e)
    places = e.family.context - e.family.order
    synthetic = float(e.sizes[0]) * places * share
    real = float(e.real_sizes[0]) * places * share
    grown = _grown(np.maximum(real, 1), np.maximum(synthetic, 1), fixed, e.generations)
    spread = p * (1 - p)  # of a draw, by context and symbol
    squared = (grown * spread.sum(-1)).mean(-1)
    straight = np.sqrt(grown) * np.sqrt(2 / math.pi * spread).sum(-1)
    return {"squared_l2_to_first": squared, "l1_to_first": straight.mean(-1)}


def _grown(real: Array, synthetic: Array, fixed: bool, generations: int) -> Array:
    """Variance about the first fit over that of one draw, (T, contexts).

    With g the Gini index of the first fit, D' = a**2 ((g - D) / n + D), a the synthetic share: the
    fits are a martingale about the first one, whose corpus stays.
    """
    a = synthetic / (real + synthetic) if fixed else np.ones_like(real)
    first = 1 - 1 / real
    out = [np.zeros_like(real)]
    for _ in range(generations - 1):
        out.append(a**2 * ((first - out[-1]) / synthetic + out[-1]))
    return np.stack(out)


def _laws(family: NGram, e: Experiment) -> tuple[Array, Array]:
    """True law at each fixed context, and how often a place of a row has that context."""
    text = text_of(family)
    symbols, order = len(text.alphabet), family.order
    counts = tallied(text.train, symbols, order)
    visits = counts.sum(-1) / counts.sum()
    padded = np.pad(contexts(family), ((0, 0), (0, 1))).astype(np.int64)
    last = coded(padded, symbols, order)[0][:, -1]
    table = np.asarray(family.model(e.truth).probs, np.float64)
    return table[last], visits[last]
