# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Where pi squared over six comes from
#
# Keep all data, add as much synthetic data as there was real data, fit again, for ever: the error
# does not grow without bound. How large it gets depends on one thing that is easily overlooked:
# whether the synthetic labels sit on the same rows as the real ones, or on new rows.

# %%
import jax

jax.config.update("jax_enable_x64", True)  # the library never does this by itself

import matplotlib.pyplot as plt
import numpy as np

import collapse_theory as ct
from collapse_theory.families.linear_regression import RegressionLaw

GENERATIONS, CHAINS = 40, 20_000
TRUTH = RegressionLaw((1.0, -1.0, 0.5))

# %% [markdown]
# ## Two designs
# Least squares with 3 coefficients on batches of 12 rows, all batches kept.


# %%
def accumulate(design):
    return ct.Experiment(
        family=ct.LinearRegression(design=design),
        truth=TRUTH,
        workflow=ct.Accumulate(),
        n=12,
        generations=GENERATIONS,
        observables=("excess_risk",),
    )


runs = {d: ct.simulate(accumulate(d), chains=CHAINS, seed=1) for d in ("fixed", "fresh")}
for design, run in runs.items():
    growth = run.mean("excess_risk")[-1] / run.mean("excess_risk")[0]
    print(f"{design} design: risk after {GENERATIONS} fits over the first: {growth:.3f}")
print(f"pi^2 / 6 = {np.pi**2 / 6:.3f}")

# %% [markdown]
# With one design for ever the factor is the sum of $1/k^2$, exactly, at every generation, and
# $\pi^2/6$ is its limit. With new rows the pooled design is better than each batch alone, the
# factor is smaller, and $\pi^2/6$ is a bound that is not reached.

# %%
harmonic = np.cumsum(1 / np.arange(1, GENERATIONS + 1) ** 2)
fixed, fresh = (runs[d] for d in ("fixed", "fresh"))
z = (fixed.mean("excess_risk") / fixed.mean("excess_risk")[0] - harmonic) / (
    fixed.se("excess_risk") / fixed.mean("excess_risk")[0]
)
print(f"fixed design against the sum of 1/k^2: largest |z| {np.abs(z).max():.1f}")

# %% [markdown]
# ## The catalogue knows both, and the confusion of the two
# The third statement says for new rows what holds for one design: it is kept, and refuted.

# %%
for v in ct.verify(
    [
        "gerstgrasser2024.accumulate_fixed_design",
        "ols.accumulate_fresh_design",
        "gerstgrasser2024.accumulate_fresh_as_fixed",
    ]
):
    print(v)
    assert v.as_expected

# %% [markdown]
# ## Look

# %%
fig, ax = plt.subplots()
t = np.arange(1, GENERATIONS + 1)
ax.plot(t, harmonic, color="black", label="sum of 1/k^2")
ax.axhline(np.pi**2 / 6, color="black", ls="dotted", label="pi^2 / 6")
for design, style in (("fixed", "o"), ("fresh", "s")):
    run = runs[design]
    first = run.mean("excess_risk")[0]
    ax.errorbar(
        t, run.mean("excess_risk") / first, 2 * run.se("excess_risk") / first, fmt=style, ms=4,
        label=f"{design} design, ± 2 SE",
    )  # fmt: skip
ax.set_xlabel("generation (number of fits)")
ax.set_ylabel("risk / first risk")
ax.legend(frameon=False)
plt.show()
