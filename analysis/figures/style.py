"""Colors, names and sizes that every figure of the book shares.

Colors differ for readers with any of the three color-vision deficiencies, phases also in gray
print; where lines meet, markers tell methods apart and line styles tell specimens apart
(`tests/figures/test_style.py` measures this).
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from analysis.figures import narrow
from analysis.phases import Phase

# Areas: pore dark, CBD red, AM light, as in Figure 1 of the paper but readable in gray print.
PHASE_COLORS = {Phase.PORE: "#20242f", Phase.CBD: "#d1492e", Phase.AM: "#cdd1d6"}
# Lines on white: the light AM would not be seen.
PHASE_LINES = {Phase.PORE: "#20242f", Phase.CBD: "#d1492e", Phase.AM: "#7b8794"}
PHASE_STYLES = {Phase.PORE: "-", Phase.CBD: "--", Phase.AM: "-."}
PHASE_MARKERS = {Phase.PORE: "o", Phase.CBD: "s", Phase.AM: "^"}


@dataclass(frozen=True)
class MethodStyle:
    """How one trinarization method is written and drawn."""

    label: str
    color: str
    marker: str


# In the paper's order (Figure 4), the truth last: the paper had none.
METHODS = {
    "nn-am-cbd-p": MethodStyle("NN-AM-CBD-P", "#5f86d6", "<"),
    "nn-am-cond": MethodStyle("NN-AM-Cond", "#2b4ca0", "o"),
    "nn-am-p-cbd": MethodStyle("NN-AM-P-CBD", "#8fa9df", ">"),
    "nn-cbd-am-p": MethodStyle("NN-CBD-AM-P", "#e07b52", "p"),
    "nn-cbd-cond": MethodStyle("NN-CBD-Cond", "#c23b0a", "s"),
    "nn-cbd-p-am": MethodStyle("NN-CBD-P-AM", "#eda98d", "h"),
    "nn-p-am-cbd": MethodStyle("NN-P-AM-CBD", "#4fae96", "1"),
    "nn-p-cond": MethodStyle("NN-P-Cond", "#00836a", "^"),
    "nn-p-cbd-am": MethodStyle("NN-P-CBD-AM", "#8ccabb", "2"),
    "thresholding": MethodStyle("Thresholding", "#b08b00", "D"),
    "kmeans": MethodStyle("k-means", "#d267ae", "v"),
    "edx-closing": MethodStyle("EDX-Closing", "#3b9fe3", "P"),
    "truth": MethodStyle("Truth", "#000000", "*"),
}

# Ours, beside the paper's.
OURS = {
    "posterior": MethodStyle("Posterior", "#5b3a91", "X"),
    "posterior with profile": MethodStyle("Posterior with profile", "#9a6fd0", "d"),
    "U-Net": MethodStyle("U-Net", "#1a7f37", "o"),
    "U-Net with profile": MethodStyle("U-Net with profile", "#57ab5a", "s"),
    "informed U-Net": MethodStyle("U-Net, profile and scenario", "#3d7a40", "D"),
    "U-Net, most probable": MethodStyle("U-Net, most probable", "#1a7f37", "X"),
    "U-Net, draw": MethodStyle("U-Net, draw", "#57ab5a", "o"),
    "floor": MethodStyle("Floor: dealt at random", "#444444", ""),
    "most probable": MethodStyle("Most probable", "#5b3a91", "X"),
    "draw": MethodStyle("Draw", "#8a5a2b", "o"),
    "informed draw": MethodStyle("Draw, scenario known", "#5b3a91", "H"),
    "independent draw": MethodStyle("Independent draw", "#8a8a8a", "8"),
}
METHOD_COLORS = {method: style.color for method, style in METHODS.items()}
METHOD_MARKERS = {method: style.marker for method, style in METHODS.items()}

# The six columns of Table 2 and the truth: what a figure shows unless told otherwise.
MAIN_METHODS = (
    "nn-am-cond",
    "nn-cbd-cond",
    "nn-p-cond",
    "thresholding",
    "kmeans",
    "edx-closing",
    "truth",
)

SPECIMEN_LABELS = {
    "SL": "single-layer",
    "TL": "two-layer",
    "D": "correlative",
    "REAL": "measured",
}
SPECIMEN_STYLES = {"SL": "-", "TL": "--", "D": ":", "REAL": "-."}  # solid and dashed: the paper's

SEQUENTIAL = "cividis"  # lightness rises evenly: safe for color-blind readers and in gray print
DIVERGING = "PuOr"

PAGE_WIDTH_IN = 7.2
_MIME = {"image/png": "png", "image/svg+xml": "svg", "application/pdf": "pdf"}
DPI = 140

_RC = {
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "figure.facecolor": "white",  # a white card on a dark page
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "legend.frameon": True,
    "legend.framealpha": 0.85,
    "legend.edgecolor": "none",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e6ea",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "image.interpolation": "nearest",
    "image.cmap": SEQUENTIAL,
    "svg.fonttype": "path",
    "svg.hashsalt": "cbd-compendium",
    "pdf.fonttype": 42,
}


def use():
    """
    Set matplotlib's defaults to the book's look.

    In a notebook each figure is then kept as PNG, SVG and PDF, and as a PNG for phones (see
    :mod:`analysis.figures.narrow`): the page shows a PNG and offers SVG and PDF for download. Safe
    to call more than once.
    """
    import matplotlib

    matplotlib.rcParams.update(_RC)
    try:
        shell = get_ipython()  # noqa: F821  (exists only inside IPython)
    except NameError:
        return
    if hasattr(shell, "kernel"):
        # its first import registers printers of its own, so it must come before ours
        import matplotlib_inline.backend_inline  # noqa: F401
        from IPython.core.formatters import PNGFormatter
        from matplotlib.figure import Figure

        formatters = shell.display_formatter.formatters
        for mime, kind in _MIME.items():
            formatters[mime].for_type(Figure, partial(printed, kind=kind))
        formatters.setdefault(narrow.MIME, PNGFormatter(parent=shell.display_formatter))
        formatters[narrow.MIME].for_type(Figure, printed_narrow)


def printed(figure, *, kind):
    """
    A figure as the bytes (SVG: the text) of a file.

    IPython's own printer lays the figure out and draws it twice for each format; here it is laid
    out once.
    """
    import matplotlib
    from matplotlib.transforms import Bbox

    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        # the layout does not heed how wide titles and labels below an axis are
        figure.whole = Bbox.union([figure.bbox_inches, figure.get_tightbbox()])
    buffer = BytesIO()
    # without a date the same figure is the same file
    metadata = {"png": None, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    # what has been laid out stays where it is; saving would ask the default for a new layout
    with matplotlib.rc_context({"figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)
        whole = getattr(figure, "whole", None)
        figure.savefig(buffer, format=kind, bbox_inches=whole, metadata=metadata)
    return buffer.getvalue().decode() if kind == "svg" else buffer.getvalue()


def printed_narrow(figure):
    """The form of a figure for phones as PNG in base64; None if it is narrow already."""
    copy = narrow.stacked(figure)
    return copy if copy is None else b64encode(printed(copy, kind="png")).decode("ascii")


def axes(rows=1, columns=1, *, height=None, width=1.0, **kwargs):
    """
    Axes in the book's look.

    Parameters
    ----------
    rows, columns : int
        Panels of the figure.
    height : float, optional
        Height of the whole figure [inch]. The default suits one row of curves.
    width : float
        Share [-] of the page's width, 0 to 1.
    **kwargs
        Passed to :func:`matplotlib.pyplot.subplots`, `sharey` for instance.

    Returns
    -------
    axes : matplotlib.axes.Axes or ndarray of Axes
        One axes, or an array `(columns,)`, `(rows,)` or `(rows, columns)` of them.

    Examples
    --------
    >>> left, right = axes(1, 2, sharey=True)
    """
    import matplotlib.pyplot as plt

    use()
    if height is None:
        height = rows * {1: 3.4, 2: 2.9}.get(columns, 2.6)
    figure, panels = plt.subplots(
        rows, columns, figsize=(PAGE_WIDTH_IN * width, height), squeeze=True, **kwargs
    )
    figure.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
    return panels


def label(method):
    """
    Name of a method as the paper writes it; a name outside the catalogue stays as it is.

    Examples
    --------
    >>> label("nn-p-cond"), label("kmeans"), label("AM from k-means")
    ('NN-P-Cond', 'k-means', 'AM from k-means')
    """
    known = METHODS | OURS
    return known[method].label if method in known else str(method)


def color(method):
    """Color of a method; gray for a name outside the catalogue."""
    return OURS[method].color if method in OURS else METHOD_COLORS.get(method, "#6b7280")


def marker(method):
    """Marker of a method; none for a name outside the catalogue."""
    return OURS[method].marker if method in OURS else METHOD_MARKERS.get(method)


def ordered(methods):
    """
    Methods in the paper's order, unknown names last.

    Examples
    --------
    >>> ordered(["truth", "kmeans", "nn-p-cond"])
    ['nn-p-cond', 'kmeans', 'truth']
    """
    rank = {method: place for place, method in enumerate(METHODS)}
    return sorted((str(method) for method in methods), key=lambda name: rank.get(name, len(rank)))


def main_first(table, column="method"):
    """
    A table with the methods of :data:`MAIN_METHODS` above all others, otherwise in its order.

    So a page that has room for some rows shows those that every figure shows.

    Parameters
    ----------
    table : pandas.DataFrame
    column : str
        Column with the names of the methods.

    Returns
    -------
    table : pandas.DataFrame

    Examples
    --------
    >>> import pandas as pd
    >>> list(main_first(pd.DataFrame({"method": ["nn-p-am-cbd", "kmeans"]})).method)
    ['kmeans', 'nn-p-am-cbd']
    """
    last = ~table[column].isin(MAIN_METHODS)
    return table.loc[last.sort_values(kind="stable").index].reset_index(drop=True)


def legend(panel, *, methods=None, specimens=(), columns=4):
    """
    One legend for a whole figure, below its panels.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
        Any axes of the figure; its own labeled lines are used unless `methods` is given.
    methods : iterable of str, optional
        Methods to explain: color and marker.
    specimens : iterable of str
        Specimens to explain: line style.
    columns : int
        Entries per row.
    """
    from matplotlib.lines import Line2D

    if methods is None:
        handles, labels = panel.get_legend_handles_labels()
        unique = dict(zip(labels, handles, strict=True))
        handles, labels = list(unique.values()), list(unique)
    else:
        handles = [
            Line2D([], [], color=color(name), marker=marker(name), ls="none")
            for name in ordered(methods)
        ]
        labels = [label(name) for name in ordered(methods)]
    for name in specimens:
        handles.append(Line2D([], [], color="#444444", ls=SPECIMEN_STYLES.get(name, "-")))
        labels.append(SPECIMEN_LABELS.get(name, name))
    return panel.figure.legend(
        handles, labels, loc="outside lower center", ncols=min(columns, max(len(labels), 1))
    )


def legend_below(panel, *, handles=None, title=None):
    """
    The legend of one panel, below its abscissa, where it can hide no data.

    Parameters
    ----------
    panel : matplotlib.axes.Axes
        Its labeled lines are explained, unless `handles` are given.
    handles : list of matplotlib artists, optional
        With their labels.
    title : str, optional
        Heading, the quantity with its unit.

    Returns
    -------
    legend : matplotlib.legend.Legend or None
        None if there is nothing to explain.
    """
    from matplotlib.transforms import ScaledTranslation

    handles = panel.get_legend_handles_labels()[0] if handles is None else handles
    if not handles:
        return None
    figure = panel.figure
    width_in = panel.get_position().width * figure.get_figwidth()
    entry_in = 0.5 + 0.075 * max(len(str(handle.get_label())) for handle in handles)
    below = ScaledTranslation(0, -(0.5 if panel.get_xlabel() else 0.34), figure.dpi_scale_trans)
    return panel.legend(
        handles=handles, title=title, loc="upper center", bbox_to_anchor=(0.5, 0),
        bbox_transform=panel.transAxes + below, borderaxespad=0, columnspacing=1.2,
        ncols=max(1, min(len(handles), int(width_in / entry_in))),
    )  # fmt: skip
