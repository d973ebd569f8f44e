"""Where the current of a reacting face appears on coarse grids.

On a coarse grid the exchange happens inside one aggregate, between its solid and its
electrolyte. A face whose two voxels lie in different aggregates is assigned to the one that holds
both phases. If neither does, the face waits for a coarser grid: an exchange with a phase that
the aggregate does not hold would couple it to a potential that does not exist.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.transport.stencil import kernel

AT_SOLID, AT_ELECTROLYTE, LATER = range(3)


@dataclass(frozen=True)
class CoarseFaces:
    """
    The aggregates that all faces are assigned to.

    Attributes
    ----------
    code : (N,) ndarray of uint8
        On the first coarse grid: at the aggregate of the solid voxel, of the electrolyte voxel, or
        later.
    later : tuple of (face, cell)
        For the coarse grids after the first: indices of faces, and the flat cells that hold them.
    """

    code: np.ndarray
    later: tuple


def any_of_aggregate(mask, step):
    """Whether an aggregate holds any cell of a padded mask."""
    inner = mask[1:-1, 1:-1, 1:-1]
    inner = np.logical_or.reduceat(inner, step.first[:-1], axis=0)
    for axis, fold in ((1, step.fold_y), (2, step.fold_x)):
        if fold:
            inner = np.logical_or.reduceat(inner, np.arange(0, inner.shape[axis], 2), axis=axis)
    return np.pad(inner, 1)


def assign(faces, parents, plan, solid, electrolyte):
    """
    Find the aggregate of every face.

    Parameters
    ----------
    faces : interface.Faces
        Reacting faces.
    parents : sequence of ndarray
        Flat padded index of the aggregate of every padded cell, from each grid to the next.
    plan : sequence of multigrid.Coarsening
        Grids.
    solid, electrolyte : padded ndarray of bool
        Cells with a solid and an electrolyte potential.

    Returns
    -------
    coarse : CoarseFaces
        For :func:`collect` and :func:`collect_later`.
    """
    face = np.arange(faces.count, dtype=np.int32)
    a, e = faces.solid, faces.electrolyte
    code, later = None, []
    for parent, step in zip(parents, plan, strict=False):
        solid, electrolyte = any_of_aggregate(solid, step), any_of_aggregate(electrolyte, step)
        a, e = parent[a], parent[e]
        at_solid, at_electrolyte = electrolyte.ravel()[a], solid.ravel()[e]
        waits = ~(at_solid | at_electrolyte)
        if code is None:
            code = np.where(at_electrolyte, AT_ELECTROLYTE, LATER)
            code = np.where(at_solid, AT_SOLID, code).astype(np.uint8)
        else:
            done = ~waits
            later.append((face[done], np.where(at_solid, a, e)[done]))
        face, a, e = face[waits], a[waits], e[waits]
    return CoarseFaces(code, tuple(later))


class FineDiagonals(NamedTuple):
    """Flat fields of the finest grid from which :func:`free_share` is computed."""

    g: np.ndarray
    solid: np.ndarray  # inverse diagonal of phi_s
    m: np.ndarray
    salt: np.ndarray  # inverse diagonal of the salt


@kernel
def free_share(g, solid, m, salt):
    """
    How far the current of a face follows coarse unknowns.

    Where the salt is used up, m is so large that it pins the salt of a voxel, and the current
    no longer follows the potentials. An aggregate of such voxels and others would be pinned as
    a whole; therefore the salt of each voxel is first eliminated, with the diagonal k of its
    own diffusion and storage: both slopes are reduced by k / (k + m) = 1 - m / diagonal. The
    same holds for the solid potential of AM that conducts badly because it is full.
    """
    one, zero = np.float32(1), np.float32(0)
    return max(one - g * solid, zero) * max(one - m * salt, zero)


@kernel
def collect(start, stop, faces, code, slopes, fine, parent, coarse):
    """Add the slopes of the faces to their aggregates on the first coarse grid."""
    _, first, electrolyte, source, _, _, _ = faces
    slope_phi, slope_w = slopes
    g, solid, m, dinv = fine
    gc, mc = coarse
    for f in range(first[start], first[stop]):
        if code[f] == LATER:
            continue
        a, e = source[f], electrolyte[f]
        free = free_share(g[a], solid[a], m[e], dinv[e])
        cell = parent[a] if code[f] == AT_SOLID else parent[e]
        gc[cell] += slope_phi[f] * free
        mc[cell] += slope_w[f] * free


@kernel
def collect_later(face, cell, faces, slopes, fine, coarse):
    """Add the slopes of the faces in a list to their aggregates."""
    electrolyte, source = faces.electrolyte, faces.solid
    slope_phi, slope_w = slopes
    g, solid, m, dinv = fine
    gc, mc = coarse
    for n in range(len(face)):
        f = face[n]
        a, e = source[f], electrolyte[f]
        free = free_share(g[a], solid[a], m[e], dinv[e])
        gc[cell[n]] += slope_phi[f] * free
        mc[cell[n]] += slope_w[f] * free
