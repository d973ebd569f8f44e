"""Electrons between cells of several voxels.

Electrons pass from cell to cell through the pairs of voxels on both sides of the face between
them, with one factor so that a steady current meets the same resistance as on the voxels. Binder
that is not connected on the voxels is not connected on the cells: a cell belongs to the largest
of the clusters of binder in it, and binder conducts from cell to cell only within a cluster.

AM fills from its surface, where binder and reaction meet it, and conducts a thousand times less
when full. Current crosses such a skin in series with what is behind it, or runs along it: the AM of
a cell conducts by a power mean between those of the resistivity and of its logarithm.
"""

from dataclasses import dataclass

import cc3d
import numpy as np

from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved.field_sums import exponential
from analysis.electrochemistry.transport import multigrid
from analysis.electrochemistry.transport import percolation as grid
from analysis.electrochemistry.transport.effective import REVISIT, effective_conductivity
from analysis.electrochemistry.transport.stencil import FaceConductances, kernel
from analysis.electrochemistry.transport.threads import ThreadPool

# Of the power mean of the conductivity of the AM in a cell. Minus one, the resistivity, resists too
# much at high currents (6 % of the loss in solids of a measured electrode at 12 mA/cm2), zero, the
# logarithm, too little at the end of others (17 % at 6 mA/cm2); this is 2 and 12 % off.
EXPONENT = -0.5
INVERSE = round(1 / EXPONENT)  # a whole number, which compiled code raises to faster


@dataclass(frozen=True)
class ElectronConductances:
    """
    Electronic conductance of the faces between cells: constant + active x that of the AM.

    Attributes
    ----------
    constant : FaceConductances
        Of binder and collector [S/m], for the faces towards -z, -y and -x of each cell.
    active : FaceConductances
        Factor of the conductivity of the AM [-].
    """

    constant: FaceConductances
    active: FaceConductances


def build(geometry, table, sigma, threads=1):
    """
    Electronic conductances between cells, and the clusters of binder that the cells belong to.

    Parameters
    ----------
    geometry : domain.Domain
        The grid.
    table : (8,) ndarray
        Conductivity [S/m] of all but AM, by what a voxel is.
    sigma : float
        Conductivity [S/m] of AM at which the resistance is that of the voxels.
    threads : int
        Threads to use.

    Returns
    -------
    network : ElectronConductances
        Conductances.
    clusters : padded ndarray of int32
        Number of the cluster of each cell that only AM joins to the collector; zero elsewhere.
    """
    kind = geometry.kind.copy()
    kind[-1, 1:-1, 1:-1] = domain.COLLECTOR
    clusters, own = _clusters(geometry, table[kind] > 0)
    constant, active = [], []
    for axis in range(3):
        before, behind = _pairs(kind.shape, axis, geometry.voxels_per_cell)
        factor, direct = _conductance(
            *(kind[before] == domain.AM, kind[behind] == domain.AM),
            *(table[kind[before]], table[kind[behind]], own[before] & own[behind]),
        )
        active.append(_faces(geometry, factor, axis))
        constant.append(_faces(geometry, direct, axis))
        if axis:
            constant[axis][-2, 1:-1, 1:-1] = table[domain.COLLECTOR]
            constant[axis][-2].swapaxes(0, axis - 1)[1] = 0  # the side of the domain
    ratio = _resistance_ratio(
        geometry, table, (constant, active), np.float32(sigma), ThreadPool(threads)
    )
    for part in (*constant, *active):
        part *= np.float32(ratio)
    return ElectronConductances(FaceConductances(*constant), FaceConductances(*active)), clusters


def _clusters(geometry, binder):
    """
    Clusters of the cells, zero for that with the collector, and which voxels are of their cell's.

    A cell belongs to the largest cluster in it; the one with the collector comes first.
    """
    found, count = cc3d.connected_components(binder, connectivity=6, return_N=True)
    sizes = np.bincount(found.ravel(), minlength=count + 1)
    main = found[-1, 1, 1]
    sizes[main] = sizes.sum() + 1
    sizes[0] = -1
    rank = np.empty(count + 1, np.int32)
    rank[np.argsort(sizes, kind="stable")] = np.arange(count + 1)
    n = geometry.voxels_per_cell
    inner = rank[found[1:-1, 1:-1, 1:-1]]
    nz, ny, nx = (length // n for length in inner.shape)
    largest = inner.reshape(nz, n, ny, n, nx, n).max(axis=(1, 3, 5))
    own = np.ones(binder.shape, bool)
    own[1:-1, 1:-1, 1:-1] = inner == largest.repeat(n, 0).repeat(n, 1).repeat(n, 2)
    clusters = np.zeros(tuple(m + 2 for m in geometry.shape), np.int32)
    alone = np.where(largest == rank[main], 0, largest)
    clusters[geometry.n_separator + 1 : -2, 1:-1, 1:-1] = alone
    return clusters, own


def _pairs(shape, axis, n):
    """Voxels before and behind the faces between cells; along z the rim is behind the last."""
    last = shape[axis] - (0 if axis == 0 else 1)
    before, behind = [slice(1, -1)] * 3, [slice(1, -1)] * 3
    before[axis], behind[axis] = slice(n, last - 1, n), slice(n + 1, last, n)
    return tuple(before), tuple(behind)


def _faces(geometry, values, axis):
    """Padded array of the means of pairs of voxels over each face between cells."""
    n = geometry.voxels_per_cell
    for other in range(3):
        if other != axis:
            shape = list(values.shape)
            shape[other : other + 1] = [shape[other] // n, n]
            values = values.reshape(shape).mean(axis=other + 1)
    faces = np.zeros(tuple(m + 2 for m in geometry.shape), np.float32)
    above = geometry.n_separator
    place = [slice(above + 1, -2), slice(1, -1), slice(1, -1)]
    place[axis] = slice(above + 2, -1) if axis == 0 else slice(2, -1)
    faces[tuple(place)] = values
    return faces


def _resistance_ratio(geometry, table, conductances, sigma, pool):
    """Resistance of the cells over that of the voxels, from the first to the last center."""
    n, above = geometry.voxels_per_cell, geometry.n_separator
    table = table.copy()
    table[domain.AM] = sigma
    voxels = table[geometry.matched_kind]
    whole = len(voxels) // n
    if whole < 4 or not grid.reached(voxels > 0, 0)[-1].any():
        return 1.0
    resistance = effective_conductivity(voxels, threads=pool.threads).resistance_per_slice
    fine = (resistance.sum() - 0.5 * (resistance[:n].sum() + resistance[-n:].sum())) / n
    cz, cy, cx = (
        np.ascontiguousarray((b + sigma * a)[above + 1 : above + whole + 1])
        for b, a in zip(*conductances, strict=True)
    )
    for part in (cy, cx):  # the first and the last slice are the ends
        part[[0, -1]] = 0
    cz[0] = 0
    hierarchy = multigrid.build(cz, cy, cx, pool=pool, revisit=REVISIT)
    b = np.zeros_like(cz)
    b[1] = cz[1]
    x = np.zeros(cz.shape)
    multigrid.solve(hierarchy, b, x, rtol=1e-6)
    flux = float((cz[1] * (1 - x[1])).sum(dtype=float))
    return np.prod(geometry.shape[1:]) / flux / fine


def _conductance(active, active_behind, binder, binder_behind, own):
    """
    Factor of the conductivity of AM, and conductivity of binder, of pairs of voxels in series.

    Binder is no resistance beside AM. Pairs of binder apart from the cluster of a cell count like
    a pair of binder and AM, since AM has to bring the current there.
    """
    solid = active | (binder > 0)
    solid_behind = active_behind | (binder_behind > 0)
    both = (binder > 0) & (binder_behind > 0) & own
    with np.errstate(divide="ignore"):
        direct = np.where(both, 2 / (1 / binder + 1 / binder_behind), 0)
    factor = np.where(solid & solid_behind & ~both, np.where(active & active_behind, 1, 2), 0)
    return factor.astype(np.float32), direct.astype(np.float32)


@kernel
def conductivity(start, stop, c, active, n_above, n, log_full, log_slope, sigma):
    """Conductivity of AM, a power mean over its voxels in each cell; zero without AM."""
    ny, nx = sigma.shape[1] - 2, sigma.shape[2] - 2
    line, total, count = np.empty(n * nx), np.empty(nx), np.empty(nx)
    for k in range(start + 1, stop + 1):
        sigma[k] = 0
        above = n * (k - 1 - n_above)
        if above < 0 or above + n > c.shape[0] - 2:
            continue
        for j in range(1, ny + 1):
            total[:] = 0
            count[:] = 0
            for kk in range(above + 1, above + n + 1):
                for jj in range(n * (j - 1) + 1, n * j + 1):
                    row, here = c[kk, jj], active[kk, jj]
                    for i in range(n * nx):
                        power = EXPONENT * (log_full + log_slope * row[i + 1])
                        line[i] = here[i + 1] * exponential(power)
                    for i in range(nx):
                        for m in range(n * i, n * i + n):
                            total[i] += line[m]
                            count[i] += here[m + 1]
            for i in range(nx):
                if count[i] > 0:
                    sigma[k, j, i + 1] = (total[i] / count[i]) ** INVERSE


@kernel
def conductances(start, stop, sigma, constant, active, faces):
    """Conductances of all faces, with the harmonic mean of the AM on both sides."""
    bz, by, bx = constant
    az, ay, ax = active
    cz, cy, cx = faces
    ny, nx = sigma.shape[1] - 2, sigma.shape[2] - 2
    for k in range(start + 1, stop + 1):
        for j in range(1, ny + 1):
            for i in range(1, nx + 1):
                s = sigma[k, j, i]
                cz[k, j, i] = bz[k, j, i] + az[k, j, i] * _joint(s, sigma[k - 1, j, i])
                cy[k, j, i] = by[k, j, i] + ay[k, j, i] * _joint(s, sigma[k, j - 1, i])
                cx[k, j, i] = bx[k, j, i] + ax[k, j, i] * _joint(s, sigma[k, j, i - 1])


@kernel
def _joint(one, other):
    """Harmonic mean, or the one that is there."""
    return 2 * one * other / (one + other) if one > 0 and other > 0 else max(one, other)
