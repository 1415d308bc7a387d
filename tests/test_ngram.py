"""N-grams: counts as NumPy counts them, rows with the law of the chain, theory beside them."""

from collections import Counter, defaultdict
from dataclasses import replace
from itertools import product

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import stats

import collapse_theory as ct
from collapse_theory.families.categorical import CategoricalLaw
from collapse_theory.families.ngram import NGramFit, NGramLaw
from collapse_theory.families.text_rows import contexts, text_of
from collapse_theory.presets import count_theory
from collapse_theory.verification import theorem_named

TEXT = "abracadabra " * 200


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "abra.txt"
    path.write_text(TEXT)
    return str(path)


def counted(rows, weight, order, pseudo, symbols):
    """First symbols and successors by dictionaries; runs without successor get what all get."""
    first, after, every = Counter(), defaultdict(Counter), Counter()
    for row, w in zip(rows, weight, strict=True):
        first[tuple(row[:order])] += w
        for i in range(order, len(row)):
            after[tuple(row[i - order : i])][row[i]] += w
            every[row[i]] += w
    starts, table = np.zeros(symbols**order), np.zeros((symbols**order, symbols))
    total = np.array([every[s] for s in range(symbols)]) + pseudo * len(table)
    for i, run in enumerate(product(range(symbols), repeat=order)):
        starts[i] = first[run]
        here = np.array([after[run][s] for s in range(symbols)]) + pseudo
        table[i] = here / here.sum() if here.sum() else total / total.sum()
    return starts / starts.sum(), table


@pytest.mark.parametrize(("order", "pseudo"), [(0, 0.0), (1, 0.0), (2, 0.0), (2, 0.5)])
def test_a_fit_is_the_shares_counted_in_numpy(file, order, pseudo):
    family = ct.NGram(file, "character", context=5, order=order, pseudo=pseudo)
    symbols = len(text_of(family).alphabet)
    rng = np.random.default_rng(1)
    rows = rng.integers(0, symbols, (7, 5))
    weight = np.array([1.0, 2.0, 0.0, 0.5, 1.0, 1.0, 3.0])
    items = ct.Items(jnp.asarray(rows, jnp.int32), jnp.asarray(weight), jnp.asarray(7, jnp.int32))
    found = family.fit(items)
    first, table = counted(rows.tolist(), weight, order, pseudo, symbols)
    np.testing.assert_allclose(found.first, first, atol=1e-12)
    np.testing.assert_allclose(found.probs, table, atol=1e-12)
    logs = np.log(np.maximum(table, 1e-300))
    row = [4, 3, 2, 1, 0]
    places = [np.ravel_multi_index(row[i - order : i], (symbols,) * order) if order else 0
              for i in range(order, 5)]  # fmt: skip
    scores = np.asarray(family.scores(found, jnp.asarray([row])))[0, order:]
    wanted = [logs[p, s] for p, s in zip(places, row[order:], strict=True)]
    np.testing.assert_allclose(np.maximum(scores, -600), np.maximum(wanted, -600), rtol=1e-9)


def test_the_truth_is_the_text(file):
    family = ct.NGram(file, "character", context=6, order=1)
    text, model = text_of(family), family.model(NGramLaw())
    place = {s: i for i, s in enumerate(text.alphabet)}
    after = np.asarray(model.probs)[place["a"]]
    assert after[place["b"]] == pytest.approx(0.4, abs=0.01)  # ab, ac, ad, ab, a and space
    assert np.asarray(model.probs)[place["b"], place["r"]] == 1
    laws = family.laws(model, jnp.asarray([[place["r"], place["b"]]]))
    assert laws[0, place["r"]] == 1


def test_rows_have_the_law_of_the_chain():
    """Chi-square over the 81 rows of four symbols; false-alarm rate 1e-3.

    The planted law differs by a tenth of each probability: noncentrality 200, power > 0.99.
    """
    rng = np.random.default_rng(2)
    theta = NGramFit(*(jnp.asarray(rng.dirichlet(np.ones(k), s)) for k, s in ((9, ()), (3, 9))))
    family = ct.NGram(context=4, order=2)
    rows = np.asarray(family.sample(jr.key(4), theta, 20_000))
    assert rows.dtype == np.int32
    every = np.stack(np.meshgrid(*[np.arange(3)] * 4, indexing="ij"), -1).reshape(-1, 4)
    code = every[:, :3] * 3 + every[:, 1:]
    first, table = np.asarray(theta.first), np.asarray(theta.probs)
    law = first[code[:, 0]] * table[code[:, 0], every[:, 2]] * table[code[:, 1], every[:, 3]]
    seen = np.bincount(rows @ [27, 9, 3, 1], minlength=81)
    np.testing.assert_allclose(
        law, np.exp(np.asarray(family.scores(theta, jnp.asarray(every))).sum(-1)), rtol=1e-6
    )

    def surprise(p):
        large = 20_000 * p >= 5
        p, counts = np.append(p[large], p[~large].sum()), np.append(seen[large], seen[~large].sum())
        p, counts = p[p > 0], counts[p > 0]
        return stats.chi2.sf(((counts - 20_000 * p) ** 2 / (20_000 * p)).sum(), len(p) - 1)

    assert surprise(law) > 1e-3
    tilted = law * np.where(np.arange(81) % 2, 1.1, 0.9)  # planted
    assert surprise(tilted / tilted.sum()) < 1e-3


def test_without_a_context_it_is_the_categorical_family(file):
    """Rows of c symbols are c draws: the theorems on n c draws hold; z tests at 1e-3 / 6."""
    family = ct.NGram(file, "character", context=4, order=0)
    e = ct.Experiment(
        family=family, workflow=ct.Replace(), n=10, generations=4,
        observables=("sum_of_squares", "squared_l2_to_first"),
    )  # fmt: skip
    run = ct.simulate(e, chains=4000, seed=0)
    probs = np.asarray(family.model(NGramLaw()).probs, float)[0]
    law = CategoricalLaw(tuple((probs / probs.sum()).tolist()))
    plain = replace(e, family=ct.Categorical(), truth=law, n=40, observables=())
    exact = theorem_named("seddik2024.S_fully_synthetic").predict(plain)
    limit = stats.norm.isf(1e-3 / 6 / 2)
    z = (run.mean("sum_of_squares") - exact) / run.se("sum_of_squares")
    assert np.abs(z).max() < limit
    known = count_theory(replace(e, observables=()))["squared_l2_to_first"]
    mean, se = run.mean("squared_l2_to_first")[1:], run.se("squared_l2_to_first")[1:]
    assert known[0] == 0
    assert np.abs((mean - known[1:]) / se).max() < limit
    assert np.abs((mean - 1.1 * known[1:]) / se).max() > limit  # planted


@pytest.mark.slow
@pytest.mark.parametrize("workflow", [ct.Replace(), ct.Mix()])
def test_theory_with_visits_at_their_mean_is_near(workflow):
    """Order 1, 27 contexts with 100 visits and more: within 10 % at generation 5."""
    e = ct.Experiment(
        family=ct.NGram(context=16, order=1), workflow=workflow, n=500, n_real=600, generations=5,
        observables=("l1_to_first", "squared_l2_to_first"),
    )  # fmt: skip
    run = ct.simulate(e, chains=32, seed=0)
    for name, known in count_theory(replace(e, observables=())).items():
        assert run.mean(name)[-1] == pytest.approx(known[-1], rel=0.1)


def test_the_contexts_are_held_out_text():
    family = ct.NGram(context=8)
    text = text_of(family)
    assert contexts(family).shape == (300, 7)
    assert text.decode(contexts(family)[0]) in text.decode(text.held_out)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"order": 16}, r"family\.order = 16: a whole number from 0 and below the context, 16"),
        ({"pseudo": -1.0}, r"family\.pseudo = -1\.0: a number >= 0"),
        ({"context": 0}, r"family\.context = 0"),
    ],
)
def test_fields_out_of_range_are_refused(fields, message):
    with pytest.raises(ct.InputError, match=message):
        ct.NGram(**fields)


def test_a_table_too_large_is_refused():
    with pytest.raises(ct.InputError, match=r"family\.order = 5: 27 symbols make a table"):
        ct.NGram(order=5).model(NGramLaw())
    with pytest.raises(ct.InputError, match=r"truth\.pseudo = -1"):
        NGramLaw(-1.0)


def test_theory_refuses_what_it_does_not_know():
    e = ct.Experiment(family=ct.NGram(), workflow=ct.Accumulate(), n=10, generations=2)
    with pytest.raises(ct.InputError, match="NGram under Replace or Mix"):
        count_theory(e)
    with pytest.raises(ct.InputError, match="no pseudo-counts"):
        count_theory(replace(e, workflow=ct.Replace(), family=ct.NGram(pseudo=1.0)))
