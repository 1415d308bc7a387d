"""The character transformer: causal, sampled as it says, countable; its family, and its truth."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

import collapse_theory as ct
from collapse_theory.families.text_rows import CONTEXTS, contexts, text_of
from collapse_theory.families.text_transformer import TextTransformerLaw, true_model
from collapse_theory.families.transformer import Shape, inverse, transformer

SHAPES = [Shape(5, 6, 8, 1, 2), Shape(5, 6, 8, 3, 4, tied=False)]
TINY = ct.TextTransformer(
    context=4, width=8, layers=1, heads=2, training=ct.Training("adam", 1e-2, 5, batch=4)
)
LAW = TextTransformerLaw(steps=5, batch=8)


@eqx.filter_jit  # one program instead of one for each kind of array
def network(shape, **options):
    return transformer(jr.key(1), shape, jnp.float32, **options)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_later_symbol_changes_no_earlier_law(shape):
    row = jnp.array([3, 1, 4, 1, 0, 2])
    others = jnp.stack([row, *(row.at[i].set((row[i] + 2) % 5) for i in range(6))])
    logits = jax.jit(jax.vmap(network(shape)))(others)
    assert logits.shape == (7, 6, 5)
    for i, changed in enumerate(np.abs(logits[1:] - logits[:1]).max(-1)):
        assert (changed[: i + 1] == 0).all()
        assert (changed[i + 1 :] > 1e-6).all()  # what is seen matters


@pytest.mark.parametrize("shape", SHAPES)
def test_sampling_with_a_cache_is_the_full_forward_pass(shape):
    module, u = network(shape), jr.uniform(jr.key(2), (200, shape.context))
    rows = jax.jit(jax.vmap(module.sample))(u)
    again = jax.jit(lambda rows, u: jax.vmap(jax.vmap(inverse))(jax.vmap(module)(rows), u))(rows, u)
    # a uniform within rounding, 1e-6, of an edge may fall on either side: 1e-2 of such in all
    assert (rows != again).sum() <= 1
    assert len(np.unique(np.asarray(rows), axis=0)) > 100


@pytest.mark.slow
def test_sampled_rows_have_the_law_of_the_model():
    """Chi-square over all 27 rows of three symbols; false-alarm rate 1e-3.

    Laws that differ by 10 % of relative probability on half the cells are seen with power > 0.99
    at 20,000 rows: the noncentrality is 20,000 * 0.01 = 200.
    """
    module = network(Shape(3, 3, 8, 2, 2))
    rows = np.asarray(jax.jit(jax.vmap(module.sample))(jr.uniform(jr.key(3), (20_000, 3))))
    every = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    logs = jax.nn.log_softmax(jax.jit(jax.vmap(module))(jnp.asarray(every)), -1)
    law = np.exp(np.take_along_axis(np.asarray(logs), every[..., None], -1)[..., 0].sum(-1))
    assert law.sum() == pytest.approx(1, abs=1e-5)
    seen = np.bincount(rows @ [9, 3, 1], minlength=27)

    def surprise(p):
        return stats.chi2.sf(((seen - 20_000 * p) ** 2 / (20_000 * p)).sum(), 26)

    assert surprise(law / law.sum()) > 1e-3
    tilted = law * np.where(np.arange(27) % 2, 1.1, 0.9)  # planted
    assert surprise(tilted / tilted.sum()) < 1e-3


@pytest.mark.parametrize(
    "shape", [*SHAPES, pytest.param(Shape(27, 32, 64, 4, 4), marks=pytest.mark.slow)]
)
def test_parameters_and_operations_are_counted(shape):
    module = network(shape)
    assert sum(a.size for a in jax.tree.leaves(module)) == shape.parameters
    if shape.layers <= 2:  # the compiler counts the body of a scan once
        return
    flat = Shape(27, 32, 64, 2, 4)
    rows = jnp.zeros((8, 32), jnp.int32)
    run = jax.jit(jax.vmap(network(flat))).lower(rows).compile()
    counted = run.cost_analysis()["flops"] / 8
    assert flat.forward_flops < counted < 1.35 * flat.forward_flops  # norms, softmax, GELU


@pytest.mark.slow
def test_half_precision_and_dropout_are_near_the_plain_network():
    shape, row = SHAPES[0], jnp.array([3, 1, 4, 1, 0, 2])
    plain = eqx.filter_jit(network(shape))(row)
    half = eqx.filter_jit(network(shape, half=True))(row)
    assert half.dtype == jnp.float32
    np.testing.assert_allclose(half, plain, atol=0.05)
    assert (half != plain).any()
    dropping = network(shape, dropout=0.2)
    np.testing.assert_array_equal(
        eqx.filter_jit(dropping)(row), plain
    )  # all is there without a key
    some = jax.jit(jax.vmap(dropping, (None, 0)))(row, jr.split(jr.key(0), 50))
    assert some.std(0).min() > 0.01
    kept = np.asarray(dropping._dropped(jnp.ones(100_000), jr.key(1)))
    assert set(np.unique(kept)) == {0, np.float32(1 / 0.8)}
    assert abs((kept == 0).mean() - 0.2) < 4.2e-3  # 3.3 standard errors: false alarms 1e-3


@pytest.mark.slow
def test_a_tiny_one_learns_its_rows_by_heart():
    family = ct.TextTransformer(
        context=8, width=16, layers=1, heads=2, training=ct.Training("adam", 2e-2, 150)
    )
    rows = jnp.asarray(text_of(family).windows(4, 8))
    items = ct.Items(rows, jnp.ones(4), jnp.asarray(4, jnp.int32))
    found = family.fit(items)
    # four rows at even odds: log 4 / 8 a symbol is the least there is
    assert float(found.loss) == pytest.approx(np.log(4) / 8, abs=0.02)
    drawn = np.asarray(family.sample(jr.key(0), found, 50))
    known = {tuple(r) for r in np.asarray(rows).tolist()}
    assert np.mean([tuple(r) in known for r in drawn.tolist()]) > 0.8


def test_every_observable_is_what_it_says():
    theta, other = TINY.model(LAW), TINY.model(replace(LAW, seed=1))
    snap = ct.Snapshot(theta, theta, other)

    def seen(observable, snap=snap):
        return float(jax.jit(observable, static_argnums=0)(TINY, snap))

    at = jnp.asarray(contexts(TINY))
    p, q = (np.asarray(jax.jit(TINY.laws)(m, at)) for m in (theta, other))
    assert p.shape == (CONTEXTS, 27)
    from collapse_theory.observables import distances, diversity, texts

    assert seen(distances.l1_to_first) == pytest.approx(np.abs(p - q).sum(-1).mean(), rel=1e-5)
    assert seen(diversity.entropy) == pytest.approx(-(q * np.log(q)).sum(-1).mean(), rel=1e-5)
    rows = np.asarray(text_of(TINY).windows(64, 4, held_out=True))
    logs = np.asarray(
        jax.nn.log_softmax(jax.jit(jax.vmap(TINY.module(other)))(jnp.asarray(rows)), -1)
    )
    loss = -np.take_along_axis(logs, rows[..., None], -1).mean()
    assert seen(texts.held_out_loss) == pytest.approx(loss, rel=1e-5)
    assert seen(diversity.tail_recall, ct.Snapshot(theta, theta, theta)) == 1
    share = seen(texts.distinct_trigrams)
    assert 0.1 < share <= 1
    assert seen(texts.truth_perplexity) > 20  # next to nothing was learned


def test_the_truth_is_trained_once_and_whatever_the_fits_are_trained_like():
    one = TINY.model(LAW)
    assert TINY.model(LAW) is one
    other = replace(TINY, training=ct.Training("sgd", 1e-3, 7)).model(LAW)
    assert eqx.tree_equal(one, other)
    assert not eqx.tree_equal(one, TINY.model(replace(LAW, seed=1)))
    true_model.cache_clear()  # as in a process that goes on with a run
    again = TINY.model(LAW)
    assert again is not one
    assert eqx.tree_equal(one, again)


@pytest.mark.slow
def test_it_runs_in_a_loop():
    e = ct.Experiment(
        family=TINY, truth=LAW, workflow=ct.Mix(), n=4, n_real=8, generations=2,
        observables=("l1_to_first", "training_steps"),
    )  # fmt: skip
    found = ct.simulate(e, chains=2, seed=0, plan=ct.Plan(dtype="float32"))
    assert found.mean("l1_to_first")[0] == 0 < found.mean("l1_to_first")[1]
    assert (found.mean("training_steps") == 5).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 0}, r"family\.width = 0: a whole number in 1\.\."),
        ({"heads": 3}, r"family\.heads = 3: they must divide the width, 8"),
        ({"dropout": 1.0}, r"family\.dropout = 1\.0: a share in \[0, 1\)"),
        ({"context": 1}, r"family\.context = 1: a whole number in 2\.\."),
        ({"unit": "syllable"}, r"family\.unit = 'syllable': allowed are letter"),
    ],
)
def test_fields_out_of_range_are_refused(fields, message):
    with pytest.raises(ct.InputError, match=message):
        replace(TINY, **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seed": -1}, r"truth\.seed = -1"),
        ({"steps": 0}, r"truth\.steps = 0: a whole number"),
        ({"steps": 10**18}, r"truth\.steps = 10+: at most 1,000,000,000"),
        ({"rate": 0.0}, r"truth\.rate = 0\.0"),
    ],
)
def test_truths_out_of_range_are_refused(fields, message):
    with pytest.raises(ct.InputError, match=message):
        TextTransformerLaw(**fields)


def test_a_truth_whose_training_fails_is_refused():
    with pytest.raises(ct.InputError, match=r"truth\.rate = 1e\+30: the loss became infinite"):
        TINY.model(replace(LAW, rate=1e30, clip=1e30))
