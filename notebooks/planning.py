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
# # How much synthetic data, and how much it should weigh
#
# You have real rows, and a model that makes more. This notebook asks the planner, and then checks
# what it says.

# %%
import jax

jax.config.update("jax_enable_x64", True)  # the library never does this by itself

import matplotlib.pyplot as plt
import numpy as np

import collapse_theory as ct
from collapse_theory.exact import optimal_weight
from collapse_theory.exact.real_data import settled_inflation
from collapse_theory.figures import phase_diagram

# %% [markdown]
# ## One corpus for ever
# A hundred rows over symbols, the error allowed to grow by 31 %.

# %%
for advice in ct.plan(ct.Categorical(), real=100, inflation=1.31):
    print(f"{advice.name}: {advice.words}\n    if {advice.conditions}")

# %% [markdown]
# The first answer is the root of an equation, not the result of a search: the risk settles at
# $1+\frac{n(N-1)}{N^2+2Nn+n}$ times that of the real rows alone, and never exceeds 3/2 of it,
# however much is added. White: where it is 1.31.

# %%
fig, ax = plt.subplots()
real, made = np.arange(10, 101, 5), np.arange(5, 300, 10)
risk = [[settled_inflation(a, b, -1.0) for a in real] for b in made]
names = ("real rows N", "synthetic rows n", "settled risk / real-only risk")
phase_diagram(ax, real, made, risk, level=1.31, names=names)
plt.show()

# %% [markdown]
# ## New real data in each generation
# Now synthetic rows help, because they remember the real rows of earlier generations. Of two means
# of as many rows, the real one should weigh the golden ratio.

# %%
for n in (10, 100, 10_000):
    print(f"{n:6d} rows of each kind: weight {optimal_weight(n, n, -1.0):.5f}")
print(f"golden ratio:               {(5**0.5 - 1) / 2:.5f}")

# %% [markdown]
# ## Certified
# Simulation just inside and just outside a limit. Small numbers, so that it takes seconds: from
# four rows on, one row more or less shows.

# %%
(advice,) = [
    a for a in ct.plan(ct.Categorical(), real=4, inflation=1.25) if a.name == "max_synthetic"
]
certificate = ct.certify(advice)
print(advice.words, certificate)
assert certificate.holds

# %% [markdown]
# ## Which definition of collapse?
# The same loop may collapse under one definition and not under another.

# %%
loop = ct.Experiment(
    family=ct.Categorical(), workflow=ct.Mix("fixed"), n=84, n_real=100, generations=24,
    observables=("mean_squared_error",),
)  # fmt: skip
for d in ct.diagnose(ct.simulate(loop, chains=2000, seed=0)):
    print(f"{d.answer.value:15s} {d.definition.title}")
