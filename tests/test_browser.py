"""The report in a browser: quiet, quick, sorted and filtered by mouse and keyboard, readable."""

import re
import shutil

import pytest

import collapse_theory as ct
from collapse_theory.calculating import check_all
from collapse_theory.explorer import write_explorer
from collapse_theory.trying import try_all

playwright = pytest.importorskip("playwright.sync_api")
PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium"),
]
NAMES = (
    "seddik2024.S_partial_as_printed", "seddik2024.S_partial_corrected",
    "seddik2024.S_fully_synthetic", "gerstgrasser2024.replace_risk",
)  # fmt: skip
ROWS = 15  # of the report made here
CASES = 420  # of the whole catalogue
READABLE, VISIBLE = 4.5, 3.0  # contrast of text and of lines, at least
SECONDS = 2.0

CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((x) => x / 255)
    .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
    .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    throw new Error("no ground");
  };
  const ratio = (a, b) => {
    const [x, y] = [light(rgba(a)), light(rgba(b))];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const text = {}, lines = {};
  const note = (into, name, value) => { into[name] = Math.min(into[name] ?? 99, value); };
  for (const node of document.body.querySelectorAll("*")) {
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const style = getComputedStyle(node), drawn = node instanceof SVGElement;
    if (["SCRIPT", "TITLE", "title", "desc"].includes(node.tagName)) continue;
    const name = `${node.tagName} ${node.getAttribute("class") ?? ""}`;
    if (own) note(text, name, ratio(drawn ? style.fill : style.color, ground(node)));
    if (drawn && style.stroke !== "none")
      note(lines, style.stroke, ratio(style.stroke, ground(node)));
  }
  return { text, lines };
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    verdicts = [
        *ct.verify(NAMES), *try_all(["xu2025.prob_beats_real_replace"]),
        *check_all(["errata.golden_ratio_everywhere", "he2025.optimal_risk_ratio"]),
    ]  # fmt: skip
    return ct.write_report(tmp_path_factory.mktemp("report") / "r.html", verdicts)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser):
    """``opened(path, scheme)`` gives the page, what its console said and what it asked for."""
    contexts = []

    def call(path, scheme="light"):
        contexts.append(browser.new_context(color_scheme=scheme))
        page, said, asked = contexts[-1].new_page(), [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page, said, [url for url in asked if url != path.as_uri()]

    yield call
    for context in contexts:
        context.close()


def planted(report, tmp_path, old, new):
    """The report with something wrong in it."""
    text = report.read_text()
    assert old in text
    path = tmp_path / "wrong.html"
    path.write_text(text.replace(old, new, 1))
    return path


def column(page, number):
    return page.eval_on_selector_all(
        f"#table tbody tr:not([hidden]) > :nth-child({number})", "x => x.map(y => y.textContent)"
    )


def numbers(page):
    """The column max |z|: numbers, then what has none."""
    return [float(x) if re.match(r"[\d.]+$", x) else None for x in column(page, 8)]


def in_order(values, *, falling=False):
    known = [x for x in values if x is not None]
    return known == sorted(known, reverse=falling) and values == known + [None] * values.count(None)


def test_it_loads_quietly_and_asks_for_nothing(report, opened, tmp_path):
    _, said, asked = opened(report)
    assert said == []
    assert asked == []
    picture = planted(report, tmp_path, "</main>", '<img src="https://example.org/x"></main>')
    assert opened(picture)[1]
    assert opened(planted(report, tmp_path, '"use strict";', "nothing.at_all();"))[1]
    style = planted(report, tmp_path, "default-src 'none'; ", "")
    style = planted(style, tmp_path, "<main>", '<main><link rel="stylesheet" href="x.css">')
    assert opened(style)[2]


def test_without_script_everything_is_there(report, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#table tbody tr:visible").count() == ROWS
    assert not page.locator("#filters").is_visible()
    assert page.locator("#table thead button").count() == 0
    context.close()


def test_columns_sort_by_mouse_and_keyboard(report, opened):
    page, *_ = opened(report)
    assert not in_order(numbers(page))
    header, button = (page.locator(f"th:has-text('Max |z|'){x}").first for x in ("", " button"))
    button.click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert in_order(numbers(page))
    assert None in numbers(page)
    button.focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-sort") == "descending"
    assert in_order(numbers(page), falling=True)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator("[aria-sort]").all_inner_texts() == ["Detectable"]
    page.locator("#table thead button").first.click()
    names = column(page, 1)
    assert names == sorted(names, key=str.lower)


def test_filters_count_what_they_show(report, opened):
    page, *_ = opened(report)

    def shown():
        visible = page.locator("#table tbody tr:visible").count()
        assert page.locator("#shown").inner_text() == f"{visible} of {ROWS} rows shown"
        return visible

    assert shown() == ROWS
    page.get_by_label("Text").fill("partial PRINTED")
    assert shown() == 2
    assert all("as_printed" in name for name in column(page, 1))
    page.get_by_role("button", name="Show all").click()
    assert shown() == ROWS
    for label, number, choice in (
        ("Paper", 2, "Seddik et al. 2024 [seddik2024]"), ("Workflow", 4, "Mix"),
        ("Verdict", 6, "refuted"),
    ):  # fmt: skip
        page.get_by_label(label, exact=True).select_option(choice)
        assert 0 < shown() < ROWS
        assert all(choice in cell for cell in column(page, number))
        page.get_by_role("button", name="Show all").click()
        assert shown() == ROWS
    page.get_by_label("Verdict", exact=True).select_option("not as expected")
    assert shown() == 0
    assert page.locator("#shown").get_attribute("aria-live") == "polite"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_lines_stand_out(report, opened, tmp_path, scheme):
    page, *_ = opened(report, scheme)
    found = page.evaluate(CONTRAST)
    for name in ("SPAN mark refuted expected", "SPAN mark consistent expected", "P ", "text "):
        assert name in found["text"]
    assert {k: v for k, v in found["text"].items() if v < READABLE} == {}
    assert {k: v for k, v in found["lines"].items() if v < VISIBLE} == {}
    if scheme == "light":
        pale = planted(report, tmp_path, "--refuted: #7a2a86", "--refuted: #c58fce")
        pale = planted(pale, tmp_path, "--stated: #b35c00", "--stated: #ffa90e")
        found = opened(pale)[0].evaluate(CONTRAST)
        assert found["text"]["SPAN mark refuted expected"] < READABLE
        assert min(found["lines"].values()) < VISIBLE


def test_the_focus_is_seen_and_the_first_tab_skips(report, opened):
    page, *_ = opened(report)
    page.keyboard.press("Tab")
    link = page.locator(".skip")
    assert link.evaluate("x => x === document.activeElement && x.offsetTop >= 0")
    style = link.evaluate(
        "x => getComputedStyle(x).outlineStyle + getComputedStyle(x).outlineWidth"
    )
    assert style == "solid3px"
    page.keyboard.press("Enter")
    assert page.url.endswith("#verdicts")


def test_on_paper_there_are_no_controls(report, opened):
    page, *_ = opened(report)
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible()
    assert page.locator("#table tbody tr:visible").count() == ROWS
    style = page.locator(".tall").evaluate("x => getComputedStyle(x).maxHeight")
    assert style == "none"


@pytest.mark.parametrize("width", [360, 1400])
def test_a_narrow_window_scrolls_tables_not_the_page(report, opened, width):
    page, *_ = opened(report)
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_as_large_as_the_catalogue_opens_fast(report, opened, tmp_path):
    text = report.read_text()
    rows = re.search(r"<tbody>(.*?)</tbody>", text, re.DOTALL)[1]
    articles = "".join(re.findall(r"<article.*?</article>", text, re.DOTALL))
    times = CASES // ROWS + 1
    path = tmp_path / "large.html"
    path.write_text(text.replace(rows, times * rows, 1).replace("</main>", times * articles))
    page, said, _ = opened(path)
    assert said == []
    assert page.locator("#table tbody tr").count() >= CASES
    end = "performance.getEntriesByType('navigation')[0].loadEventEnd"
    assert 0 < page.evaluate(end) < 1000 * SECONDS


@pytest.fixture(scope="module")
def sliders(tmp_path_factory):
    return write_explorer(tmp_path_factory.mktemp("explorer") / "e.html", chains=500)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sliders_move_the_curves(sliders, opened, scheme):
    page, said, asked = opened(sliders, scheme)
    assert said == asked == []
    assert page.locator("path.band").count() == 5
    before = page.get_attribute("path.curve.replace[d^='M62']", "d")
    page.focus("#made")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("path.curve.replace[d^='M62']", "d") != before
    assert page.locator("path.band").count() == 0  # not the setting that was simulated
    page.click("#preset")
    assert page.locator("path.band").count() == 5
    assert "replace 50" in page.text_content("#answer")
    page.uncheck("input[value=replace]")
    assert "replace 50" not in page.text_content("#answer")
    assert min(page.evaluate(CONTRAST)["text"].values()) >= READABLE
