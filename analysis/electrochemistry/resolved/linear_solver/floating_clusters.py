"""Floating clusters: CBD that touches the collector only through active material.

Binder conducts up to a million times better than lithiated active material. A floating cluster of
it is at one potential, which no smoother changes: relaxed voxel by voxel, it is held by its own
inside. So the V-cycle corrects each cluster as a whole (deflation, a coarse space of one constant
for each), by the current that enters it over the conductance of its surface, reaction included.
"""

from typing import NamedTuple

import cc3d
import numpy as np

from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.transport.stencil import kernel


class FloatingClusters(NamedTuple):
    """
    Lists of voxels, one cluster after the other.

    Attributes
    ----------
    voxel : (N,) ndarray of int32
        Flat indices into padded arrays.
    first : (M + 1,) ndarray of int32
        First voxel of each cluster.
    open : (N,) ndarray of uint8
        Bit n is set if the face in direction n (-z, +z, -y, +y, -x, +x) leaves the cluster.
    """

    voxel: np.ndarray
    first: np.ndarray
    open: np.ndarray

    @property
    def count(self):
        """Number of clusters."""
        return len(self.first) - 1


def clusters(kind):
    """
    Clusters of live CBD without a path through CBD to the collector.

    Parameters
    ----------
    kind : padded ndarray of uint8
        What each cell is, see :mod:`analysis.electrochemistry.resolved.grid`.

    Returns
    -------
    clusters : padded ndarray of int32
        Number of the cluster of each cell, or zero.
    """
    binder = (kind == domain.CBD) | (kind == domain.CBD_WITHOUT_ELECTROLYTE)
    found = cc3d.connected_components(binder | (kind == domain.COLLECTOR), connectivity=6)
    found = found.astype(np.int32, copy=False)
    found[found == found[-2, 1, 1]] = 0  # with the collector
    return found


def find(clusters):
    """
    List the floating clusters of a domain.

    Parameters
    ----------
    clusters : padded ndarray of int32
        Number of the cluster of each cell; zero for cells of none.

    Returns
    -------
    found : FloatingClusters
        All of them.
    """
    flat = clusters.ravel()
    voxel = np.flatnonzero(flat)
    voxel = voxel[np.argsort(flat[voxel], kind="stable")]
    owner = flat[voxel]
    first = np.flatnonzero(np.diff(owner, prepend=-1)) if len(voxel) else np.zeros(0, int)
    _, ny, nx = clusters.shape
    leaves = np.zeros(len(voxel), np.uint8)
    for n, step in enumerate((-ny * nx, ny * nx, -nx, nx, -1, 1)):
        leaves |= ((flat[voxel + step] != owner).astype(np.uint8) << n).astype(np.uint8)
    return FloatingClusters(
        voxel.astype(np.int32), np.append(first, len(voxel)).astype(np.int32), leaves
    )


@kernel
def correct(start, stop, clusters, shape, conductances, blocks, neighbors, b, x):
    """
    Add to each cluster the constant that balances its sum of ``b - A x``.

    All arrays are flat; `shape` holds the padded lengths of y and x. `blocks` is what
    :func:`block_smoother.factor` leaves, `neighbors` are psi and salt. The current of a voxel
    whose salt is used up does not follow its potential.
    """
    voxel, first, leaves = clusters
    ny, nx = shape
    cz, cy, cx = conductances
    g, ratio, _, salt = blocks
    x1, x3 = neighbors
    plane = ny * nx
    for n in range(start, stop):
        rest, total = 0.0, 0.0
        for m in range(first[n], first[n + 1]):
            v, out = voxel[m], leaves[m]
            rest += b[v]
            if g[v] > 0:
                rest -= g[v] * (x[v] - x1[v])
                if salt[v] > 0:  # else the electrolyte of its faces is in other cells
                    rest += ratio[v] / salt[v] * x3[v]
                total += g[v] * max(np.float32(1) - ratio[v], np.float32(0))
            if out & 1:
                rest -= cz[v] * (x[v] - x[v - plane])
                total += cz[v]
            if out & 2:
                rest -= cz[v + plane] * (x[v] - x[v + plane])
                total += cz[v + plane]
            if out & 4:
                rest -= cy[v] * (x[v] - x[v - nx])
                total += cy[v]
            if out & 8:
                rest -= cy[v + nx] * (x[v] - x[v + nx])
                total += cy[v + nx]
            if out & 16:
                rest -= cx[v] * (x[v] - x[v - 1])
                total += cx[v]
            if out & 32:
                rest -= cx[v + 1] * (x[v] - x[v + 1])
                total += cx[v + 1]
        if total > 0:
            shift = rest / total
            for m in range(first[n], first[n + 1]):
                x[voxel[m]] += shift
