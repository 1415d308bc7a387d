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
# # Language model collapse, figure by figure
#
# Seddik et al. (2024), *How Bad is Training on Synthetic Data?*, study a language model in its
# simplest form: for each context a law over next symbols, fitted by the shares in the data. This
# notebook repeats the paper's statements and the figures that are about this model: curves are
# exact or bounds, markers are simulated means, bands and bars two standard errors. Sizes are small,
# so that it runs in a minute.
#
# Not repeated: the transformer of Section 4.1 (characters of Shakespeare, ten generations of
# training), whose distances and losses depend on a network and its optimiser: the theory is not
# about them. `collapse run seddik-text` and the notebook `text.py` have it. The values behind some
# figures (which $S_0$, which windows, which laws) could not be read off; those below are ours.

# %%
import jax

jax.config.update("jax_enable_x64", True)  # the library never does this by itself

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq

import collapse_theory as ct
from collapse_theory.catalogue.mixing_symbols import deviation_bound, sufficient_amount
from collapse_theory.exact import LumpedChain
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.figures import error_growth, palette, ratio, slack

BLUE, ORANGE, RED, *OTHERS = palette()


def law(symbols, s0):
    """Geometric probabilities over so many symbols whose squares add up to s0."""

    def p(r):
        shares = r ** np.arange(symbols)
        return shares / shares.sum()

    return tuple(p(brentq(lambda r: (p(r) ** 2).sum() - s0, 1e-9, 1 - 1e-9)))


def loop(workflow, probs, n, generations, *observables, n_real=None):
    return ct.Experiment(
        family=ct.Categorical(), truth=CategoricalLaw(probs), workflow=workflow, n=n,
        n_real=n_real, generations=generations, observables=observables,
    )  # fmt: skip


# %% [markdown]
# ## Statement by statement
# The statements that the paper proves, on one case each: the equation whose sign is wrong in print
# is refuted, nothing else is. The last number is the relative deviation that the run would have
# seen. What the paper simulates without a formula, windows and random sources, comes further down.

# %%
from dataclasses import replace

LATER = ("seddik2024.most_recent_models", "seddik2024.randomly_sampled")
named = [t for t in ct.theorems() if t.name.startswith("seddik2024.") and t.name not in LATER]
verdicts = {
    v.theorem.name.removeprefix("seddik2024."): v
    for v in ct.verify([replace(t, cases=t.cases[:1]) for t in named])
}
for name, v in verdicts.items():
    print(f"{name:36s} {v.theorem.kind.value:12s} {v.status.value:12s} {v.detectable:.2%}")
    assert v.as_expected

# %% [markdown]
# ## Many contexts, three symbols (Figure 1)
# Four letters of context over an alphabet of three give 81 contexts, each with a law of its own,
# drawn at random: a dot in a triangle. Each context is fitted on 12 rows, which is how we read the
# paper's thousand: over all contexts together.
#
# *To see: dots walk to the edges, where one symbol is lost, and then along them into the corners.*

# %%
rng = np.random.default_rng(0)
contexts = rng.dirichlet(np.ones(3), 81)
path = ct.replay(loop(ct.Replace(), tuple(map(tuple, contexts)), 12, 40, "gini"), seed=0, chain=0)
CORNERS = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
fig, panels = plt.subplots(1, 5, figsize=(11, 2.4), layout="constrained")
for ax, t in zip(panels, (0, 10, 20, 30, 40), strict=True):
    laws = contexts if t == 0 else np.asarray(path.fits.probs[t - 1])
    ax.plot(*CORNERS[[0, 1, 2, 0]].T, color="0.4", lw=0.8)
    ax.plot(*(laws @ CORNERS).T, "o", ms=4, color=BLUE, mec="white", mew=0.4)
    dead = (laws.max(1) == 1).mean()
    ax.set_title(f"generation {t}\n{dead:.0%} of the contexts dead", fontsize="small")
    ax.set_aspect("equal")
    ax.axis("off")
plt.show()

# %% [markdown]
# ## Only synthetic data: how fast (Theorem 1)
# $S_t=E\sum_ip_i(t)^2$ goes to 1 as $1-(1-\frac1n)^t(1-S_0)$; the probability $\rho_t$ that a
# single symbol is left lies between two bounds. The package has its exact value besides, from the
# binomial chain of one symbol's count.
#
# *To see: the formula for $S_t$ is exact, at every generation and for any law.*

# %%
P = (0.37, 0.29, 0.17, 0.11, 0.06)
few = ct.simulate(
    loop(ct.Replace(), P, 10, 60, "sum_of_squares", "collapsed"), chains=20_000, seed=1
)
fig, (left, other) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
error_growth(left, few, "sum_of_squares", theorems=[verdicts["S_fully_synthetic"].theorem])
error_growth(
    other, few, "collapsed", theorems=[v.theorem for k, v in verdicts.items() if "rho" in k]
)
rho = LumpedChain(10, 60).collapse_probability(P)
other.plot(few.generations, rho, color="black", lw=1, label="exact, from the lumped chain")
other.legend(frameon=False, fontsize="small")
plt.show()

# %% [markdown]
# *To see, on the right: both bounds hold, and neither is sharp.* How far they are from the truth is
# their slack; for large t the sharp factor of $(1-\frac1n)^t(1-S_0)$ is a number near 3, not n.

# %%
fig, ax = plt.subplots()
slack(ax, verdicts["rho_bounds.upper"])
ax.set_title("upper bound on the probability of collapse")
plt.show()

# %% [markdown]
# ## The time of collapse (Figure 2)
# The mean first generation T with a single symbol, for 600 symbols of equal probability and for a
# law whose squares add up to 0.1.
#
# *To see: the time is linear in n, as the paper suspects from its own figure, and below 2n for
# every law; the lower bound has the right order, the upper one, quadratic, has not.*

# %%
LAWS = {"600 equal symbols": (1 / 600,) * 600, "52 symbols, $S_0$ = 0.1": law(52, 0.1)}
sizes, shown = np.array([5, 10, 20, 40, 80, 160]), (10,)
fig, ax = plt.subplots()
for (words, p), colour, marker in zip(LAWS.items(), (BLUE, RED), "os", strict=True):
    s0, alive = sum(x * x for x in p), sum(x > 0 for x in p)
    times = [LumpedChain(int(n), 1).expected_collapse_time(p) for n in sizes]
    ax.plot(sizes, times, color=colour, label=f"exact: {words}")
    ax.plot(sizes, 1 + (1 - s0) / (1 - 1 / alive) * (sizes - 1), color=colour, ls=(0, (6, 2, 1, 2)))
    ax.plot(sizes, 1 + (1 - s0) * sizes * (sizes - 1), color=colour, ls=(0, (6, 2)))
    for n in shown if alive == 52 else ():  # 600 symbols take longer to draw
        e = loop(ct.Replace(), p, n, 14 * n, "generations_survived")
        run = ct.simulate(e, chains=400, seed=2)
        mean, se = (f("generations_survived")[-1] for f in (run.mean, run.se))
        ax.errorbar([n], [1 + mean], [2 * se], fmt=marker, ms=5, color=colour, capsize=2)
ax.plot(sizes, 2 * sizes, color="black", ls="dotted", label="2n")
ax.plot([], [], color="0.5", ls=(0, (6, 2)), label="upper bound")
ax.plot([], [], color="0.5", ls=(0, (6, 2, 1, 2)), label="lower bound")
ax.set(xscale="log", yscale="log", xlabel="rows n", ylabel="mean generation of collapse")
ax.legend(frameon=False, fontsize="small")
plt.show()

# %% [markdown]
# ## Which symbol is left (Proposition 1)
# *To see: symbol i is the one that is left with probability $p_i$, so a loop that has collapsed is
# a single draw from the truth.*

# %%
from collapse_theory.engine import run_paths

ended = loop(ct.Replace(), P, 10, 120, "collapsed")
fits, values = run_paths(ended.setup(np.dtype("float64")), 3, np.arange(1024))
last = np.asarray(fits.probs)[:, -1]
print(f"{(last.max(1) == 1).mean():.2%} of the chains have collapsed by generation 120")
share = (last == 1).mean(0)
fig, ax = plt.subplots()
symbols = np.arange(1, len(P) + 1)
ax.bar(symbols, P, color="0.85", ec="black", label="truth $p_i$")
ax.errorbar(symbols, share, 2 * np.sqrt(share * (1 - share) / len(last)), fmt="o", color=BLUE,
            capsize=3, label="chains that end at symbol i, ± 2 SE")  # fmt: skip
ax.set(xlabel="symbol i", ylabel="probability")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## The real data kept beside the synthetic (Theorem 2, Figure 3)
# The same N = 100 real rows in every fit, and n rows of the last one, for 25 generations.
#
# *To see: $S_t$ rises for a few generations and stops, far from 1.*

# %%
P52, REAL, mixed = law(52, 0.1), 100, {}
fig, (left, other) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for n, colour, marker in zip((10, 200), (BLUE, RED), "os", strict=True):
    e = loop(ct.Mix("fixed"), P52, n, 25, "sum_of_squares", "l1_to_first", n_real=REAL)
    run = mixed[n] = ct.simulate(e, chains=2000, seed=4)
    for ax, name in ((left, "sum_of_squares"), (other, "l1_to_first")):
        mean, se = run.mean(name), run.se(name)
        ax.fill_between(run.generations, mean - 2 * se, mean + 2 * se, color=colour, alpha=0.25)
        ax.plot(run.generations[::2], mean[::2], marker, ms=4, color=colour, label=f"n = {n}")
    left.plot(
        run.generations, verdicts["S_partial_corrected"].theorem.predict(e), color=colour, lw=1
    )
    bound = np.sqrt(52 * n / (REAL * (REAL + 2 * n)))
    other.axhline(bound, color=colour, ls=(0, (6, 2)), lw=1)
left.plot([], [], color="0.4", lw=1, label="corrected equation (9)")
other.plot([], [], color="0.4", ls=(0, (6, 2)), lw=1, label="bound for all t")
left.set_ylabel("sum of squares $S_t$")
other.set_ylabel("l1 distance to the first fit")
for ax in (left, other):
    ax.set_xlabel("generation (number of fits)")
    ax.legend(frameon=False, fontsize="small")
plt.show()

# %% [markdown]
# ## A sign
# Equation (9), which gives $S_t$ here, has a minus in front of its last term where there must be a
# plus: at the first fit it has to give $S_1=\frac1N+(1-\frac1N)S_0$. The limit for large t is the
# same, so a figure of many generations does not show it; the first ones do.
#
# *To see: simulation over statement is 1 with the plus and is not with the minus.*

# %%
fig, panels = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True, layout="constrained")
for ax, name in zip(panels, ("S_partial_as_printed", "S_partial_corrected"), strict=True):
    ratio(ax, verdicts[name])
    ax.set_title(f"{name}: {verdicts[name].status.value}")
plt.show()

# %% [markdown]
# ## Which laws move least (Figure 4)
# N = 100 real rows, n = 10 synthetic ones, laws over 52 symbols.
#
# *To see: the more uneven the law (the larger $S_0$), the nearer the fits stay to the first one.*

# %%
fig, ax = plt.subplots()
for s0, colour, style in zip(
    (0.05, 0.1, 0.3, 0.6), palette(), ("-", "--", "-.", ":"), strict=False
):
    e = loop(ct.Mix("fixed"), law(52, s0), 10, 25, "sum_of_squares", "l1_to_first", n_real=REAL)
    run = ct.simulate(e, chains=400, seed=5)
    mean, se = run.mean("l1_to_first"), run.se("l1_to_first")
    ax.fill_between(run.generations, mean - 2 * se, mean + 2 * se, color=colour, alpha=0.3)
    ax.plot(run.generations, mean, color=colour, ls=style, label=f"$S_0$ = {s0}")
ax.set(xlabel="generation (number of fits)", ylabel="l1 distance to the first fit")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## How much synthetic data is safe (Theorem 3)
# The paper bounds the distance to the first fit, and concludes that n may grow only with the
# logarithm of N. From the exact second moment, $E\Vert p(t)-p(1)\Vert_2^2\le\frac{n}{N(N+2n)}$, and
# so $E\Vert p(t)-p(1)\Vert_1\le\sqrt{sn/(N(N+2n))}$, which stays below $\sqrt{s/2N}$ for every n.
#
# *To see: the printed bound is above 2, the largest distance there is, for every n; the other one
# is a constant factor from the simulations, which are those of Figure 3.*

# %%
amounts = np.unique(np.geomspace(1, 3000, 60).astype(int))
fig, ax = plt.subplots()
ax.plot(amounts, [deviation_bound(REAL, n, 52) for n in amounts], color=ORANGE, ls=(0, (6, 2)),
        label="bound of Theorem 3")  # fmt: skip
ax.plot(amounts, np.sqrt(52 * amounts / (REAL * (REAL + 2 * amounts))), color="black",
        ls=(0, (6, 2, 1, 2)), label="bound from the second moment")  # fmt: skip
for n, run in mixed.items():
    mean, se = run.mean("l1_to_first")[-1:], run.se("l1_to_first")[-1:]
    words = "simulation at generation 25" if n == 10 else None
    ax.errorbar([n], mean, 2 * se, fmt="o", color=BLUE, capsize=2, label=words)
ax.axhline(2, color="0.5", lw=0.8, ls="dotted", label="largest distance there is")
ax.set(xscale="log", yscale="log", ylim=(1e-2, 1e3), xlabel="synthetic rows n",
       ylabel=f"l1 distance to the first fit, N = {REAL}")  # fmt: skip
ax.legend(frameon=False, fontsize="small")
plt.show()
for real in (1000, 100_000):
    allowed = sufficient_amount(real, 0.2, 52)
    print(f"N = {real:,}: equation (11) allows n <= {allowed:.1f} for a distance of 0.2")
print(f"the second moment allows every n from N = {52 / (2 * 0.2**2):.0f} real rows on")

# %% [markdown]
# ## Older models too (Figure 6)
# Ten rows in each generation: from the last K models in equal parts, or each row from a model
# picked among the truth and all fits so far.
#
# *To see: a window puts collapse off, by a factor of about $((K+1)/2)^2$, and it comes all the
# same; with random sources it does not.*

# %%
fig, (left, other) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
loops = {f"last {k}": (ct.MostRecent(k), 10 // k) for k in (1, 3)}
loops["random sources"] = (ct.RandomSources(), 10)
for (words, (workflow, n)), colour, style in zip(
    loops.items(), palette(), ("-", "--", "-.", ":"), strict=False
):
    e = loop(workflow, P52, n, 150, "gini", "collapsed", n_real=10)
    run = ct.simulate(e, chains=200, seed=7)
    t, mean, se = run.generations, run.mean("gini"), run.se("gini")
    name = "seddik2024.most_recent_models" if "last" in words else "engine.fresh_covariance"
    left.plot(t, 0.9 - ct.theorem_named(name).predict(e), color=colour, lw=1)
    left.fill_between(t, mean - 2 * se, mean + 2 * se, color=colour, alpha=0.3)
    left.plot(t[::20], mean[::20], "o", ms=4, color=colour, label=words)
    alive, se = 1 - run.mean("collapsed"), run.se("collapsed")
    other.fill_between(t, alive - 2 * se, alive + 2 * se, color=colour, alpha=0.3)
    other.plot(t, alive, color=colour, ls=style, label=words)
left.set_ylabel("diversity $1-S_t$; lines: exact")
other.set_ylabel("share of chains not yet collapsed")
for ax in (left, other):
    ax.set_xlabel("generation (number of fits)")
    ax.set_ylim(-0.02, 1.02)
    ax.legend(frameon=False, fontsize="small")
plt.show()

# %% [markdown]
# ## Contexts that depend on what was generated
# Above, every context gets its share of the rows. Where contexts are what the model itself wrote,
# rare ones get fewer rows by chance. Two statements of the package, not of the paper: a context
# that $n_j\sim$ binomial rows have, computed in two ways; and bigrams refitted on one path of the
# last fit, simulated for growing lengths of the path.
#
# *To see: for long paths the scaled error of the transition matrix grows linearly with t; the gap
# to that closes as one over the length.*

# %%
from collapse_theory.figures import ladder
from collapse_theory.verdicts import judge_all, judge_case

print(*judge_all(["derived.random_context_gini"]), sep="\n")
fig, ax = plt.subplots()
ladder(ax, judge_case("derived.bigram_trajectory"))
ax.set_title("derived.bigram_trajectory")
plt.show()
