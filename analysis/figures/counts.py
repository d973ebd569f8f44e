"""Figures of many values: histograms, parity, dots by method, stacked shares."""

import numpy as np

from analysis.figures import style
from analysis.phases import Phase

_REFERENCE = {"color": "#7a1fa2", "lw": 2}
_CHANCE = {"color": "#555555", "lw": 1.2, "ls": (0, (2, 1))}


def histogram(gray, *, ax, thresholds=(), truth=None, bins=128, gray_range=None, title=""):
    """
    Histogram of the gray values with the thresholds as vertical lines (Fig. 2 of the paper).

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values.
    ax : matplotlib.axes.Axes
        Where to draw.
    thresholds : sequence of float
        Gray values that part the phases.
    truth : (Z, Y, X) ndarray of uint8, optional
        Known labels; the histogram of each phase is then drawn under the total.
    bins : int
        Number of bins.
    gray_range : (float, float), optional
        Lowest and highest gray value shown; 0.1 % and 99.9 % quantiles by default.
    title : str
        Heading of the panel.

    Returns
    -------
    ax : matplotlib.axes.Axes
    """
    gray = np.asarray(gray)
    low, high = gray_range or np.quantile(gray, (0.001, 0.999))
    edges = np.linspace(low, high, bins + 1)
    middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    total = np.histogram(gray, edges)[0] / (gray.size * width)
    ax.step(middle, total, where="mid", color="black", lw=1.2, label="all voxels")
    if truth is not None:
        for phase in Phase:
            share = np.histogram(gray[truth == phase], edges)[0] / (gray.size * width)
            ax.fill_between(
                middle, share, step="mid", color=style.PHASE_COLORS[phase], alpha=0.75, lw=1,
                edgecolor="#444444", ls=style.PHASE_STYLES[phase], label=f"{phase.title} (truth)",
            )  # fmt: skip
    for number, threshold in enumerate(sorted(thresholds)):
        ax.axvline(
            threshold, color="#7a1fa2", ls="--", lw=1.4, label=None if number else "thresholds"
        )
    ax.set(xlabel="gray value", ylabel="density [-]", title=title, ylim=(0, None))
    style.legend_below(ax)
    return ax


def parity(true, predicted, *, ax, phase=None, title=None, points=4000, score=None):
    """
    Predicted against true value (Fig. 2, top left, of the paper).

    Parameters
    ----------
    true, predicted : (N,) ndarray
        Values [-], volume fractions of one phase for instance.
    ax : matplotlib.axes.Axes
        Where to draw.
    phase : Phase, optional
        Whose color to use.
    title : str, optional
        Heading; the name of the phase by default.
    points : int
        At most so many points are drawn, evenly picked.
    score : float, optional
        Coefficient of determination [-], written above the panel.
    """
    true, predicted = np.ravel(true), np.ravel(predicted)
    every = max(1, true.size // points)
    ax.plot([0, 1], [0, 1], color="#777777", lw=0.8, transform=ax.transAxes)
    ax.plot(
        true[::every], predicted[::every], ls="none", ms=2.5, alpha=0.5, rasterized=True,
        marker=style.PHASE_MARKERS.get(phase, "o"), color=style.PHASE_LINES.get(phase, "#2b4ca0"),
    )  # fmt: skip
    low = min(0.0, float(true.min()), float(predicted.min()))
    high = max(1.0 if phase is not None else 0.0, float(true.max()), float(predicted.max()))
    ax.set(xlim=(low, high), ylim=(low, high), xlabel="true [-]", ylabel="predicted [-]")
    ax.set_aspect("equal")
    heading = title if title is not None else getattr(phase, "title", "")
    # above the panel: inside it the points would cover the number
    heading += f"\n$R^2$ = {score:.2f}" if score is not None else ""
    ax.set_title(heading.strip())
    return ax


def dots(
    table, *, ax, value, by="method", split="specimen", xlabel="", title="", reference=None,
    chance=None, legend=True,
):  # fmt: skip
    """
    One row of dots per method, a dot per cutout: scalars that are to be compared.

    Parameters
    ----------
    table : pandas.DataFrame
        Tidy table with the columns `by`, `value` and, if there is one, `split`.
    ax : matplotlib.axes.Axes
        Where to draw.
    value : str
        Column along the abscissa.
    by : str
        Column whose entries become rows, in the paper's order.
    split : str
        Column whose entries are filled or open: specimens.
    xlabel, title : str
        Texts, quantity with unit.
    reference : dict of str to float, optional
        Value of each row that the paper gives; drawn as a vertical tick.
    chance : dict of str to float, optional
        Value of each row that dealing at random would give; drawn as a thin gray tick.
    legend : bool
        Whether to explain fillings and ticks, below the panel.
    """
    from matplotlib.lines import Line2D

    rows = style.ordered(table[by].unique())
    groups = list(table[split].unique()) if split in table else [None]
    for place, row in enumerate(rows):
        for number, group in enumerate(groups):
            chosen = table[table[by] == row]
            chosen = chosen if group is None else chosen[chosen[split] == group]
            y = place + (number - (len(groups) - 1) / 2) * 0.28
            ax.plot(
                chosen[value], np.full(len(chosen), y), ls="none", ms=5,
                marker=style.marker(row) or "o", mec=style.color(row),
                mfc=style.color(row) if number == 0 else "white",
            )  # fmt: skip
        for ticks, look in ((reference, _REFERENCE), (chance, _CHANCE)):
            if ticks and row in ticks:
                ax.plot([ticks[row]] * 2, [place - 0.42, place + 0.42], **look)
    ax.set_yticks(range(len(rows)), [style.label(row) for row in rows])
    ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel=xlabel, title=title)
    handles = []
    if len(groups) > 1:
        handles += [
            Line2D([], [], ls="none", marker="o", color="#444444", mfc=fill,
                   label=style.SPECIMEN_LABELS.get(group, str(group)))
            for group, fill in zip(groups, ("#444444", "white"), strict=False)
        ]  # fmt: skip
    handles += [Line2D([], [], label="paper", **_REFERENCE)] if reference else []
    handles += [Line2D([], [], label="dealt at random", **_CHANCE)] if chance else []
    if legend:
        style.legend_below(ax, handles=handles)
    return ax


def shares(fractions, *, ax, xlabel="volume fraction [-]", title=""):
    """
    Stacked horizontal bars that sum to one, a bar per row.

    Parameters
    ----------
    fractions : dict of str to dict of (Phase or str) to float
        Shares [-] of each bar, in drawing order. Shares of phases get their colors.
    ax : matplotlib.axes.Axes
        Where to draw.
    xlabel, title : str
        Texts.
    """
    hatches = ["", "//", "..", "xx", "\\\\"]
    others = ["#cdd1d6", "#d1492e", "#20242f", "#b08b00", "#3b9fe3"]
    seen = []
    for place, parts in enumerate(fractions.values()):
        left = 0.0
        for part, share in parts.items():
            name = part.title if isinstance(part, Phase) else str(part)
            first = name not in seen
            if first:
                seen.append(name)
            number = seen.index(name) % len(others)
            is_phase = isinstance(part, Phase)
            ax.barh(
                place, share, left=left, edgecolor="white", height=0.62,
                color=style.PHASE_COLORS[part] if is_phase else others[number],
                hatch="" if is_phase else hatches[number], label=name if first else None,
            )  # fmt: skip
            left += share
    ax.set_yticks(range(len(fractions)), list(fractions))
    ax.set(ylim=(len(fractions) - 0.4, -0.6), xlabel=xlabel, title=title)
    ax.figure.legend(loc="outside lower center", ncols=5)
    return ax
