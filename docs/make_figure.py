"""The figure of the README: error growth with bands and theory, under two workflows."""

from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import collapse_theory as ct
from collapse_theory.figures import error_growth

EXACT = "workflow.linear_engine.mean_squared_error"


def main():
    """Write docs/error_growth.png."""
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for ax, workflow in zip(axes, (ct.Replace(), ct.Accumulate()), strict=True):
        experiment = ct.Experiment(
            family=ct.Gaussian(ddof=0),
            workflow=workflow,
            n=20,
            generations=40,
            observables=("mean_squared_error",),
        )
        result = ct.simulate(experiment, chains=100_000, seed=0)
        error_growth(ax, result, "mean_squared_error", theorems=[ct.theorem_named(EXACT)])
        ax.set_title(type(workflow).__name__)
    fig.savefig(Path(__file__).with_name("error_growth.png"), dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
