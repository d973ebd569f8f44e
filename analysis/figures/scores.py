"""All scores of a method in one figure, each between floor and truth."""

import numpy as np

from analysis.figures import style

WORST = -1.0  # of the scale that is drawn; what lies below is marked at the edge
_EDGE = WORST - 0.12


def between_floor_and_truth(summary, titles, *, ax, chosen=(), groups=(), limit=None):
    """
    One row for each quantity, one mark for each method: 0 is the floor, 1 the truth.

    Parameters
    ----------
    summary : pandas.DataFrame
        Columns method, quantity, scale, scale_low, scale_high [-]. Without floor and truth, which
        are the two lines.
    titles : dict of str to str
        Title of each quantity; the rows, from the top.
    ax : matplotlib.axes.Axes
    chosen : sequence of str
        Methods that are drawn large, with the range over the specimens; the others stay small.
    groups : sequence of (str, int)
        Title and number of rows of blocks that are set apart.
    limit : str, optional
        Method that stands for what can be known at best; it gets an upright stroke in each row.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    places = {key: n for n, key in enumerate(titles)}
    methods = list(dict.fromkeys(summary.method))
    ax.axvline(0, color="#444444", lw=1.2, ls="--")
    ax.axvline(1, color="#000000", lw=1.6)
    for method in [name for name in methods if name not in chosen] + list(chosen):
        rows = summary[(summary.method == method) & summary.quantity.isin(places)]
        rows = rows[np.isfinite(rows.scale)]
        large = method in chosen
        number = list(chosen).index(method) if large else 0
        # two large marks of a row stand above each other, so that their ranges can be seen
        shift = 0.22 * (1 if number % 2 else -1) if large and len(chosen) > 1 else 0
        y = rows.quantity.map(places).to_numpy(float) + shift
        x = np.maximum(rows.scale.to_numpy(), _EDGE)
        color = _PALETTE[number % len(_PALETTE)] if large else style.color(method)
        ax.plot(
            x, y, "o" if large else style.marker(method) or "o", ls="none", color=color,
            ms=7 if large else 4, mec="white" if large else color, mew=0.6,
            zorder=4 if large else 3,
            alpha=1.0 if large else 0.75, label=plain(style.label(method)),
        )  # fmt: skip
        if large:
            ends = np.maximum(rows[["scale_low", "scale_high"]].to_numpy(), _EDGE)
            ax.hlines(y, *ends.T, color=color, lw=1.6, zorder=4)
        for place in y[rows.scale.to_numpy() < WORST]:
            ax.annotate("◂", (_EDGE - 0.06, place), ha="center", va="center", color=color, size=7,
                        family="DejaVu Sans")  # fmt: skip
    if limit is not None:
        rows = summary[(summary.method == limit) & summary.quantity.isin(places)]
        x = np.maximum(rows.scale.to_numpy(), _EDGE)
        ax.plot(
            x, rows.quantity.map(places), "|", color="#000000", ms=14, mew=1.6, zorder=2,
            label=f"limit: {plain(style.label(limit))}",
        )  # fmt: skip
    ax.set_yticks(range(len(titles)), [plain(title) for title in titles.values()])
    ax.set_ylim(len(titles) - 0.5, -0.5)
    ax.set_xlim(_EDGE - 0.14, 1.06)
    ax.set_xticks([-1, -0.5, 0, 0.5, 1], ["−1 or less", "−0.5", "0\nfloor", "0.5", "1\ntruth"])
    ax.set_xlabel("1 − error over the error of the floor [-]")
    last = 0
    for _, count in groups[:-1]:
        last += count
        ax.axhline(last - 0.5, color="#9aa1ab", lw=0.8)
    return ax


def errors(truth, labels, *, axis=1, index=None):
    """
    Picture of where a map is wrong: right, CBD and pore confused, or the AM wrong.

    Parameters
    ----------
    truth, labels : (Z, Y, X) ndarray of uint8
    axis, index : int
        Slice; the middle by default.

    Returns
    -------
    picture : (Z, X) ndarray of float
        0 where it is right, 0.55 where CBD and pore are confused, 1 where the AM is wrong.
    """
    index = truth.shape[axis] // 2 if index is None else index
    true, given = (np.take(volume, index, axis) for volume in (truth, labels))
    picture = np.where(true == given, 0.0, 0.55)
    return np.where((true == 2) != (given == 2), 1.0, picture)


def plain(text):
    """A name as matplotlib draws it letter by letter: a dollar begins no formula."""
    return str(text).replace("$", r"\$")


_PALETTE = ("#d1492e", "#0b6e4f", "#2b4ca0", "#8a4fbf")
