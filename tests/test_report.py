"""The report: one file that needs nothing else, says what the verdicts say, and trusts no text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import collapse_theory as ct
from collapse_theory.calculating import check_all
from collapse_theory.cli import app
from collapse_theory.errors import InputError
from collapse_theory.report import mathematics
from collapse_theory.trying import try_all

NAMES = (
    "seddik2024.S_partial_as_printed", "seddik2024.S_partial_corrected",
    "seddik2024.S_fully_synthetic",
)  # fmt: skip
EVERY = [*ct.theorems(), *ct.calculations(), *ct.trials()]
ALLOWED_OUTSIDE = ("#", "data:")  # where links and images may lead


class Page(HTMLParser):
    """What the tests ask of a page: its elements in order, and text by the element around it."""

    VOID = ("meta", "link", "input", "wbr", "br", "hr", "img")

    def __init__(self, text):
        super().__init__()
        self.found, self.texts, self.path = [], [], []
        self.feed(text)
        assert self.path == [], "an element is not closed"

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.path.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.path.pop() == tag, f"{tag} closes another element"

    def handle_data(self, data):
        self.texts.append((tuple(self.path), data))

    def all(self, *tags):
        return [attrs for tag, attrs in self.found if tag in tags]


def faults(text):
    """What would make a page load something, lead nowhere, or be unreadable to some."""
    page = Page(text)
    ids = [a["id"] for _, a in page.found if "id" in a]
    out = [f"id {i} twice" for i in set(ids) if ids.count(i) > 1]
    for tag, attrs in page.found:
        for key, value in attrs.items():
            words = re.findall(r"url\(([^)]+)\)", value or "")
            words += [value] if key in ("src", "href", "xlink:href", "srcset", "action") else []
            for word in words:
                if not word.startswith(ALLOWED_OUTSIDE):
                    out.append(f"{tag} loads {word}")
                elif word.startswith("#") and word[1:] not in ids:
                    out.append(f"{tag} refers to {word}")
            if key in ("aria-labelledby", "for"):
                out += [f"{tag} named by {w}" for w in value.split() if w not in ids]
            if key.startswith("on"):
                out.append(f"{tag} has {key}")
    for around, words in page.texts:
        if "\\" in words and not {"pre", "script", "style"} & set(around):
            out.append(f"not rendered: {words}")
        if "style" in around and ("url(" in words or "@import" in words):
            out.append("the style loads something")
    for svg in page.all("svg"):
        if svg.get("role") != "img" or "aria-labelledby" not in svg:
            out.append("a figure without text")
    out += ["a heading of a table without scope"] * sum("scope" not in a for a in page.all("th"))
    tables, captions = len(page.all("table")), len(page.all("caption"))
    out += ["a table without caption"] * (tables - captions)
    levels = [int(tag[1]) for tag, _ in page.found if re.fullmatch(r"h\d", tag)]
    out += ["a heading skips a level"] * bool(np.any(np.diff([0, *levels]) > 1))
    return out


@pytest.fixture(scope="module")
def verdicts():
    return [
        *ct.verify(NAMES), *try_all(["xu2025.prob_beats_real_replace"]),
        *check_all(["errata.golden_ratio_everywhere", "he2025.optimal_risk_ratio"]),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def text(verdicts, tmp_path_factory):
    return ct.write_report(tmp_path_factory.mktemp("report") / "r.html", verdicts).read_text()


def test_the_page_needs_nothing_and_leads_somewhere(text):
    assert faults(text) == []
    assert "default-src 'none'" in text


@pytest.mark.parametrize(
    ("planted", "fault"),
    {
        '<img src="https://example.org/x.png">': "img loads",
        '<link href="//example.org/x.css">': "link loads",
        '<a href="#nowhere">x</a>': "a refers to #nowhere",
        '<p id="table"></p>': "id table twice",
        "<p>\\frac12</p>": "not rendered",
        "<svg></svg>": "a figure without text",
        "<table></table>": "a table without caption",
        "<h6>x</h6>": "skips a level",
        "<th>x</th>": "without scope",
        "<style>p { background: url(x.png) }</style>": "the style loads",
        '<p onclick="x()"></p>': "p has onclick",
        '<label for="none"></label>': "label named by none",
    }.items(),
)
def test_faults_of_a_page_are_seen(text, planted, fault):
    wrong = text.replace("</main>", planted + "</main>")
    assert any(fault in found for found in faults(wrong))


def test_the_page_says_what_was_found(text, verdicts):
    page = Page(text)
    words = " ".join(words for _, words in page.texts)
    for said in (
        "refuted, as expected", "consistent", "Aims", "Data-generating", "Estimands", "Methods",
        "Performance", "@inproceedings{seddik2024", "collapse verify seddik2024.S_fully_synthetic",
        "read: the statement was seen", "jaxlib", "float64", "What holds:",
    ):  # fmt: skip
        assert said in words
    assert len(page.all("tr")) > len(verdicts)
    assert text.count('<tr data-paper="') == len(verdicts)
    assert text.count("<svg ") == sum(isinstance(v, ct.Verdict) for v in verdicts)
    assert len(page.all("math")) == sum(
        what.statement.count("$") // 2
        for what in {v.theorem.name: v.theorem for v in verdicts}.values()
    )


def test_numbers_are_those_of_the_verdict(text, verdicts):
    for v in verdicts:
        if isinstance(v, ct.Verdict):
            assert f'data-value="{v.chains}">{v.chains:,}</td>' in text
            assert f'data-value="{v.max_abs_z:.6g}">{v.max_abs_z:.1f}</td>' in text


def test_no_machine_is_named(text):
    import getpass
    import platform

    header = text[text.index("<header>") : text.index("</header>")]
    words = re.findall(r"[\w.-]+", header)
    assert "numpy" in words
    assert platform.node() not in words
    assert getpass.getuser() not in words


def test_a_verdict_against_expectation_is_told_apart(verdicts, tmp_path):
    wrong = [replace(v, expected=ct.Status.CONSISTENT) for v in verdicts[:1]]
    text = ct.write_report(tmp_path / "r.html", wrong).read_text()
    assert "refuted, against expectation" in text
    assert 'class="mark refuted against"' in text
    assert '<span class="big">1</span> against expectation' in text
    short = replace(verdicts[-1], status=ct.Status.INCONCLUSIVE)
    text = ct.write_report(tmp_path / "r.html", [short]).read_text()
    assert "inconclusive, consistent expected" in text
    assert "1</span> undecided where a decision was expected" in text


def test_the_same_verdicts_give_the_same_bytes(verdicts, tmp_path):
    a, b = (
        ct.write_report(tmp_path / f"{x}.html", v) for x, v in (("a", verdicts), ("b", verdicts))
    )
    assert a.read_bytes() == b.read_bytes()
    options = ct.write_report(tmp_path / "c.html", verdicts, seed=7, level="full").read_text()
    assert "collapse verify seddik2024.S_fully_synthetic --full --seed 7" in options


HOSTILE = (
    "<script>alert(1)</script>", "$a<b$ & <b>bold</b>", r"$\text{<script>alert(1)</script>}$",
    r"$\text{<b>x</b>}$", '$\\text{" onclick="x}$', "``<i>name</i>``", r"$\nosuchcommand$",
)  # fmt: skip


@pytest.mark.parametrize("said", HOSTILE)
def test_content_is_escaped(verdicts, tmp_path, said):
    v = next(v for v in verdicts if isinstance(v, ct.Check))
    what = replace(v.theorem, statement=said, name="x.<u>y</u>")
    made = replace(v, theorem=what, numbers={"a": "<em>"}, reason="0 < 1 <q>")
    page = Page(ct.write_report(tmp_path / "r.html", [made]).read_text())
    assert len(page.all("script")) == 1
    assert not page.all("b", "i", "u", "em", "q")
    assert not any("onclick" in attrs for _, attrs in page.found)
    assert any("0 < 1 <q>" in words for _, words in page.texts)


@pytest.mark.parametrize("what", EVERY, ids=lambda s: s.name)
def test_every_formula_of_the_catalogue_is_rendered(what):
    assert what.statement.count("$") % 2 == 0
    plain = what.statement.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")
    html = "".join(mathematics.paragraphs(what.statement, ()))
    assert "unrendered" not in html
    assert html.count("<math") == what.statement.count("$") // 2


def test_a_formula_that_cannot_be_rendered_is_shown_as_its_source():
    for latex in (r"\nosuchcommand x", r"\left( 1", r"\text{<b>x</b>}"):
        assert "unrendered" in mathematics.formula(latex)
    assert mathematics.formula("a < b") == (
        '<math display="inline" alttext="a &lt; b">'
        "<mrow><mi>a</mi><mo>&lt;</mo><mi>b</mi></mrow></math>"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    {
        "r.txt": "must end in .html", "none/r.html": "there is no folder", "d.html": "directory",
        "/dev/null/r.html": "there is no folder",
    }.items(),
)  # fmt: skip
def test_bad_targets_are_named_before_the_work(tmp_path, monkeypatch, capsys, name, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.html").mkdir()
    with monkeypatch.context() as m:
        m.setattr("collapse_theory.verification.verify", lambda *a, **k: pytest.fail("worked"))
        assert app.run(["report", name]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err.lower()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.html"]


def test_bad_arguments(verdicts, tmp_path, capsys):
    with pytest.raises(InputError, match="at least one"):
        ct.write_report(tmp_path / "r.html", [])
    with pytest.raises(InputError, match="allowed are quick, all, full"):
        ct.write_report(tmp_path / "r.html", verdicts, level="half")
    assert app.run(["report", str(tmp_path / "r.html"), "replace.log_varianc"]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_command_writes_named_statements(tmp_path, capsys):
    path = tmp_path / "r.html"
    path.write_text("old")
    names = ["errata.golden_ratio_everywhere", "ferbach2024.lemma22"]
    assert app.run(["report", str(path), *names, "--no-cache", "--level", "quick"]) == 0
    assert capsys.readouterr().out.startswith("2 statements on 3 cases in ")
    assert faults(path.read_text()) == []
