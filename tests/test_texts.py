"""Text as symbols: what is read, how it is cut, and what is refused."""

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory import texts
from collapse_theory.forecasting import read_column

ROSE = "A rose is a rose, is a ROSE. Ünïcödé's \N{GRINNING FACE}\n" * 150


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rose.txt"
    path.write_text(ROSE, "utf-8")
    return path


@pytest.mark.parametrize("unit", ["letter", "character", "byte", "word"])
def test_symbols_come_back_as_they_were(file, unit):
    text = ct.read_text(file, unit)
    both = np.concatenate([text.train, text.held_out])
    symbols = [text.alphabet[i] for i in both]
    assert symbols == texts.units(ROSE, unit)
    assert (text.encode(ROSE) == both).all()
    assert sorted(text.alphabet) == list(text.alphabet)
    assert both.dtype == np.int32
    if unit == "byte":
        assert text.decode(both).encode("latin-1").decode("utf-8") == ROSE
    if unit == "character":
        assert text.decode(both) == ROSE


def test_letters_are_a_to_z_and_space():
    assert "".join(texts.units("It's  2 words:\nÄh", "letter")) == "it s words h"


def test_the_split_is_a_fixed_cut_with_the_stated_share(file):
    text = ct.read_text(file, "character", held_out=0.25)
    assert len(text.held_out) == pytest.approx(0.25 * len(ROSE), abs=1)
    assert text.decode(text.train) == ROSE[: len(text.train)]


def test_windows_cover_the_part_from_end_to_end(file):
    text = ct.read_text(file, "character")
    rows = text.windows(7, 10, held_out=True)
    assert rows.shape == (7, 10)
    assert (rows[0] == text.held_out[:10]).all()
    assert (rows[-1] == text.held_out[-10:]).all()


def test_rare_symbols_become_one(file):
    text = ct.read_text(file, "word", most=3)
    assert set(text.alphabet) == {"rose", "a", texts.OTHER}
    assert text.decode(text.encode("a zebra rose")) == f"a {texts.OTHER} rose"
    with pytest.raises(ct.InputError, match="'zebra' is not among the 4 symbols"):
        ct.read_text(file, "word").encode("zebra")


def test_a_folder_is_read_in_the_order_of_names(tmp_path, file):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "first.md").write_text("#" * 1000)
    (tmp_path / "other.bin").write_bytes(b"\xff" * 10)
    text = ct.read_text(tmp_path, "character")
    both = np.concatenate([text.train, text.held_out])
    assert text.decode(both) == "#" * 1000 + "\n" + ROSE


def test_the_standard_library_has_a_text_that_is_always_the_same():
    text = ct.read_text("python", "letter")
    assert len(text.alphabet) == 27
    assert len(text.train) > 200_000
    texts.read_text.cache_clear()
    assert ct.read_text("python", "letter").digest == text.digest
    assert ct.read_text("python", "character").digest != text.digest


def test_forecasts_count_the_same_words(file):
    counted = dict(read_column(file).categories)
    assert counted["rose"] == 450 == texts.units(ROSE, "word").count("rose")


REFUSED = {
    "no such file": (("none.txt",), {}, "No such file"),
    "an ending": (("data.csv",), {}, "files that end in .txt or .md"),
    "no name": (("",), {}, "text = '': the name of a file"),
    "a device": (("/dev/zero",), {}, "files that end in"),
    "NUL": (("a\0.txt",), {}, "not the name of a file"),
    "no UTF-8": (("wrong.txt",), {}, "byte 1500 is not UTF-8"),
    "short": (("short.txt",), {}, "5 characters are too few"),
    "one symbol": (("same.txt",), {}, "one symbol only"),
    "an empty folder": (("empty",), {}, "0 files end in"),
    "a unit": (("python",), {"unit": "syllable"}, "unit = 'syllable': allowed are letter"),
    "a share": (("python",), {"held_out": 1.0}, "held_out = 1.0: a share between 0 and 1"),
    "an alphabet": (("python",), {"most": 1}, "most = 1: at least 2"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_refused_is_told_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.txt").write_bytes(b"good " * 300 + b"\xff")
    (tmp_path / "short.txt").write_text("short")
    (tmp_path / "same.txt").write_text("a" * 2000)
    (tmp_path / "empty").mkdir()
    arguments, options, message = REFUSED[name]
    with pytest.raises(ct.InputError, match=message) as e:
        ct.read_text(*arguments, **options)
    assert str(e.value).isprintable()


def test_a_window_longer_than_the_text_is_refused(file):
    with pytest.raises(ct.InputError, match="its held-out part has"):
        ct.read_text(file).windows(1, 10_000, held_out=True)
