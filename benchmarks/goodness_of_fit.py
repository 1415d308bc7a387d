"""Every sampler against its exact law, in the bulk and beyond the quantiles 1e-6 and 1 - 1e-6.

    python benchmarks/goodness_of_fit.py [--draws 1e8] [--only multinomial] [--seed 1]

For each sampler, law and dtype: the p-value of a chi-square over some 300 cells, and the counts
beyond the two quantiles, seen / expected, with their two-sided Poisson p-value. Exits with 1 if any
p-value is below 1e-6 / (number of p-values), a false-alarm rate of 1e-6 for the whole table. At 1e8
draws a cell of probability 1/300 is seen to be off by 1 %, and a mean by 5e-4 standard deviations.
A multinomial of 300 symbols is drawn a tenth as often.
"""

import argparse
import functools
import sys
import time
from typing import Any, NamedTuple

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from scipy import stats

from collapse_theory.sampling.counter import chain_key, normal, normal_pair, seed_key, words
from collapse_theory.sampling.counts import binomial, tree_plan
from collapse_theory.sampling.gamma import gamma_table, log_gamma_variate, words_needed
from collapse_theory.sampling.hypergeometric import hypergeometric, hypergeometric_plan
from collapse_theory.sampling.multinomial import multinomial, multinomial_plan
from collapse_theory.sampling.poisson import poisson, poisson_plan

CELLS, TAIL, ALPHA = 300, 1e-6, 1e-6
CHUNK = 1 << 20


class Case(NamedTuple):
    """A sampler, what it is called with, and the laws of what it returns, one a column.

    ``scale``: it returns log(x / scale) in place of x.
    """

    name: str
    sample: Any  # (key, *arguments) -> scalar or (columns,)
    arguments: Any  # floats are cast to the dtype
    laws: tuple[tuple[str, Any], ...]
    share: float = 1.0  # of the draws
    scale: float | None = None


def log_gamma(key, table):
    pairs = -(-words_needed(table) // 2)
    return log_gamma_variate([word for i in range(pairs) for word in words(key, 0, i)], table)


def gamma_case(a):
    """Log(G / a): of G itself float32 knows too few digits at large a, and none at small."""
    table = row(gamma_table([a]))
    table["log_shape"] = table["log_shape"] - np.log(a)
    return Case(f"gamma a={a:g}", log_gamma, (table,), (("", stats.gamma(a)),), scale=a)


def row(plan):
    return jax.tree.map(lambda a: a[0], plan)


def groups(key, probs, plan, members):
    """Counts of sets of symbols."""
    return jnp.sum(members * multinomial(key, probs, plan)[None], 1)


def multinomial_case(n, probs, label):
    """Some symbols alone, two neighbours, and every second one."""
    probs = np.asarray(probs, float)
    k = len(probs)
    sets = {(0,), (1,), (k // 2,), (k - 1,), (1, 2), tuple(range(0, k, 2))}
    members = np.array([np.isin(np.arange(k), s) for s in sorted(sets)])
    # float32 probabilities are those of another law: relative to it, not to float64, is exact
    names = ["+".join(map(str, s)) if len(s) < 3 else "even" for s in sorted(sets)]
    laws = [
        (f"symbol {a}", stats.binom(n, probs[m].sum())) for a, m in zip(names, members, strict=True)
    ]
    arguments = (probs, row(multinomial_plan((n,), k)), members.astype(float))
    share = 1.0 if k <= 100 else 0.1
    return Case(f"multinomial {label}n={n} K={k}", groups, arguments, tuple(laws), share)


def dyadic(weights):
    """Probabilities near the given ones that float32 holds exactly, with sum 1."""
    parts = np.maximum(np.round(np.asarray(weights) / np.sum(weights) * 2.0**22), 1)
    parts[np.argmax(parts)] += 2.0**22 - parts.sum()
    return parts / 2.0**22


def one_normal(key, zero):
    return normal(key, (), zero.dtype)


def two_normals(key, zero):
    """Both of a pair, their sum over sqrt 2, and the square of the radius."""
    x, y = normal_pair(key, 0, 0, zero.dtype.type)
    return jnp.stack([x, y, (x + y) / 2**0.5, x * x + y * y])


def cases():
    zero, gauss = np.float64(0), stats.norm()
    yield Case("normal", one_normal, (zero,), (("", gauss),))
    columns = (("first", gauss), ("second", gauss), ("sum", gauss), ("square", stats.chi2(2)))
    yield Case("pair of normals", two_normals, (zero,), columns)
    for a in (0.05, 0.5, 1.0, 2.5, 4.5, 8.0, 49.5, 5e4, 1e7):
        yield gamma_case(a)
    for n, p in ((7, 0.25), (40, 0.3125), (1000, 0.5), (1000, 2.0**-17), (10**5, 2.0**-10)):
        arguments = (np.float64(p), row(tree_plan((n,))))
        yield Case(f"binomial n={n} p={p:.3g}", binomial, arguments, (("", stats.binom(n, p)),))
    few = dyadic([0.2, 2.0**-20, 0.5, 0.1, 0.2])
    for n in (40, 1000, 10**5):
        yield multinomial_case(n, few, "")
    for n, k in ((100, 100), (1000, 100), (1000, 300)):
        yield multinomial_case(n, np.full(k, 1 / k), "uniform ")
        skewed = dyadic(np.random.default_rng(0).dirichlet(np.full(k, 0.3)))
        yield multinomial_case(n, skewed, "skewed ")
    for mean in (0.5, 8.0, 300.0):
        arguments = (np.float64(mean), poisson_plan(mean))
        yield Case(f"poisson mean={mean:g}", poisson, arguments, (("", stats.poisson(mean)),))
    for whole, marked, m in ((100, 37, 60), (10**4, 3000, 200), (10**6, 120_000, 1000)):
        arguments = (np.float64(marked), hypergeometric_plan(whole, m))
        law = stats.hypergeom(whole, marked, m)
        yield Case(f"hypergeometric {whole, marked, m}", hypergeometric, arguments, (("", law),))


def cast(tree, dtype):
    def one(a):
        a = np.asarray(a)
        return jnp.asarray(a, dtype if np.issubdtype(a.dtype, np.floating) else a.dtype)

    return jax.tree.map(one, tree)


def discrete(law):
    return isinstance(law.dist, stats.rv_discrete)


def edges_of(law):
    """Ends of the cells: quantiles; the first and the last are those of the tails."""
    tail = np.array([TAIL])
    inner = np.linspace(0, 1, CELLS + 1)[1:-1]
    edges = np.concatenate([law.ppf(tail), law.ppf(inner), law.isf(tail)])
    if discrete(law):  # between whole numbers; the lower tail ends below its quantile
        edges[0] -= 1
        edges = np.floor(edges) + 0.5
    return np.unique(edges)


def probabilities(law, edges):
    """Of the cells that the edges cut the line into, each tail from its own end."""
    ends = np.floor(edges) if discrete(law) else edges
    below, above = law.cdf(ends), law.sf(ends)
    inner = np.where(below[1:] < 0.5, np.diff(below), -np.diff(above))
    return np.concatenate([below[:1], inner, above[-1:]])


@functools.partial(jax.jit, static_argnums=(0, 1))
def counted(sample, size, root, first, arguments, edges):
    """Numbers in each cell: a list over columns."""
    ids = first + jnp.arange(size, dtype=jnp.uint32)
    x = jax.vmap(lambda i: sample(chain_key(root, i, jnp.uint32(0)), *arguments))(ids)
    x = x.reshape(size, -1)
    found = [jnp.searchsorted(e, x[:, i].astype(e.dtype)) for i, e in enumerate(edges)]
    return [jnp.bincount(f, length=len(e) + 1) for f, e in zip(found, edges, strict=True)]


def histograms(case, dtype, draws, seed):
    arguments = cast(case.arguments, dtype)
    edges = [edges_of(law) for _, law in case.laws]
    seen = [np.zeros(len(e) + 1, np.int64) for e in edges]
    ends = edges if case.scale is None else [np.log(e / case.scale) for e in edges]
    chunk = int(CHUNK * case.share)
    begun = time.perf_counter()
    for first in range(0, draws, chunk):
        size = min(chunk, draws - first)
        new = counted(case.sample, size, seed_key(seed), jnp.uint32(first), arguments, ends)
        seen = [a + np.asarray(b) for a, b in zip(seen, new, strict=True)]
        seconds = time.perf_counter() - begun
        print(
            f"\r{case.name} {dtype}: {first + size:.3g} {seconds:.0f} s ", end="", file=sys.stderr
        )
    print("\r" + 70 * " ", end="\r", file=sys.stderr)
    return edges, seen


def bulk(seen, expected):
    """P-value of Pearson's chi-square; a cell takes in the next ones until it expects 20."""
    cells = [[0, 0.0]]
    for a, b in zip(seen, expected, strict=True):
        if cells[-1][1] >= 20:
            cells.append([0, 0.0])
        cells[-1][0] += a
        cells[-1][1] += b
    last = cells.pop() if len(cells) > 1 and cells[-1][1] < 20 else [0, 0.0]
    cells[-1][0] += last[0]
    cells[-1][1] += last[1]
    seen, expected = np.array(cells).T
    statistic = ((seen - expected) ** 2 / expected).sum()
    return float(stats.chi2.sf(statistic, max(len(cells) - 1, 1)))


def tail(seen, expected):
    low, high = stats.poisson.cdf(seen, expected), stats.poisson.sf(seen - 1, expected)
    return float(min(1, 2 * min(low, high)))


def judged(law, edges, seen):
    expected = probabilities(law, edges) * seen.sum()
    ends = [(int(seen[i]), expected[i]) for i in (0, -1)]
    return bulk(seen, expected), [tail(*end) for end in ends], ends


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=float, default=1e8)
    parser.add_argument("--only", default="", help="samplers whose name holds this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dtype", nargs="*", default=["float32", "float64"])
    options = parser.parse_args()
    print(f"{'sampler':52} {'dtype':8} {'draws':>7} {'p':>8}  tails: seen / expected, p")
    smallest, number = 1.0, 0
    kept = [case for case in cases() if options.only in case.name]
    runs = [(case, dtype) for case in kept for dtype in options.dtype]
    for i, (case, dtype) in enumerate(runs):
        seed = 10_000 * options.seed + i  # other words for each, so that the p-values are apart
        edges, seen = histograms(case, dtype, int(options.draws * case.share), seed)
        for (label, law), e, s in zip(case.laws, edges, seen, strict=True):
            p, tails, ends = judged(law, e, s)
            smallest, number = min(smallest, p, *tails), number + 1 + len(tails)
            shown = "  ".join(f"{a}/{b:.1f} {q:.2g}" for (a, b), q in zip(ends, tails, strict=True))
            name = f"{case.name} {label}"
            print(f"{name:52} {dtype:8} {s.sum():7.2g} {p:8.2g}  {shown}", flush=True)
    limit = ALPHA / max(number, 1)
    print(f"smallest of {number} p-values: {smallest:.2g}; limit {limit:.2g}")
    return int(smallest < limit)


if __name__ == "__main__":
    sys.exit(main())
