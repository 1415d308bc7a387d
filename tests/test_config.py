"""Experiment files: what is written loads back equal; faults are one line that names the key."""

import math
import tomllib
from collections.abc import Sequence
from typing import Any, Literal

import equinox as eqx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import collapse_theory as ct
from collapse_theory import config, discovery
from collapse_theory.config.fields import convert, hint_words, member_fields
from collapse_theory.verification import theorems
from collapse_theory.workflows.base import AbstractWorkflow

BASE = {
    "n": 10,
    "generations": 3,
    "observables": ["variance"],
    "family": {"name": "Gaussian", "ddof": 1},
    "truth": {"mean": 0.0, "var": 2.3},
    "workflow": {"name": "Replace"},
}
FILE = """
n = 37                      # or a list: one size a generation
generations = 13
observables = ["variance", "log_variance", "w2_squared"]
[family]
name = "Gaussian"
ddof = 1
[truth]
mean = 0.0
var = 2.3
[workflow]
name = "Replace"
[generator]
name = "Scaled"
factor = 0.87
"""
FLOATS = st.floats(-1e12, 1e12)


class Halves(AbstractWorkflow):
    """A user's own workflow, with every kind of field."""

    share: float
    flags: tuple[bool, ...] = ()
    note: str = ""
    deep: tuple[tuple[float, ...], ...] = ()

    def init(self, data):
        return data.real

    def step(self, data, memory):
        return data.synthetic().merge(memory.scale(self.share)), memory


def table(**changes):
    made = {**BASE, **changes}
    return {k: v for k, v in made.items() if v is not None}


def back(experiment):
    return config.experiment_from_table(tomllib.loads(config.to_toml(experiment)))


def test_the_file_of_the_documentation(tmp_path):
    (tmp_path / "e.toml").write_text(FILE)
    e = ct.load_experiment(tmp_path / "e.toml")
    assert e == ct.Experiment(
        n=37,
        generations=13,
        observables=("variance", "log_variance", "w2_squared"),
        family=ct.Gaussian(ddof=1),
        truth=ct.GaussianLaw(0.0, 2.3),
        workflow=ct.Replace(),
        generator=ct.Scaled(0.87),
    )
    assert back(e) == e
    (tmp_path / "again.toml").write_text(str(e))
    assert ct.load_experiment(str(tmp_path / "again.toml")) == e


def test_a_printed_experiment_that_is_no_toml_is_its_repr():
    e = ct.Experiment(family=ct.Gaussian(), workflow=Halves(object()), n=10, generations=2)
    assert "Halves" in str(e)
    with pytest.raises(ct.InputError, match=r"workflow\.share = .* cannot be written"):
        config.to_toml(e)


CASES = {f"{t.name}-{i}": case for t in theorems() for i, case in enumerate(t.cases)}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_cases_of_every_theorem_go_round(case):
    again = back(case.experiment)
    assert again == case.experiment
    assert hash(again) == hash(case.experiment)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_experiment_goes_round(data):
    generations = data.draw(st.integers(1, 5))
    sizes = st.integers(2, 10**6)
    size = sizes | st.lists(sizes, min_size=generations, max_size=generations).map(tuple)
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    workflow = data.draw(
        st.sampled_from([ct.Replace(), ct.Accumulate(), ct.Mix("fresh"), ct.Window(3)])
        | st.floats(0, 1).map(ct.Weighted)
        | st.builds(
            Halves,
            FLOATS,
            st.lists(st.booleans(), max_size=3).map(tuple),
            text,
            st.lists(st.lists(FLOATS, max_size=3).map(tuple), max_size=3).map(tuple),
        )
    )
    e = ct.Experiment(
        family=ct.Gaussian(data.draw(st.sampled_from([0, 1]))),
        truth=ct.GaussianLaw(data.draw(FLOATS), data.draw(st.floats(1e-300, 1e300))),
        workflow=workflow,
        n=data.draw(size),
        n_real=data.draw(st.none() | size),
        generations=generations,
        observables=data.draw(st.sampled_from([(), ("variance",), ("variance", "w2_squared")])),
        route=data.draw(st.sampled_from(["auto", "raw"])),
    )
    assert back(e) == e


def test_numpy_values_go_round():
    e = ct.Experiment(
        family=ct.GaussianMean(np.float64(0.3)),
        workflow=ct.Weighted(np.float64(0.25)),
        n=9,
        generations=2,
    )
    assert config.to_table(back(e)) == config.to_table(e)


@pytest.mark.parametrize(
    "name", ["Replace", "replace", "fully synthetic", "FULLY-Synthetic", "discard"]
)
def test_names_and_synonyms(name):
    e = config.experiment_from_table(table(workflow={"name": name}))
    assert e.workflow == ct.Replace()


@pytest.mark.parametrize("base", [ct.AbstractFamily, ct.AbstractWorkflow, ct.AbstractGenerator])
def test_no_two_classes_share_a_name(base):
    owners = {}
    for cls in discovery.classes(base):
        for name in (cls.__name__, *getattr(cls, "synonyms", ())):
            bare = "".join(c for c in name.lower() if c not in " _-")
            assert owners.setdefault(bare, cls) is cls


def test_whole_numbers_serve_as_numbers():
    e = config.experiment_from_table(table(truth={"mean": 1, "var": 2}))
    assert type(e.truth.mean) is float
    assert e.truth.var == 2.0


def test_a_user_class_redefined_wins_over_its_former_self():
    class Halves(AbstractWorkflow):
        def init(self, data):
            return None

        def step(self, data, memory):
            return data.synthetic(), None

    Halves()
    e = config.experiment_from_table(table(workflow={"name": "halves"}))
    assert type(e.workflow) is Halves


BAD = {
    "unknown family": (
        {"family": {"name": "Gausian"}},
        r"family\.name = 'Gausian'.*mean 'Gaussian'.*Poisson",
    ),
    "n = 1": ({"n": 1}, r"n = 1: Gaussian needs at least 2"),
    "n as text": ({"n": "ten"}, r"n = 'ten': a whole number"),
    "n not whole": ({"n": 10.5}, r"n = 10\.5: a whole number"),
    "n too short": ({"n": [10, 11]}, r"n lists 2 sizes: one for each of the 3"),
    "n nested": ({"n": [[10], 11, 12]}, r"n\[0\] = \(10,\): a whole number"),
    "n missing": ({"n": None}, r"n is missing"),
    "n beyond the machine": ({"n": 10**400}, r"n = 1000.*: at most 1,000,000,000,000"),
    "n_real": ({"n_real": 1}, r"n_real = 1: "),
    "no generations": ({"generations": 0}, r"generations = 0: "),
    "negative variance": ({"truth": {"var": -1.0}}, r"truth\.var = -1\.0: a variance must be > 0"),
    "undefined variance": ({"truth": {"var": math.nan}}, r"truth\.var = nan"),
    "variance as text": ({"truth": {"var": "wide"}}, r"truth\.var = 'wide': a number is needed"),
    "variance as truth value": ({"truth": {"var": True}}, r"truth\.var = True: a number"),
    "number beyond floats": ({"truth": {"mean": 10**400}}, r"truth\.mean: "),
    "unknown truth": ({"truth": {"sd": 1.0}}, r"truth\.sd is unknown; GaussianLaw takes mean, var"),
    "truth no table": ({"truth": 3}, r"truth = 3: a table is needed, \[truth\]"),
    "observable of others": (
        {"observables": ["entropy"]},
        r"observables: 'entropy'.*allowed are .*variance",
    ),
    "observable unknown": (
        {"observables": ["varianc"]},
        r"observables: 'varianc'.*mean 'variance'",
    ),
    "observable twice": ({"observables": ["mean", "mean"]}, r"observables: a name is given twice"),
    "observables no list": ({"observables": "mean"}, r"observables = 'mean': a list of names"),
    "observables no names": ({"observables": [1]}, r"observables = \[1\]: a list of names"),
    "law route": ({"route": "law", "workflow": {"name": "subsample"}}, r"route = 'law': .*'raw'"),
    "route": ({"route": "fast"}, r"route = 'fast': allowed are 'auto', 'law', 'raw'"),
    "typo at the top": ({"generation": 3}, r"generation is unknown.*mean 'generations'"),
    "typo in a table": (
        {"family": {"name": "Gaussian", "dof": 1}},
        r"family\.dof is unknown.*mean 'ddof'",
    ),
    "family no table": ({"family": "Gaussian"}, r"family = 'Gaussian': a table is needed"),
    "family missing": ({"family": None}, r"family is missing"),
    "no name": ({"workflow": {"weight": 0.5}}, r"workflow\.name is missing"),
    "name no text": ({"workflow": {"name": 3}}, r"workflow\.name = 3: a string"),
    "field missing": (
        {"workflow": {"name": "Weighted"}},
        r"workflow\.weight is missing: Weighted needs it",
    ),
    "field out of range": (
        {"workflow": {"name": "Weighted", "weight": 2}},
        r"workflow\.weight = 2\.0: ",
    ),
    "field not taken": (
        {"workflow": {"name": "Replace", "weight": 1}},
        r"workflow\.weight is unknown; Replace",
    ),
    "divisor": (
        {"family": {"name": "Gaussian", "ddof": 2}},
        r"family\.ddof = 2: allowed are 0 and 1",
    ),
    "divisor not whole": (
        {"family": {"name": "Gaussian", "ddof": 1.0}},
        r"family\.ddof = 1\.0: a whole number",
    ),
    "generator": ({"generator": {"name": "Scaled"}}, r"generator\.factor is missing"),
    "unknown generator": ({"generator": {"name": "Loud"}}, r"generator\.name = 'Loud' is unknown"),
}


@pytest.mark.parametrize(("change", "message"), BAD.values(), ids=BAD)
def test_faults_are_one_line_that_names_the_key(change, message):
    with pytest.raises(ct.InputError, match=message) as caught:
        config.experiment_from_table(table(**change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"n = = 3", r"not TOML: .*line 1"),
        (b"n = 3\n\nn = 4\n", r"not TOML: .*line 3"),
        (b"n = '\xff'", r"not TOML: byte 5"),
        (None, r"No such file"),
    ],
)
def test_faults_of_the_file(tmp_path, content, message):
    path = tmp_path / "e.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ct.InputError, match=message) as caught:
        ct.load_experiment(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("hint", "good", "made", "bad"),
    [
        (float | None, 3, 3.0, "x"),
        (int | str, "x", "x", 1.5),
        (tuple[float, ...], [1, 2], (1.0, 2.0), [1, "x"]),
        (tuple[int, str], [1, "x"], (1, "x"), [1]),
        (Sequence[Sequence[float]], [[1]], ((1.0,),), [1]),
        (Literal["a", "b"], "a", "a", "c"),
        (list, [[1], 2], ((1,), 2), 3),
        (bool, True, True, 1),
    ],
)
def test_conversion_by_type(hint, good, made, bad):
    assert convert(good, hint, "key") == made
    with pytest.raises(ct.InputError, match=r"^key"):
        convert(bad, hint, "key")
    assert convert([1, [2]], Any, "key") == (1, (2,))


def test_types_in_words():
    assert hint_words(tuple[tuple[float, ...], ...] | None) == "a list of lists of numbers"
    assert hint_words(tuple[int, ...]) == "a list of whole numbers"


def test_hints_that_only_type_checkers_know():
    class Odd(eqx.Module):
        x: "Missing"

    assert member_fields(Odd)["x"][0] is Any
