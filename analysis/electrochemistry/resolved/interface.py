"""The faces between active material and electrolyte, and what their currents change.

The faces are a list sorted by AM voxel. Every current enters three balances, of charge, of
electrons and of salt, and the lithium of one AM voxel; here it is added to them.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.transport.stencil import kernel


class Faces(NamedTuple):
    """
    Faces between live AM and electrolyte voxels.

    Attributes
    ----------
    voxel : (A,) ndarray of int32
        AM voxels with a reacting face, as flat indices into padded arrays.
    first : (A + 1,) ndarray of int32
        First face of each of them.
    electrolyte : (N,) ndarray of int32
        Electrolyte voxel of each face.
    solid : (N,) ndarray of int32
        Voxel that gives the electrons: the electrolyte voxel if it is CBD that conducts better
        than AM, else the AM voxel.
    weight : (N,) ndarray of float32
        Wetted share of the face: 1 for pore, the porosity of the CBD or the separator.
    bare : (N,) ndarray of bool
        Faces whose electrons come through half a voxel of AM.
    starts : (Z + 1,) ndarray of int64
        First AM voxel of each slice.
    """

    voxel: np.ndarray
    first: np.ndarray
    electrolyte: np.ndarray
    solid: np.ndarray
    weight: np.ndarray
    bare: np.ndarray
    starts: np.ndarray

    @property
    def count(self):
        """Number of faces."""
        return len(self.electrolyte)


class FaceRates(NamedTuple):
    """
    Currents of the faces and their slopes, multiplied by the cell edge.

    Attributes
    ----------
    current : (N,) ndarray of float32
        Current [A/m].
    slope_phi, slope_w, slope_c : (N,) ndarray of float32
        Slopes g, m and p with potential, salt and lithium, see :func:`butler_volmer.evaluate`.
    ocp_slope : (A,) ndarray of float32
        -dU/dc_s of each AM voxel.
    factors : (A,) ndarray of float32
        What the response of the lithium makes of g and m, see :func:`damp`.
    """

    current: np.ndarray
    slope_phi: np.ndarray
    slope_w: np.ndarray
    slope_c: np.ndarray
    ocp_slope: np.ndarray
    factors: np.ndarray


class FlatFields(NamedTuple):
    """The unknowns as flat views: of cells psi, phi_s and salt, of voxels the lithium."""

    psi: np.ndarray
    phi: np.ndarray
    salt: np.ndarray
    lithium: np.ndarray


def empty_rates(faces):
    """Rates of zeros for a list of faces."""
    return FaceRates(
        *(np.zeros(faces.count, np.float32) for _ in range(4)),
        *(np.zeros(len(faces.voxel), np.float32) for _ in range(2)),
    )


def find_faces(active, share, binder):
    """
    List the reacting faces.

    Parameters
    ----------
    active : padded ndarray of bool
        AM that takes part.
    share : padded ndarray of float32
        Wetted share of a face with each voxel; zero where there is no electrolyte.
    binder : padded ndarray of bool
        Electrolyte voxels that are CBD joined to the collector and give the electrons.

    Returns
    -------
    faces : Faces
        Sorted by slice.
    """
    nz, ny, nx = active.shape
    flat, share = active.ravel(), share.ravel()
    voxels = np.flatnonzero(flat)
    steps = np.array([-ny * nx, -nx, -1, 1, nx, ny * nx])
    counts = np.zeros(len(voxels), np.int8)
    for step in steps:
        counts += share[voxels + step] > 0
    voxels = voxels[counts > 0]
    counts = counts[counts > 0]
    first = np.zeros(len(voxels) + 1, np.int32)
    np.cumsum(counts, out=first[1:])
    electrolyte = np.empty(first[-1], np.int32)
    position = first[:-1].copy()
    for step in steps:
        near = voxels + step
        hit = share[near] > 0
        electrolyte[position[hit]] = near[hit]
        position[hit] += 1
    bare = ~binder.ravel()[electrolyte]
    solid = np.where(bare, np.repeat(voxels, counts), electrolyte).astype(np.int32)
    starts = np.searchsorted(voxels, np.arange(1, nz) * ny * nx).astype(np.int64)
    weight = share[electrolyte]
    return Faces(voxels.astype(np.int32), first, electrolyte, solid, weight, bare, starts)


@kernel
def sum_slopes(start, stop, faces, rates, inverse_f, p, load):
    """Sum p / F and g / F over the faces of each AM voxel."""
    voxel, first = faces.voxel, faces.first
    slope_phi, slope_c = rates.slope_phi, rates.slope_c
    for s in range(start, stop):
        a = voxel[s]
        sg, sp = 0.0, 0.0
        for f in range(first[s], first[s + 1]):
            sg += slope_phi[f]
            sp += slope_c[f]
        p[a] = sp * inverse_f
        load[a] = sg * inverse_f


@kernel
def damp(start, stop, faces, rates, response, g, m):
    """
    Reduce g and m by ``1 / (1 + u S)``: the lithium that a current brings pushes it back.

    `response` is the change S of the surface concentration for unit change of the driving
    potential. It contains the weights of the faces once, in g, and nowhere else. The damped
    slopes are summed: g to the one or two cells whose potentials drive a face, m to its
    electrolyte cell.
    """
    voxel, first, electrolyte, solid, _, _, _ = faces
    slope_phi, slope_w = rates.slope_phi, rates.slope_w
    ocp_slope, factors = rates.ocp_slope, rates.factors
    for s in range(start, stop):
        a = voxel[s]
        factor = 1 / (1 + ocp_slope[s] * max(response[a], 0.0))
        factors[s] = factor
        for f in range(first[s], first[s + 1]):
            slope_phi[f] *= factor
            slope_w[f] *= factor
            g[electrolyte[f]] += slope_phi[f]
            if solid[f] != electrolyte[f]:
                g[solid[f]] += slope_phi[f]
            m[electrolyte[f]] += slope_w[f]


@kernel
def add_currents(start, stop, faces, rates, known, residuals):
    """Add the currents, with the known change of the lithium, to the residuals."""
    voxel, first, electrolyte, solid, _, _, _ = faces
    current, slope_c = rates.current, rates.slope_c
    r1, r2, r3 = residuals
    for s in range(start, stop):
        a = voxel[s]
        change = known[a]
        for f in range(first[s], first[s + 1]):
            i = current[f] + slope_c[f] * change
            r1[electrolyte[f]] += i
            r3[electrolyte[f]] += i
            r2[solid[f]] -= i


@kernel
def lithium_load(start, stop, faces, rates, x, inverse_f, r):
    """
    Subtract the currents / F, with the new potentials, from the lithium residual.

    The damping of g and m is undone: the lithium that a current brings is what is solved for. The
    currents are left as the next search for them begins, but for what the lithium does to them
    (:func:`follow_lithium`).
    """
    voxel, first, electrolyte, solid, _, _, _ = faces
    current, factors = rates.current, rates.factors
    slope_phi, slope_w = rates.slope_phi, rates.slope_w
    x1, x2, x3 = x
    for s in range(start, stop):
        a = voxel[s]
        total = 0.0
        for f in range(first[s], first[s + 1]):
            e = electrolyte[f]
            change = slope_phi[f] * (x2[solid[f]] - x1[e]) - slope_w[f] * x3[e]
            current[f] += change / factors[s]
            total += current[f]
        r[a] -= total * inverse_f


@kernel
def follow_lithium(start, stop, faces, rates, change):
    """Add to the currents what a change of the lithium makes of them."""
    voxel, first = faces.voxel, faces.first
    current, slope_c = rates.current, rates.slope_c
    for s in range(start, stop):
        moved = change[voxel[s]]
        for f in range(first[s], first[s + 1]):
            current[f] += slope_c[f] * moved
