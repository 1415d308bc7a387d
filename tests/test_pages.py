"""The catalogue as pages: links that lead somewhere, formulas that close, errata."""

import re
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import collapse_theory as ct
from collapse_theory import discovery, figures, pages
from collapse_theory.calculating import check_all
from collapse_theory.catalogue.claims import Claim
from collapse_theory.catalogue.errata import Erratum
from collapse_theory.trying import try_all

NAMES = (
    "seddik2024.S_partial_as_printed", "seddik2024.S_partial_corrected",
    "seddik2024.S_fully_synthetic",
)  # fmt: skip
EVERY = [*ct.theorems(), *ct.calculations(), *ct.trials()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("catalogue") / "new"
    found = [
        *ct.verify(NAMES), *try_all(["xu2025.prob_beats_real_replace"]),
        *check_all(["errata.golden_ratio_everywhere", "he2025.optimal_risk_ratio"]),
    ]  # fmt: skip
    assert pages.write(out, found) == 6 + 6
    return out


def test_every_link_and_figure_exists(folder):
    for page in folder.rglob("*.md"):
        targets = re.findall(r"\]\(([^)]+)\)", page.read_text())
        assert targets
        for target in targets:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_pages_hold_statement_verdict_and_source(folder):
    page = (folder / "statements/seddik2024.S_fully_synthetic.md").read_text()
    for words in ("$S_t", "consistent", "collapse verify seddik2024", "@inproceedings{seddik2024"):
        assert words in page
    assert "refuted" in (folder / "statements/errata.golden_ratio_everywhere.md").read_text()
    assert "Replace" in (folder / "workflows.md").read_text()


def test_a_formula_stays_on_one_line(folder):
    for page in (folder / "statements").glob("*.md"):
        assert all(line.count("$") % 2 == 0 for line in page.read_text().splitlines())


def test_errata_show_both_verdicts(folder):
    text = (folder / "errata.md").read_text()
    row = r"as stated \| \[seddik2024.S_partial_as_printed\]\(.*\) \| refuted"
    assert re.search(row, text)
    assert re.search(r"holds \| \[seddik2024.S_partial_corrected\]\(.*\) \| consistent", text)


def test_claims_are_answered_with_verdicts(folder):
    text = (folder / "claims.md").read_text()
    assert text.count("\n## ") == len(discovery.members(Claim))
    assert re.search(
        r"consistent( \(\d\))? \| `collapse verify seddik2024.S_fully_synthetic`", text
    )


def test_definitions_name_their_theory(folder):
    text = (folder / "definitions.md").read_text()
    assert text.count("\n## ") == len(ct.definitions())
    assert "[seddik2024.S_fully_synthetic](statements/seddik2024.S_fully_synthetic.md)" in text


def test_the_same_verdicts_give_the_same_bytes(tmp_path):
    found = list(try_all(["xu2025.prob_beats_real_replace"]))
    for name in ("a", "b"):
        pages.write(tmp_path / name, found)
    first = sorted((tmp_path / "a").rglob("*.*"))
    assert any(path.suffix == ".svg" for path in first)
    for one in first:
        other = tmp_path / "b" / one.relative_to(tmp_path / "a")
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("erratum", discovery.members(Erratum), ids=lambda e: e.name)
def test_errata_name_what_is_refuted_and_what_holds(erratum):
    names = {s.name: s for s in EVERY}
    fails = names[erratum.fails]
    expected = {c.expected for c in fails.cases} if hasattr(fails, "family") else {fails.expected}
    assert expected == {ct.Status.REFUTED}
    for holds in erratum.holds:
        assert any(n == holds or n.startswith(f"{holds}.") for n in names)


@pytest.mark.parametrize("claim", discovery.members(Claim), ids=lambda c: c.name)
def test_claims_rest_on_statements(claim):
    for start in claim.decides:
        assert any(s.name == start or s.name.startswith(f"{start}.") for s in EVERY)


def test_a_figure_marks_what_is_not_believed():
    (verdict, *_) = ct.verify(["seddik2024.S_fully_synthetic"])
    doubted = replace(verdict, trusted=np.arange(12) < 5)
    ax = figures.prediction(Figure().subplots(), doubted)
    assert [t.get_text() for t in ax.get_legend().get_texts()][-1] == "few chains carry it"
