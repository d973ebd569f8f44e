"""Cells of several voxels, for potentials and salt; lithium and reaction stay on the voxels.

Potentials and salt hardly change over a few voxels. Lithium does, since it moves only a few
micrometers in a discharge, and so does the local current. Labels coarsened by majority would lose
small features, paths and surface; shares of the phases lose much less:

- The ionic conductivity of a cell is a power mean over its voxels, with a factor for each slice so
  that a steady current meets the same resistance as on the voxels.
- Electrons pass through the pairs of voxels on both sides of a face between cells
  (:mod:`analysis.electrochemistry.resolved.cell_properties.electron_conductance`).
- The faces that react are those of the voxels. Their potentials are those of the cell of the
  electrolyte, or of the AM if the other cell holds no solid.
"""

import numpy as np

from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved import interface
from analysis.electrochemistry.transport import percolation as grid
from analysis.electrochemistry.transport.effective import effective_conductivity

EXPONENT = 0.7  # of the mean of ionic conductivities in a cell
MATCHING = 8  # repetitions of the correction by slice
DAMPING = 0.7  # power of its factors; neighboring slices share the resistance between them


def filled(geometry, table, separator=None):
    """
    Means of a property over the voxels of each cell.

    Parameters
    ----------
    geometry : domain.Domain
        The grid.
    table : (8,) ndarray
        Property by what a voxel is.
    separator : int, optional
        What the cells above the electrode are; without it they get zero.

    Returns
    -------
    means : padded ndarray of float32
        Means; the collector has its own value.
    """
    table = np.asarray(table, np.float32)
    body = grid.block_means(table[geometry.kind[1:-1, 1:-1, 1:-1]], geometry.voxels_per_cell)
    above = 0 if separator is None else table[separator]
    return _around(geometry, body, above, table[domain.COLLECTOR])


def _around(geometry, body, above, below):
    out = np.zeros(tuple(m + 2 for m in geometry.shape), np.float32)
    inner = out[1:-1, 1:-1, 1:-1]
    n = geometry.n_separator
    inner[:n], inner[n:-1], inner[-1] = above, body, below
    return out


def ionic(geometry, table, threads=1):
    """
    Ionic conductivity of the cells with the resistance by slice that the voxels have.

    Parameters
    ----------
    geometry : domain.Domain
        The grid.
    table : (8,) ndarray
        Conductivity relative to the bulk, by what a voxel is.
    threads : int
        Threads to use.

    Returns
    -------
    conductivity : padded ndarray of float32
        Conductivity of each cell relative to the bulk.
    """
    n = geometry.voxels_per_cell
    kind = geometry.kind[1:-1, 1:-1, 1:-1]
    cells = grid.block_means((table**EXPONENT)[kind], n) ** (1 / EXPONENT)
    voxels = table[geometry.matched_kind]
    whole = len(voxels) // n
    if grid.reached(voxels > 0, 0)[-1].any():  # else no current passes that could be matched
        wanted = effective_conductivity(voxels, threads=threads).resistance_per_slice
        wanted = wanted.reshape(whole, n).mean(axis=1)
        found = None
        for _ in range(MATCHING):
            found = effective_conductivity(cells[:whole], start=found, threads=threads)
            factor = (found.resistance_per_slice / wanted) ** DAMPING
            cells[:whole] *= factor[:, None, None]
    return _around(geometry, cells, table[domain.SEPARATOR], 0)


def onto_cells(faces, geometry, electrolyte, solid):
    """
    The faces of voxels with the cells whose potentials drive them.

    Parameters
    ----------
    faces : interface.Faces
        Faces on the voxels.
    geometry : domain.Domain
        The grid.
    electrolyte, solid : padded ndarray of bool
        Cells with an electrolyte and a solid potential.

    Returns
    -------
    faces : interface.Faces
        Faces on the cells.
    """
    n, above = geometry.voxels_per_cell, geometry.n_separator
    z, y, x = ((np.arange(m) + n - 1) // n for m in geometry.kind.shape)
    _, ny, nx = electrolyte.shape
    cell_of = (((z + above)[:, None, None] * ny + y[:, None]) * nx + x).astype(np.int32).ravel()
    a = np.repeat(cell_of[faces.voxel], np.diff(faces.first))
    e = cell_of[faces.electrolyte]
    at_electrolyte = electrolyte.ravel()[e] & solid.ravel()[e]  # the separator holds no solid
    at_active = electrolyte.ravel()[a] & ~at_electrolyte
    plane = int(np.prod(geometry.kind.shape[1:]))
    slices = np.arange(1, geometry.voxels[0] + 2, n) * plane
    starts = np.searchsorted(faces.voxel, slices)
    return interface.Faces(
        voxel=faces.voxel,
        first=faces.first,
        electrolyte=np.where(at_active, a, e),
        solid=np.where(at_electrolyte, e, a),
        weight=faces.weight / np.float32(n**2),
        bare=faces.bare,
        starts=np.concatenate([np.zeros(above, int), starts, [len(faces.voxel)]]),
    )
