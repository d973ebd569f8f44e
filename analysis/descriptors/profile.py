"""Volume fractions against the depth: where the phases sit between separator and collector."""

import numpy as np

from analysis.descriptors._volume import check_shape, read, slab_bounds
from analysis.phases import Phase, check_voxel_size


def volume_fractions(labels):
    """
    Share of each phase in every slice.

    Parameters
    ----------
    labels : (Z, Y, X) array of uint8
        Phase of each voxel, slice 0 at the separator. May be read lazily (dask, zarr): slabs are
        read one after another.

    Returns
    -------
    fractions : (3, Z) ndarray of float
        Volume fraction [-] of each phase, rows ordered as :class:`~analysis.phases.Phase`. Each
        column sums to one.

    Raises
    ------
    ValueError
        If `labels` is not a volume of the labels 0, 1 and 2.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Figure 10. :doi:`10.1002/ente.202200784`

    Examples
    --------
    >>> labels = np.array([[[0, 0, 1, 2]], [[2, 2, 2, 1]]], dtype=np.uint8)
    >>> volume_fractions(labels)
    array([[0.5 , 0.  ],
           [0.25, 0.25],
           [0.25, 0.75]])
    """
    shape = check_shape(labels)
    counts = np.empty((len(Phase), shape[0]), np.int64)
    for begin, end in slab_bounds(shape):
        slab = read(labels, slice(begin, end))
        for phase in Phase:
            counts[phase, begin:end] = np.count_nonzero(slab == phase, axis=(1, 2))
    return counts / (shape[1] * shape[2])


def depths_um(n_slices, voxel_size_um):
    """
    Distance of the center of every slice to the separator [µm].

    Parameters
    ----------
    n_slices : int
        Number of slices.
    voxel_size_um : float
        Edge length of a voxel along z [µm].

    Returns
    -------
    depth_um : (n_slices,) ndarray of float
        Distance [µm], half a voxel for the first slice.
    """
    check_voxel_size(voxel_size_um)
    return (np.arange(n_slices) + 0.5) * check_voxel_size(voxel_size_um)
