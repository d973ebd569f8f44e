"""Figures for phones: the panels of a row below each other, so that their words stay readable.

A figure of the page's width shrinks to a third on a phone, and its letters with it. Each figure is
therefore laid out a second time, at the width of a phone; the page shows the one that fits.
"""

import pickle

WIDTH_IN = 3.7  # as wide as letters of 9 pt need on a screen of 400 px
PICTURES_PER_ROW = 2
MIME = "application/vnd.cbd-narrow-png"  # how a notebook keeps it beside the usual forms
_LEGEND_MARK_IN, _LETTER_IN = 0.5, 0.075


def stacked(figure):
    """
    A copy of a figure laid out for a phone.

    Panels of curves come one below the other, pictures two in a row. Labels of an axis that the
    panels share are written at each panel again.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Panels in one grid; it is not changed.

    Returns
    -------
    copy : matplotlib.figure.Figure or None
        None if the figure is narrow already, or its panels are not in one grid.
    """
    if figure.get_figwidth() <= 1.2 * WIDTH_IN:
        return None
    copy = pickle.loads(pickle.dumps(figure))
    copy.__dict__.pop("whole", None)  # the frame of the wide form
    placed = [panel for panel in copy.axes if panel.get_subplotspec() is not None]
    grids = {id(panel.get_subplotspec().get_gridspec()) for panel in placed}
    if len(grids) != 1 or copy.subfigs:
        return None
    panels = _in_reading_order(placed)
    old_rows = placed[0].get_subplotspec().get_gridspec().nrows
    pictures = all(
        panel.images and not len(panel.get_xticks()) for cell in panels for panel in cell
    )
    per_row = min(PICTURES_PER_ROW, len(panels)) if pictures else 1
    for cell in panels:
        for panel in cell:
            _write_shared_labels(panel, placed)
    rows = -(-len(panels) // per_row)
    grid = copy.add_gridspec(rows, per_row)
    for place, cell in enumerate(panels):
        for panel in cell:
            panel.set_subplotspec(grid[place // per_row, place % per_row])
    height = _picture_height(panels, per_row) if pictures else figure.get_figheight() / old_rows
    lines = sum(_narrow_legend(legend) for legend in list(copy.legends))
    copy.set_size_inches(WIDTH_IN, rows * height + 0.2 * lines)
    copy.set_layout_engine("constrained")
    copy.get_layout_engine().set(w_pad=0.06, h_pad=0.06)
    return copy


def _in_reading_order(placed):
    """Panels row by row, those on the same spot (two ordinates) together; empty ones removed."""
    cells = {}
    for panel in placed:
        if not panel.axison and not panel.has_data():
            panel.remove()
            continue
        spot = panel.get_subplotspec()
        cells.setdefault((spot.rowspan.start, spot.colspan.start), []).append(panel)
    return [cells[spot] for spot in sorted(cells)]


def _write_shared_labels(panel, others):
    """Tick labels and the name of an axis that stood only at the first panel of a row or column."""
    for axis, side in (("y", "labelleft"), ("x", "labelbottom")):
        shared = getattr(panel, f"get_shared_{axis}_axes")()
        partners = [other for other in others if other is not panel and shared.joined(panel, other)]
        own = getattr(panel, f"{axis}axis")
        if not partners or own.get_tick_params().get(side, True):
            continue
        panel.tick_params(axis=axis, which="both", **{side: True})
        if not own.get_label_text():
            names = [getattr(other, f"{axis}axis").get_label_text() for other in partners]
            own.set_label_text(next(filter(None, names), ""))


def _narrow_legend(legend):
    """Write the legend of a figure anew with as many columns as fit; returns its lines."""
    labels = [text.get_text() for text in legend.get_texts()]
    entry_in = _LEGEND_MARK_IN + _LETTER_IN * max(len(label) for label in labels)
    columns = max(1, min(len(labels), int(WIDTH_IN / entry_in)))
    handles, figure = legend.legend_handles, legend.get_figure()
    legend.remove()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    return -(-len(labels) // columns)


def _picture_height(panels, per_row):
    """Height of a row of pictures with their titles [inch]."""
    shapes = [cell[0].images[0].get_array().shape for cell in panels]
    tall, wide = max(shape[0] for shape in shapes), max(shape[1] for shape in shapes)
    return min(WIDTH_IN / per_row * tall / wide, 5.0) + 0.3
