"""Tables for the page: readable, with a verdict in words, and a CSV one can download."""

import base64
import html
import math
import re

from analysis.figures import style

ROWS = 15  # on a page; a reader looks further down in the CSV
COLUMNS = 7  # on a page: what fits beside the margins at a width of 1300 px
_SHORT = 18  # letters of a cell that is kept on one line
_PHRASE, _LONG = 8, 80  # characters: several words; a sentence or more

# A mark beside the words, so that the verdict does not rest on color.
_MARKS = {"agrees": "✓", "differs": "✗", "close": "≈"}

_SYMBOL = re.compile(r"(?<![^\W_])([A-Za-zα-ωΑ-Ω])_([A-Za-z0-9+]+(?:[_,][A-Za-z0-9]+)*)")
_NEGATIVE = re.compile(r"(?<![\w.)-])-(?=\d)")
_SPAN = re.compile(r"[+−-]?\d[\d.]* ?%? \([+−-]?\d")  # a value and its range in parentheses
_RANGE = re.compile(r"(?<=\d)–(?=\d)")


class Page:
    """
    A piece of HTML that shows itself in a notebook.

    Attributes
    ----------
    html : str or None
        What the page shows; the picture if there is none.
    png : bytes or None
        Still picture of the same for paper and e-readers.
    text : str
        What a terminal shows.
    """

    def __init__(self, html, *, png=None, text=""):
        self.html, self.png, self.text = html, png, text

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": self.text}
        if self.html is not None:
            bundle["text/html"] = self.html
        if self.png is not None:
            bundle["image/png"] = base64.b64encode(self.png).decode("ascii")
        return bundle


def show(
    table, *, name, digits=3, formats=None, verdict="verdict", headings=None, columns=None,
    rows=ROWS,
):  # fmt: skip
    """
    A table for the page, with a link to its CSV.

    A page carries at most :data:`COLUMNS` columns and :data:`ROWS` rows; a line below the table
    says what only the CSV has.

    Methods in a column ``method`` are written as the paper writes them, and ``r_max`` as a symbol
    with an index; the CSV holds what was passed.

    Parameters
    ----------
    table : pandas.DataFrame
        What to show. A named index, or one that is not a plain count, is shown as well. The
        first column heads its row.
    name : str
        Name of the CSV file without ending, and of the region for screen readers.
    digits : int
        Significant digits of real numbers on the page. The CSV holds all of them.
    formats : dict of str to str, optional
        Format of single columns, ``{"ours": ".2f", "sha256": ".12"}``.
    verdict : str
        Column whose entries begin with "agrees", "close" or "differs"; it gets a mark.
    headings : dict of str to str, optional
        Headings that differ from the column names, with unit: ``{"ours": "ours [µm]"}``.
    columns : sequence of str, optional
        Those that the page shows, in this order, at most :data:`COLUMNS`. By default the first
        ones; a verdict stays in any case. The CSV holds all.
    rows : int
        At most so many rows on the page, from the top. Sort the table so that what matters comes
        first. The CSV holds all.

    Returns
    -------
    page : Page
        Shows itself as the last expression of a cell.

    Raises
    ------
    KeyError
        If the table has no such column.
    ValueError
        If more columns or rows are asked for than a page carries.

    Examples
    --------
    >>> import pandas as pd
    >>> page = show(pd.DataFrame({"phase": ["AM"], "share": [0.59537]}), name="shares")
    >>> "0.595" in page.html and "shares.csv" in page.html
    True
    """
    table = _with_index(table)
    headings = headings or {}
    csv = table.to_csv(index=False)
    n_rows, there = len(table), list(table.columns)
    table = table[_on_the_page(there, columns, verdict, name)].iloc[: _limit(rows, name)]
    unsaid = [] if columns is not None else [c for c in there if c not in table.columns]
    unsaid = [headings.get(column, column) for column in unsaid]
    head = "".join(
        f'<th scope="col">{_typeset(str(headings.get(name_, name_)))}</th>'
        for name_ in table.columns
    )
    formats = {**_common_formats(table, digits), **(formats or {})}
    lines = []
    for record in table.itertuples(index=False):
        cells = []
        for place, (column, value) in enumerate(zip(table.columns, record, strict=True)):
            value = style.label(value) if column == "method" else value
            text, kind = _cell(value, digits, formats.get(column), column == verdict)
            tag, scope = ("th", ' scope="row"') if place == 0 else ("td", "")
            cells.append(f"<{tag}{scope}{kind}>{text}</{tag}>")
        lines.append(f"<tr>{''.join(cells)}</tr>")
    link = csv_link(csv, name)
    title = html.escape(str(name).replace("-", " ").replace("_", " "), quote=True)
    page = (
        f'<div class="cbd-table" role="region" tabindex="0" '
        f'aria-label="Table: {title}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
        f'<p class="cbd-downloads">{_left_out(len(table), n_rows, unsaid)}{link}</p>'
    )
    return Page(page, text=table.to_string(index=False))


def compare(verdicts, *, name, units=None, digits=3):
    """
    Our numbers beside the paper's, with tolerance and verdict.

    Parameters
    ----------
    verdicts : dict of str to analysis.paper.Verdict
        Verdict keyed by what was measured. Anything with the attributes `ours`, `paper`,
        `tolerance` and `deviation`, and with the verdict as its text, will do.
    name : str
        As in :func:`show`.
    units : dict of str to str, optional
        Unit of each quantity.
    digits : int
        Significant digits on the page.

    Returns
    -------
    page : Page

    Examples
    --------
    >>> from analysis import paper
    >>> page = compare({"median radius": paper.verdict(3.5, 3.63)}, name="radius")
    >>> "agrees" in page.html
    True
    """
    import pandas as pd

    rows = [
        {
            "quantity": quantity,
            **({"unit": units.get(quantity, "-")} if units else {}),
            "ours": verdict.ours,
            "paper": verdict.paper,
            "tolerance": f"{verdict.tolerance:.0%}",
            "verdict": str(verdict),
        }
        for quantity, verdict in verdicts.items()
    ]
    return show(pd.DataFrame(rows), name=name, digits=digits)


def _on_the_page(there, columns, verdict, name):
    """Names of the columns that the page shows."""
    if columns is None:
        kept = there[:COLUMNS]
        if verdict in there[COLUMNS:]:
            kept = [*there[: COLUMNS - 1], verdict]
        return kept
    if len(columns) > COLUMNS:
        raise ValueError(
            f"Table {name!r} asks for {len(columns)} columns on the page; at most {COLUMNS} fit. "
            "Name those that the text speaks of: the CSV holds all."
        )
    return list(columns)


def _limit(rows, name):
    """How many rows the page shows at most."""
    if rows is None or rows > ROWS:
        raise ValueError(
            f"Table {name!r} asks for {'all' if rows is None else rows} rows on the page; at most "
            f"{ROWS} fit. Sort it so that what matters comes first: the CSV holds all."
        )
    return rows


def _left_out(shown, there, columns):
    """
    The words between a table and the link to its CSV, which has what the page has not.

    Examples
    --------
    >>> _left_out(3, 3, []), _left_out(15, 44, ["seed"])
    ('', 'The first 15 of 44 rows; all of them, and the columns seed, are in the ')
    """
    named = ", ".join(_typeset(str(column)) for column in columns)
    if shown < there and columns:
        return (
            f"The first {shown} of {there} rows; all of them, and the columns {named}, are in the "
        )
    if shown < there:
        return f"The first {shown} of {there} rows; all are in the "
    if len(columns) == 1:
        return f"The column {named} is in the "
    return f"The columns {named} are in the " if columns else ""


def csv_link(csv, name):
    """Link that saves `csv`, text in CSV form, as the file `name`.csv. Works without network."""
    data = base64.b64encode(csv.encode("utf-8")).decode("ascii")
    safe = html.escape(str(name), quote=True)
    return (
        f'<a class="cbd-download" download="{safe}.csv" href="data:text/csv;base64,{data}">'
        f'CSV<span class="cbd-hidden"> of {safe.replace("-", " ")}</span></a>'
    )


def _with_index(table):
    """The table with its index as columns, unless the index only counts."""
    import pandas as pd

    plain = isinstance(table.index, pd.RangeIndex) and table.index.name is None
    table = table if plain else table.reset_index()
    if isinstance(table.columns, pd.MultiIndex):
        table = table.set_axis([" ".join(map(str, c)).strip() for c in table.columns], axis=1)
    return table


def _common_formats(table, digits):
    """One number of decimals per column of reals, so that digits stand below each other."""
    formats = {}
    for column in table.columns:
        if table[column].dtype.kind != "f":
            continue
        sizes = table[column].abs()
        sizes = sizes[(sizes > 0) & (sizes < math.inf)]
        whole = bool((table[column].dropna() % 1 == 0).all())
        if sizes.empty or whole or sizes.max() >= 1e5 or sizes.max() < 1e-3:
            continue
        largest = math.floor(math.log10(sizes.max()))
        smallest = max(math.floor(math.log10(sizes.min())), largest - digits)
        formats[column] = f".{max(0, digits - 1 - largest, -smallest)}f"
    return formats


def _cell(value, digits, fmt, is_verdict):
    """Text of a cell and the attribute that says how to set it."""
    if is_verdict:
        word = str(value).split(" ")[0]
        mark = _MARKS.get(word, "")
        shown = f'<span class="cbd-mark" aria-hidden="true">{mark}</span> ' if mark else ""
        return shown + _typeset(str(value)), f' class="cbd-{html.escape(word, quote=True)}"'
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–", ' class="cbd-number"'
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        text = format(value, fmt) if fmt and isinstance(value, str) else str(value)
        return _typeset(text), _words(text)
    return _typeset(number(value, digits, fmt)), ' class="cbd-number"'


def _words(text):
    """
    The attribute that says how much room words need where a page is narrow.

    Examples
    --------
    >>> _words("SL"), _words("U-Net with profile"), _words("a sentence " * 10)
    (' class="cbd-short"', ' class="cbd-short cbd-phrase"', ' class="cbd-long"')
    """
    if _SPAN.match(text):
        return ' class="cbd-span"'  # may break between its numbers
    if len(text) > _LONG:
        return ' class="cbd-long"'
    if len(text) > _SHORT:
        return ""
    phrase = " cbd-phrase" * (len(text) > _PHRASE and " " in text)
    return f' class="cbd-short{phrase}"'


def _typeset(text):
    """
    Text as HTML: indices below their symbol, minus signs, no line break inside a range.

    Examples
    --------
    >>> _typeset("r_max_AM < -1"), _typeset("p(D_e) of he_normal")
    ('r<sub>max, AM</sub> &lt; −1', 'p(D<sub>e</sub>) of he_normal')
    """
    text = _NEGATIVE.sub("−", html.escape(text))
    text = _RANGE.sub("–\u2060", text)
    return _SYMBOL.sub(lambda found: f"{found[1]}<sub>{found[2].replace('_', ', ')}</sub>", text)


def number(value, digits=3, fmt=None):
    """
    A number as it stands on the page.

    Examples
    --------
    >>> number(0.59537), number(12345), number(4.2e-9), number(2, fmt=".2f")
    ('0.595', '12345', '4.2e-09', '2.00')
    """
    if fmt is not None:
        text = format(value, fmt)
    elif float(value).is_integer() and abs(value) < 1e15:
        text = str(int(value))
    elif not 1e-3 <= abs(float(value)) < 1e5:
        text = f"{float(value):.{digits}g}"
    else:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(float(value)))))
        text = f"{float(value):.{decimals}f}"
    # what rounds to zero has no sign
    return text.removeprefix("-") if re.fullmatch(r"-0(\.0*)?", text) else text
