"""The surface on which lithium enters the active material, for both models of the half cell.

Voxel faces are no measure of a surface: a ball shows half as much again as its area, however small
the voxels. Crofton's formula (:mod:`analysis.descriptors.surface`) converges. So both models take
its value: the homogenized model as the surface of its slabs, the resolved cell by one factor on all
of its faces.
"""

import numpy as np

from analysis.descriptors import surface
from analysis.phases import CBD_POROSITY, Phase, check_voxel_size


def profile(labels, voxel_size_um, slab_voxels):
    """
    Reactive surface over the depth, and the surface of the active material.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phases, slice 0 at the separator.
    voxel_size_um : float
        Voxel edge [µm].
    slab_voxels : int
        Slices that share one value.

    Returns
    -------
    reactive : (Z,) ndarray
        AM against pore, and half of AM against CBD, per volume [1/µm]; its mean is the value of
        the whole volume, whatever the slabs.
    active : float
        All surface of the AM per volume [1/µm].
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    labels = _extruded(labels)
    n_slices = labels.shape[0]
    n_slabs = max(1, round(n_slices / slab_voxels))
    bounds = np.linspace(0, n_slices, n_slabs + 1).round().astype(int)
    slabs = [
        # one slice more, so that pairs across the slab's end are counted once
        surface.specific_surfaces(labels[begin : min(end + 1, n_slices)], voxel_size_um)
        for begin, end in zip(bounds[:-1], bounds[1:], strict=True)
    ]
    widths = np.diff(bounds)
    reactive = np.repeat([slab.intercalation for slab in slabs], widths)
    whole = surface.specific_surfaces(labels, voxel_size_um).intercalation
    if reactive.any():
        reactive = reactive * (whole / reactive.mean())
    return reactive, float(np.average([slab.am for slab in slabs], weights=widths))


def against_separator(labels, porosity):
    """
    Reactive surface of the AM that looks at the separator, per cross-section [-].

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phases, slice 0 at the separator.
    porosity : float
        Share of this surface that electrolyte wets, that of the separator.
    """
    return float(porosity * np.mean(np.asarray(labels)[0] == Phase.AM))


def of_faces(labels, voxel_size_um):
    """
    Area of the voxel faces between AM and electrolyte per volume [1/µm], counted as they react.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phases.
    voxel_size_um : float
        Voxel edge [µm].
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    labels = np.asarray(labels)
    active = labels == Phase.AM
    wetted = np.where(labels == Phase.PORE, 1.0, np.where(labels == Phase.CBD, CBD_POROSITY, 0.0))
    total = 0.0
    for axis in range(3):
        before, behind = ([slice(None)] * 3 for _ in range(2))
        before[axis], behind[axis] = slice(None, -1), slice(1, None)
        before, behind = tuple(before), tuple(behind)
        total += wetted[before][active[behind]].sum() + wetted[behind][active[before]].sum()
    return float(total / (labels.size * voxel_size_um))


def face_factor(labels, voxel_size_um):
    """
    Reactive surface of a volume by Crofton's formula over that of its voxel faces.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phases.
    voxel_size_um : float
        Voxel edge [µm].

    Returns
    -------
    factor : float
        What the area of every face inside the volume is multiplied by; one without such faces.
        About two thirds for rounded grains; 0.93 for a plane along the lattice, whose faces are
        right and whose estimate is not.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    faces = of_faces(labels, voxel_size_um)
    if faces == 0:
        return 1.0
    return surface.specific_surfaces(_extruded(labels), voxel_size_um).intercalation / faces


def _extruded(labels):
    """A plane or a column of voxels as the prism that it is the section of."""
    labels = np.asarray(labels)
    for axis in (1, 2):
        if labels.shape[axis] == 1:
            labels = np.repeat(labels, 2, axis=axis)
    return labels
