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
# # Scaling to a GPU
#
# An experiment does not know where it runs. This notebook runs one on whatever device is there,
# shows what does not change with the device and what does, and measures the time of this machine.
# All figures below are measured as the notebook runs; none is quoted.

# %%
import jax

jax.config.update("jax_enable_x64", True)  # the library never does this by itself
if jax.config.jax_platforms in (None, "", "cpu"):
    # a CPU shows itself as one device; split, it stands for a machine with two. This must come
    # before a device is first used, and is without effect on a GPU
    jax.config.update("jax_num_cpu_devices", 2)

import time

import matplotlib.pyplot as plt
import numpy as np

import collapse_theory as ct
from collapse_theory.figures import palette

print(jax.devices())
BLUE, ORANGE, *_ = palette()

experiment = ct.Experiment(
    family=ct.Gaussian(), workflow=ct.Replace(), n=100, generations=50,
    observables=("log_variance", "w2_squared"),
)  # fmt: skip


def run(chains, first=0, **where):
    return ct.simulate(experiment, chains=chains, seed=0, first_chain=first, plan=ct.Plan(**where))


def same(one, other):
    """Whether all moments are equal, bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(one.moments, other.moments, strict=True))


# %% [markdown]
# ## A chain is a function of its seed and its number
# No chain knows of the others. Any one of them can be run again, alone, and so a run can be cut
# anywhere: into pieces on one device, over devices, over processes, over jobs.

# %%
once = run(100_000)
path = ct.replay(experiment, seed=0, chain=77_777)
again = ct.replay(experiment, seed=0, chain=77_777)
print("log variance of chain 77,777:", path.values["log_variance"][[0, 9, 49]].round(4))
assert np.array_equal(path.values["log_variance"], again.values["log_variance"])

# %% [markdown]
# ## The same bits for every cut
# Pieces of two sizes, two devices where there are two, and a run that is extended.

# %%
cuts = {
    "in pieces of 10,000": run(100_000, chunk=10_000),
    "in pieces of 70,000": run(100_000, chunk=70_000),
    f"on all {len(jax.devices())} devices": run(100_000, devices="all"),
}
for words, other in cuts.items():
    print(f"{words}: {'the same bits' if same(once, other) else 'other bits'}")
    assert same(once, other)

# %% [markdown]
# A run that is extended has the same chains. Its moments are merged in another order, so they may
# differ in the last digits, which is rounding and no randomness.

# %%
longer = run(60_000).extend(40_000)
gap = np.abs(longer.mean("log_variance") / once.mean("log_variance") - 1).max()
print(f"extended from 60,000 chains: largest relative difference of a mean {gap:.1e}")
assert gap < 1e-12

# %% [markdown]
# What does change with the kind of device is rounding: a GPU's logarithms and the order of its sums
# are not those of a CPU. Means then agree to rounding, not to the bit.
#
# ## What more chains buy
# The standard error of a mean falls with the square root of the number of chains, where it may be
# believed at all: hollow markers are means that too few chains carry. For those no number of chains
# that a machine can run may be enough.

# %%
counts = [1000, 4000, 16_000, 64_000, 256_000]
runs = [run(c) for c in counts]
fig, ax = plt.subplots()
for name, colour, marker in (("log_variance", BLUE, "o"), ("w2_squared", ORANGE, "s")):
    error = np.array([r.se(name)[-1] for r in runs])
    ax.plot(counts, error[0] * np.sqrt(counts[0] / np.array(counts)), color=colour, ls="dotted")
    for c, e, r in zip(counts, error, runs, strict=True):
        believed = r.trusted(name)[-1]
        ax.plot(c, e, marker, color=colour, mfc=colour if believed else "none",
                label=f"{name}, measured" if c == counts[-1] else None)  # fmt: skip
    print(f"{name}: error falls by {error[0] / error[-1]:.1f}; the square root says "
          f"{np.sqrt(counts[-1] / counts[0]):.1f}")  # fmt: skip
ax.plot([], [], color="0.4", ls="dotted", label="square root of chains")
ax.set(xscale="log", yscale="log", xlabel="chains", ylabel="standard error at generation 50")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# How many chains a question needs is known before they are run: so many let a verdict see a
# deviation of one per cent.

# %%
theorem = ct.theorem_named("replace.log_variance")
needed = ct.chains_needed(theorem, experiment, 0.01)
print(f"{theorem.name}: {needed:,} chains for 1 %, about {100 * needed:,} for 0.1 %")

# %% [markdown]
# ## What a chain costs here
# Time of a whole call per chain and generation; one call before, which compiles, is not counted.
# Few chains do not fill a device, and the fixed cost of a call is shared by few.
#
# *To see: the curves fall and then are level. Where they are level is what this device can do; one
# that does more at once needs more chains to get there.*


# %%
def seconds(chains, dtype):
    run(chains, dtype=dtype)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        run(chains, dtype=dtype)
        times.append(time.perf_counter() - begun)
    return min(times)


sizes = [100, 1000, 10_000, 100_000, 500_000]
fig, ax = plt.subplots()
for dtype, colour, style in (("float64", BLUE, "o-"), ("float32", ORANGE, "s--")):
    costs = [1e9 * seconds(c, dtype) / (c * experiment.generations) for c in sizes]
    ax.plot(sizes, costs, style, color=colour, label=dtype)
    print(f"{dtype}: {costs[-1]:.1f} ns per chain and generation at {sizes[-1]:,} chains")
ax.set(xscale="log", yscale="log", xlabel="chains", ylabel="ns per chain and generation")
ax.set_title(f"measured here: {jax.devices()[0].device_kind}, one device")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## What float32 changes
# The rounding of single numbers, nothing else: the random numbers belong to the same chains. Here
# the difference is held against the standard error.

# %%
narrow = run(100_000, dtype="float32")
for name in narrow.names:
    off = np.abs(narrow.mean(name) - once.mean(name)) / once.se(name)
    print(f"{name}: float32 and float64 differ by at most {off.max():.1e} standard errors")

# %% [markdown]
# ## On a GPU
# 1. Install the extra for it: `pip install 'collapse-theory[cuda12]'` (or `cuda13`). JAX then finds
#    the GPU, and this notebook runs on it as it is.
# 2. Several: `--devices all` on the command line, `ct.Plan(devices="all")` here. Devices take units
#    of chains in turn and never talk to each other.
# 3. Use float32, `--dtype float32` or `ct.Plan(dtype="float32")`: many GPUs do float64 at
#    a fraction of that speed. `docs/scaling.md` says where float32 is not enough.
# 4. Run more chains. A device that is faster by some factor takes as long for as many times the
#    chains, and the error falls with the square root of that.
# 5. `collapse bench` measures the machine against NumPy and ceilings; several hosts go through
#    `--distributed`.
#
# No figure for a GPU stands here, because none was measured with this notebook: the last curve is
# the way to get one.
