"""Tables as numbers: what is read, how it is split, and what is refused."""

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

import collapse_theory as ct
from input_checks import attempt
from input_strategies import columns
from table_files import by_hand, forget, written


@pytest.fixture
def file(tmp_path):
    return written(tmp_path / "table.csv")


def pairs(rows, labels):
    return sorted((*map(float, x), k) for x, k in zip(rows, labels, strict=True))


def test_the_two_parts_are_the_file(file):
    table = ct.read_table(file, label="kind", held_out=0.25)
    numbers, kinds = by_hand(file)
    assert table.columns == ("a", "b", "c")
    assert table.classes == ("high", "low", "mid")
    assert (len(table.train), len(table.held_out)) == (45, 15)
    found = [
        (row, table.classes[i])
        for part, labels in (
            (table.train, table.train_labels), (table.held_out, table.held_out_labels)
        )
        for row, i in zip(part, labels, strict=True)
    ]  # fmt: skip
    assert pairs(*zip(*found, strict=True)) == pairs(numbers, kinds)
    forget()
    again = ct.read_table(file, label="kind", held_out=0.25)
    assert (again.train == table.train).all()  # the same rows always


def test_in_order_the_last_rows_are_held_out(file):
    table = ct.read_table(file, ["c", "a"], held_out=0.1, shuffle=False)
    numbers, _ = by_hand(file)
    assert table.columns == ("c", "a")
    np.testing.assert_array_equal(table.train, numbers[:54, [2, 0]])
    np.testing.assert_array_equal(table.held_out, numbers[54:, [2, 0]])
    assert table.classes == ()
    assert table.train_labels.shape == (0,)


def test_columns_are_left_out_with_a_minus(file):
    assert ct.read_table(file, ["-b", "-kind"]).columns == ("a", "c")
    assert ct.read_table(file, ["-b"], "kind").columns == ("a", "c")


def test_standardised_by_the_training_part(file):
    plain = ct.read_table(file, label="kind")
    table = ct.TableSource(file, label="kind").read()
    mean = [sum(x) / len(x) for x in plain.train.T.tolist()]
    square = [sum((v - m) ** 2 for v in x) / len(x)
              for x, m in zip(plain.train.T.tolist(), mean, strict=True)]  # fmt: skip
    np.testing.assert_allclose(table.held_out, (plain.held_out - mean) / np.sqrt(square))
    np.testing.assert_allclose(table.train * table.scale + table.centre, plain.train)
    as_it_is = ct.TableSource(file, label="kind", standardise=False).read()
    assert (as_it_is.train == plain.train).all()
    assert as_it_is.digest == table.digest


def test_the_digest_is_of_data_names_and_split(file, tmp_path):
    seen = [ct.read_table(file, *more).digest for more in (
        (), (["a", "b"],), (["b", "a"],), (None, "kind"), (None, "kind", 0.3),
        (None, "kind", 0.2, False),
    ) if more]  # fmt: skip
    with open(file) as there:
        text = there.read()
    for i, (old, new) in enumerate([("mid", "middle"), ("a,b", "A,b"), (",3,", ",4,")]):
        other = tmp_path / f"other{i}.csv"
        other.write_text(text.replace(old, new, 1))
        seen.append(ct.read_table(other, label="kind").digest)
    assert len(set(seen)) == len(seen)
    same = tmp_path / "same.tsv"
    same.write_text(text.replace(",", "\t"))
    assert ct.read_table(same, label="kind").digest == ct.read_table(file, label="kind").digest


def test_numbers_may_be_labels_and_truth_values_numbers(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,flag,y\n" + "".join(f"{i},{i % 3 == 0},{i % 4}.0\n" for i in range(40)))
    table = ct.read_table(path, label="y")
    assert table.classes == ("0", "1", "2", "3")
    assert set(table.train[:, 1]) == {0.0, 1.0}
    assert ct.read_table(path, ["x"], label="flag").classes == ("False", "True")


def test_the_table_that_is_always_there():
    table = ct.read_table("python", label="documented")
    assert table.classes == ("no", "yes")
    assert len(table.train) > 500
    assert (table.train == np.round(table.train)).all()
    assert (table.train >= 0).all()


def test_parquet(tmp_path, file, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(ct.InputError, match="reading Parquet needs 'pip install pyarrow'"):
        ct.read_table(path)
    monkeypatch.undo()
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import pandas as pd

    pd.read_csv(file).to_parquet(path)
    forget()
    assert ct.read_table(path, label="kind").digest == ct.read_table(file, label="kind").digest


def test_bundled_sets_need_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ct.InputError, match=r"pip install 'collapse-theory\[data\]'") as e:
        ct.read_table("sklearn:wine", label="target")
    assert str(e.value).isprintable()


def test_bundled_sets():
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    bunch = datasets.load_iris()
    table = ct.read_table("sklearn:iris", label="target")
    assert table.columns == tuple(bunch.feature_names)
    assert table.classes == tuple(bunch.target_names)
    labels = [*table.train_labels, *table.held_out_labels]
    rows = np.concatenate([table.train, table.held_out])
    assert pairs(rows, labels) == pairs(bunch.data, bunch.target)
    with pytest.raises(ct.InputError, match="columns 'pixel_0_0', 'pixel_4_0', 'pixel_4_7' are"):
        ct.read_table("sklearn:digits", label="target")
    without = ["-pixel_0_0", "-pixel_4_0", "-pixel_4_7"]
    assert len(ct.read_table("sklearn:digits", without, "target").columns) == 61


FILES = {
    "missing.csv": "x,y\n1,2\n,3\n" + "4,5\n6,7\n" * 20,
    "words.csv": "x,y\n1,one\n" + "4,5\n6,7\n" * 20,
    "constant.csv": "x,y\n" + "".join(f"{i},3\n" for i in range(40)),
    "infinite.csv": "x,y\n1,inf\n" + "4,5\n6,7\n" * 20,
    "few.csv": "x,y\n" + "".join(f"{i},{i * i}\n" for i in range(19)),
    "rare.csv": "x,y\n" + "".join(f"{i},{int(i == 19)}\n" for i in range(20)),
    "unlabelled.csv": "x,y\n1,\n" + "".join(f"{i},a\n{i},b\n" for i in range(40)),
    "many.csv": "x,y\n" + "".join(f"{i},{i}\n" for i in range(1500)),
    "huge.csv": "x,y\n" + "".join(f"{i},{i % 10}e307\n" for i in range(40)),
    "wide.csv": "x,y\n" + "1,2,3\n4,5,6\n" * 20,
    "empty.csv": "", "bytes.csv": b"x\n\xff\n", "text.txt": "x",
}  # fmt: skip
REFUSED = {
    "no such file": (("none.csv",), "'none.csv': No such file"),
    "a folder": (("folder.csv",), "'folder.csv': Is a directory"),
    "an ending": (("text.txt",), r"allowed are files that end in \.csv, \.tsv, \.parquet"),
    "NUL": (("a\0.csv",), "not the name of a file"),
    "a device": (("/dev/zero",), "allowed are files"),
    "no set": (("sklearn:titanic",), "allowed after sklearn: are breast_cancer"),
    "no table": (("empty.csv",), "not a table"),
    "no UTF-8": (("bytes.csv",), "not UTF-8 throughout"),
    "missing": (("missing.csv",), "column 'x' has 1 missing values: fill them in, take these rows"),
    "words": (("words.csv",), "column 'y' holds 'one', which is no number: .* columns = .'-y'."),
    "constant": (("constant.csv",), "column 'y' is constant .* leave out, columns = .'-y'."),
    "infinite": (("infinite.csv",), "column 'y' has infinite values: write them"),
    "overflow": (("huge.csv",), "column 'y' has a variance that no 64-bit number holds"),
    "few": (("few.csv",), "19 rows are too few: 20 are needed"),
    "ragged": (("wide.csv",), "its rows have more values than its first line has names"),
    "no column": (("few.csv", ["z"]), "there is no column 'z'; there are 'x', 'y'"),
    "no label": (("few.csv", None, "z"), "there is no column 'z'"),
    "none left": (("few.csv", ["-x"], "y"), "no column is left"),
    "label among them": (("few.csv", ["x", "y"], "y"), "'y' is the label: take it out"),
    "both ways": (("few.csv", ["x", "-y"]), "named or left out with '-', not both"),
    "given twice": (("few.csv", ["x", "x"]), "a name is given twice"),
    "no names": (("few.csv", []), "at least one name is needed"),
    "one string": (("few.csv", "x"), "columns = 'x': a list of names is needed"),
    "unlabelled": (("unlabelled.csv", None, "y"), "label 'y' has 1 missing values"),
    "many classes": (("many.csv", None, "y"), "has 1,500 different values: 2 to 1,000"),
    "one class": (("constant.csv", None, "y"), "has 1 different values: 2 to 1,000"),
    "a rare class": (("rare.csv", None, "y", 0.1, False), "class '1', one of 2, has no row to"),
    "no share": (("few.csv", None, None, "half"), "held_out = 'half': a share between 0 and 1"),
    "no name": (("few.csv", None, 3), "label = 3: the name of a column is needed"),
    "a share": (("few.csv", None, None, 1.0), r"held_out = 1\.0: a share between 0 and 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_refused_is_told_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    forget()  # names are relative here
    (tmp_path / "folder.csv").mkdir()
    for where, content in FILES.items():
        (tmp_path / where).write_bytes(content if isinstance(content, bytes) else content.encode())
    given, message = REFUSED[name]
    with pytest.raises(ct.InputError, match=message) as e:
        ct.read_table(*given)
    assert str(e.value).isprintable()
    assert len(str(e.value)) < 400


def test_a_table_that_programs_cannot_hold_is_refused(file, monkeypatch):
    monkeypatch.setattr("collapse_theory.tables.reading.MOST_NUMBERS", 100)
    forget()
    with pytest.raises(ct.InputError, match="at most 100 numbers are read; give a sample"):
        ct.read_table(file, label="kind")


@given(data=columns())
@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck),
          phases=(Phase.explicit, Phase.generate))  # fmt: skip
def test_whatever_is_in_a_file_is_read_or_refused_in_one_line(tmp_path_factory, data):
    ending, content = data
    path = tmp_path_factory.mktemp("any") / f"any{ending}"
    path.write_bytes(content * 3)

    def read():
        table = ct.read_table(path)
        assert np.isfinite(table.standardised().train).all()

    attempt(read)
    attempt(lambda: ct.read_table(path, label="x"))
