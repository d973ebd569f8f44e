"""Checks shared by the descriptors, and slabs of volumes that may be larger than memory."""

import numpy as np

from analysis.phases import Phase, check_labels, check_voxel_size

SLAB_VOXELS = 1 << 25  # voxels read at once from a lazily read volume


def check_voxel_sizes(voxel_size_um):
    """
    Return the edges of a voxel along (z, y, x), or say what is wrong with them.

    Parameters
    ----------
    voxel_size_um : float or (3,) sequence of float
        One edge length of a cubic voxel, or three [µm].

    Returns
    -------
    edges_um : tuple of float
        Edge length along z, y and x [µm].

    Raises
    ------
    ValueError
        If a length is missing, not positive, or there are not one or three.
    """
    if np.ndim(voxel_size_um) == 0:
        return (check_voxel_size(voxel_size_um),) * 3
    if len(voxel_size_um) != 3:
        raise ValueError(
            f"The voxel size has {len(voxel_size_um)} entries; expected one edge length in µm, "
            "or three along z, y and x."
        )
    return tuple(check_voxel_size(edge) for edge in voxel_size_um)


def check_phase(labels, phase):
    """
    Return `phase` as a Phase, or say that it is none or absent from the volume.

    Raises
    ------
    ValueError
        If `phase` is no phase or no voxel belongs to it.
    """
    try:
        phase = Phase(phase)
    except ValueError as error:
        raise ValueError(
            f"The phase is {phase!r}; expected Phase.PORE, Phase.CBD or Phase.AM."
        ) from error
    if not np.any(labels == phase):
        raise ValueError(
            f"The volume holds no voxel of the phase {phase.title} (label {int(phase)}); its "
            "descriptor is not defined. Check the labels or leave this phase out."
        )
    return phase


def check_shape(labels):
    """Return the shape of a volume, or say that it is no volume."""
    shape = tuple(int(n) for n in getattr(labels, "shape", np.shape(labels)))
    if len(shape) != 3 or 0 in shape:
        raise ValueError(
            f"Labels have shape {shape}; expected a volume (Z, Y, X). "
            "Stack slices along axis 0, the through-plane direction."
        )
    return shape


def slab_bounds(shape, slab_voxels=None):
    """
    Cut a volume along z into slabs of about `SLAB_VOXELS` voxels.

    Parameters
    ----------
    shape : tuple of int
        Shape (Z, Y, X) of the volume.
    slab_voxels : int, optional
        Voxels of a slab; `SLAB_VOXELS` if not given.

    Returns
    -------
    bounds : list of tuple of int
        First and past-the-last slice of each slab.
    """
    thickness = max(1, (slab_voxels or SLAB_VOXELS) // (shape[1] * shape[2]))
    return [(z, min(z + thickness, shape[0])) for z in range(0, shape[0], thickness)]


def read(labels, *slices):
    """
    Read a part of a volume into memory and check its labels.

    Parameters
    ----------
    labels : array-like
        Volume (Z, Y, X): a numpy array, or anything sliced like one (dask, zarr, h5py, memmap).
    *slices : slice
        Part to read.

    Returns
    -------
    part : ndarray of uint8
        The labels.
    """
    if not hasattr(labels, "shape"):  # nested lists
        labels = np.asarray(labels)
    return check_labels(np.asarray(labels[slices]))
