"""Opening map: the largest ball that covers a voxel and fits into its phase."""

import numpy as np

from analysis.descriptors.kernels.balls import paint
from analysis.descriptors.kernels.distance import squared_distance
from analysis.phases import check_labels


def opening_map(mask, *, threads=1):
    """
    Largest ball that covers each voxel and fits into a mask.

    Parameters
    ----------
    mask : (Z, Y, X) ndarray of bool
        Voxels the balls may cover. The border of the window does not stop a ball.
    threads : int
        Number of threads.

    Returns
    -------
    squared_radius : (Z, Y, X) ndarray of int32
        Squared radius [voxel^2] of the largest ball, 0 outside the mask. With ``D2`` the squared
        distance to the nearest voxel center outside the mask, the value at ``y`` is
        ``max{ D2(x) : |x - y|^2 < D2(x) }``. For a mask that fills the window, which has no
        distance to anything, the squared diagonal of the window.

    Raises
    ------
    ValueError
        If `mask` is not a boolean volume.

    Notes
    -----
    The opening at a squared radius ``t`` is ``opening_map(mask) >= t``, and the closing of the
    complement is its complement. On a grid the balls of one radius are not an opening of those
    of the next, so this set is the union of the openings by all radii from ``t`` on: the smallest
    family of sets that shrinks with the radius, as a size distribution must.

    Examples
    --------
    >>> slab = np.zeros((5, 3, 3), dtype=bool)
    >>> slab[1:4] = True
    >>> opening_map(slab)[:, 1, 1]
    array([0, 4, 4, 4, 0], dtype=int32)
    """
    mask = np.asarray(mask)
    if mask.ndim != 3 or mask.size == 0 or mask.dtype != bool:
        raise ValueError(
            f"The mask has shape {mask.shape} and type {mask.dtype}; expected a boolean volume "
            "(Z, Y, X). Compare the labels with one phase: labels == Phase.AM."
        )
    return paint(squared_distance(mask, threads), threads)


def opening_maps(labels, *, threads=1):
    """
    Largest ball that covers each voxel and fits into the voxel's own phase.

    All phases in one pass: equal to :func:`opening_map` of each phase, put together.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    threads : int
        Number of threads.

    Returns
    -------
    squared_radius : (Z, Y, X) ndarray of int32
        Squared radius [voxel^2] of the largest ball.

    Raises
    ------
    ValueError
        If `labels` is not a volume of the labels 0, 1 and 2.
    """
    return paint(squared_distance(check_labels(labels) + np.uint8(1), threads), threads)
