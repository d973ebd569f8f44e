"""How much of a card's memory a resolved cell takes, from the arrays that the solver makes."""

import numpy as np
import psutil

from analysis.electrochemistry.resolved import grid
from analysis.electrochemistry.transport import multigrid
from analysis.electrochemistry.transport.cuda.card import CudaError
from analysis.electrochemistry.transport.cuda.memory import RESERVE

# Fields of cells while a step is solved, float32: properties (7), storage, three levels of faces
# and inverse diagonal (12), the storage of the salt's level, g and m, six vectors of directions
# and images, residual and solution (24), three more of BiCGStab (9), the weights of the solid rows,
# the last potentials and their changes (6), the changes of the stores (2).
CELL_SINGLES = 65
CELL_DOUBLES = 5  # psi, phi, salt, its history and its last value
# Of voxels: active, response, slope, and what each is; where cells have several voxels also the
# changes of the lithium (2) and four work arrays, and in float64 the lithium, history and last.
VOXEL_SINGLES, VOXEL_BYTES = 3, 1
SEVERAL_SINGLES, SEVERAL_DOUBLES, LINKS = 6, 3, 6
# A face: electrolyte, solid, weight and whether it is bare, four rates, its link and AM voxel, and
# three lists that group the faces, with cells and starts, at most one each. For each AM voxel, of
# which there are fewer, four numbers; for each link, at most one a face, four of its ends, two
# slopes, the code of its aggregate, and five lists.
FACE_BYTES = 73 + 16 + 85
WET = np.isin(
    np.arange(8), (grid.PORE, grid.CBD, grid.CBD_WITHOUT_ELECTRONS, grid.SEPARATOR)
)  # of what a voxel is
LEVEL_FIELDS = 40  # of a coarse grid, vectors of both visits included
HOST_BYTES = 110  # of a voxel, while its faces are listed and its properties found
TABLES = 1_000_000  # bytes of the tables of materials and of the coarsest level's inverse


def count_faces(geometry):
    """Faces between AM and electrolyte of a domain, those to the separator included."""
    found = 0
    for axis in range(3):
        one, other = (np.moveaxis(geometry.kind, axis, 0)[part] for part in np.s_[:-1, 1:])
        found += np.count_nonzero((one == grid.AM) & WET[other])
        found += np.count_nonzero((other == grid.AM) & WET[one])
    if geometry.voxels_per_cell > 1:  # whose map of voxels begins behind the separator
        found += np.count_nonzero(geometry.kind[1] == grid.AM)
    return found


def needed(shape, voxels, faces):
    """
    Bytes that a resolved cell takes on the card at most.

    Parameters
    ----------
    shape : tuple of int
        Cells ``(Z, Y, X)``, separator and collector included.
    voxels : tuple of int or None
        Voxels of the electrode, if a cell has several.
    faces : int
        Faces that react.
    """
    cells, fine = _padded(shape), _padded(voxels or shape)
    total = TABLES + cells * (4 * CELL_SINGLES + 8 * CELL_DOUBLES + 4)
    total += fine * (4 * VOXEL_SINGLES + VOXEL_BYTES) + faces * FACE_BYTES
    if voxels is not None:
        total += fine * (4 * SEVERAL_SINGLES + 8 * SEVERAL_DOUBLES) + 4 * LINKS * cells
    for step in multigrid.plan_coarsening(shape, np.ones(shape[0])):
        total += 4 * LEVEL_FIELDS * _padded(step.shape)
    return int(total)


def check_host(voxels, available=None):
    """
    Compare what it takes of this machine to set a cell up for the card with what there is.

    Parameters
    ----------
    voxels : tuple of int
        Voxels ``(Z, Y, X)``, or cells if they are voxels.
    available : float, optional
        Bytes; by default what is available now.

    Raises
    ------
    MemoryError
        If it does not fit.
    """
    need = HOST_BYTES * _padded(voxels) + 3e8
    have = psutil.virtual_memory().available if available is None else available
    if need > have:
        raise MemoryError(
            f"To set up {' x '.join(str(n) for n in voxels)} voxels for the card takes about "
            f"{need / 1e9:.1f} GB of this machine's own memory; {have / 1e9:.1f} GB are available. "
            "Take a smaller cutout, or a machine with more memory."
        )


def _padded(shape):
    return float(np.prod([n + 2 for n in shape]))


def check(shape, voxels, faces, free, total):
    """
    Compare what a resolved cell needs with what is free.

    Parameters
    ----------
    shape, voxels, faces
        See :func:`needed`.
    free, total : float
        Bytes of the card that are free, and of the whole card.

    Raises
    ------
    CudaError
        If it does not fit; the message says how much is needed and what would fit.
    """
    size = needed(shape, voxels, faces)
    usable = free - RESERVE * total if np.isfinite(total) else free
    if size <= usable:
        return
    before = 1 if voxels is None else round(voxels[1] / shape[1])
    fine = shape if voxels is None else voxels
    coarser = [-(-n // (before + 1)) for n in fine]
    advice = "Take a smaller cutout"
    less = needed(coarser, fine, faces)
    if less <= usable:
        advice = (
            f"Pass voxels_per_cell={before + 1}, which needs {less / 1e9:.1f} GB, take a smaller "
            "cutout"
        )
    cells = " x ".join(str(n) for n in shape)
    raise CudaError(
        f"A grid of {cells} cells needs up to {size / 1e9:.1f} GB on the card; {free / 1e9:.1f} of "
        f"{total / 1e9:.1f} GB are free. {advice}, free the card, or run with device='cpu'."
    )
