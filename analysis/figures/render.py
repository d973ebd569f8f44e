"""Renderings of a labelled volume: each phase as a lit surface, drawn without a screen."""

import io

import numpy as np

from analysis import opengl
from analysis.figures import style
from analysis.figures.tables import Page
from analysis.phases import Phase, check_labels, check_voxel_size

_MATERIALS = {
    Phase.AM: {"color": "#c3c8ce", "specular": 0.25},
    Phase.CBD: {"color": style.PHASE_COLORS[Phase.CBD], "specular": 0.1},
    Phase.PORE: {"color": "#4a6d8c", "specular": 0.1},  # black shows no shape
}
_STEPS_BACK = 8  # of the camera, each by a twelfth


def phases(labels, *, voxel_size_um, shown=(Phase.AM, Phase.CBD), size=(900, 900), depth_mark=True):
    """
    Render phases of a volume together, the rest left transparent.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel. The separator side is drawn on top.
    voxel_size_um : float
        Edge of a voxel [µm].
    shown : sequence of Phase
        Phases to draw.
    size : (int, int)
        Width and height of the picture [pixel]; empty margins are cut off.
    depth_mark : bool
        Whether to draw the box around the volume.

    Returns
    -------
    page : analysis.figures.tables.Page
        Shows itself as the last expression of a cell.

    Examples
    --------
    >>> page = phases(labels, voxel_size_um=0.642)  # doctest: +SKIP
    """
    return _page({"": picture(labels, voxel_size_um, shown, size=size, box=depth_mark)})


def each(labels, *, voxel_size_um, size=(620, 760)):
    """
    Render AM, CBD and pore space one beside the other.

    Parameters
    ----------
    labels, voxel_size_um
        As in :func:`phases`.
    size : (int, int)
        Width and height of each picture [pixel].

    Returns
    -------
    page : analysis.figures.tables.Page
    """
    return _page(
        {
            phase.title: picture(labels, voxel_size_um, (phase,), size=size)
            for phase in reversed(Phase)
        }
    )


def fields(values, *, voxel_size_um, size=(620, 760)):
    """
    Render quantities that live in parts of a volume, one beside the other, with color bars.

    Parameters
    ----------
    values : dict of str to (Z, Y, X) ndarray of float
        Quantities by title with unit; NaN is left transparent. The separator side is on top.
    voxel_size_um : float
        Edge of a voxel [µm].
    size : (int, int)
        Width and height of each picture [pixel].

    Returns
    -------
    page : analysis.figures.tables.Page
    """
    check_voxel_size(voxel_size_um)
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    panels = style.axes(1, len(values), height=4.2)
    for panel, (title, field) in zip(np.atleast_1d(panels), values.items(), strict=True):
        scale = Normalize(np.nanmin(field), np.nanmax(field))
        panel.imshow(
            cropped(_voxels(field, voxel_size_um, scale, size)), interpolation="antialiased"
        )
        panel.set_axis_off()
        panel.figure.colorbar(
            ScalarMappable(scale, style.SEQUENTIAL), ax=panel, label=title, shrink=0.7
        )
    figure = panel.figure
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    return Page(None, png=buffer.getvalue(), text="Rendering")


def _voxels(field, voxel_size_um, scale, size):
    """A rendering of the voxels that hold a number, in the colors of a scale."""
    pyvista = _pyvista()
    voxel_size_um = check_voxel_size(voxel_size_um)
    grid = pyvista.ImageData(
        dimensions=np.array(field.shape[::-1]) + 1, spacing=(voxel_size_um,) * 3
    )
    grid.cell_data["field"] = np.asarray(field, np.float32)[::-1].ravel()
    low, high = float(scale.vmin), float(scale.vmax)
    plotter = _plotter(size)
    plotter.add_mesh(
        grid.threshold((low, high), scalars="field"),
        scalars="field",
        cmap=style.SEQUENTIAL,
        clim=(low, high),
        show_scalar_bar=False,
        ambient=0.35,
    )
    return _shot(plotter)


def picture(labels, voxel_size_um, shown, *, size=(900, 900), box=True):
    """
    One rendering as an array.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    voxel_size_um : float
        Edge of a voxel [µm].
    shown : sequence of Phase
        Phases to draw.
    size : (int, int)
        Width and height [pixel].
    box : bool
        Whether to draw the box around the volume.

    Returns
    -------
    pixels : (H, W, 3) ndarray of uint8
        White where nothing is.
    """
    labels = check_labels(labels)
    voxel_size_um = check_voxel_size(voxel_size_um)
    plotter = _plotter(size)
    for phase in shown:
        surface = _surface(labels == phase, voxel_size_um)
        if surface.n_points:
            plotter.add_mesh(surface, smooth_shading=True, **_MATERIALS[phase])
    depth, height, width = np.array(labels.shape) * voxel_size_um
    if box:
        bounds = _pyvista().Box((0, width, 0, height, -depth, 0))
        plotter.add_mesh(bounds, style="wireframe", color="#6b7280", line_width=1.5)
    return _shot(plotter)


def _plotter(size):
    """A white picture without a screen."""
    import vtk

    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_ERROR)  # no screen is no fault
    plotter = _pyvista().Plotter(off_screen=True, window_size=list(size), lighting="three lights")
    plotter.set_background("white")
    return plotter


def _shot(plotter):
    """The picture seen from the front, the right and above."""
    plotter.camera_position = [(2.0, -2.6, 1.3), (0, 0, 0), (0, 0, 1)]
    plotter.reset_camera()
    plotter.camera.zoom(1.05)
    pixels = plotter.screenshot(return_img=True)
    for _ in range(_STEPS_BACK):  # a box that is wide in this view does not fit at once
        if not touches_edge(pixels):
            break
        plotter.camera.zoom(0.92)
        plotter.render()
        pixels = plotter.screenshot(return_img=True)
    plotter.close()
    return pixels


def touches_edge(pixels):
    """Whether something is drawn in the outermost pixels: the picture is then cut off."""
    drawn = np.any(np.asarray(pixels) < 250, axis=2)
    return bool(drawn[0].any() or drawn[-1].any() or drawn[:, 0].any() or drawn[:, -1].any())


def _surface(mask, voxel_size_um):
    """Closed surface of a phase, the separator on top: z of the picture points up."""
    from scipy.ndimage import gaussian_filter

    # One layer of nothing around it closes the surface at the faces of the volume.
    smooth = np.pad(gaussian_filter(mask.astype(np.float32), 0.7, mode="nearest"), 1)[::-1]
    depth = mask.shape[0] * voxel_size_um
    grid = _pyvista().ImageData(
        dimensions=smooth.shape[::-1],
        spacing=(voxel_size_um,) * 3,
        origin=np.array([-0.5, -0.5, -0.5]) * voxel_size_um - [0, 0, depth],
    )
    grid["phase"] = smooth.ravel()
    return grid.contour([0.5], scalars="phase")


def _pyvista():
    """pyvista, without the progress bar's complaint that there is no widget."""
    import warnings

    opengl.check()

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        import pyvista
    return pyvista


def _page(pictures):
    """One picture, or several beside each other with their titles."""
    import matplotlib.pyplot as plt
    from PIL import Image

    if len(pictures) == 1:
        buffer = io.BytesIO()
        only = Image.fromarray(cropped(next(iter(pictures.values()))))
        only.quantize(128).save(buffer, "PNG", optimize=True)
    else:
        panels = style.axes(1, len(pictures), height=3.6)
        for panel, (title, pixels) in zip(panels, pictures.items(), strict=True):
            panel.imshow(cropped(pixels), interpolation="antialiased")
            panel.set_title(title)
            panel.set_axis_off()
        buffer = io.BytesIO()
        panels[0].figure.savefig(buffer, format="png")
        plt.close(panels[0].figure)
    return Page(None, png=buffer.getvalue(), text="Rendering")


def cropped(pixels, margin=8):
    """The picture without its empty margins."""
    rows, columns = np.where(np.any(pixels < 250, axis=2))
    if rows.size == 0:
        return pixels
    top, bottom = max(rows.min() - margin, 0), rows.max() + margin + 1
    left, right = max(columns.min() - margin, 0), columns.max() + margin + 1
    return pixels[top:bottom, left:right]
