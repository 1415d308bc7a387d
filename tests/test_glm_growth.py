"""Growth and drift of refitted models: the second order against chains that are solved exactly, and
against rows and fits in NumPy.
"""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, gammaln, xlogy
from scipy.stats import binom, multinomial

import collapse_theory as ct
from collapse_theory.catalogue import glm_drift, settings_glm, symbols_divergence
from collapse_theory.exact import GaussianReplace, accumulate_risk_fresh
from collapse_theory.exact.second_order import Cumulants, Refits, gaussian_features
from collapse_theory.families import newton
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.families.glm import NODES, SHARES
from collapse_theory.families.least_squares import RegressionFit
from collapse_theory.families.linear_regression import RegressionLaw
from collapse_theory.observables.base import Snapshot
from collapse_theory.observables.divergences import kl_forward, kl_reverse

GRID = np.linspace(-8, 8, 161)
X = np.stack(np.meshgrid(GRID, GRID, indexing="ij"), -1).reshape(-1, 2)
MASS = np.exp(-(X**2).sum(1) / 2)
MASS = MASS / MASS.sum()


def kl_of_labels(family, p, q):
    """KL between the laws of y at each x of the grid, from their probabilities."""
    if isinstance(family, ct.Logistic):
        a, b = expit(X @ p), expit(X @ q)
        return xlogy(a, a / b) + xlogy(1 - a, (1 - a) / (1 - b))
    a, b = np.exp(X @ p), np.exp(X @ q)
    return a * np.log(a / b) - a + b


PAIRS = [((0.8, -0.5), (0.9, -0.2)), ((0.0, 0.0), (0.3, 0.4)), ((0.5, 0.0), (-0.2, 0.3)),
         ((0.3, 0.6), (0.31, 0.6))]  # fmt: skip


@pytest.mark.parametrize("family", [ct.Logistic(), ct.PoissonGLM()], ids=["logistic", "poisson"])
def test_kl_is_the_mean_over_features(family):
    """Held against a sum over a grid in two dimensions; the two directions differ."""

    @jax.jit
    def measured(p, q):
        truth, fit = RegressionFit(p), RegressionFit(q)
        snap = Snapshot(truth, truth, fit)
        return kl_forward(family, snap), kl_reverse(family, snap)

    for pair in PAIRS:
        forward, reverse = (float(v) for v in measured(*(jnp.asarray(w) for w in pair)))
        assert forward == pytest.approx(MASS @ kl_of_labels(family, *pair), rel=2e-6)
        assert reverse == pytest.approx(MASS @ kl_of_labels(family, *pair[::-1]), rel=2e-6)
        assert abs(forward / reverse - 1) > 1e-3
    for w in PAIRS[0]:
        assert np.abs(measured(jnp.asarray(w), jnp.asarray(w))).max() < 1e-14


@pytest.mark.parametrize("family", [ct.Logistic(), ct.PoissonGLM()], ids=["logistic", "poisson"])
def test_cumulants_are_those_of_the_tensors(family):
    """Of two features, by tensors summed over the grid."""
    w = np.array([0.6, 0.5])
    eta = X @ w
    p = expit(eta)
    second, third, fourth = (
        (p * (1 - p), p * (1 - p) * (1 - 2 * p), p * (1 - p) * (1 - 6 * p * (1 - p)))
        if isinstance(family, ct.Logistic) else (np.exp(eta),) * 3
    )  # fmt: skip
    root = np.linalg.cholesky(np.linalg.inv(np.einsum("n,ni,nj->ij", MASS * second, X, X)))
    y = X @ root  # in these coordinates the information is 1
    t = np.einsum("n,ni,nj,nk->ijk", MASS * third, y, y, y)
    bias = -np.einsum("iik->k", t) / 2
    length = (y**2).sum(1)
    e = ct.Experiment(
        family=family, workflow=ct.Replace(), truth=RegressionLaw(tuple(w)), n=100, generations=1
    )
    found = settings_glm.refits(e).cumulants
    direct = Cumulants(
        2, bias @ bias, (t**2).sum(), MASS @ (fourth * length**2),
        MASS @ (second**2 * length**2) - 2,
    )  # fmt: skip
    np.testing.assert_allclose(found, direct, rtol=1e-5)
    np.testing.assert_allclose(family.bias(jnp.asarray(w)), root @ bias, rtol=1e-5)
    one = gaussian_features(1, NODES, SHARES, (np.ones(80),) * 3)
    np.testing.assert_allclose(one, (1, 0, 0, 3, 2), atol=1e-9)


def order(exact, stated):
    """By how much doubling the sizes shrinks the gap, a power of 2."""
    gaps = [np.abs(exact(k) - stated(k)) for k in (1, 2)]
    return np.log2(gaps[0] / gaps[1])


SIZES = np.array([300, 500, 400, 300])


def gamma_chain(sizes, kept, corrected):
    """Rates of refitted exponentials over the true one: products of independent ratios.

    E of the ratio's power -1, 1, 2 and log, at each fit: from the density of a gamma variate.
    """
    out, before = [], 0
    for n in sizes:
        g = n + np.sqrt(n) * np.linspace(-14, 14, 4001)
        g = g[g > 0]
        density = np.exp((n - 1) * np.log(g) - g - gammaln(n))
        old = before - corrected * (before > 0) if kept else 0
        ratio = ((before if kept else 0) + n - corrected) / (old + g)
        density = density / density.sum()
        out.append([density @ f for f in (1 / ratio, ratio, ratio**2, np.log(ratio))])
        before += n
    inverse, first, square, log = np.array(out).T
    inverse, first, square = (np.cumprod(x) for x in (inverse, first, square))
    log = np.cumsum(log)
    return {
        "fisher": square - 2 * first + 1, "kl_forward": first - 1 - log,
        "kl_reverse": inverse - 1 + log, "drift": first - 1,
    }  # fmt: skip


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("what", ["fisher", "kl_forward", "kl_reverse", "drift"])
def test_exponential_laws(kept, corrected, what):
    """One parameter, |T|^2 = 4, F = 6: what is left out is of the third order at the least, of the
    second in the drift; and a cumulant that is 2 % off leaves the second.
    """
    expected = 2 if what == "drift" else 3
    start = int(what == "drift" and corrected)  # the first fit has no drift then
    right = Cumulants(1, 1.0, 4.0, 6.0, 0.0)

    def exact(k):
        return gamma_chain(k * SIZES, kept, corrected)[what]

    def stated(c, k):
        return getattr(Refits(c, k * SIZES, kept, corrected), what)()

    if what == "drift" and corrected and not kept:
        np.testing.assert_allclose(exact(1), 0, atol=1e-10)
        np.testing.assert_array_equal(stated(right, 1), 0)
        return
    found = order(lambda k: exact(k)[start:], lambda k: stated(right, k)[start:])
    assert (found > expected - 0.1).all()
    if what != "drift":
        wrong = Cumulants(1, 1.0, 4.0, 6.12, 0.0)
        assert (order(exact, lambda k: stated(wrong, k))[1:] < 2.7).all()


def gaussian_fisher(sizes):
    r"""$E(\mu_t/s_t)^2+\tfrac12E(1/s_t-1)^2$ for means and variances of a refitted Gaussian.

    $s_t=s_{t-1}\chi^2_{n-1}/n$, $\mu_t=\mu_{t-1}+\sqrt{s_{t-1}/n}\,z$; the natural parameters are
    $\mu/s$ and $-1/(2s)$.
    """
    inverse = square = 1.0
    ratio, out = 0.0, []
    for n in sizes:
        one, two = n / (n - 3), n**2 / ((n - 3) * (n - 5))
        ratio = two * (ratio + inverse / n)
        inverse, square = one * inverse, two * square
        out.append(ratio + (square - 2 * inverse + 1) / 2)
    return np.array(out)


def test_gaussians():
    """Two parameters, replaced: |b|^2 and |T|^2 are not in proportion to those of one parameter."""
    cumulants = Cumulants(2, 4.5, 14.0, 20.0, 0.0)

    def refits(k):
        return Refits(cumulants, k * SIZES, kept=False, corrected=False)

    pairs = [
        (lambda k: gaussian_fisher(k * SIZES), lambda k: refits(k).fisher()),
        (lambda k: GaussianReplace(k * SIZES, 0).kl_forward(), lambda k: refits(k).kl_forward()),
        (lambda k: GaussianReplace(k * SIZES, 0).kl_reverse(), lambda k: refits(k).kl_reverse()),
    ]
    for exact, stated in pairs:
        assert (np.abs(order(exact, stated) - 3) < 0.1).all()
    off = Refits(cumulants._replace(third=14.3), SIZES, kept=False, corrected=False)
    assert np.abs(off.fisher() - gaussian_fisher(SIZES)).max() > 1e-6


@pytest.mark.parametrize("kept", [False, True])
def test_least_squares(kept):
    """A random design and nothing else: Q = d (d + 1)."""
    cumulants = Cumulants(3, 0.0, 0.0, 0.0, 12.0)

    def exact(k):
        sizes = k * SIZES
        if kept:
            return accumulate_risk_fresh(sizes, 3, 1.0)
        return np.cumsum(3 / (sizes - 4.0))

    def stated(k):
        return Refits(cumulants, k * SIZES, kept, corrected=False).fisher()

    assert (np.abs(order(exact, stated) - 3) < 0.1).all()


def numpy_drift(count, n, kept, corrected, fits=3):
    """n times the mean error along the truth, (fits,), and its standard error: rows and fits.

    From each error is taken the sum of first steps of Newton's method from the model that made the
    newest rows: their mean is 0, given the rows before and all features.
    """
    rng = np.random.default_rng(5)
    true = np.array([0.8, 0.6])
    w, steps, out = np.broadcast_to(true, (count, 2)), 0.0, []
    x, y = np.zeros((count, 0, 2)), np.zeros((count, 0))

    def solved(p, score):
        worth = (p * (1 - p))[..., None]
        hessian = np.matmul(x.swapaxes(1, 2), worth * x)
        return np.linalg.inv(hessian), np.matmul(score[:, None], x)[:, 0]

    for _ in range(fits):
        new = rng.normal(size=(count, n, 2))
        p = expit(np.matmul(new, w[..., None])[..., 0])
        labels = (rng.uniform(size=p.shape) < p).astype(float)
        x = np.concatenate([x, new], 1) if kept else new
        y = np.concatenate([y, labels], 1) if kept else labels
        p = expit(np.matmul(x, w[..., None])[..., 0])
        fresh = np.arange(x.shape[1]) >= x.shape[1] - n
        inverse, score = solved(p, (y - p) * fresh)
        steps = steps + np.einsum("cij,cj->ci", inverse, score)
        for _ in range(6):
            p = expit(np.matmul(x, w[..., None])[..., 0])
            inverse, score = solved(p, y - p)
            if corrected:
                leverage = p * (1 - p) * (np.matmul(x, inverse) * x).sum(-1)
                score = score + np.matmul((leverage * (0.5 - p))[:, None], x)[:, 0]
            w = w + np.einsum("cij,cj->ci", inverse, score)
        out.append(n * (w - true - steps) @ true)
    return np.mean(out, 1), np.std(out, 1) / np.sqrt(count)


ALL = list(product([False, True], [False, True]))
QUICK = [(False, False), (True, True)]


@pytest.mark.parametrize(
    ("kept", "corrected"),
    [pytest.param(*p, marks=() if p in QUICK else pytest.mark.slow) for p in ALL],
)
def test_the_drift_of_logistic_regression(kept, corrected):
    """n = 60 and 120, extrapolated by the order: three fits within 4.5 standard errors each, a
    false alarm of 2e-5; the drift of one fit less is refuted, unless there is none.
    """
    (small, e1), (large, e2) = (numpy_drift(3000, n, kept, corrected) for n in (60, 120))
    found, error = 2 * large - small, np.hypot(2 * e2, e1)
    e = ct.Experiment(
        family=ct.Logistic(firth=corrected), workflow=ct.Accumulate() if kept else ct.Replace(),
        truth=RegressionLaw((0.8, 0.6)), n=100, generations=3,
    )  # fmt: skip
    statement = glm_drift.drift_accumulate if kept else glm_drift.drift_replace
    stated = 100 * (statement.predict(e) - 0.8) / 0.8
    assert (np.abs(found - stated) < 4.5 * error).all()
    before = np.append(0, stated[:-1])
    if stated.max() > 1e-3:
        assert np.abs((found - before) / error).max() > 4.5


@pytest.mark.parametrize("d", [3, 5])
def test_sums_written_out(d):
    """Against NumPy, at a size that is written out and at one that is not."""
    rng = np.random.default_rng(d)
    x, worth, w = rng.normal(size=(d, 30)), rng.uniform(size=30), rng.normal(size=d)
    gram = (worth * x) @ x.T + 0.1 * np.eye(d)
    columns = jnp.asarray(x)
    inverse = newton.inverse_gram(columns, jnp.asarray(worth), jnp.asarray(0.1))
    np.testing.assert_allclose(inverse, np.linalg.inv(gram), rtol=1e-4)
    np.testing.assert_allclose(newton.predictor(columns, jnp.asarray(w)), w @ x, rtol=1e-4)
    np.testing.assert_allclose(newton.total(columns, jnp.asarray(worth)), x @ worth, rtol=1e-4)
    symmetric = gram @ gram
    np.testing.assert_allclose(
        newton.leverage(columns, jnp.asarray(symmetric)), ((symmetric @ x) * x).sum(0), rtol=1e-4
    )


def test_symbols_that_are_kept():
    """E KL(p_t || p) of three symbols over all samples of two generations, one by one."""
    p, (first, second) = np.array([0.5, 0.3, 0.2]), (4, 3)
    e = ct.Experiment(
        family=ct.Categorical(), workflow=ct.Accumulate(), truth=CategoricalLaw(tuple(p)),
        n=second, n_real=first, generations=2,
    )  # fmt: skip

    def tables(n):
        return np.array([(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)])

    def kl(count):
        share = count / count.sum()
        return xlogy(share, share / p).sum()

    mean = np.zeros(2)
    for count in tables(first):
        chance = multinomial.pmf(count, first, p)
        mean[0] += chance * kl(count)
        share = count / first
        then = [multinomial.pmf(new, second, share) * kl(count + new) for new in tables(second)]
        mean[1] += chance * sum(then)
    np.testing.assert_allclose(symbols_divergence.accumulate.predict(e), mean, rtol=1e-10)


def test_symbols_grow_as_stated():
    """The first order against the exact values: a gap that halves as the sizes double."""
    bits = symbols_divergence.BITS
    law = np.array([0.6, 0.4])
    gaps = []
    for n in (400, 800):
        x = np.arange(n + 1) / n
        chance = binom.pmf(np.arange(n + 1), n, 0.4)
        exact = chance @ (xlogy(1 - x, (1 - x) / law[0]) + xlogy(x, x / law[1]))
        stated = symbols_divergence.growth.predict(_sized(n))[0]
        gaps.append(exact / stated - 1)
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.02)
    assert symbols_divergence.growth.covers(bits)
    assert not symbols_divergence.growth.covers(_sized(20))


def _sized(n):
    return ct.Experiment(
        family=ct.Bernoulli(), workflow=ct.Replace(), truth=symbols_divergence.BITS.truth, n=n,
        generations=2,
    )  # fmt: skip
