"""The 48 symmetries of the cube, as permutations of a patch of gray values.

Turning or mirroring the neighborhood of a voxel does not change its composition. The
training set of the network is therefore multiplied by the group of the cube: six orders of
the axes times eight combinations of flips.
"""

from functools import cache
from itertools import permutations, product

import numpy as np

N_SYMMETRIES = 48


@cache
def symmetry_table(edge=5):
    """
    Permutations of the voxels of a cubic patch that leave the cube unchanged.

    Parameters
    ----------
    edge : int
        Edge length of the patch [voxel].

    Returns
    -------
    table : (48, edge**3) ndarray of int64
        ``patch.ravel()[table[s]]`` is the flattened patch after symmetry `s`; row 0 is the
        identity. The array is read-only.

    Examples
    --------
    >>> table = symmetry_table(3)
    >>> table.shape, int(np.unique(table, axis=0).shape[0])
    ((48, 27), 48)
    """
    grid = np.arange(edge**3).reshape(edge, edge, edge)
    rows = []
    for axes, flips in product(permutations(range(3)), product((1, -1), repeat=3)):
        turned = grid.transpose(axes)[tuple(slice(None, None, flip) for flip in flips)]
        rows.append(turned.ravel())
    table = np.array(rows)
    table.setflags(write=False)
    return table


def augment(patches, copies):
    """
    Return the patches of chosen (voxel, symmetry) pairs.

    Parameters
    ----------
    patches : (N, P) ndarray
        Flattened cubic patches.
    copies : (M,) ndarray of int
        Numbers ``48 * voxel + symmetry`` of the wanted copies.

    Returns
    -------
    augmented : (M, P) ndarray
        The patches after their symmetries.
    """
    edge = round(patches.shape[1] ** (1 / 3))
    voxel, symmetry = np.divmod(np.asarray(copies), N_SYMMETRIES)
    return patches[voxel[:, None], symmetry_table(edge)[symmetry]]
