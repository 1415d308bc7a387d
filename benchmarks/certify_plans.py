"""A dozen plans, each held against simulation just inside and just outside its limit.

    python benchmarks/certify_plans.py

Sizes are small, so that one row more or less shows; an answer is certified if its limit is kept by
three standard errors at the answer and lost by three one row further. At the end a wrong answer is
planted for each (the limit moved by 5 %), which must not be certified. Takes minutes.
"""

import sys
from dataclasses import replace

import jax

jax.config.update("jax_enable_x64", True)

import collapse_theory as ct
from collapse_theory.families.categorical import CategoricalLaw

LAW, RARE = CategoricalLaw((0.5, 0.3, 0.2)), CategoricalLaw((0.6, 0.36, 0.04))
PLANS = (
    ("max_synthetic", ct.Categorical(), {"truth": LAW, "real": 4, "inflation": 1.25}),
    ("max_synthetic", ct.Categorical(), {"truth": LAW, "real": 6, "inflation": 1.3}),
    ("max_synthetic", ct.Bernoulli(), {"real": 5, "inflation": 1.22}),
    ("max_synthetic", ct.GaussianMean(), {"real": 5, "inflation": 1.27}),
    ("max_synthetic", ct.Poisson(), {"real": 6, "inflation": 1.21}),
    ("max_synthetic", ct.Exponential(), {"real": 7, "inflation": 1.17}),
    ("max_synthetic", ct.Gaussian(ddof=0), {"real": 6, "inflation": 1.24}),
    ("replace_size", ct.GaussianMean(), {"real": 8, "inflation": 3.05, "generations": 6}),
    ("replace_size", ct.Categorical(), {"truth": LAW, "real": 9, "inflation": 2.6,
                                        "generations": 5}),
    ("replace_size", ct.LinearRegression(), {"real": 14, "inflation": 3.3, "generations": 5,
                                             "fixed": False}),
    ("diversity_size", ct.Categorical(), {"truth": LAW, "real": 30, "diversity": 0.6,
                                          "generations": 5}),
    ("diversity_size", ct.Bernoulli(), {"real": 20, "diversity": 0.7, "generations": 6}),
    ("alive_size", ct.Categorical(), {"truth": LAW, "real": 30, "all_alive": 0.8,
                                      "generations": 5}),
    ("tail_size", ct.Categorical(), {"truth": RARE, "real": 30, "tail_recall": 0.3,
                                     "generations": 3}),
    ("max_synthetic_biased", ct.Gaussian(ddof=1), {"real": 6, "fixed": False, "diversity": 0.86,
                                                   "generator": ct.Scaled(0.8),
                                                   "generations": 12}),
)  # fmt: skip


def main() -> int:
    """Print a line for each plan; 1 if one is not certified, or a wrong one is."""
    failures = 0
    for name, family, wishes in PLANS:
        (advice,) = [a for a in ct.plan(family, **wishes) if a.name == name]
        found = ct.certify(advice)
        side = -1 if advice.limit.below else 1
        wrong = replace(advice.limit, value=(1 + 0.05 * side) * advice.limit.value)
        planted = ct.certify(replace(advice, limit=wrong), chains=found.chains)
        failures += (not found.holds) + planted.holds
        lost = "-" if found.outside is None else f"{found.outside:5.1f} SE"
        print(
            f"{'certified' if found.holds else 'NOT CERTIFIED':14s} {name:20s} "
            f"{type(family).__name__:17s} {advice.value!s:>4s} rows; kept by {found.inside:5.1f} "
            f"SE, lost by {lost}; {found.chains:,} chains; "
            f"planted error {'NOT SEEN' if planted.holds else 'seen'}",
            flush=True,
        )
    print(f"{len(PLANS)} plans, {failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
