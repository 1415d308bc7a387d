"""What float32 does to a mean: the same chains in both precisions, family by family.

    python benchmarks/float32_bias.py [--chains 262144] [--generations 100]

Both runs draw the same random words, so their means differ by rounding, and by the few chains that
rounding sends another way (counts). Prints, for each case and observable, the largest difference of
means over generations in standard deviations of the observable, and the number of chains at which
the standard error of a mean falls to that difference: up to a tenth of it float32 is harmless.
"""

import argparse

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np

import collapse_theory as ct

SYMBOLS = ct.Categorical.truth_type(probs=(0.01,) * 100)
TEN = ct.LinearRegression.truth_type(coefficients=(0.0,) * 10)
GAUSSIAN = ("mean_squared_error", "variance", "log_variance", "kl_forward")
COUNTS = ("mean", "mean_squared_error")
CASES = {
    "Gaussian n=10": (ct.Gaussian(), None, ct.Replace(), 10, GAUSSIAN),
    "Gaussian n=1e6": (ct.Gaussian(), None, ct.Replace(), 10**6, GAUSSIAN),
    "Gaussian accumulate": (ct.Gaussian(), None, ct.Accumulate(), 100, GAUSSIAN),
    "Gaussian window": (ct.Gaussian(), None, ct.Window(batches=3), 100, GAUSSIAN),
    "GaussianND": (ct.GaussianND(), None, ct.Replace(), 100, ("log_det", "frobenius_error")),
    "GaussianMean": (ct.GaussianMean(), None, ct.Accumulate(), 100, COUNTS),
    "Exponential": (ct.Exponential(), None, ct.Replace(), 100, ("mean", "log_variance")),
    "Uniform": (ct.Uniform(), None, ct.Replace(), 100, ("mean", "log_scale")),
    "Poisson": (ct.Poisson(), None, ct.Replace(), 100, COUNTS),
    "Bernoulli n=100": (ct.Bernoulli(), None, ct.Replace(), 100, COUNTS),
    "Bernoulli n=1e6": (ct.Bernoulli(), None, ct.Replace(), 10**6, COUNTS),
    "Categorical K=100 n=1000": (
        ct.Categorical(), SYMBOLS, ct.Replace(), 1000, ("gini", "support_size"),
    ),
    "OLS norm": (ct.LinearRegression(), TEN, ct.Replace(), 100, ("excess_risk",)),
    "OLS accumulate": (ct.LinearRegression(), TEN, ct.Accumulate(), 100, ("excess_risk",)),
    "OLS accumulate n=d+3": (ct.LinearRegression(), TEN, ct.Accumulate(), 13, ("excess_risk",)),
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=1 << 18)
    parser.add_argument("--generations", type=int, default=100)
    asked = parser.parse_args()
    print(f"{'case':26s} {'observable':20s} {'difference / SD':>16s} {'equals the SE at':>18s}")
    for label, (family, truth, workflow, n, observables) in CASES.items():
        e = ct.Experiment(
            family=family,
            truth=truth,
            workflow=workflow,
            n=n,
            generations=asked.generations,
            observables=observables,
        )
        few = asked.chains // (16 if "Cat" in label or "OLS acc" in label else 1)
        narrow, wide = (
            ct.simulate(e, chains=few, seed=0, plan=ct.Plan(dtype=d))
            for d in ("float32", "float64")
        )
        for name in wide.names:
            sd = np.sqrt(wide.variance(name))
            off = np.abs(narrow.mean(name) - wide.mean(name))[sd > 0] / sd[sd > 0]
            worst = off.max(initial=0)
            chains = f"{worst**-2:.1e} chains" if worst > 0 else "never"
            print(f"{label:26s} {name:20s} {worst:16.1e} {chains:>18s}", flush=True)


if __name__ == "__main__":
    main()
