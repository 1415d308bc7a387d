"""The theory of model collapse, runnable: simulate, predict, verify.

    import collapse_theory as ct

    experiment = ct.Experiment(
        family=ct.Gaussian(), workflow=ct.Replace(), n=100, generations=50,
        observables=("w2_squared",),
    )
    result = ct.simulate(experiment, chains=100_000, seed=0)
    verdicts = ct.verify(experiment)

Names are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "corpus": ("AbstractCorpus", "AbstractStatistic", "Items", "Provenance", "Sums"),
    "alongside": ("experiment_alongside", "judge_alongside"),
    "calculating": ("Check", "calculations", "check", "check_all"),
    "catalogue.calculation": ("Calculation", "Sides", "calculation"),
    "config": ("load_experiment", "to_toml"),
    "diagnostics": ("Answer", "Definition", "Diagnosis", "definition", "definitions", "diagnose"),
    "placement": ("Plan",),
    "errors": ("InputError", "RouteError"),
    "experiment": ("Experiment",),
    "families.base": (
        "AbstractFamily",
        "AbstractSufficientFamily",
        "Size",
        "begin",
        "counterpart",
        "draw_tables",
        "failed",
        "refit",
    ),
    "families.bernoulli": ("Bernoulli",),
    "families.categorical": ("Categorical",),
    "families.classes": ("GaussianClasses",),
    "families.exponential": ("Exponential", "Gamma"),
    "families.flow": ("Flow",),
    "families.flow_matching": ("FlowMatching",),
    "families.gaussian": ("Gaussian", "GaussianLaw"),
    "families.gaussian_nd": ("GaussianND",),
    "families.known_variance": ("GaussianMean",),
    "families.learned": ("AbstractLearnedFamily", "Learned", "as_learned"),
    "families.linear_regression": ("LinearRegression",),
    "families.logistic": ("Logistic",),
    "families.mixture": ("GaussianMixture",),
    "families.ngram": ("NGram",),
    "families.poisson": ("Poisson",),
    "families.poisson_glm": ("PoissonGLM",),
    "families.ridge": ("Ridge",),
    "families.smoothed": ("Smoothed",),
    "families.softmax": ("Softmax",),
    "families.softmax_embedding": ("SoftmaxEmbedding",),
    "families.text_transformer": ("TextTransformer",),
    "families.training": ("Training",),
    "families.uniform": ("Uniform",),
    "forecasting": ("Column", "Forecast", "forecast", "read_column"),
    "generators.base": ("AbstractGenerator",),
    "generators.faithful": ("Faithful",),
    "generators.scaled": ("Scaled",),
    "generators.tempered": ("Tempered",),
    "judging": ("Verdict", "judge"),
    "observables.base": ("Observable", "Snapshot"),
    "planning": ("Advice", "Certificate", "Situation", "certify", "plan", "question", "questions"),
    "prediction": ("Prediction", "predict"),
    "provenance": ("influence", "linear_workflow"),
    "report": ("write_report",),
    "replaying": ("ChainPath", "replay"),
    "result": ("Result", "simulate"),
    "routes": ("Law", "Raw"),
    "sizing": ("chains_needed",),
    "store": ("load",),
    "sweeps": ("Sweep", "load_sweep", "sweep"),
    "texts": ("Text", "read_text"),
    "catalogue.base": ("Case", "Kind", "Source", "Status", "Theorem", "theorem"),
    "catalogue.trial": ("Trial", "trial"),
    "trying": ("trials", "try_all"),
    "verdicts": ("judge_all",),
    "verification": ("theorem_named", "theorems", "verify"),
    "workflows.accumulate": ("Accumulate",),
    "workflows.accumulate_subsample": ("AccumulateSubsample",),
    "workflows.base": ("AbstractWorkflow",),
    "workflows.decay": ("Decay",),
    "workflows.mix": ("Mix",),
    "workflows.mix_share": ("MixShare",),
    "workflows.most_recent": ("MostRecent",),
    "workflows.random_sources": ("RandomSources",),
    "workflows.refresh": ("Refresh",),
    "workflows.replace": ("Replace",),
    "workflows.weighted": ("Weighted",),
    "workflows.window": ("Window",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted([*_HOME, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'collapse_theory' has no attribute {name!r}")
    return getattr(importlib.import_module(f"collapse_theory.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
