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
# # Model collapse in five minutes
#
# A model is fitted to data, a second model to data drawn from the first, a third to data drawn from
# the second. What is left after $t$ generations? This tour simulates the question, predicts the
# answer and compares the two.

# %%
import jax

jax.config.update("jax_enable_x64", True)  # the library never does this by itself

import matplotlib.pyplot as plt

import collapse_theory as ct
from collapse_theory.figures import error_growth

# %% [markdown]
# ## An experiment is a value
# A family (what is fitted), a workflow (which data each fit may see), sizes, and what to measure.

# %%
replace = ct.Experiment(
    family=ct.Gaussian(ddof=0),
    truth=ct.GaussianLaw(mean=0.0, var=1.0),
    workflow=ct.Replace(),
    n=20,
    generations=30,
    observables=("mean_squared_error", "variance", "w2_squared"),
)
print(replace)

# %% [markdown]
# ## Simulate
# Every mean comes with its Monte Carlo standard error, and with a flag that says where that error
# may be believed.

# %%
result = ct.simulate(replace, chains=50_000, seed=0)
for t in (1, 10, 30):
    i = t - 1
    print(
        f"generation {t:2d}: variance {result.mean('variance')[i]:.4f} "
        f"+- {result.se('variance')[i]:.4f}, trusted: {result.trusted('variance')[i]}"
    )

# %% [markdown]
# ## Predict
# The same experiment, without a single random number: everything in the catalogue that covers it.

# %%
for p in ct.predict(replace):
    print(
        f"{p.theorem.name:32s} {p.theorem.kind.value:12s} {p.theorem.observable.name:22s} "
        f"{p.values[-1]:.5g}"
    )

# %% [markdown]
# ## Verify
# Prediction against simulation. A verdict of *consistent* says how small a deviation would have
# been seen.

# %%
verdicts = ct.verify(replace)
for v in verdicts:
    print(v)
assert not [v for v in verdicts if v.status is ct.Status.REFUTED]

# %% [markdown]
# ## A workflow of one's own
# Keep a pool, forget it slowly, top it up with synthetic data. Seven lines, and its exact
# prediction comes for free: the workflow is run on labels instead of data, which gives the weight
# of every batch in every training set.


# %%
class Forgetful(ct.AbstractWorkflow):
    """Keep the pool, at half its weight, and add what the last model generates."""

    def init(self, data):
        return data.real

    def step(self, data, memory):
        pool = memory.scale(0.5).merge(data.synthetic())
        return pool, pool


mine = ct.Experiment(
    family=ct.Gaussian(ddof=0),
    workflow=Forgetful(),
    n=20,
    generations=30,
    observables=("mean_squared_error",),
)
print(ct.linear_workflow(mine).weights[:4, :4].round(3))
for v in ct.verify(mine):
    print(v)

# %% [markdown]
# ## Look

# %%
fig, ax = plt.subplots()
curves = [
    p.theorem for p in ct.predict(replace) if p.theorem.observable.name == "mean_squared_error"
]
error_growth(ax, result, "mean_squared_error", theorems=curves)
ax.set_title("Replace: the error of the mean grows until the whole variance has moved into it")
plt.show()
