"""Softmax over features, trained to the end: the mean parameter of an exponential family."""

from __future__ import annotations

import jax
import numpy as np

from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.catalogue.settings_symbols import Vector
from collapse_theory.experiment import Experiment
from collapse_theory.families.softmax_embedding import EmbeddingLaw, SoftmaxEmbedding
from collapse_theory.observables import parameters
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.replace import Replace

FINE = 1e-4  # a tolerance: no mean moves by more in a generation
CASE = Experiment(
    family=SoftmaxEmbedding(), workflow=Replace(),
    truth=EmbeddingLaw(((0.9, 0.0, -0.9), (0.5, -0.5, 0.0))), n=14, generations=4,
)  # fmt: skip


def _ends(e: Experiment) -> bool:
    """Whether the training ends at the optimum, and the features hold a constant."""
    how, features = e.family.training, np.asarray(e.family.features)
    to_the_end = how.optimiser == "lbfgs" and not how.validation and how.tolerance <= FINE
    constant = (np.ptp(features, 0) == 0) & (features[0] != 0)
    return bool(to_the_end and constant.any() and e.family.floor == 0)


@theorem(
    "expfam.mean_martingale.softmax",
    observable=parameters.mean,
    kind=Kind.EXACT,
    source=Source(None),
    family=SoftmaxEmbedding,
    workflow=(Replace, Accumulate),
    where=_ends,
    cases=(CASE,),
)
def average_stays(e: Experiment) -> Vector:
    r"""$E\,\overline{p_t(1\mid c)}=\overline{p_0(1\mid c)}$, the average over the contexts c: a
    coordinate of the mean parameter $E\,\phi_c\otimes y$ wherever the features $\phi$ hold a
    constant.

    Softmax over features of the contexts, trained until the gradient is below 1e-4. Where the rows
    lack what a best fit needs it lies at infinity, and the mean parameter is matched all the same.
    """
    logits = np.asarray(e.family.features) @ np.asarray(e.truth.weights)
    p = np.asarray(jax.nn.softmax(logits))
    return np.full(e.generations, float(p[:, 0].mean()))
