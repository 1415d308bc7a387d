"""Routes: rows of mixtures and subsamples, and an address of its own for every request."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

from collapse_theory.corpus import Items, Provenance, Sums
from collapse_theory.families.base import Size
from collapse_theory.families.bernoulli import Bernoulli, BernoulliFit
from collapse_theory.routes import ChainData, Law, Raw

FAMILY, RAW = Bernoulli(), Raw()


def pool(*weights, route=RAW):
    """A pool of models: the first always gives 0, the others 1."""
    models = None
    for i, weight in enumerate(weights):
        one = route.pool(FAMILY, BernoulliFit(jnp.asarray(float(i > 0)))).scale(weight)
        models = one if models is None else models.merge(one)
    return models


def items(rows, weight):
    return Items(jnp.asarray(rows), jnp.asarray(weight), jnp.asarray(len(rows), jnp.int32))


@pytest.mark.parametrize("weights", [(3.0, 1.0), (1.0, 2.0), (2.0, 0.0, 1.0)])
def test_rows_of_a_pool_come_from_its_models_by_weight(weights):
    """|z| < 4.5, false-alarm rate 7e-6; shares that are 10 % off are 6 errors off or more."""
    rows = RAW.mixture(FAMILY, jr.key(5), pool(*weights), Size(jnp.asarray(1.5e4), 15_000, None))
    share, expected = float(FAMILY.fit(rows).prob), sum(weights[1:]) / sum(weights)
    assert abs(share - expected) < 4.5 * np.sqrt(expected * (1 - expected) / 15_000)


def test_a_model_of_weight_zero_gives_no_row_and_a_lone_one_all():
    size = Size(jnp.asarray(3000.0), 3000, None)
    assert FAMILY.fit(RAW.mixture(FAMILY, jr.key(1), pool(0.0, 1.0), size)).prob == 1
    assert FAMILY.fit(RAW.mixture(FAMILY, jr.key(1), pool(1.0, 0.0), size)).prob == 0
    assert FAMILY.fit(RAW.mixture(FAMILY, jr.key(1), pool(1.0), size)).prob == 0


def test_a_pool_of_sums_is_the_mean_of_its_models():
    models = pool(3.0, 1.0, route=Law())
    assert models.n == 4
    assert models.mean.prob == 0.25


def test_slots_beyond_the_size_do_not_count():
    size = Size(jnp.asarray(5.0), 8, None)
    for rows in (
        RAW.batch(FAMILY, jr.key(0), BernoulliFit(jnp.asarray(0.5)), size),
        RAW.mixture(FAMILY, jr.key(0), pool(1.0, 1.0), size),
    ):
        assert rows.weight.tolist() == [1] * 5 + [0] * 3
        assert rows.filled.tolist() == [True] * 5 + [False] * 3
        assert (rows.used, rows.capacity, rows.n) == (8, 8, 5)


def test_a_subsample_takes_stored_rows_once_and_every_row_alike():
    """Each of six rows in half of 2000 subsamples of three: |z| < 4.5, false-alarm rate 4e-5."""
    rows = items(np.arange(8.0), [1.0, 1, 0, 1, 1, 0, 1, 1])
    size = Size(jnp.asarray(3.0), 3, None)
    taken = jax.vmap(lambda key: RAW.subsample(key, rows, size).rows)(jr.split(jr.key(3), 2000))
    assert all(len(set(some)) == 3 for some in taken.tolist())
    counts = np.bincount(np.asarray(taken, int).ravel(), minlength=8)
    assert counts[[2, 5]].tolist() == [0, 0]
    assert (np.abs(counts[[0, 1, 3, 4, 6, 7]] - 1000) < 4.5 * np.sqrt(500)).all()


def test_every_request_has_an_address_of_its_own():
    data = ChainData(None, jr.key(0), jnp.ones((), jnp.uint32), None, None)
    keys = [
        tuple(jr.key_data(data._address(role)).tolist()) for _ in range(4) for role in range(1, 6)
    ]
    assert len(set(keys)) == len(keys)


# --- corpora --------------------------------------------------------------------------------------


def test_stored_rows_side_by_side_and_in_a_reserved_buffer():
    a, b = items([1.0, 2], [1.0, 1]), items([3.0, 4], [0.5, 0])
    for whole in (a.merge(b), a.reserve(3).merge(b), b.merge(a.reserve(3))):
        assert whole.rows[:4].tolist() == [1, 2, 3, 4]
        assert whole.weight[:4].tolist() == [1, 1, 0.5, 0]
        assert (whole.used, whole.n) == (4, 2.5)
    room = a.reserve(3)
    assert (room.capacity, room.used, room.growing) == (6, 2, True)
    assert room.merge(b).merge(a).rows.tolist() == [1, 2, 3, 4, 1, 2]
    assert room.scale(2.0).weight.tolist() == [2, 2, 0, 0, 0, 0]
    assert room.scale(2.0).growing
    table = items(np.ones((2, 3)), [1.0, 1]).reserve(2)
    assert table.rows.shape == (4, 3)


def test_sums_add_and_scale():
    both = Sums(jnp.asarray(2.0), jnp.asarray([2.0, 6])).merge(
        Sums(jnp.asarray(3.0), jnp.asarray([1.0, 4])).scale(2.0)
    )
    assert both.n == 8
    assert both.total.tolist() == [4, 14]
    assert both.mean.tolist() == [0.5, 1.75]


def test_labels_of_different_lengths_add_up():
    short = Provenance(np.array([1.0, 2]), np.array([5.0, 6]))
    long = Provenance(np.array([3.0, 0, 4]), np.array([5.0, 6, 7]))
    for both in (short.merge(long), long.merge(short)):
        assert both.weight.tolist() == [4, 2, 4]
        assert both.sizes.tolist() == [5, 6, 7]
        assert both.n == 60
        assert both.shares.tolist() == [20 / 60, 12 / 60, 28 / 60]
    assert short.scale(0.5).weight.tolist() == [0.5, 1]
    assert short.reserve(3) is short
