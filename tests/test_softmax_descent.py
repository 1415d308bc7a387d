"""Softmax descent in NumPy, on raw rows: the identities hold there too."""

import numpy as np
import pytest

from collapse_theory.catalogue import softmax_descent as descent


def softmax(w):
    e = np.exp(w - w.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def drawn(rng, p, n):
    """Frequencies of n rows, one by one."""
    u = rng.uniform(size=(len(p), n, 1))
    symbol = (u > np.cumsum(p, -1)[:, None, :-1]).sum(-1)
    return np.stack([(symbol == i).mean(1) for i in range(p.shape[1])], 1)


def chain(truth, n, how, fits, count=40_000):
    """Logits and laws by generation, from generation 0 (the truth's law, zero logits)."""
    rng = np.random.default_rng(11)
    law, w = np.broadcast_to(truth, (count, len(truth))), np.zeros((count, len(truth)))
    logits, laws = [w], [law]
    for _ in range(fits):
        frequencies = drawn(rng, law, n)
        w = w if how.warm else np.zeros_like(w)
        for _ in range(how.steps):
            w = w + float(how.rate) * (frequencies - softmax(w))
        law = softmax(w)
        logits.append(w)
        laws.append(law)
    return np.stack(logits), np.stack(laws)


def z_of(values, exact):
    return np.abs(values.mean(-1) - exact) / (values.std(-1) / np.sqrt(values.shape[-1]))


def test_one_step_a_generation_is_a_martingale():
    """|z| < 4.5 at each of 10 generations, a false alarm of 7e-5; 1.1 times that is refuted."""
    e = descent.ONE_STEP
    logits, _ = chain(np.array(e.truth.table), e.n, e.family.training, e.generations)
    exact = descent.one_step_mean.predict(e)
    assert z_of(logits[1:, :, 0], exact).max() < 4.5
    assert z_of(logits[1:, :, 0], 1.1 * exact).max() > 4.5


def test_its_spread_balances():
    numbers = descent.one_step_spread.cases[0]
    how = descent._softmax(3, numbers["rate"], 1, True).training
    logits, laws = chain(np.full(3, 1 / 3), numbers["n"], how, numbers["fits"])
    saved = np.cumsum((laws**2).sum(-1), 0)[:-1] * numbers["rate"] ** 2 / numbers["n"]
    exact = descent.one_step_spread.stated(**numbers)
    assert z_of((logits[1:] ** 2).sum(-1) + saved, exact).max() < 4.5
    assert z_of((logits[1:] ** 2).sum(-1) + saved, 1.05 * exact).max() > 4.5


@pytest.mark.parametrize(("n", "gap"), [(80, 0.06), (640, 0.02)])
def test_early_stopping_shrinks_as_stated(n, gap):
    """The relative error falls as 1/n; 4.5 standard errors are added to it."""
    e = descent.STOPPED
    e = type(e)(family=e.family, workflow=e.workflow, truth=e.truth, n=n, generations=3)
    _, laws = chain(np.array(e.truth.table), n, e.family.training, 3, count=20_000)
    values = ((laws[1:] - 1 / 3) ** 2).sum(-1)
    exact = descent.early_stopped.predict(e)
    noise = 4.5 * values.std(-1) / np.sqrt(values.shape[1]) / exact
    assert (np.abs(values.mean(-1) / exact - 1) < gap + noise).all()
    assert (np.abs(values.mean(-1) / exact - 1.1) > noise).any()
