"""Cells of several voxels, for potentials and salt; lithium and reaction stay on the voxels.

Potentials and salt hardly change over a few voxels. Lithium does, since it moves only a few
micrometers in a discharge, and so does the local current. Labels of joined voxels would lose
small features, paths and surface; shares of the phases lose much less:

- The ionic conductivity of a cell is a power mean over its voxels, with a factor for each slice so
  that a steady current meets the same resistance as on the voxels.
- Electrons pass from cell to cell through the pairs of voxels on both sides of the face between
  them, with one factor so that a steady current meets the same resistance as on the voxels.
  Binder that is not connected on the voxels is not connected on the cells: a cell belongs to the
  largest of the clusters of binder in it, and binder conducts from cell to cell only within a
  cluster.
- The faces that react are those of the voxels. Their potentials are those of the cell of the
  electrolyte, or of the AM if the other cell holds no solid.
"""

from dataclasses import dataclass

import cc3d
import numpy as np

from analysis.electrochemistry import domain, grid, multigrid, reaction
from analysis.electrochemistry._stencil import kernel
from analysis.electrochemistry.transport import REVISIT, effective_conductivity

EXPONENT = 0.7  # of the mean of ionic conductivities in a cell
MATCHING = 8  # repetitions of the correction by slice
DAMPING = 0.7  # power of its factors; neighboring slices share the resistance between them


@dataclass(frozen=True)
class SolidFaces:
    """
    Electronic conductance of the faces between cells: constant + active x that of the AM.

    Attributes
    ----------
    constant : tuple of padded ndarray of float32
        Of binder and collector [S/m], for the faces towards -z, -y and -x of each cell.
    active : tuple of padded ndarray of float32
        Factor of the conductivity of the AM [-].
    """

    constant: tuple
    active: tuple


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
    body = grid.block_means(table[geometry.kind[1:-1, 1:-1, 1:-1]], geometry.joined)
    above = 0 if separator is None else table[separator]
    return _around(geometry, body, above, table[domain.COLLECTOR])


def _around(geometry, body, above, below):
    out = np.zeros(tuple(m + 2 for m in geometry.shape), np.float32)
    inner = out[1:-1, 1:-1, 1:-1]
    n = geometry.n_separator
    inner[:n], inner[n:-1], inner[-1] = above, body, below
    return out


def ionic(geometry, table):
    """
    Ionic conductivity of the cells with the resistance by slice that the voxels have.

    Parameters
    ----------
    geometry : domain.Domain
        The grid.
    table : (8,) ndarray
        Conductivity relative to the bulk, by what a voxel is.

    Returns
    -------
    conductivity : padded ndarray of float32
        Conductivity of each cell relative to the bulk.
    """
    n = geometry.joined
    kind = geometry.kind[1:-1, 1:-1, 1:-1]
    cells = grid.block_means(table[kind] ** EXPONENT, n) ** (1 / EXPONENT)
    whole = np.count_nonzero(kind[:, 0, 0] != domain.COLLECTOR) // n
    voxels = table[kind[: whole * n]]
    if grid.reached(voxels > 0, 0)[-1].any():  # else no current passes that could be matched
        wanted = effective_conductivity(voxels).resistance_per_slice
        wanted = wanted.reshape(whole, n).mean(axis=1)
        found = None
        for _ in range(MATCHING):
            found = effective_conductivity(cells[:whole], start=found)
            factor = (found.resistance_per_slice / wanted) ** DAMPING
            cells[:whole] *= factor[:, None, None]
    return _around(geometry, cells, table[domain.SEPARATOR], 0)


def electronic(geometry, table, sigma):
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

    Returns
    -------
    faces : SolidFaces
        Conductances.
    clusters : padded ndarray of int32
        Number of the cluster of each cell that only AM joins to the collector; zero elsewhere.
    """
    n, above = geometry.joined, geometry.n_separator
    kind = geometry.kind.copy()
    kind[-1, 1:-1, 1:-1] = domain.COLLECTOR
    rank, main = _ranked_clusters(table[kind] > 0)
    inner = rank[1:-1, 1:-1, 1:-1]
    nz, ny, nx = (length // n for length in inner.shape)
    largest = inner.reshape(nz, n, ny, n, nx, n).max(axis=(1, 3, 5))
    clusters = np.zeros(tuple(m + 2 for m in geometry.shape), np.int32)
    clusters[above + 1 : -2, 1:-1, 1:-1] = np.where(largest == main, 0, largest)
    own = np.ones(kind.shape, bool)  # whether binder is of the cluster of its cell
    own[1:-1, 1:-1, 1:-1] = inner == largest.repeat(n, 0).repeat(n, 1).repeat(n, 2)
    constant, active = [], []
    for axis in range(3):
        pairs = [[slice(1, -1)] * 3, [slice(1, -1)] * 3]
        # voxels before and behind the faces between cells; along z the collector is behind the last
        last = kind.shape[axis] - (0 if axis == 0 else 1)
        pairs[0][axis], pairs[1][axis] = slice(n, last - 1, n), slice(n + 1, last, n)
        before, behind = (tuple(pair) for pair in pairs)
        factor, direct = _conductance(
            *(kind[before] == domain.AM, kind[behind] == domain.AM),
            *(table[kind[before]], table[kind[behind]], own[before] & own[behind]),
        )
        for values, out in ((direct, constant), (factor, active)):
            mean = _lateral_means(values, axis, n)
            face = np.zeros(clusters.shape, np.float32)
            place = [slice(above + 1, -2), slice(1, -1), slice(1, -1)]
            place[axis] = slice(above + 2, -1) if axis == 0 else slice(2, -1)
            face[tuple(place)] = mean
            if axis and out is constant:
                inside = [-2, slice(1, -1), slice(1, -1)]
                inside[axis] = slice(2, -1)
                face[tuple(inside)] = table[domain.COLLECTOR]
            out.append(face)
    factor = np.float32(_resistance_ratio(geometry, table, constant, active, np.float32(sigma)))
    for part in (*constant, *active):
        part *= factor
    return SolidFaces(tuple(constant), tuple(active)), clusters


def _resistance_ratio(geometry, table, constant, active, sigma):
    """Resistance of the cells over that of the voxels, from the first to the last center."""
    n, above = geometry.joined, geometry.n_separator
    table = table.copy()
    table[domain.AM] = sigma
    table[domain.COLLECTOR] = 0
    kind = geometry.kind[1:-1, 1:-1, 1:-1]
    whole = np.count_nonzero(kind[:, 0, 0] != domain.COLLECTOR) // n
    voxels = table[kind[: whole * n]]
    if whole < 4 or not grid.reached(voxels > 0, 0)[-1].any():
        return 1.0
    resistance = effective_conductivity(voxels).resistance_per_slice
    fine = (resistance.sum() - 0.5 * (resistance[:n].sum() + resistance[-n:].sum())) / n
    cz, cy, cx = (
        np.ascontiguousarray((b + sigma * a)[above + 1 : above + whole + 1])
        for b, a in zip(constant, active, strict=True)
    )
    for part in (cy, cx):  # the first and the last slice are the ends
        part[[0, -1]] = 0
    cz[0] = 0
    hierarchy = multigrid.build(cz, cy, cx, revisit=REVISIT)
    b = np.zeros_like(cz)
    b[1] = cz[1]
    x = np.zeros(cz.shape)
    multigrid.solve(hierarchy, b, x, rtol=1e-6)
    flux = float((cz[1] * (1 - x[1])).sum(dtype=float))
    return np.prod(geometry.shape[1:]) / flux / fine


def _ranked_clusters(binder):
    """Clusters of a mask numbered by size, and the number of the one with the collector."""
    clusters, count = cc3d.connected_components(binder, connectivity=6, return_N=True)
    sizes = np.bincount(clusters.ravel(), minlength=count + 1)
    main = clusters[-1, 1, 1]
    sizes[main] = sizes.sum() + 1
    sizes[0] = -1
    rank = np.empty(count + 1, np.int32)
    rank[np.argsort(sizes, kind="stable")] = np.arange(count + 1)
    return rank[clusters], int(rank[main])


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


def _lateral_means(values, axis, n):
    """Means over the voxels of each face between cells."""
    for other in range(3):
        if other != axis:
            shape = list(values.shape)
            shape[other : other + 1] = [shape[other] // n, n]
            values = values.reshape(shape).mean(axis=other + 1)
    return values


def hosted(faces, geometry, wet, solid):
    """
    The faces of voxels with the cells whose potentials drive them.

    Parameters
    ----------
    faces : reaction.Faces
        Faces on the voxels.
    geometry : domain.Domain
        The grid.
    wet, solid : padded ndarray of bool
        Cells with an electrolyte and a solid potential.

    Returns
    -------
    faces : reaction.Faces
        Faces on the cells.
    """
    n, above = geometry.joined, geometry.n_separator
    z, y, x = ((np.arange(m) + n - 1) // n for m in geometry.kind.shape)
    _, ny, nx = wet.shape
    cell_of = (((z + above)[:, None, None] * ny + y[:, None]) * nx + x).astype(np.int32).ravel()
    a = np.repeat(cell_of[faces.voxel], np.diff(faces.first))
    e = cell_of[faces.wet]
    at_wet = wet.ravel()[e] & solid.ravel()[e]  # the separator holds no solid
    at_active = wet.ravel()[a] & ~at_wet
    plane = int(np.prod(geometry.kind.shape[1:]))
    slices = np.arange(1, geometry.voxels[0] + 2, n) * plane
    starts = np.searchsorted(faces.voxel, slices)
    return reaction.Faces(
        voxel=faces.voxel,
        first=faces.first,
        wet=np.where(at_active, a, e),
        solid=np.where(at_wet, e, a),
        weight=faces.weight / np.float32(n**2),
        bare=faces.bare,
        starts=np.concatenate([np.zeros(above, int), starts, [len(faces.voxel)]]),
    )


@kernel
def active_conductivity(start, stop, c, active, n_above, n, log_full, log_slope, sigma):
    """Conductivity of AM with the mean lithium of the voxels of each cell; zero without AM."""
    ny, nx = sigma.shape[1] - 2, sigma.shape[2] - 2
    for k in range(start + 1, stop + 1):
        sigma[k] = 0
        above = n * (k - 1 - n_above)
        if above < 0 or above + n > c.shape[0] - 2:
            continue
        for j in range(1, ny + 1):
            for i in range(1, nx + 1):
                total, count = 0.0, 0
                for kk in range(above + 1, above + n + 1):
                    for jj in range(n * (j - 1) + 1, n * j + 1):
                        for ii in range(n * (i - 1) + 1, n * i + 1):
                            if active[kk, jj, ii] > 0:
                                total += c[kk, jj, ii]
                                count += 1
                if count:
                    sigma[k, j, i] = np.exp(log_full + log_slope * total / count)


@kernel
def solid_faces(start, stop, sigma, bz, by, bx, az, ay, ax, cz, cy, cx):
    """Conductances of all faces, with the harmonic mean of the AM on both sides."""
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
