"""What the cells of a resolved half cell hold: electrolyte, binder, active material, faces.

Where cells are voxels, each holds one material; cells of several voxels hold shares of each
(:mod:`analysis.electrochemistry.resolved.cell_properties.upscaling`).
"""

from dataclasses import dataclass

import numpy as np

from analysis.electrochemistry.resolved import grid as domain
from analysis.electrochemistry.resolved import interface
from analysis.electrochemistry.resolved.cell_properties import electron_conductance as network
from analysis.electrochemistry.resolved.cell_properties import upscaling
from analysis.electrochemistry.resolved.linear_solver import floating_clusters

COLLECTOR_S_M = 1e3


@dataclass(frozen=True)
class CellProperties:
    """
    Contents of all cells.

    Attributes
    ----------
    resistance : padded ndarray of float32
        Ionic resistance of half a cell, relative to the bulk; infinite without electrolyte.
    porosity : padded ndarray of float32
        Share of the electrolyte.
    solid : padded ndarray of bool
        Cells with a solid potential.
    network : network.ElectronConductances, or None
        Electronic conductances of the faces between cells; None if cells are voxels.
    active : padded ndarray of float32
        One in AM voxels that take part; its grid is that of the lithium.
    faces : interface.Faces
        Reacting faces.
    clusters : floating_clusters.FloatingClusters
        Binder that only AM joins to the collector.
    electronic : (8,) ndarray of float32
        Electronic conductivity [S/m] of all but AM, by what a voxel is.
    """

    resistance: np.ndarray
    porosity: np.ndarray
    solid: np.ndarray
    network: network.ElectronConductances
    active: np.ndarray
    faces: interface.Faces
    clusters: floating_clusters.FloatingClusters
    electronic: np.ndarray


def tables(gamma, cell):
    """
    Properties by what a voxel is (:mod:`analysis.electrochemistry.resolved.grid`).

    Returns
    -------
    transport, porosity, electronic : (8,) ndarray of float32
        Ionic conductivity relative to the bulk, share of electrolyte, and electronic
        conductivity [S/m] of all but AM.
    """
    separator, binder = cell.separator, cell.binder
    transport, porosity, electronic = (np.zeros(8, np.float32) for _ in range(3))
    transport[[domain.PORE, domain.SEPARATOR]] = 1, separator.gamma
    transport[[domain.CBD, domain.CBD_WITHOUT_ELECTRONS]] = gamma
    porosity[[domain.PORE, domain.SEPARATOR]] = 1, separator.porosity
    porosity[[domain.CBD, domain.CBD_WITHOUT_ELECTRONS]] = binder.porosity
    electronic[[domain.CBD, domain.CBD_WITHOUT_ELECTROLYTE]] = binder.conductivity_S_m
    electronic[domain.COLLECTOR] = COLLECTOR_S_M
    return transport, porosity, electronic


def find(geometry, cell, threads=1):
    """
    Contents of the cells of a domain.

    Parameters
    ----------
    geometry : domain.Domain
        The grid.
    cell : materials.HalfCell
        Materials.
    threads : int
        Threads to use.

    Returns
    -------
    found : CellProperties
        For :class:`cell.ResolvedCell`.
    """
    transport, porosity, electronic = tables(geometry.gamma, cell)
    kind = geometry.kind
    active, wetted = kind == domain.AM, porosity[kind]
    # whether CBD conducts electrons better than AM ever does, so that it gives them to a face
    gives = cell.binder.conductivity_S_m > cell.active.conductivity_empty_S_m
    binder = (kind == domain.CBD) & gives
    if geometry.voxels_per_cell == 1:
        ionic, electrolyte, solid_network = transport[kind], wetted, None
        solid = (electronic[kind] > 0) | active
        faces = interface.find_faces(active, _reacting(geometry, wetted), binder)
        groups = floating_clusters.clusters(kind)
    else:
        ionic = upscaling.ionic(geometry, transport, threads)
        electrolyte = upscaling.filled(geometry, porosity, domain.SEPARATOR)
        solid = upscaling.filled(geometry, (electronic > 0) | (np.arange(8) == domain.AM)) > 0
        share = _reacting(geometry, wetted)
        share[0, 1:-1, 1:-1] = porosity[domain.SEPARATOR]
        faces = upscaling.onto_cells(
            interface.find_faces(active, share, binder), geometry, electrolyte > 0, solid
        )
        sigma = float(
            np.sqrt(cell.active.conductivity_empty_S_m * cell.active.conductivity_full_S_m)
        )
        solid_network, groups = network.build(geometry, electronic, sigma, threads)
    with np.errstate(divide="ignore"):
        resistance = (1 / (2 * ionic)).astype(np.float32)
    return CellProperties(
        resistance,
        electrolyte,
        solid,
        solid_network,
        active.astype(np.float32),
        faces,
        floating_clusters.find(groups),
        electronic,
    )


def _reacting(geometry, wetted):
    """
    Reacting share of a face with each voxel: what is wetted, times the map's factor of area.

    The factor is that of rough surfaces on a lattice
    (:func:`analysis.electrochemistry.transport.reactive_surface.face_factor`); the plane of the
    separator is none.
    """
    inside = geometry.kind != domain.SEPARATOR
    return np.where(inside, geometry.face_factor * wetted, wetted).astype(np.float32)
