"""The law route against rows, for every sufficient family and every workflow: two-sample tests.

    python benchmarks/law_equals_raw.py [--chains 20000]

For each pair, means of all supported observables at three generations are compared between the
routes; |z| beyond the limit that gives 0.001 false alarms over the whole table is a failure, and so
is a pair that does not run. At the end an error is planted (one row more on the law route), which
must be seen. Takes minutes.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
from scipy import stats

import collapse_theory as ct
from collapse_theory import discovery

FAMILIES = {
    "Gaussian ddof=1": ct.Gaussian(ddof=1),
    "Gaussian ddof=0": ct.Gaussian(ddof=0),
    "GaussianND": ct.GaussianND(),
    "GaussianClasses": ct.GaussianClasses(),
    "Smoothed": ct.Smoothed(),
    "GaussianMean": ct.GaussianMean(var=1.7),
    "Bernoulli": ct.Bernoulli(),
    "Categorical": ct.Categorical(),
    "Poisson": ct.Poisson(),
    "Exponential": ct.Exponential(),
    "Gamma": ct.Gamma(shape=2.5),
    "Uniform": ct.Uniform(),
    "LinearRegression fresh": ct.LinearRegression(),
    "Ridge": ct.Ridge(penalty=0.2),
    "LinearRegression fixed": ct.LinearRegression(design="fixed"),
}
WORKFLOWS = (
    ct.Replace(),
    ct.Accumulate(),
    ct.Mix(real="fixed"),
    ct.Mix(real="fresh"),
    ct.MixShare(share=0.3),
    ct.Window(batches=2),
    ct.Weighted(weight=0.4, real="fresh"),
    ct.Decay(rate=0.5),
    ct.RandomSources(),
    ct.Refresh(every=2),
)


ROUNDING = 1e-12


def experiment(family, workflow, n=8):
    """Three generations, and every observable of the family."""
    names = tuple(o for o in discovery.members(ct.Observable) if o.supports(family))
    return ct.Experiment(family=family, workflow=workflow, n=n, generations=3, observables=names)


def compare(family, workflow, chains, n_law=8):
    """The z values (generations x observables), or None where the law route does not serve."""
    law, raw = experiment(family, workflow, n_law), experiment(family, workflow)
    try:
        a = ct.simulate(replace(law, route="law"), chains=chains, seed=1)
    except ct.RouteError:
        return None
    b = ct.simulate(replace(raw, route="raw"), chains=chains, seed=2)
    rows = []
    for name in a.names:
        gap, se = a.mean(name) - b.mean(name), np.hypot(a.se(name), b.se(name))
        constant = np.abs(gap) <= ROUNDING * np.abs(b.mean(name))  # and its spread is rounding, too
        gap = np.where(constant, 0, gap)
        believed = a.trusted(name) & b.trusted(name)
        same = np.isclose(a.mean(name), b.mean(name), rtol=1e-6)
        z = np.where(se > 0, gap / np.where(se > 0, se, 1), np.where(same, 0, np.inf))
        rows.append(np.where(believed, z, np.nan))
    return np.stack(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=20_000)
    chains = parser.parse_args().chains
    found = {}
    for family in FAMILIES:
        with ThreadPoolExecutor(2) as pool:
            compared = pool.map(lambda w, f=family: compare(FAMILIES[f], w, chains), WORKFLOWS)
            found |= {(family, w): z for w, z in zip(WORKFLOWS, compared, strict=True)}
        jax.clear_caches()  # a process can hold only so many compiled programs
        print(f"{family}: done", file=sys.stderr, flush=True)
    tests = sum(int(np.isfinite(z).sum()) for z in found.values() if z is not None)
    limit = stats.norm.isf(0.001 / 2 / tests)
    failed = 0
    for (family, workflow), z in found.items():
        label = f"{family:24s} {workflow!s:40s}"
        if z is None:
            print(f"{label} rows only", flush=True)
            continue
        worst = np.nanmax(np.abs(z))
        differs = bool(worst > limit)
        failed += differs
        mark = "  DIFFERS" if differs else ""
        print(f"{label} max|z| = {worst:.2f} of {np.isfinite(z).sum()}{mark}")
    planted = compare(ct.Gaussian(), ct.Replace(), chains, n_law=9)
    seen = bool(np.nanmax(np.abs(planted)) > limit)
    print(f"{tests} comparisons, limit |z| = {limit:.2f}, {failed} pairs differ")
    print(f"planted error seen: {seen}")
    return int(failed > 0 or not seen)


if __name__ == "__main__":
    sys.exit(main())
