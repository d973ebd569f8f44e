"""The built site in Chromium, network cut: issue by issue what a reader would stumble over."""

import functools

import pytest

from . import checks, layout

pytestmark = pytest.mark.book

AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDE = 1300  # both margins stand beside the text, which leaves it least room
SEARCHES = ("tortuosity", "lithiation", "closing", "separator", "binder")

# Own text of visible elements whose contrast with what lies behind them is too weak (WCAG AA).
CONTRAST = """() => {
  const parse = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => { v /= 255;
      return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > 0.9) return c;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const e of document.querySelectorAll("article *")) {
    if (e.closest(".cbd-sprite, mjx-container, svg, .cbd-hidden")) continue;
    if (e.closest(".headerlink, [aria-hidden=true]")) continue;
    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data.trim()).join("");
    if (!text || !e.checkVisibility()) continue;
    const style = getComputedStyle(e), color = parse(style.color);
    const [a, b] = [light(color), light(behind(e))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24;
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) {
      weak.push(`${ratio.toFixed(1)} ${e.tagName}.${e.className} "${text.slice(0, 40)}"`);
    }
  }
  return weak;
}"""

RAW_MATH = """() => [...document.querySelectorAll("article .math")]
  .filter(e => !e.querySelector("mjx-container svg")).map(e => e.textContent.slice(0, 60))"""

OVERFLOW = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const scrolls = e =>
    e && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
  return [...document.querySelectorAll("article *")]
    .filter(e => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement))
    .slice(0, 4).map(e => `${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 40)}`)
    .concat(`page is ${document.documentElement.scrollWidth - width} px too wide`);
}"""


def report(problems):
    assert not problems, "\n" + "\n".join(problems)


@pytest.fixture(scope="session")
def looked_at(visit, site, pages, axe):
    """
    What is wrong with each page at a width and in a color scheme: every page is opened once.

    Returns a function; its result maps "load", "layout", "contrast" and "axe" to lists of problems.
    """

    @functools.cache
    def look(width, scheme):
        found = {"load": [], "layout": [], "contrast": [], "axe": []}
        rules = AXE_RULES if scheme == "light" else ["color-contrast"]
        with visit(width, color_scheme=scheme) as tab:
            tab.page.goto((site / "index.html").as_uri(), wait_until="commit")
            tab.page.wait_for_url("**/book/index.html", wait_until="load")
            tab.wait_for_requests()
            found["load"] += [f"index.html: {problem}" for problem in tab.problems]
            for file in pages:
                page = tab.open(file)
                where = f"{file.stem} at {width} px, {scheme}: "
                assert page.evaluate("document.documentElement.dataset.theme") == scheme
                raw = [f"mathematics not rendered: {text}" for text in page.evaluate(RAW_MATH)]
                raw += [*page.evaluate(OVERFLOW), *tab.problems]
                found["load"] += [where + text for text in raw]
                if scheme == "light":
                    found["layout"] += [where + text for text in layout.problems(page, width)]
                if width == WIDE:  # colors do not depend on the width
                    found["contrast"] += [where + text for text in page.evaluate(CONTRAST)]
                    found["axe"] += [where + text for text in serious(page, axe, rules)]
        return found

    return look


def serious(page, axe, rules):
    """What axe-core calls serious or critical on a page."""
    if axe is None:
        return []
    page.evaluate(axe)
    result = page.evaluate(
        # without preload: style sheets need not be asked for again, which file:// forbids
        "rules => axe.run(document, {resultTypes: ['violations'], runOnly: rules, preload: false})",
        rules,
    )
    return [
        f"{found['id']} ({found['impact']}), {len(found['nodes'])} times, "
        f"first {found['nodes'][0]['html'][:160]}"
        for found in result["violations"]
        if found["impact"] in ("serious", "critical")
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "scheme"), [(WIDE, "light"), (400, "light"), (1920, "light"), (WIDE, "dark")]
)
def test_pages_load_without_network_and_fit(looked_at, width, scheme):
    report(looked_at(width, scheme)["load"])


@pytest.mark.slow
@pytest.mark.parametrize("width", [400, WIDE, 1920])
def test_tables_equations_and_figures_fit(looked_at, width):
    report(looked_at(width, "light")["layout"])


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_keeps_its_contrast(looked_at, scheme):
    report(looked_at(WIDE, scheme)["contrast"])


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(looked_at, axe, scheme):
    # In the dark only colors differ, so only they are looked at again.
    if axe is None:
        pytest.skip("no axe-core: npm install --no-save axe-core, or set AXE_CORE to axe.min.js")
    report(looked_at(WIDE, scheme)["axe"])


def test_internal_links_resolve(site):
    report(checks.broken_links(site))


def test_nothing_is_loaded_from_the_network(site, pages):
    files = [*pages, site / "search.html", site / "genindex.html"]
    report(
        [
            problem
            for file in files
            if file.exists()
            for problem in checks.outside_addresses(file.read_text(encoding="utf-8"), file.name)
        ]
    )


def test_every_figure_has_caption_number_and_alternative_text(pages):
    report(
        [
            problem
            for file in pages
            for problem in checks.figure_problems(file.read_text(encoding="utf-8"), file.stem)
        ]
    )


def test_no_glued_number_is_missing(pages):
    report(
        [
            problem
            for file in pages
            for problem in checks.missing_glue(file.read_text(encoding="utf-8"), file.stem)
        ]
    )


def test_no_page_shows_what_a_run_left_over(pages):
    report(
        [
            problem
            for file in pages
            for problem in checks.leftovers(file.read_text(encoding="utf-8"), file.stem)
        ]
    )


def first_with(pages, text):
    for file in pages:
        if text in file.read_text(encoding="utf-8"):
            return file
    pytest.fail(f"no page holds {text!r}: the site is incomplete")


@pytest.mark.parametrize("width", [1400, 400])
def test_slider_moves_by_keyboard(visit, pages, width):
    file = first_with(pages, 'class="cbd-slider"')
    with visit(width) as tab:
        page = tab.open(file)
        slider = page.locator(".cbd-slider").first
        control, sprite = slider.locator("input[type=range]"), slider.locator(".cbd-sprite").first
        place = "e => getComputedStyle(e).backgroundPositionY"

        def state():
            return (
                sprite.evaluate(place),
                control.get_attribute("aria-valuetext"),
                slider.locator("output").inner_text(),
                sprite.get_attribute("aria-label"),
            )

        control.focus()
        seen = [state()]
        for key in ("ArrowRight", "Home", "End"):
            page.keyboard.press(key)
            seen.append(state())
        assert page.url == file.as_uri(), "the arrow key left the page"
        for part in zip(*seen, strict=True):
            assert len(set(part)) == 4, part
        assert seen[2][0] == "0%" and seen[3][0] == "100%"
        assert not tab.problems


def test_blink_swaps_by_keyboard_and_takes_turns(visit, pages):
    holders = [f for f in pages if 'class="cbd-slider cbd-blink"' in f.read_text(encoding="utf-8")]
    if not holders:
        pytest.skip("no page of this site has a before/after blink")
    with visit(1400) as tab:
        page = tab.open(holders[0])
        blink = page.locator(".cbd-blink").first
        button, pictures = blink.locator("button"), blink.locator(".cbd-sprite")
        before = button.inner_text()
        button.focus()
        page.keyboard.press("Enter")
        assert button.inner_text() != before
        assert button.get_attribute("aria-pressed") == "true"
        assert [pictures.nth(n).is_visible() for n in range(2)] == [False, True]
        blink.locator("input[type=checkbox]").focus()
        page.keyboard.press("Space")
        page.wait_for_function(
            "button => button.getAttribute('aria-pressed') === 'false'",
            arg=button.element_handle(),
            timeout=3000,
        )


def test_mathematics_is_not_bold_on_paper(visit, pages):
    file = first_with(pages, 'class="math')
    with visit(1400) as tab:
        page = tab.open(file)
        page.emulate_media(media="print")
        strokes = page.evaluate(
            """() => [...document.querySelectorAll('mjx-container svg g[stroke-width="0"]')]
              .map(g => getComputedStyle(g).stroke)"""
        )
    assert strokes and set(strokes) == {"none"}


def test_folded_solution_opens_by_keyboard(visit, pages):
    file = first_with(pages, "solution dropdown")
    with visit(1400) as tab:
        page = tab.open(file)
        solution = page.locator(".solution.dropdown").first
        content = solution.locator(".solution-content, section").first
        assert not content.is_visible()
        solution.locator("button.toggle-button").focus()
        page.keyboard.press("Enter")
        content.wait_for(state="visible", timeout=3000)


def test_hidden_code_opens_by_keyboard(visit, pages):
    file = first_with(pages, "hide-input")
    with visit(1400) as tab:
        page = tab.open(file)
        details = page.locator("details").first
        details.locator("summary").focus()
        page.keyboard.press("Enter")
        assert details.evaluate("e => e.open")


def test_search_finds_terms(visit, site):
    with visit(1400) as tab:
        for term in SEARCHES:
            page = tab.open(site / "search.html", f"?q={term}")
            page.wait_for_selector("#search-results ul.search li", timeout=15_000)
            assert not tab.problems
