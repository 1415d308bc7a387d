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
# # A family, a workflow and a theorem of one's own
#
# Each is one small class or function. Nothing is registered anywhere else.

# %%
import jax

jax.config.update("jax_enable_x64", True)  # the library never does this by itself

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.random import laplace

import collapse_theory as ct
from collapse_theory.observables.parameters import mean_squared_error

# %% [markdown]
# ## A family
# The Laplace law with known scale, its centre fitted by the mean of the rows. The truth is a class
# of plain numbers, the fitted model a class of arrays.


# %%
@dataclass(frozen=True)
class Centre:
    """The true centre."""

    centre: float = 0.0


class Fit(eqx.Module):
    """The fitted centre."""

    centre: jax.Array


class Laplace(ct.AbstractFamily):
    """Rows with density exp(-|x - centre|) / 2; the fitted centre is their mean."""

    truth_type = Centre

    def model(self, truth):
        return Fit(jnp.asarray(float(truth.centre)))

    def smallest_fit(self, truth):
        return 1

    def sample(self, key, theta, n):
        return theta.centre + laplace(key, (n,), theta.centre.dtype)

    def fit(self, items):
        return Fit((items.weight @ items.rows) / items.weight.sum())


@mean_squared_error.register(Laplace)
def _(family, snap):
    return (snap.fit.centre - snap.truth.centre) ** 2


# %% [markdown]
# ## A theorem
# Every generation adds an independent error of the same law, with the variance 2 / n of a mean of
# n rows: the risk is linear. The docstring is the statement; the case is where it is judged; the
# planted error is one that its test has to see.

# %%
replace = ct.Experiment(
    family=Laplace(), workflow=ct.Replace(), n=20, generations=10,
    observables=("mean_squared_error",),
)  # fmt: skip


@ct.theorem(
    "mine.linear_growth",
    observable=mean_squared_error,
    kind=ct.Kind.EXACT,
    source=ct.Source(None),
    family=Laplace,
    workflow=ct.Replace,
    cases=(replace,),
    planted=lambda values: values - values[0],  # generations counted from 0
)
def linear_growth(e):
    r"""$E(\hat\theta_t-\theta)^2 = 2t/n$."""
    return 2 * np.arange(1, e.generations + 1) / e.n


# %%
result = ct.simulate(replace, chains=150_000, seed=0)
column = result.column(mean_squared_error)
verdict = ct.judge(linear_growth, replace, column, dtype="float64")
print(verdict)
assert verdict.status is ct.Status.CONSISTENT
wrong = np.abs(linear_growth.planted(linear_growth.predict(replace)) - column.mean)
print(f"the planted error is off by {(wrong / result.se(mean_squared_error)).max():.0f} SE")

# %% [markdown]
# ## A workflow
# Two methods: what to remember after the first fit, and what to train on later. Its exact
# prediction is read off its own code.


# %%
class EveryOther(ct.AbstractWorkflow):
    """Pool the newest batch with the one before the last."""

    def init(self, data):
        return (data.real, data.real)

    def step(self, data, memory):
        older, newer = memory
        batch = data.synthetic()
        return batch.merge(older), (newer, batch)


mine = ct.Experiment(family=ct.GaussianMean(), workflow=EveryOther(), n=10, generations=12)
print(ct.influence(mine)[:5, :5].round(2))
for v in ct.verify(mine):
    print(v)
    assert v.status is not ct.Status.REFUTED
