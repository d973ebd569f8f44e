"""The simulation domain on voxels: lithium | separator | electrode | collector.

The separator is homogeneous, so its slices grow away from both of its faces; the electrode keeps
its voxels, or has cells of several of them; one slice of a good conductor is the collector.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.transport import percolation as grid
from analysis.electrochemistry.transport import reactive_surface
from analysis.electrochemistry.transport.effective import check_gamma
from analysis.phases import Phase, check_labels, check_voxel_size

INERT, PORE, CBD, AM, SEPARATOR, COLLECTOR = range(6)
CBD_WITHOUT_ELECTROLYTE, CBD_WITHOUT_ELECTRONS = 6, 7

GROWTH = 1.45  # of neighboring separator slices


@dataclass(frozen=True)
class Domain:
    """
    Geometry of the half cell on a grid of cells ``(Z, Y, X)``.

    Attributes
    ----------
    kind : padded (Z + 2, Y + 2, X + 2) ndarray of uint8
        What each cell is; zero on the rim. With cells of several voxels: of each voxel
        of the electrode.
    heights : (Z + 2,) ndarray of float32
        Slice heights in cell edges, with a rim of one.
    edge_m : float
        Cell edge [m].
    n_separator : int
        Slices of separator; the electrode follows, the last slice is the collector.
    gamma : float
        Effective transport parameter of the electrolyte in the CBD.
    inert_ionic, inert_electronic, inert_active : float
        Shares that are cut off, see :class:`grid.Connectivity`.
    voxels_per_cell : int
        Voxels along the edge of a cell.
    face_factor : float
        Reactive surface of the map over the area of its voxel faces.
    """

    kind: np.ndarray
    heights: np.ndarray
    edge_m: float
    n_separator: int
    gamma: float
    inert_ionic: float
    inert_electronic: float
    inert_active: float
    voxels_per_cell: int = 1
    face_factor: float = 1.0

    @property
    def shape(self):
        """Number of cells ``(Z, Y, X)``."""
        lateral = (n // self.voxels_per_cell for n in self.voxels[1:])
        return (len(self.heights) - 2, *lateral)

    @property
    def voxels(self):
        """Number of voxels ``(Z, Y, X)`` that `kind` describes."""
        return tuple(n - 2 for n in self.kind.shape)

    @property
    def matched_kind(self):
        """What the voxels of the electrode are, in the slices that fill whole cells."""
        inner = self.kind[1:-1, 1:-1, 1:-1]
        slices = np.count_nonzero(inner[:, 0, 0] != COLLECTOR)
        return inner[: slices // self.voxels_per_cell * self.voxels_per_cell]

    @property
    def electrode(self):
        """Slices of the electrode in padded arrays."""
        return slice(self.n_separator + 1, self.shape[0])

    @property
    def depth_um(self):
        """Depth of the cell centers from the separator side of the electrode [µm]."""
        heights = self.heights[1:-1].astype(float) * self.edge_m * 1e6
        tops = np.cumsum(heights)
        return tops - 0.5 * heights - tops[self.n_separator - 1]


def separator_heights(thickness, growth=GROWTH):
    """
    Slice heights that start at one voxel on both faces and grow to the middle.

    Parameters
    ----------
    thickness : float
        Thickness of the separator in voxel edges.
    growth : float
        Ratio of neighboring slices at most.

    Returns
    -------
    heights : (N,) ndarray of float
        Heights in voxel edges; they sum to `thickness`.

    Raises
    ------
    ValueError
        If the separator is thinner than two voxels.
    """
    if thickness < 2:
        raise ValueError(
            f"The separator is {thickness:.2f} voxels thick; expected at least 2. Use smaller "
            "voxels or a thicker separator."
        )
    n = 1
    while 2 * (growth**n - 1) / (growth - 1) < thickness:
        n += 1
    low, high = 1.0, growth
    for _ in range(60):
        ratio = 0.5 * (low + high)
        total = 2 * np.sum(ratio ** np.arange(n))
        low, high = (ratio, high) if total < thickness else (low, ratio)
    half = ratio ** np.arange(n)
    heights = np.concatenate([half, half[::-1]])
    return heights * thickness / heights.sum()


def build(labels, gamma, *, voxel_size_um, cell, largest_inert=0.2, voxels_per_cell=1):
    """
    Put a labelled electrode between separator and collector.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel; slice 0 touches the separator, the last slice the collector.
    gamma : float
        Effective transport parameter of the electrolyte in the CBD [-].
    voxel_size_um : float
        Voxel edge [µm].
    cell : materials.HalfCell
        For the thickness of the separator.
    largest_inert : float
        Largest share of electrolyte or solid that may be cut off.
    voxels_per_cell : int
        Voxels along the edge of a cell. Those that are too few for a last cell are cut off at
        the far end of the lateral axes; along z, collector fills it.

    Returns
    -------
    domain : Domain
        The grid.

    Raises
    ------
    ValueError
        See :func:`grid.connectivity`, :func:`separator_heights`, :func:`transport.check_gamma`.
    """
    labels = check_labels(labels)
    gamma = check_gamma(gamma)
    if voxels_per_cell < 1 or min(labels.shape[1:]) < voxels_per_cell:
        raise ValueError(
            f"A volume of {labels.shape} voxels has no cells of {voxels_per_cell} along each edge; "
            "expected a number from 1 to the lateral width."
        )
    edge_m = voxels_per_cell * check_voxel_size(voxel_size_um) * 1e-6
    ny, nx = (length // voxels_per_cell * voxels_per_cell for length in labels.shape[1:])
    labels = labels[:, :ny, :nx]
    live = grid.connectivity(labels, largest_inert=largest_inert)
    heights = separator_heights(cell.separator.thickness_m / edge_m)
    n, slices = len(heights), labels.shape[0]
    above = n if voxels_per_cell == 1 else 0
    below = 1 if voxels_per_cell == 1 else -slices % voxels_per_cell
    shape = (above + slices + below, *labels.shape[1:])
    kind = np.zeros(tuple(m + 2 for m in shape), np.uint8)
    inner = kind[1:-1, 1:-1, 1:-1]
    inner[:above] = SEPARATOR
    inner[above + slices :] = COLLECTOR
    body = inner[above : above + slices]
    body[(labels == Phase.PORE) & live.ionic] = PORE
    body[(labels == Phase.AM) & live.electronic] = AM
    binder = labels == Phase.CBD
    body[binder & live.ionic & live.electronic] = CBD
    body[binder & live.ionic & ~live.electronic] = CBD_WITHOUT_ELECTRONS
    body[binder & ~live.ionic & live.electronic] = CBD_WITHOUT_ELECTROLYTE
    rimmed = np.ones(n + -(-slices // voxels_per_cell) + 3, np.float32)
    rimmed[1 : n + 1] = heights
    return Domain(
        kind,
        rimmed,
        edge_m,
        n,
        gamma,
        live.inert_ionic,
        live.inert_electronic,
        live.inert_active,
        voxels_per_cell,
        reactive_surface.face_factor(labels, voxel_size_um),
    )
