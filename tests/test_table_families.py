"""Families of the rows of a table: fits against NumPy and SciPy, rows drawn, runs and their record.

z tests and chi-squares at 1e-4 each; seeds are fixed.
"""

import re
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy import optimize, special, stats

import collapse_theory as ct
from collapse_theory import config
from collapse_theory.corpus import Items
from collapse_theory.families.base import data_digest
from collapse_theory.families.glm import Labelled
from collapse_theory.families.mixture import MixtureFit
from collapse_theory.families.table_classifier import Affine, Perceptron
from collapse_theory.families.table_rows import TableLaw, table_of
from collapse_theory.observables.base import Snapshot, find_observable
from collapse_theory.sampling.counter import seed_key
from collapse_theory.sweeps import storage
from table_files import forget, written

NAMES = ("held_out_loss", "held_out_accuracy", "entropy", "l1_to_first")
LIMIT = float(stats.norm.isf(1e-4 / 2))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("data") / "table.csv", 80)


@pytest.fixture(scope="module")
def source(file):
    return ct.TableSource(file, label="kind")


@pytest.fixture(scope="module")
def weighted(source):
    """The training rows with weights, some of them 0."""
    table = source.read()
    weight = np.random.default_rng(1).choice([0.0, 1.0, 2.5], len(table.train))
    rows = Labelled(jnp.asarray(table.train), jnp.asarray(table.train_labels))
    return Items(rows, jnp.asarray(weight), jnp.asarray(len(weight), jnp.int32)), weight


def softmax(logits):
    return special.softmax(logits, axis=1)


def by_scipy(table, weight, penalty):
    """Softmax regression: the weights and offsets at the minimum."""
    d, k = table.train.shape[1], len(table.classes)

    def loss(flat):
        w, b = flat[: k * d].reshape(k, d), flat[k * d :]
        logs = special.log_softmax(table.train @ w.T + b, axis=1)
        chosen = logs[np.arange(len(logs)), table.train_labels]
        return -(weight * chosen).sum() / weight.sum() + penalty * (w**2).sum() / 2

    found = optimize.minimize(loss, np.zeros(k * d + k), tol=1e-10)
    return found.x[: k * d].reshape(k, d), found.x[k * d :]


def test_softmax_regression_is_that_of_scipy(source, weighted):
    """The gradient ends below 1e-7, curvature is at least the penalty, 0.03: an error below 1e-5;
    SciPy's gradient by differences adds as much. Planted: another penalty.
    """
    how = ct.Training("sgd", rate=1.0, steps=5000, tolerance=1e-7)
    family = ct.TableClassifier(data=source, penalty=0.03, training=how)
    fit = jax.jit(family.fit)(weighted[0])
    assert fit.steps < 5000
    rows = source.read().held_out

    def gap(penalty):
        w, b = by_scipy(source.read(), weighted[1], penalty)
        found = softmax(np.asarray(family.logits(fit, jnp.asarray(rows))))
        return np.abs(found - softmax(rows @ w.T + b)).max()

    assert gap(0.03) < 2e-5
    assert gap(0.04) > 1e-3


def network(shapes, seed):
    """One or two affine maps of these sizes, of numbers of NumPy's."""
    rng = np.random.default_rng(seed)
    draw = [(rng.normal(size=s), rng.normal(size=s[0])) for s in shapes]
    maps = [Affine(*map(jnp.asarray, pair)) for pair in draw]
    return Perceptron(maps[0] if len(maps) > 1 else None, maps[-1])


def test_what_is_measured_is_what_numpy_finds(source):
    """To rounding. Planted: the probability of another class."""
    table, family = source.read(), ct.TableClassifier(data=source, width=7)
    fits = [network([(7, 3), (3, 7)], seed) for seed in (1, 2)]
    laws = []
    for net in fits:
        hidden = np.tanh(
            table.held_out @ np.asarray(net.hidden.weight).T + np.asarray(net.hidden.offset)
        )
        laws.append(softmax(hidden @ np.asarray(net.outer.weight).T + np.asarray(net.outer.offset)))
    p, first = laws
    here = np.arange(len(p)), table.held_out_labels
    wanted = (
        -np.log(p[here]).mean(), (p.argmax(1) == here[1]).mean(),
        -(p * np.log(p)).sum(1).mean(), np.abs(p - first).sum(1).mean(),
    )  # fmt: skip
    snap = Snapshot(family.model(TableLaw()), *map(ct.as_learned, fits[::-1]))
    observables = [find_observable(name) for name in NAMES]
    found = jax.jit(lambda snap: [o(family, snap) for o in observables])(snap)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    assert not np.isclose(found[0], -np.log(p[here[0], here[1] - 1]).mean(), rtol=1e-9)


def test_real_rows_are_rows_of_the_training_part(source):
    """Counts of 20,000 draws of 64 rows: chi-square, as likely all. Planted: one row twice, a
    noncentrality of 150 with 63 degrees of freedom.
    """
    table, family = source.read(), ct.TableClassifier(data=source)
    truth = family.model(TableLaw())
    rows = jax.jit(lambda truth: family.sample(seed_key(3), truth, 20_000))(truth)
    place = {tuple(row): i for i, row in enumerate(table.train.tolist())}
    which = np.array([place[tuple(row)] for row in np.asarray(rows.features).tolist()])
    assert (np.asarray(rows.label) == table.train_labels[which]).all()
    counts = np.bincount(which, minlength=len(table.train))
    assert stats.chisquare(counts).pvalue > 1e-4
    law = np.where(np.arange(len(counts)) == 0, 2.0, 1.0)
    assert stats.chisquare(counts, law / law.sum() * counts.sum()).pvalue < 1e-4


def test_synthetic_rows_are_real_features_with_labels_of_the_fit(source):
    """Each label is drawn from its own law: the count of a class has the mean sum p and the
    variance sum p (1 - p). Planted: laws of the other order.
    """
    table, family = source.read(), ct.TableClassifier(data=source)
    net = network([(3, 3)], 5)
    rows = jax.jit(lambda fit: family.sample(seed_key(4), fit, 20_000))(ct.as_learned(net))
    x = np.asarray(rows.features)
    assert {tuple(r) for r in x.tolist()} == {tuple(r) for r in table.train.tolist()}
    p = softmax(x @ np.asarray(net.outer.weight).T + np.asarray(net.outer.offset))

    def z(p, by):
        of = (np.asarray(rows.label)[:, None] == np.arange(3)) * by
        mean, spread = (p * by).sum(0), np.sqrt((p * (1 - p) * by**2).sum(0))
        return np.abs((of.sum(0) - mean) / spread).max()

    for by in (np.ones((len(x), 1)), x[:, :1], x[:, 1:2]):  # with features, too
        assert z(p, by) < LIMIT
    assert z(p[:, ::-1], np.ones((len(x), 1))) > LIMIT


class Own(ct.AbstractTableClassifier):
    """A network of Equinox, with dropout."""

    data: ct.TableSource = ct.TableSource(label="documented")
    penalty: float = 0.0
    training: ct.Training = ct.Training("adam", 1e-2, 10)

    def build(self, key):
        first, last = jr.split(key)
        return eqx.nn.Sequential([
            eqx.nn.Linear(3, 8, key=first), eqx.nn.Dropout(0.5), eqx.nn.Linear(8, 3, key=last),
        ])  # fmt: skip


def test_a_network_of_ones_own(source, weighted):
    family = Own(data=source)
    module = family.module(ct.as_learned(family.build(seed_key(6))))
    row = jax.tree.map(lambda a: a[0], weighted[0].rows)
    w = [np.asarray(layer.weight) for layer in module.layers[::2]]
    b = [np.asarray(layer.bias) for layer in module.layers[::2]]
    logits = w[1] @ (w[0] @ np.asarray(row.features) + b[0]) + b[1]
    loss = -special.log_softmax(logits)[int(row.label)]
    more = loss + 0.1 * sum((m**2).sum() for m in w)  # offsets are free
    heavy = Own(data=source, penalty=0.2)

    @eqx.filter_jit
    def losses(module):
        keys = None, seed_key(1), seed_key(2)
        return heavy.loss(module, row, None), *(family.loss(module, row, key) for key in keys)

    found = list(map(float, losses(module)))
    assert found[:2] == pytest.approx([more, loss], rel=1e-9)
    assert len(set(found)) == 4  # what is dropped depends on the key
    e = ct.Experiment(family=family, workflow=ct.Replace(), n=9, generations=2,
                      observables=NAMES)  # fmt: skip
    assert config.experiment_from_table(config.to_table(e)) == e


def test_densities_are_those_of_scipy(file):
    family = ct.TableMixture(data=ct.TableSource(file, columns=("a", "b")))
    rng = np.random.default_rng(7)
    roots = rng.normal(size=(2, 2, 2))
    theta = MixtureFit(*map(jnp.asarray, (
        rng.dirichlet([3, 3]), rng.normal(size=(2, 2)), roots @ roots.swapaxes(1, 2) + np.eye(2)
    )))  # fmt: skip
    rows = table_of(family).held_out
    parts = [
        share * stats.multivariate_normal(mean, covariance).pdf(rows)
        for share, mean, covariance in zip(
            *map(np.asarray, (theta.shares, theta.means, theta.covariances)), strict=True
        )
    ]
    truth = family.model(TableLaw())
    loss = find_observable("held_out_loss")
    found = float(jax.jit(lambda t: loss(family, Snapshot(truth, t, t)))(theta))
    assert found == pytest.approx(-np.log(sum(parts)).mean(), rel=1e-9)
    assert found != pytest.approx(-np.log(parts[0]).mean(), rel=1e-9)  # planted: one component
    at_truth = Snapshot(truth, truth, truth)
    assert float(find_observable("variance")(family, at_truth)) == pytest.approx(2)


TOML = """n = 12
generations = 3
observables = ["variance", "mean_squared_error", "held_out_loss"]

[family]
name = "TableMixture"
components = 1
steps = 1

[family.data]
table = "table.csv"
columns = ["a", "b", "c"]
held_out = 0.25
standardise = false

[workflow]
name = "Replace"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run from a file, kept in a store: the folder of both, and the result."""
    folder = tmp_path_factory.mktemp("run")
    written(folder / "table.csv")
    (folder / "e.toml").write_text(TOML)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        e = ct.load_experiment("e.toml")
        return folder, ct.simulate(e, chains=4000, seed=0, store="kept")


def test_variance_falls_and_error_grows_as_the_table_says(run):
    """Exact: the trace of the covariance S of the rows falls as tr S (1-1/n)^t, and the squared
    error of the mean is what it has lost; components are kept wider by a millionth of the whole.
    """
    folder, result = run
    table = ct.read_table(folder / "table.csv", ["a", "b", "c"], held_out=0.25)
    whole = sum(((x - x.mean()) ** 2).mean() for x in table.train.T)
    kept = whole * (1 - 1 / 12) ** np.arange(1, 4)
    for name, exact in (("variance", kept), ("mean_squared_error", whole - kept)):
        z = (result.mean(name) - exact) / result.se(name)
        assert np.abs(z).max() < LIMIT
        planted = (result.mean(name) - 1.05 * exact) / result.se(name)
        assert np.abs(planted).max() > LIMIT
    assert result.mean("held_out_loss")[2] > result.mean("held_out_loss")[0]


def test_what_was_read_is_recorded(run, monkeypatch):
    folder, result = run
    monkeypatch.chdir(folder)
    read = ct.read_table("table.csv", ["a", "b", "c"], held_out=0.25)
    assert result.facts["data"] == read.digest
    there = ct.load("kept")
    assert there.facts["data"] == read.digest
    assert config.experiment_from_table(config.to_table(there.experiment)) == result.experiment
    before = storage.identity(_swept(result), seed=0, dtype="float64")["digest"]
    try:
        Path("table.csv").write_text(Path("table.csv").read_text().replace(",3,", ",4,", 1))
        forget()
        with pytest.raises(ct.InputError, match="real data have changed: their digest was"):
            there.extend(100)
        with pytest.raises(ct.InputError, match=rf"data is {read.digest} there and"):
            ct.simulate(there.experiment, chains=8000, seed=0, store="kept")
        after = storage.identity(_swept(result), seed=0, dtype="float64")["digest"]
        assert after != before
        Path("table.csv").rename("elsewhere.csv")
        forget()
        assert ct.load("kept").names == result.names  # a result needs no data
        with pytest.raises(ct.InputError, match=r"'table\.csv': No such file"):
            there.extend(100)
    finally:
        forget()


def _swept(result):
    return ct.Sweep(result.experiment, {"n": [10, 20]})


def test_texts_are_recorded_too(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text("abracadabra " * 200)
    assert data_digest(ct.NGram(str(path))) == ct.read_text(str(path), "letter").digest
    assert data_digest(ct.Gaussian()) is None


REFUSED = {
    "no label": (lambda s: ct.TableClassifier(data=ct.TableSource()), "family.data.label is"),
    "a label": (lambda s: ct.TableMixture(data=s), "family.data.label: a mixture has no label"),
    "a path": (lambda s: ct.TableMixture(data="t.csv"), "family.data = 't.csv': a TableSource"),
    "too wide": (lambda s: ct.TableClassifier(data=s, width=-1), "family.width = -1"),
    "a bonus": (lambda s: ct.TableClassifier(data=s, penalty=-1.0), "family.penalty = -1.0"),
    "no components": (lambda s: ct.TableMixture(components=0), "family.components = 0"),
    "a share": (lambda s: ct.TableSource(held_out=0.0), "held_out = 0.0"),
    "pools": (
        lambda s: ct.Experiment(
            family=ct.TableClassifier(data=s), workflow=ct.MixShare(0.5), n=4, generations=2
        ).setup(np.float32),
        "no model of the family's own kind",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_refused(source, name):
    make, message = REFUSED[name]
    with pytest.raises(ct.InputError, match=re.escape(message)):
        make(source)


@pytest.mark.slow
def test_the_page_about_it_runs():
    """What docs/how-to/train-on-a-table.md shows."""
    page = Path(__file__).parents[1] / "docs" / "how-to" / "train-on-a-table.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    shown = {"__name__": "page"}
    for block in blocks:
        exec(block, shown)
    assert not shown["result"].nonfinite("held_out_loss").any()
    assert shown["first"].build(seed_key(0)).depth == 2
    (text,) = re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL)
    found = config.experiment_from_table(config.parsed(text, "the page"))
    assert found.family.data == ct.TableSource("sklearn:iris", label="target")


def classified(workflow):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    return ct.Experiment(
        family=ct.TableClassifier(data=ct.TableSource("sklearn:iris", label="target")),
        workflow=workflow, n=60, generations=8, observables=("held_out_loss", "held_out_accuracy"),
    )  # fmt: skip


@pytest.mark.slow
def test_labels_of_ones_own_lose_the_classes_and_real_ones_keep_them():
    """Iris, 256 chains, z tests at 1e-4: under replacement the loss doubles within eight
    generations, and accuracy falls by a tenth; beside the first real rows, or with all rows kept,
    it stays below half of that.
    """
    alone, *runs = (
        ct.simulate(classified(w), chains=256, seed=0, plan=ct.Plan(dtype="float32"))
        for w in (ct.Replace(), ct.Mix(), ct.Accumulate())
    )
    assert not alone.nonfinite("held_out_loss").any()
    loss, se = alone.mean("held_out_loss"), alone.se("held_out_loss")
    assert loss[7] - LIMIT * se[7] > 2 * (loss[0] + LIMIT * se[0])
    right, error = alone.mean("held_out_accuracy"), alone.se("held_out_accuracy")
    assert right[7] + LIMIT * error[7] < right[0] - 0.05
    for kept in runs:
        most = kept.mean("held_out_loss")[7] + LIMIT * kept.se("held_out_loss")[7]
        assert most < loss[7] / 2
