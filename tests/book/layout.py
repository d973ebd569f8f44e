"""What a browser measures on a page: tables, equations and figures at the width of a screen."""

from analysis.figures import tables

LETTER_PT, DPI = 8, 140  # the smallest letters of a figure, see ``analysis.figures.style``
SMALLEST_LETTER_PX = 8.0

TABLES = """() => [...document.querySelectorAll("article table")]
  .filter(t => t.checkVisibility()).map(t => {
  const box = t.closest(".cbd-table, .pst-scrollable-table-container") || t.parentElement;
  return {
    name: box.getAttribute("aria-label") || t.textContent.trim().slice(0, 40),
    ours: box.classList.contains("cbd-table"),
    columns: Math.max(0, ...[...t.rows].map(r => r.cells.length)),
    rows: t.tBodies.length ? t.tBodies[0].rows.length : 0,
    hidden: Math.max(box.scrollWidth - box.clientWidth, t.scrollWidth - box.clientWidth),
    scrolls: ["auto", "scroll"].includes(getComputedStyle(box).overflowX),
  };
})"""

EQUATIONS = """() => [...document.querySelectorAll('article mjx-container[display="true"]')]
  .filter(e => e.checkVisibility()).map(e => {
    const widths = [...e.querySelectorAll("svg")].map(s => s.getBoundingClientRect().width);
    const drawn = Math.max(...widths);
    const boxes = [e, e.closest("div.math")].filter(Boolean);
    return {
      text: e.closest("div.math, p")?.id || e.textContent.slice(0, 40),
      hidden: drawn - Math.min(...boxes.map(b => b.clientWidth)),
      scrolls: boxes.some(b => ["auto", "scroll"].includes(getComputedStyle(b).overflowX)),
    };
  })"""

# Figures that one can download as SVG are those that hold letters.
FIGURES = """async () => {
  const figures = [...document.querySelectorAll("article figure")]
    .filter(f => f.querySelector('a[href$=".svg"]') && f.querySelector("img"));
  const images = figures.map(f => f.querySelector("img"));
  images.forEach(i => { i.loading = "eager"; });
  await Promise.all(images.map(i => i.decode().catch(() => null)));
  return images.map((image, n) => ({
    name: figures[n].id, shown: image.getBoundingClientRect().width, drawn: image.naturalWidth,
    visible: image.checkVisibility(),
  }));
}"""


def problems(page, width):
    """
    What does not fit on an open page.

    Parameters
    ----------
    page : playwright.sync_api.Page
    width : int
        Of the window [px].

    Returns
    -------
    found : list of str
    """
    wide = width >= 1300
    found = []
    for one in page.evaluate(TABLES):
        name = one["name"]
        if one["columns"] > tables.COLUMNS:
            found.append(f"{name} has {one['columns']} columns; at most {tables.COLUMNS}")
        if one["ours"] and one["rows"] > tables.ROWS:
            found.append(f"{name} has {one['rows']} rows; at most {tables.ROWS}")
        if one["hidden"] > 1 and (wide or not one["scrolls"]):
            found.append(f"{name} hides {one['hidden']:.0f} px of its width")
    for one in page.evaluate(EQUATIONS):
        if one["hidden"] > 1 and (wide or not one["scrolls"]):
            found.append(f"equation {one['text']} hides {one['hidden']:.0f} px of its width")
    for one in page.evaluate(FIGURES):
        if not one["visible"]:
            continue
        letters = LETTER_PT / 72 * DPI * one["shown"] / max(one["drawn"], 1)
        if letters < SMALLEST_LETTER_PX:
            found.append(f"letters of figure {one['name']} are {letters:.1f} px high")
    return found
