"""Tortuosity by a symmetric cell in one solve: ions enter at the separator, end on the surface."""

import numpy as np

from analysis.electrochemistry.transport import effective, multigrid
from analysis.electrochemistry.transport import percolation as grid
from analysis.electrochemistry.transport.threads import ThreadPool


def electrode_tortuosity(conductivity, reactive, axis=0, *, threads=1):
    """
    Tortuosity that a symmetric cell measures: ions enter at slice 0 and end on the surface.

    Parameters
    ----------
    conductivity : (Z, Y, X) ndarray of float
        Ionic conductivity relative to bulk [-].
    reactive : (Z, Y, X) ndarray of bool
        Voxels whose faces with a conducting voxel take up charge, all at the same rate.
    axis : int
        Direction from the separator to the collector.
    threads : int
        Threads to use.

    Returns
    -------
    tortuosity : float
        Tortuosity factor [-] from the low-frequency resistance, R_ion / 3 for an ideal
        electrode [1]_: 3 R(0) times the mean conductivity over the thickness.

    Raises
    ------
    ValueError
        If nothing conducts at slice 0 or no reactive face is reached.

    References
    ----------
    .. [1] Landesfeind et al., J. Electrochem. Soc. 2016, 163, A1373.
    """
    k3, unit = effective.checked_conductivity(conductivity, axis)
    solid = np.moveaxis(np.asarray(reactive, bool), axis, 0)
    if solid.shape != k3.shape:
        raise ValueError(f"Reactive mask has shape {solid.shape}; the volume has {k3.shape}.")
    path = grid.reached(k3 > 0, 0)
    if not path.any():
        raise ValueError("Nothing conducts in slice 0, so no ion can enter. Check the axis.")
    mean = float(k3.mean(dtype=float))
    sources = grid.reactive_faces(path, solid)
    total = float(sources.sum())
    if total == 0:
        raise ValueError(
            "No conducting voxel that is joined to slice 0 touches a reactive voxel; "
            "the surface must be made of faces between the two."
        )
    pool = ThreadPool(threads)
    cells = multigrid.padded(k3.shape)
    np.multiply(k3, path, out=cells[1:-1, 1:-1, 1:-1])
    cz, cy, cx = effective.faces(cells, pool)
    cz[1] = 2 * cells[1]
    hierarchy = multigrid.build(cz, cy, cx, pool=pool, revisit=effective.REVISIT)
    b = np.zeros_like(cells)
    b[1:-1, 1:-1, 1:-1] = sources / total
    x = np.zeros(cells.shape)
    multigrid.solve(hierarchy, b, x, rtol=1e-6)
    resistance = float((x * b).sum())
    nz, ny, nx = k3.shape
    return 3 * mean * resistance * ny * nx / nz
