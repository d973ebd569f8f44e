"""The reaction on the faces between voxels, in numpy, for the FiPy model on voxels.

The same law as in :mod:`analysis.electrochemistry.resolved.butler_volmer`, written anew: potential
and lithium count at the face, half a voxel from the centers.
"""

from typing import NamedTuple

import numpy as np

from analysis.electrochemistry.constants import FARADAY_C_MOL, GAS_J_MOL_K, REFERENCE_MOL_M3
from analysis.electrochemistry.resolved import grid
from analysis.electrochemistry.resolved.butler_volmer import LITHIUM_SHARE, STAR


class ReactingFaces(NamedTuple):
    """Faces between AM and electrolyte: cells, wetted share, way of the electrons, area."""

    am: np.ndarray
    wet: np.ndarray
    solid: np.ndarray
    weight: np.ndarray
    bare: np.ndarray
    area: np.ndarray


def reacting_faces(mesh, kind, porosity, materials, face_factor=1.0):
    """
    List the faces between AM and electrolyte.

    Parameters
    ----------
    mesh : fipy.Grid2D
        The plane.
    kind : (N,) ndarray of uint8
        What each cell is (:mod:`analysis.electrochemistry.resolved.grid`).
    porosity : (N,) ndarray
        Share of electrolyte in each cell.
    materials : HalfCell
        For the conductivities of CBD and AM.
    face_factor : float
        Reactive surface of the map over the area of its voxel faces; those against the separator
        count as they are.

    Returns
    -------
    ReactingFaces
    """
    first, second = (np.asarray(ids) for ids in mesh.faceCellIDs.filled(-1))
    inner = np.flatnonzero(second >= 0)
    found = []
    for am, wet in ((first, second), (second, first)):
        reacts = (kind[am[inner]] == grid.AM) & (porosity[wet[inner]] > 0)
        found.append(np.stack([am[inner][reacts], wet[inner][reacts], inner[reacts]]))
    am, wet, face = np.concatenate(found, axis=1)
    gives = materials.binder.conductivity_S_m > materials.active.conductivity_empty_S_m
    bare = ~((kind[wet] == grid.CBD) & gives)
    area = np.asarray(mesh._faceAreas)[face]
    weight = porosity[wet] * np.where(kind[wet] == grid.SEPARATOR, 1.0, face_factor)
    return ReactingFaces(am, wet, np.where(bare, am, wet), weight, bare, area)


def face_current(faces, psi, c_e, phi_s, c_s, materials, edge_m):
    """
    Current density of each face and its slopes.

    Parameters
    ----------
    faces : ReactingFaces
        The faces.
    psi, c_e, phi_s, c_s : (N,) ndarray
        Unknowns of all cells [V, mol/m³].
    materials : HalfCell
        Parameters.
    edge_m : float
        Voxel edge [m].

    Returns
    -------
    current, by_phi, by_salt, by_lithium : (A,) ndarray
        Into the electrolyte [A/m²], and its slopes with phi_s - psi, c_e and c_s of the cells.
    """
    active, electrolyte = materials.active, materials.electrolyte
    full, (low, high) = active.max_concentration_mol_m3, active.ocp.bounds
    thermal = FARADAY_C_MOL / (2 * GAS_J_MOL_K * materials.temperature_K)
    salt, lithium = c_e[faces.wet], c_s[faces.am]
    B, B_slope = (
        electrolyte.diffusion_potential_V(salt),
        electrolyte.diffusion_potential_slope(salt),
    )
    drive = phi_s[faces.solid] - psi[faces.wet] - B
    ohmic = faces.bare * 0.5 * edge_m / active.conductivity_S_m(lithium / full)  # Ω m²
    behind = LITHIUM_SHARE * edge_m / (2 * FARADAY_C_MOL * active.diffusion_m2_s)  # mol/m³ per i
    soft = salt / np.sqrt(salt + STAR) / np.sqrt(REFERENCE_MOL_M3)
    scale = 4 * faces.weight * active.reference_current_A_m2 * soft
    # the surface's own potential U is the unknown: content and current are explicit in it
    U = active.ocp.potential(np.clip(lithium / full, low + 1e-9, high - 1e-9))
    below, above = np.full(U.shape, -np.inf), np.full(U.shape, np.inf)
    for _ in range(100):
        x, slope = active.ocp.stoichiometry_and_slope(U)
        i = (lithium - full * x) / behind
        root = scale * np.sqrt(x * (1 - x))
        excess = drive - ohmic * i - U - np.arcsinh(i / root) / thermal
        below, above = np.where(excess > 0, U, below), np.where(excess > 0, above, U)
        i_slope = -full * slope / behind
        ratio = i / root
        bend = i_slope / root - ratio * (1 - 2 * x) / (2 * x * (1 - x)) * slope
        steep = 1 + ohmic * i_slope + np.maximum(bend, 0) / (thermal * np.sqrt(1 + ratio**2))
        new = U + excess / steep
        outside = (new <= below) | (new >= above)
        middle = 0.5 * (below + above)
        new = np.where(outside & np.isfinite(middle), middle, new)
        done = np.max(np.abs(new - U), initial=0.0) < 1e-12
        U = new
        if done:
            break
    x, slope = active.ocp.stoichiometry_and_slope(U)
    i = (lithium - full * x) / behind
    root = scale * np.sqrt(x * (1 - x))
    ratio = i / root
    cosh = np.sqrt(1 + ratio**2)
    # i = root * 2 sinh / 2 ..., differentiated in the drive, the salt and the lithium of the cells
    by_drive = thermal * root * cosh
    by_content = by_drive / slope - i * (1 - 2 * x) / (2 * x * (1 - x))  # minus di/dx at the face
    back = 1 + by_drive * ohmic - by_content * behind / full
    by_salt = i * (1 / salt - 0.5 / (salt + STAR)) - by_drive * B_slope
    sigma_slope = np.log(active.conductivity_full_S_m / active.conductivity_empty_S_m) / 0.75
    ohmic_slope = -ohmic * sigma_slope / full
    by_lithium = -by_content / full - by_drive * ohmic_slope * i
    return i, by_drive / back, by_salt / back, by_lithium / back


def lithium_current(psi, c_e, materials):
    """
    Current density from the lithium metal [A/m²], and its slopes with psi and c_e of the cells.

    Parameters
    ----------
    psi, c_e : (X,) ndarray
        Of the cells at the lithium.
    materials : HalfCell
        Parameters.
    """
    electrolyte = materials.electrolyte
    thermal = FARADAY_C_MOL / (2 * GAS_J_MOL_K * materials.temperature_K)
    soft = c_e / np.sqrt(c_e + STAR) / np.sqrt(REFERENCE_MOL_M3)
    rate = materials.lithium.exchange_current_A_m2 * soft
    z = -thermal * (psi + electrolyte.diffusion_potential_V(c_e))
    i, rise = 2 * rate * np.sinh(z), 2 * thermal * rate * np.cosh(z)
    by_c = i * (1 / c_e - 0.5 / (c_e + STAR)) - rise * electrolyte.diffusion_potential_slope(c_e)
    return i, -rise, by_c
