"""Homogenized limit: small cubes of AM in a matrix of CBD, and PyBaMM's DFN of the same electrode.

The cubes are so small, and lithium diffuses so fast in them, that every one is at one content
and one potential; the resolved cell must then give the curve of the porous-electrode model with
the fractions, the surface and the effective transport of the voxels. The stored curves are made
by ``benchmarks/resolved_reference.py``, which needs PyBaMM; reading them does not.
"""

from dataclasses import replace

import numpy as np

from analysis.electrochemistry import pybamm_reference as reference
from analysis.electrochemistry.porous_electrode.mesh import ElectrodeProfile
from analysis.electrochemistry.resolved import half_cell as resolved
from analysis.electrochemistry.transport import effective as transport
from analysis.electrochemistry.transport import reactive_surface
from analysis.phases import CBD_POROSITY, Phase

CURRENTS_MA_CM2 = (2.0, 6.0)
EDGE_UM = 1.284
UNIT, CUBE = 8, 6  # voxels of the unit cell and of the cube in it
UNITS = 10
GAMMA = 0.3

_active = replace(
    reference.MATERIALS.active,
    diffusivity_m2_s=1e-10,
    conductivity_empty_S_m=10.0,
    conductivity_full_S_m=10.0,
)
BINDER_S_M = reference.MATERIALS.binder.conductivity_S_m
MATERIALS = replace(
    reference.MATERIALS,
    active=_active,
    separator=replace(reference.MATERIALS.separator, thickness_m=50e-6),
)


def labels():
    """
    One quarter of a column of cubes; the lateral faces are mirror planes.

    Returns
    -------
    labels : (80, 4, 4) ndarray of uint8
        Phases.
    """
    inside = np.arange(UNIT // 2) < CUBE // 2
    depth = np.zeros(UNIT, bool)
    gap = (UNIT - CUBE) // 2
    depth[gap : gap + CUBE] = True
    unit = depth[:, None, None] & inside[None, :, None] & inside[None, None, :]
    column = np.tile(np.where(unit, Phase.AM, Phase.CBD), (UNITS, 1, 1))
    return column.astype(np.uint8)


def electrode():
    """The same electrode as a homogeneous medium, with what the voxels give."""
    volume = labels()
    active = float(np.mean(volume == Phase.AM))
    conduction = transport.effective_conductivity(transport.ionic_conductivity(volume, GAMMA))
    solid = np.where(volume == Phase.AM, _active.conductivity_full_S_m, BINDER_S_M)
    electrons = transport.effective_conductivity(solid)
    # the surface counts half, for half of it is covered by the solids of the CBD
    faces = CBD_POROSITY * 6 * CUBE**2 / UNIT**3 / (EDGE_UM * 1e-6)
    surface = faces * reactive_surface.face_factor(volume, EDGE_UM)
    return ElectrodeProfile(
        thickness_m=volume.shape[0] * EDGE_UM * 1e-6,
        active=active,
        electrolyte=CBD_POROSITY * (1 - active),
        surface_1_m=surface,
        transport=float(1 / np.mean(conduction.resistance_per_slice)),
        electronic_S_m=float(1 / np.mean(electrons.resistance_per_slice)),
        radius_m=3 * active / surface,
    )


def curve(current_mA_cm2):
    """
    Stored lithiation of :func:`electrode` with :data:`MATERIALS`.

    Returns
    -------
    time_s, voltage_V : ndarray
        The curve; its last point is the cut-off.
    """
    return reference.read(f"cubes_{current_mA_cm2:g}")


def lithiate(current_mA_cm2, **options):
    """
    The same run by the resolved cell, on one thread.

    Parameters
    ----------
    current_mA_cm2 : float
        Current density.
    **options
        Passed to :func:`analysis.electrochemistry.resolved.lithiate`, `control` for instance.

    Returns
    -------
    run : analysis.electrochemistry.resolved.solution.ResolvedLithiation
    """
    return resolved.lithiate(
        labels(),
        GAMMA,
        current_mA_cm2,
        voxel_size_um=EDGE_UM,
        materials=MATERIALS,
        threads=1,
        **options,
    )
