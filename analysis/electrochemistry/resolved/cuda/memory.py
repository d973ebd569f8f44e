"""How much of a card's memory a resolved cell takes, from the arrays that the solver makes."""

import numpy as np

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
# A face: five arrays of it, four rates, the owner, and four lists that group it by cell (with
# their cells and starts). There are about as many as a third of the voxels, at most one each.
FACES_PER_VOXEL, FACE_BYTES = 0.6, 96
LEVEL_FIELDS = 40  # of a coarse grid, vectors of both visits included


def needed(shape, voxels=None):
    """
    Bytes that a resolved cell takes on the card at most.

    Parameters
    ----------
    shape : tuple of int
        Cells ``(Z, Y, X)``, separator and collector included.
    voxels : tuple of int, optional
        Voxels of the electrode, if a cell has several.
    """
    cells, fine = _padded(shape), _padded(voxels or shape)
    total = cells * (4 * CELL_SINGLES + 8 * CELL_DOUBLES + 4)
    total += fine * (4 * VOXEL_SINGLES + VOXEL_BYTES + FACES_PER_VOXEL * FACE_BYTES)
    if voxels is not None:
        total += fine * (4 * SEVERAL_SINGLES + 8 * SEVERAL_DOUBLES) + 4 * LINKS * cells
    for step in multigrid.plan_coarsening(shape, np.ones(shape[0])):
        total += 4 * LEVEL_FIELDS * _padded(step.shape)
    return int(total)


def _padded(shape):
    return float(np.prod([n + 2 for n in shape]))


def check(shape, voxels, free, total):
    """
    Compare what a resolved cell needs with what is free.

    Parameters
    ----------
    shape, voxels
        See :func:`needed`.
    free, total : float
        Bytes of the card that are free, and of the whole card.

    Raises
    ------
    CudaError
        If it does not fit; the message says how much is needed and what would fit.
    """
    size = needed(shape, voxels)
    usable = free - RESERVE * total if np.isfinite(total) else free
    if size <= usable:
        return
    before = 1 if voxels is None else round(voxels[1] / shape[1])
    fine = shape if voxels is None else voxels
    coarser = [-(-n // (before + 1)) for n in fine]
    advice = "Take a smaller cutout"
    if needed(coarser, fine) <= usable:
        less = needed(coarser, fine) / 1e9
        advice = (
            f"Pass voxels_per_cell={before + 1}, which needs {less:.1f} GB, or a smaller cutout"
        )
    cells = " x ".join(str(n) for n in shape)
    raise CudaError(
        f"A grid of {cells} cells needs up to {size / 1e9:.1f} GB on the card; {free / 1e9:.1f} of "
        f"{total / 1e9:.1f} GB are free. {advice}, free the card, or run with device='cpu'."
    )
