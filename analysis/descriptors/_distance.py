"""Squared distance of every voxel to the nearest voxel that is not of its kind."""

import numpy as np


def squared_distance(kinds, threads=1):
    """
    Exact squared Euclidean distance to the nearest voxel center of another kind.

    All kinds are treated in one pass. The window border is no boundary: nothing is known of
    what lies outside.

    Parameters
    ----------
    kinds : (Z, Y, X) ndarray of bool or uint8
        False and 0 are background and get 0; each other value is a kind of its own.
    threads : int
        Number of threads.

    Returns
    -------
    d2 : (Z, Y, X) ndarray of int32
        Squared distance [voxel^2]. Where only one kind exists, and so no distance, the squared
        diagonal of the window.
    """
    import edt

    kinds = np.ascontiguousarray(kinds)
    if max(kinds.shape) ** 2 * 3 >= 2**24:
        raise ValueError(
            f"The volume has an edge of {max(kinds.shape)} voxels; squared distances are exact up "
            "to 2364 voxels. Split the volume into cutouts."
        )
    d2 = edt.edtsq(kinds, parallel=threads)
    if not np.isfinite(d2[0, 0, 0]):  # one kind only, or infinite nowhere
        d2[...] = sum(n * n for n in kinds.shape)
    # float32 holds these integers exactly; convert in place, without a second volume.
    whole = d2.view(np.int32)
    for plane, target in zip(d2, whole, strict=True):
        target[...] = plane.astype(np.int32)
    return whole
