"""Figures of pictures and matrices: slices side by side, agreement matrices, maps."""

import numpy as np

from analysis.figures import style
from analysis.phases import Phase, check_voxel_size


def phase_colormap():
    """Colormap and norm that draw labels 0, 1, 2 in the colors of the phases."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    colormap = ListedColormap([style.PHASE_COLORS[phase] for phase in Phase])
    return colormap, BoundaryNorm([-0.5, 0.5, 1.5, 2.5], len(Phase))


def slices(images, *, voxel_size_um, axis=1, index=None, columns=4, gray_range=None, bar_um=20.0):
    """
    The same slice of several volumes side by side.

    Labels are drawn in the colors of the phases, anything else in gray. The separator side is
    at the top.

    Parameters
    ----------
    images : dict of str to (Z, Y, X) or (Z, X) ndarray
        Title, or name of a method, of each volume or ready slice. uint8 volumes of 0, 1, 2
        count as labels.
    voxel_size_um : float
        Edge of a voxel [µm], for the scale bar.
    axis : int
        Axis that the slice is taken across; 1 and 2 show the thickness, 0 is a depth.
    index : int, optional
        Place of the slice along `axis`; the middle by default.
    columns : int
        Panels per row.
    gray_range : (float, float), optional
        Gray values drawn black and white; 0.5 % and 99.5 % quantiles by default.
    bar_um : float
        Length of the scale bar [µm].

    Returns
    -------
    panels : ndarray of Axes
        One axes per image.
    """
    check_voxel_size(voxel_size_um)
    pictures = {name: _slice(image, axis, index) for name, image in images.items()}
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    tall, wide = np.max([picture.shape for picture in pictures.values()], axis=0)
    row = min(style.PAGE_WIDTH_IN / columns * tall / wide, 3.4)
    height = min(rows * (row + 0.3), 9.0) + 0.3
    panels = np.ravel(style.axes(rows, columns, height=height))
    has_labels = False
    for panel, (name, picture) in zip(panels, pictures.items(), strict=False):
        has_labels |= image(picture, ax=panel, title=style.label(name), gray_range=gray_range)
    for panel in panels[len(pictures) :]:
        panel.set_axis_off()
    scale_bar(panels[0], voxel_size_um, bar_um)
    if has_labels:
        phase_legend(panels[0].figure)
    return panels[: len(pictures)]


def image(picture, *, ax, title="", gray_range=None, colormap="gray"):
    """
    Draw one slice; returns whether it holds labels.

    Parameters
    ----------
    picture : (Z, X) ndarray
        Labels (uint8 or integers 0, 1, 2) or gray values.
    ax : matplotlib.axes.Axes
        Where to draw.
    title : str
        Heading of the panel.
    gray_range : (float, float), optional
        Values at the ends of the colormap.
    colormap : str
        Colormap of gray values.
    """
    picture = np.asarray(picture)
    holds_labels = _holds_labels(picture)
    if holds_labels:
        colors, norm = phase_colormap()
        ax.imshow(picture, cmap=colors, norm=norm)
    else:
        low, high = gray_range or np.quantile(picture, (0.005, 0.995))
        ax.imshow(picture, cmap=colormap, vmin=low, vmax=high)
    ax.set_title(title)
    ax.set(xticks=[], yticks=[])
    ax.grid(False)
    ax.spines[:].set_visible(False)
    return holds_labels


def scale_bar(ax, voxel_size_um, length_um=20.0):
    """Draw a scale bar of `length_um` in the lower left corner of a picture."""
    check_voxel_size(voxel_size_um)
    low, high = sorted(ax.get_ylim())
    left, right = sorted(ax.get_xlim())
    while length_um / voxel_size_um > 0.6 * (right - left):
        length_um /= 2  # a FIB-SEM image is narrower than the usual bar is long
    length = length_um / voxel_size_um
    x, y = left + 0.05 * (right - left), high - 0.05 * (high - low)
    box = {"boxstyle": "round,pad=0.25", "fc": "black", "ec": "none", "alpha": 0.75}
    ax.plot([x, x + length], [y, y], color="white", lw=5, solid_capstyle="butt")
    ax.plot([x, x + length], [y, y], color="black", lw=3, solid_capstyle="butt")
    ax.text(
        x, y - 0.03 * (high - low), f"{length_um:g} µm", color="white", fontsize=7, va="bottom",
        bbox=box,
    )  # fmt: skip
    return ax


def phase_legend(figure):
    """Legend of the three phases below a figure."""
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=style.PHASE_COLORS[phase], edgecolor="#555555", label=phase.title)
        for phase in reversed(Phase)
    ]
    return figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def matrix(
    upper, lower, methods, *, ax, title="", value_range=(0.0, 1.0), names=("TL", "SL"),
    annotate=True, bar=True,
):  # fmt: skip
    """
    Agreement of methods as a heat map, one specimen above and one below the diagonal.

    Parameters
    ----------
    upper, lower : (M, M) ndarray or pandas.DataFrame
        Symmetric matrices [-]; `upper` fills the entries above the diagonal, `lower` those
        below. The diagonal is left empty.
    methods : list of str
        Names of the M rows and columns.
    ax : matplotlib.axes.Axes
        Where to draw.
    title : str
        Heading of the panel.
    value_range : (float, float)
        Values at the ends of the color bar. The paper takes 0.6 to 1 for AM.
    names : (str, str)
        What lies above and below the diagonal.
    annotate : bool
        Whether to write the values into the cells.
    bar : bool
        Whether to draw a color bar: panels of one range need only one.
    """
    upper, lower = np.asarray(upper, float), np.asarray(lower, float)
    size = len(methods)
    if upper.shape != (size, size) or lower.shape != (size, size):
        raise ValueError(
            f"Matrices have shapes {upper.shape} and {lower.shape}; expected ({size}, {size}), "
            f"one row and column for each of the {size} methods."
        )
    both = np.where(np.triu(np.ones((size, size), bool), 1), upper, lower)
    np.fill_diagonal(both, np.nan)
    low, high = value_range
    drawn = ax.imshow(both, vmin=low, vmax=high, cmap=style.SEQUENTIAL)
    labels = [style.label(method) for method in methods]
    ax.set_xticks(range(size), labels, rotation=55, ha="right", rotation_mode="anchor", fontsize=6)
    ax.set_yticks(range(size), labels, fontsize=6)
    ax.grid(False)
    ax.set_title(title)
    ax.text(0.98, 1.005, names[0], transform=ax.transAxes, ha="right", va="bottom", fontsize=7)
    ax.text(1.005, 0.02, names[1], transform=ax.transAxes, ha="left", va="bottom", fontsize=7)
    if annotate:
        for row, column in np.argwhere(np.isfinite(both)):
            value = both[row, column]
            text = "1" if value >= 0.995 else f"{value:.2f}".lstrip("0")
            dark = (value - low) / (high - low) < 0.55
            ax.text(
                column, row, text, ha="center", va="center",
                fontsize=min(7, 62 / size), color="white" if dark else "black",
                in_layout=False,  # lies inside its cell; measuring hundreds of them is slow
            )  # fmt: skip
    if bar:
        ax.figure.colorbar(drawn, ax=ax, shrink=0.8, extend="min" if low > 0 else "neither")
    return ax


def confusion(counts, *, ax, rows="truth", columns="method", title=""):
    """
    Confusion of the three phases, each row summing to one.

    Parameters
    ----------
    counts : (3, 3) ndarray
        Number or share of voxels, rows the true phase, columns the assigned phase, ordered as
        :class:`~analysis.phases.Phase`.
    ax : matplotlib.axes.Axes
        Where to draw.
    rows, columns : str
        What rows and columns stand for.
    title : str
        Heading of the panel.
    """
    counts = np.asarray(counts, float)
    share = counts / counts.sum(axis=1, keepdims=True)
    ax.imshow(share, vmin=0, vmax=1, cmap=style.SEQUENTIAL)
    ax.grid(False)
    names = [phase.title for phase in Phase]
    ax.set_xticks(range(3), names)
    ax.set_yticks(range(3), names)
    ax.set(xlabel=columns, ylabel=rows, title=title)
    for row, column in np.ndindex(3, 3):
        shade = "white" if share[row, column] < 0.55 else "black"
        ax.text(column, row, f"{share[row, column]:.2f}", ha="center", va="center", color=shade)
    return ax


def color_map(values, *, ax, extent_um=None, label="", title="", value_range=None):
    """
    A map of one quantity with its color bar, an EDX map for instance.

    Parameters
    ----------
    values : (Z, X) ndarray
        The map, separator side at the top.
    ax : matplotlib.axes.Axes
        Where to draw.
    extent_um : (float, float), optional
        Height and width of the map [µm].
    label, title : str
        Quantity with unit beside the color bar, and heading.
    value_range : (float, float), optional
        Values at the ends of the color bar.
    """
    values = np.asarray(values)
    low, high = value_range or (None, None)
    extent = None if extent_um is None else (0, extent_um[1], extent_um[0], 0)
    drawn = ax.imshow(values, vmin=low, vmax=high, cmap=style.SEQUENTIAL, extent=extent)
    ax.grid(False)
    if extent:
        ax.set(xlabel="x [µm]", ylabel="distance to separator [µm]")
    ax.set_title(title)
    ax.figure.colorbar(drawn, ax=ax, label=label, shrink=0.8)
    return ax


def cell_domain(labels, *, voxel_size_um, separator_um, ax, title=""):
    """
    A section through the cell that is simulated: lithium, separator, electrode, collector.

    Parameters
    ----------
    labels : (Z, X) ndarray of uint8
        Slice of the electrode, separator side first; drawn with z to the right.
    voxel_size_um : float
        Edge of a voxel [µm].
    separator_um : float
        Thickness of the separator [µm].
    ax : matplotlib.axes.Axes
        Where to draw.
    title : str
        Heading.
    """
    check_voxel_size(voxel_size_um)
    from matplotlib.patches import Rectangle

    colors, norm = phase_colormap()
    depth, width = (n * voxel_size_um for n in labels.shape)
    metal = 0.08 * depth
    extent = (0, depth, 0, width)
    ax.imshow(labels.T, cmap=colors, norm=norm, extent=extent, origin="lower")
    parts = {
        "lithium": (-separator_um - metal, metal, "#8d99a6", ""),
        "separator": (-separator_um, separator_um, "#e8e2cf", "...."),
        "collector": (depth, metal, "#b87333", ""),
    }
    for left, thickness, color, hatch in parts.values():
        ax.add_patch(
            Rectangle((left, 0), thickness, width, facecolor=color, edgecolor="#777", hatch=hatch)
        )
    middles = {name: left + thickness / 2 for name, (left, thickness, *_) in parts.items()}
    for name, middle in (middles | {"electrode": depth / 2}).items():
        ax.text(middle, 1.04 * width, name, ha="center", va="bottom", fontsize="small")
    ax.grid(False)
    ax.set(xlim=(-separator_um - metal, depth + metal), ylim=(0, width))
    ax.set(xlabel="distance to separator [µm]", ylabel="x [µm]")
    ax.set_title(title, pad=18)
    return ax


def _slice(image, axis, index):
    image = np.asarray(image)
    if image.ndim == 2:
        return image
    if image.ndim != 3:
        raise ValueError(
            f"An image has shape {image.shape}; expected a volume (Z, Y, X) or a slice (Z, X)."
        )
    return np.take(image, image.shape[axis] // 2 if index is None else index, axis=axis)


def _holds_labels(picture):
    return np.issubdtype(picture.dtype, np.integer) and picture.min() >= 0 and picture.max() <= 2
