"""A labelled volume as the one-dimensional electrode that the half-cell model asks for."""

import numpy as np

from analysis.descriptors import surface
from analysis.electrochemistry import halfcell, transport
from analysis.electrochemistry.layers import ElectrodeProfile
from analysis.electrochemistry.materials import DEFAULT
from analysis.phases import CBD_POROSITY

SLAB_VOXELS = 8  # slices that share one value of the reactive surface


def electrode_profile(labels, voxel_size_um, gamma, *, materials=DEFAULT, start=None):
    """
    Fractions, reactive surface and effective transport of a volume against depth.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel, slice 0 at the separator.
    voxel_size_um : float
        Voxel edge [µm].
    gamma : float
        Effective transport parameter of the electrolyte in the CBD [-], in (0, 0.5].
    materials : HalfCell
        Gives the conductivity of the CBD.
    start : Transport, optional
        Solution at a neighboring gamma, to begin from.

    Returns
    -------
    profile : ElectrodeProfile
    solution : Transport
        Pass it on as `start` for the next gamma.

    Raises
    ------
    ValueError
        If gamma is out of range or no ionic path reaches the collector side.

    Notes
    -----
    The reactive surface is Crofton's, AM against pore plus half of AM against CBD (eq 5 of the
    paper), slab by slab. The active material becomes spheres with the volume and the surface of
    the real particles, R = 3 eps_AM / S_AM. Electrons flow in the CBD, whose network is assumed
    to follow Bruggeman's exponent 1.5; the paper found their losses to be minor.
    """
    depth = transport.depth_profile(labels, gamma, voxel_size_um=voxel_size_um, start=start)
    whole = surface.specific_surfaces(labels, voxel_size_um)
    conductivity = materials.binder.conductivity_S_m * np.maximum(depth.cbd, 1e-3) ** 1.5
    profile = ElectrodeProfile(
        thickness_m=labels.shape[0] * voxel_size_um * 1e-6,
        active=depth.active,
        electrolyte=depth.pore + CBD_POROSITY * depth.cbd,
        surface_1_m=1e6 * reactive_surface(labels, voxel_size_um),
        transport=depth.ionic,
        electronic_S_m=conductivity,
        radius_m=3 * float(depth.active.mean()) / whole.am * 1e-6,
    )
    return profile, depth.transport


def reactive_surface(labels, voxel_size_um, slab_voxels=SLAB_VOXELS):
    """
    Surface where lithium enters, per volume and slice.

    Returns
    -------
    surface : (Z,) ndarray of float
        [1/µm]; equal within slabs of `slab_voxels` slices.
    """
    n_slices = labels.shape[0]
    n_slabs = max(1, n_slices // slab_voxels)
    bounds = np.linspace(0, n_slices, n_slabs + 1).round().astype(int)
    values = np.empty(n_slices)
    for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
        # one slice more, so that pairs across the slab's end are counted once
        slab = labels[begin : min(end + 1, n_slices)]
        values[begin:end] = surface.specific_surfaces(slab, voxel_size_um).intercalation
    return values


def lithiations(profile, currents_mA_cm2, *, materials=DEFAULT, backend="banded"):
    """
    Lithiate at several currents; a current that cannot be carried is left out and named.

    Returns
    -------
    curves : dict of float to Lithiation
    failed : dict of float to str
        Reason for each current that gave no curve.
    """
    curves, failed = {}, {}
    for current in currents_mA_cm2:
        try:
            curves[current] = halfcell.lithiate(
                profile, current, materials=materials, backend=backend
            )
        except ValueError as reason:
            failed[current] = str(reason)
    return curves, failed


def compare(labels, voxel_size_um, gamma, currents_mA_cm2):
    """
    Lithiate several trinarizations of one electrode with the same gamma.

    Parameters
    ----------
    labels : dict of str to (Z, Y, X) ndarray of uint8
        Keyed by method.
    voxel_size_um : float
        Voxel edge [µm].
    gamma : float
        Effective transport parameter of the CBD [-].
    currents_mA_cm2 : sequence of float
        Currents.

    Returns
    -------
    curves : dict of str to dict of float to (capacity, voltage)
        [mAh/cm²] and [V].
    table : pandas.DataFrame
        Columns method, effective transport [-], capacity at each current [mAh/cm²], and a note
        where a method or a current failed.
    """
    import pandas as pd

    curves, rows = {}, []
    for method, volume in labels.items():
        row = {"method": method}
        try:
            profile, solution = electrode_profile(volume, voxel_size_um, gamma)
        except ValueError as reason:
            rows.append(row | {"note": str(reason)})
            continue
        runs, failed = lithiations(profile, currents_mA_cm2)
        row["transport"] = solution.value
        row |= {f"{current:g} mA/cm²": run.capacity_mAh_cm2[-1] for current, run in runs.items()}
        rows.append(row | {"note": "; ".join(failed.values())})
        curves[method] = {
            current: (run.capacity_mAh_cm2, run.voltage_V) for current, run in runs.items()
        }
    return curves, pd.DataFrame(rows)
