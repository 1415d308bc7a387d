"""Recursive fitting in plain NumPy, row by row: an independent account of the package's workflows.

No code is shared with its samplers, workflows or provenance.
"""

import functools

import numpy as np

from collapse_theory.families.bernoulli import Bernoulli, BernoulliLaw
from collapse_theory.families.exponential import Exponential, Gamma, PositiveLaw
from collapse_theory.families.gaussian import GaussianLaw
from collapse_theory.families.known_variance import GaussianMean, MeanLaw
from collapse_theory.families.poisson import Poisson, PoissonLaw
from collapse_theory.workflows.accumulate import Accumulate
from collapse_theory.workflows.accumulate_subsample import AccumulateSubsample
from collapse_theory.workflows.decay import Decay
from collapse_theory.workflows.mix import Mix
from collapse_theory.workflows.mix_share import MixShare
from collapse_theory.workflows.random_sources import RandomSources
from collapse_theory.workflows.refresh import Refresh
from collapse_theory.workflows.replace import Replace
from collapse_theory.workflows.weighted import Weighted
from collapse_theory.workflows.window import Window

CHAINS = 20_000
MEAN, VAR = -0.4, 2.3
LAW = {
    "gaussian": (MEAN, VAR),
    "known": (MEAN, VAR),
    "poisson": (1.3, None),
    "exponential": (1.3, None),
    "gamma": (1.3, None),
    "bernoulli": (0.35, None),
}
TRUTH = {
    "gaussian": GaussianLaw(MEAN, VAR),
    "known": MeanLaw(MEAN),
    "poisson": PoissonLaw(1.3),
    "exponential": PositiveLaw(1.3),
    "gamma": PositiveLaw(1.3),
    "bernoulli": BernoulliLaw(0.35),
}
FAMILY = {
    "known": GaussianMean(VAR),
    "poisson": Poisson(),
    "exponential": Exponential(),
    "gamma": Gamma(2.5),
    "bernoulli": Bernoulli(),
}
WORKFLOW = {
    "replace": Replace(),
    "accumulate": Accumulate(),
    "window": Window(3),
    "decay": Decay(0.6),
    "weighted_fixed": Weighted(0.35, "fixed"),
    "weighted_fresh": Weighted(0.45),
    "mix_fixed": Mix("fixed"),
    "mix_fresh": Mix("fresh"),
    "refresh": Refresh(3),
    "sources": RandomSources(),
    "share": MixShare(0.15),
    "subsample": AccumulateSubsample(),
}


class Rows:
    """One simulation: models are (mean, variance), arrays over chains; rows are (chains, n)."""

    def __init__(self, kind, ddof, factor, sizes, real, seed):
        self.kind, self.ddof, self.factor = kind, ddof, factor
        self.sizes, self.real = sizes, real
        self.rng = np.random.default_rng(seed)
        ones = np.ones(CHAINS)
        mean, var = LAW[kind]
        self.truth = (mean * ones, (VAR if var is None else var) * ones)
        self.fits, self.batches = [], []

    def draw(self, model, n):
        return self.each([np.broadcast_to(x[:, None], (CHAINS, n)) for x in model])

    def each(self, models):
        m, v = models
        match self.kind:
            case "gaussian":
                return m + np.sqrt(v) * self.rng.standard_normal(m.shape)
            case "known":
                return m + np.sqrt(VAR) * self.rng.standard_normal(m.shape)
            case "poisson":
                return self.rng.poisson(m).astype(float)
            case "exponential":
                return self.rng.exponential(m)
            case "gamma":
                return self.rng.gamma(2.5, m / 2.5)
        return (self.rng.random(m.shape) < m).astype(float)

    def synthetic(self, t):
        m, v = self.fits[-1]
        return self.draw((m, v * self.factor), self.sizes[t])

    def fresh(self, t):
        return self.draw(self.truth, self.real[t])

    def fit(self, parts):
        x = np.concatenate([rows for rows, _ in parts], 1)
        w = np.concatenate([np.full(rows.shape[1], weight) for rows, weight in parts])
        mean = x @ w / w.sum()
        return mean, (x - mean[:, None]) ** 2 @ w / (w.sum() - self.ddof)

    def mixture(self, models, chance, n):
        """Each row from a model of its own."""
        pick = self.rng.choice(len(models), p=chance, size=(CHAINS, n))
        at = np.arange(CHAINS)[:, None]
        return self.each([np.stack([m[i] for m in models], 1)[at, pick] for i in (0, 1)])

    def corpus(self, name, t):
        """Rows and the weight of each, by the definitions of the workflows in words."""
        match name:
            case "replace":
                return [(self.synthetic(t), 1)]
            case "sources":
                models = [self.truth, *self.fits]
                return [
                    (self.mixture(models, np.ones(len(models)) / len(models), self.sizes[t]), 1)
                ]
            case "share":
                return [(self.mixture([self.truth, self.fits[-1]], [0.15, 0.85], self.sizes[t]), 1)]
            case "mix_fixed":
                return [(self.batches[0], 1), (self.synthetic(t), 1)]
            case "mix_fresh":
                return [(self.fresh(t), 1), (self.synthetic(t), 1)]
            case "refresh":
                real = [(self.fresh(t), 1)] if (t + 1) % 3 == 0 else []
                return [(self.synthetic(t), 1), *real]
            case "weighted_fixed":
                return self.share_out(self.batches[0], self.synthetic(t), 0.35)
            case "weighted_fresh":
                return self.share_out(self.fresh(t), self.synthetic(t), 0.45)
        self.batches.append(self.synthetic(t))
        match name:
            case "accumulate":
                return [(b, 1) for b in self.batches]
            case "window":
                return [(b, 1) for b in self.batches[-3:]]
            case "decay":
                return [(b, 0.6 ** (t - i)) for i, b in enumerate(self.batches)]
        pool = self.rng.permuted(np.concatenate(self.batches, 1), axis=1)
        return [(pool[:, : self.sizes[t]], 1)]

    @staticmethod
    def share_out(real, synthetic, weight):
        return [(real, weight / real.shape[1]), (synthetic, (1 - weight) / synthetic.shape[1])]

    def run(self, name):
        self.batches.append(self.draw(self.truth, self.real[0]))
        self.fits.append(self.fit([(self.batches[0], 1)]))
        for t in range(1, len(self.sizes)):
            self.fits.append(self.fit(self.corpus(name, t)))
        return [np.stack(x) for x in zip(*self.fits, strict=True)]


@functools.cache
def simulated(kind, name, ddof, factor, sizes, real):
    rows = Rows(kind, ddof, factor, sizes, real, seed=20261120)
    return rows.run(name)


def measured(observable, m, v, law):
    mean, var = law
    match observable:
        case "mean":
            return m
        case "mean_squared_error":
            return (m - mean) ** 2
        case "variance":
            return v
        case "variance_squared":
            return v**2
        case "total_variance":
            return v + (m - mean) ** 2
        case "log_variance":
            return np.log(v)
        case "standard_deviation":
            return np.sqrt(v)
        case "scale_survives":
            return 1.0 * (v > var / 100)
        case "w2_squared":
            return (m - mean) ** 2 + (np.sqrt(v) - np.sqrt(var)) ** 2
        case "kl_reverse":
            return (v / var - 1 + (m - mean) ** 2 / var - np.log(v / var)) / 2
        case "kl_forward":
            return (var / v - 1 + (m - mean) ** 2 / v + np.log(v / var)) / 2
        case "gini":
            return 2 * m * (1 - m)
        case "sum_of_squares":
            return m**2 + (1 - m) ** 2
        case "collapsed":
            return 1.0 * (m == 0)
        case "closer_than_first":
            return 1.0 * (abs(m - mean) < abs(m[0] - mean))
    raise AssertionError(observable)
