"""The lumped symbol chain: averages over symbols in replace and share-mixed workflows, without
simulation.

The count X of one symbol is a Markov chain by itself: it starts at Bin(n_1, p_i), and given X = k
it becomes Bin(n_{t+1}, s p_i + (1 - s) k / n_t), where s is the probability that a row is real (0
under replace).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from collapse_theory.catalogue import settings_symbols as setting
from collapse_theory.catalogue.base import Kind, Source, theorem
from collapse_theory.experiment import Experiment
from collapse_theory.families.bernoulli import Bernoulli
from collapse_theory.families.categorical import Categorical
from collapse_theory.families.symbols import ROUNDING, TAIL_MASS
from collapse_theory.observables import distances, divergences, diversity
from collapse_theory.workflows.mix_share import MixShare
from collapse_theory.workflows.replace import Replace

SCOPE: dict[str, Any] = {
    "kind": Kind.EXACT,
    "source": Source(None),
    "family": (Categorical, Bernoulli),
    "workflow": (Replace, MixShare),
    "where": setting.lumpable,
    "cases": (setting.REPLACE, setting.REPLACE_SCHEDULE, setting.SHARE),
}


@theorem("engine.lumping.collapsed", observable=diversity.collapsed, **SCOPE)
def collapsed(e: Experiment) -> setting.Vector:
    r"""$P(p(t)\text{ is a Dirac}) = \sum_i P(X_i^{(t)} = n_t)$: the events exclude each other.

    Any sizes up to 2000 rows, any alphabet, one context.

    Derived.
    """
    return setting.lumped(e).collapse_probability(setting.true_law(e))


@theorem("engine.lumping.support_size", observable=diversity.support_size, **SCOPE)
def support_size(e: Experiment) -> setting.Vector:
    r"""$E\,\#\{i: p_i(t)>0\} = \sum_i P(X_i^{(t)} > 0)$.

    Any sizes up to 2000 rows, any alphabet, one context; silent until 0.01 symbols are lost on
    average.

    Derived.
    """
    alive = setting.lumped(e).support_size(setting.true_law(e))
    return setting.once_likely(alive, np.count_nonzero(setting.true_law(e)) - alive)


@theorem("engine.lumping.entropy", observable=diversity.entropy, **SCOPE)
def entropy(e: Experiment) -> setting.Vector:
    r"""$E\,H(p(t)) = -\sum_i E\big[x_i\ln x_i\big]$ with $x_i = X_i^{(t)}/n_t$, in nats.

    Any sizes up to 2000 rows, any alphabet, one context.

    Derived.
    """
    return setting.lumped(e).entropy(setting.true_law(e))


@theorem("engine.lumping.l1_to_truth", observable=distances.l1_to_truth, **SCOPE)
def l1_to_truth(e: Experiment) -> setting.Vector:
    r"""$E\sum_i|p_i(t)-p_i| = \sum_i E|x_i-p_i|$ with $x_i = X_i^{(t)}/n_t$, twice the total
    variation.

    Any sizes up to 2000 rows, any alphabet, one context.

    Derived.
    """
    return setting.lumped(e).l1_to_truth(setting.true_law(e))


@theorem("engine.lumping.unseen_mass", observable=diversity.unseen_mass, **SCOPE)
def unseen_mass(e: Experiment) -> setting.Vector:
    r"""$E\sum_i p_i 1\{p_i(t)=0\} = \sum_i p_i P(X_i^{(t)} = 0)$: the true mass of what is lost.

    Any sizes up to 2000 rows, any alphabet, one context; silent until 0.01 symbols are lost on
    average.

    Derived.
    """
    p, chain = setting.true_law(e), setting.lumped(e)
    return setting.once_likely(chain.unseen_mass(p), np.count_nonzero(p) - chain.support_size(p))


@theorem("engine.lumping.tail_recall", observable=diversity.tail_recall, **SCOPE)
def tail_recall(e: Experiment) -> setting.Vector:
    r"""$\frac1{|A|}\sum_{i\in A} P(X_i^{(t)}>0)$, A the rarest symbols that hold at most 5 % of the
    mass.

    Any sizes up to 2000 rows, any alphabet, one context; 1 where no symbol is rare enough; silent
    until 0.01 of A is lost on average.

    Derived.
    """
    p = setting.true_law(e)
    tail = tail_symbols(p)
    if not tail.any():
        return np.ones(e.generations)
    recall = setting.lumped(e).tail_recall(p, tail)
    return setting.once_likely(recall, 1 - recall)


def tail_symbols(p: setting.Vector) -> NDArray[np.bool_]:
    """Which symbols are the rarest that hold at most 5 % of the mass."""
    order = np.argsort(p, kind="stable")
    tail = np.zeros(p.size, bool)
    tail[order] = (np.cumsum(p[order]) <= TAIL_MASS * (1 + ROUNDING)) & (p[order] > 0)
    return tail


@theorem("engine.lumping.kl_reverse", observable=divergences.kl_reverse, **SCOPE)
def kl_reverse(e: Experiment) -> setting.Vector:
    r"""$E\,KL(p(t)\,\Vert\,p) = \sum_i E\big[x_i\ln\frac{x_i}{p_i}\big] = H(p)-E\,H(p(t))$ with
    $x_i = X_i^{(t)}/n_t$, in nats.

    Any sizes up to 2000 rows, any alphabet, one context.

    Derived; under total collapse it tends to $H(p)$.
    """
    p = setting.true_law(e)
    return float(-xlogy(p, p).sum()) - setting.lumped(e).entropy(p)
