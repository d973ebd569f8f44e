"""Reacting faces that the linear system cannot tell apart, joined.

The current of a face depends on the potential of one solid cell and on the fields of one
electrolyte cell. Faces with the same two are one link, whose slopes are their sums: where binder
gives the electrons, all faces of a voxel of binder; on cells of several voxels, all faces in a
cell. There are two (voxels) to ten (cells of two) times fewer links than faces, and the linear
solver passes over them three times in each cycle.
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.resolved import interface
from analysis.electrochemistry.resolved.linear_solver.exchange import Slopes
from analysis.electrochemistry.transport.stencil import kernel


@dataclass(frozen=True)
class Links:
    """
    The links of all faces.

    Attributes
    ----------
    of_face : (N,) ndarray of uint32
        Link of each face.
    ends : interface.Faces
        The links as faces, one for each entry, sorted by electrolyte cell. Indices are unsigned, so
        that compiled kernels need not look for negative ones.
    slopes : Slopes
        Of each link, damped.
    """

    of_face: np.ndarray
    ends: interface.Faces
    slopes: Slopes

    def sum_slopes(self, pool, faces, rates):
        """Take over the slopes of the faces from their rates."""
        for part in self.slopes:
            part[:] = 0
        pool.scatter(sum_over_links, faces.starts, faces, rates, self.of_face, self.slopes)


def join(faces, shape):
    """
    Join the faces between the same two cells.

    Parameters
    ----------
    faces : interface.Faces
        Reacting faces, sorted by slice.
    shape : tuple of int
        Cells of the grid.

    Returns
    -------
    links : Links
        With slopes of zero.
    """
    nz, plane = shape[0], (shape[1] + 2) * (shape[2] + 2)
    pairs = faces.electrolyte.astype(np.int64) << 32 | faces.solid
    pairs, of_face = np.unique(pairs, return_inverse=True)
    electrolyte, solid = (pairs >> 32).astype(np.uint32), (pairs & 0xFFFFFFFF).astype(np.uint32)
    count = len(pairs)
    slices = np.arange(1, nz + 2) * plane
    ends = interface.Faces(
        voxel=electrolyte,
        first=np.arange(count + 1, dtype=np.uint32),
        electrolyte=electrolyte,
        solid=solid,
        weight=np.zeros(0, np.float32),
        bare=np.zeros(0, bool),
        starts=np.searchsorted(electrolyte, slices).astype(np.int64),
    )
    slopes = Slopes(np.zeros(count, np.float32), np.zeros(count, np.float32))
    return Links(of_face.astype(np.uint32).ravel(), ends, slopes)


@kernel
def sum_over_links(start, stop, faces, rates, of_face, slopes):
    """Add the slopes of the faces to their links."""
    first, slope_phi, slope_w = faces.first, rates.slope_phi, rates.slope_w
    g, m = slopes
    for f in range(first[start], first[stop]):
        link = of_face[f]
        g[link] += slope_phi[f]
        m[link] += slope_w[f]
