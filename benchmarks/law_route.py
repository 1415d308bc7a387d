"""Speed of the law route against what a competent user writes in NumPy, in one run.

    python benchmarks/law_route.py [--smoke]

Prints one JSON line a case: chain-generations per second (median of the repeats; a chain-generation
is one data set drawn, fitted and measured in one chain) of ours and of the NumPy baselines written
here, and their ratio. Ours records four moments of every observable at every generation; the
baselines record one mean.
"""

import argparse
import json
import os
import statistics
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np

import collapse_theory as ct


def numpy_gaussian_statistic(rng, chains, n, generations):
    """Replace, from the sampling law of mean and variance."""
    mean, var = np.zeros(chains), np.ones(chains)
    out = []
    for _ in range(generations):
        mean = mean + np.sqrt(var / n) * rng.standard_normal(chains)
        var = var * rng.chisquare(n - 1, chains) / (n - 1)
        out.append(((mean**2).mean(), var.mean()))
    return out


def numpy_gaussian_raw(rng, chains, n, generations):
    """Replace, from rows."""
    mean, var = np.zeros(chains), np.ones(chains)
    out = []
    for _ in range(generations):
        x = mean[:, None] + np.sqrt(var)[:, None] * rng.standard_normal((chains, n))
        mean, var = x.mean(1), x.var(1, ddof=1)
        out.append(((mean**2).mean(), var.mean()))
    return out


def numpy_regression_raw(rng, chains, n, generations, d=10):
    """Replace with a fresh design each generation, from rows."""
    w = np.zeros((chains, d))
    out = []
    for _ in range(generations):
        x = rng.standard_normal((chains, n, d))
        y = np.einsum("cnd,cd->cn", x, w) + rng.standard_normal((chains, n))
        xt = x.transpose(0, 2, 1)
        w = np.linalg.solve(xt @ x, (xt @ y[..., None]))[..., 0]
        out.append((w**2).sum(1).mean())
    return out


def numpy_symbols(rng, chains, n, generations, k=100):
    """Replace over k symbols, by the generator's own multinomial."""
    p = np.full((chains, k), 1 / k)
    out = []
    for _ in range(generations):
        p = rng.multinomial(n, p) / n
        out.append((1 - (p**2).sum(1)).mean())
    return out


def rate(run, chains, generations, repeats):
    """Median chain-generations per second after one warm-up."""
    run(0)
    seconds = []
    for i in range(1, repeats + 1):
        begun = time.perf_counter()
        run(i)
        seconds.append(time.perf_counter() - begun)
    return chains * generations / statistics.median(seconds)


def ours(experiment, chains):
    plan = ct.Plan(dtype="float32")
    return lambda seed: ct.simulate(experiment, chains=chains, seed=seed, plan=plan)


def experiment(family, observables, n, generations, truth=None):
    return ct.Experiment(
        family=family,
        truth=truth,
        workflow=ct.Replace(),
        n=n,
        generations=generations,
        observables=observables,
    )


def cases(smoke):
    """(name, our experiment, our chains, {baseline name: (function, chains)})."""
    scale = 50 if smoke else 1
    gaussian = ("mean_squared_error", "variance")
    for n in (10, 100, 10_000):
        yield (
            f"gaussian replace n={n}",
            experiment(ct.Gaussian(), gaussian, n, 100),
            (1 << 19) // scale,
            {"numpy statistic": (numpy_gaussian_statistic, 10_000 // scale)}
            | ({"numpy raw": (numpy_gaussian_raw, 1000 // scale)} if n <= 100 else {}),
        )
    regression = ct.LinearRegression()
    yield (
        "ols replace, fresh design, d=10 n=100",
        experiment(
            regression, ("excess_risk",), 100, 50, regression.truth_type(coefficients=(0.0,) * 10)
        ),
        (1 << 17) // scale,
        {"numpy raw": (numpy_regression_raw, 200 // scale)},
    )
    symbols = ct.Categorical()
    for n in (100, 1000):
        yield (
            f"symbols replace K=100 n={n}",
            experiment(symbols, ("gini",), n, 20, symbols.truth_type(probs=(0.01,) * 100)),
            (1 << 13) // scale,
            {"numpy multinomial": (numpy_symbols, 1000 // scale)},
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--smoke", action="store_true", help="tiny sizes, to see that everything runs"
    )
    smoke = parser.parse_args().smoke
    repeats = 1 if smoke else 5
    for name, e, chains, baselines in cases(smoke):
        row = {"case": name, "ours": rate(ours(e, chains), chains, e.generations, repeats)}
        for label, (f, many) in baselines.items():

            def run(s, f=f, many=many, e=e):
                return f(np.random.default_rng(s), many, e.n, e.generations)

            row[label] = rate(run, many, e.generations, repeats)
            row[f"ours / {label}"] = row["ours"] / row[label]
        print(
            json.dumps({k: v if isinstance(v, str) else float(f"{v:.3g}") for k, v in row.items()}),
            flush=True,
        )


if __name__ == "__main__":
    main()
