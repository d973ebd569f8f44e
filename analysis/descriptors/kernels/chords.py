"""Runs of a single voxel between like neighbors, from which the chords that fall between are told.

A line of the lattice sees a body only if one of its points lies in it. What the points leave out
are chords shorter than the step, and those are found where the surface is nearly tangent to the
line. There the body shows as runs of a single voxel, too, and in a fixed ratio.
"""

import numpy as np
from numba import njit

from analysis.descriptors._volume import check_shape, read, slab_bounds
from analysis.descriptors.kernels.bits import pack, popcount
from analysis.phases import Phase

MISSED_PER_RUN = 1 / 6  # chords that no voxel sees, for each that a single one sees


def single_voxel_runs(labels, steps):
    """
    Count the voxels that differ from both neighbors along a step, which are of one phase.

    Parameters
    ----------
    labels : (Z, Y, X) array of uint8
        Phase of each voxel; may be read lazily.
    steps : sequence of (3,) tuple of int
        Steps (dz, dy, dx) to a neighbor, of -1, 0 and 1, with dz >= 0.

    Returns
    -------
    counts : (3, n) ndarray of int64
        Such voxels ``x`` for each step ``v``: those where ``x`` is of one phase and ``x - v`` and
        ``x + v`` are both of another. Row p holds those in which the phase p has no part.
    """
    shape = check_shape(labels)
    steps = np.array(steps, np.int64)
    counts = np.zeros((len(Phase), len(steps)), np.int64)
    carried = None  # the last planes of the slab before
    for begin, end in slab_bounds(shape):
        slab = read(labels, slice(begin, end))
        planes = [pack(slab == phase) for phase in (Phase.CBD, Phase.AM)]
        n_carried = 0
        if carried is not None:
            n_carried = carried[0].shape[0]
            planes = [np.concatenate(pair) for pair in zip(carried, planes, strict=True)]
        _count_runs(*planes, shape[2], n_carried, steps, counts)
        carried = [words[-2:] for words in planes]
    return counts


@njit(cache=True, nogil=True)
def _count_runs(cbd, am, width, n_carried, steps, counts):
    """Add the runs whose last voxel lies in a plane that is not carried over."""
    depth, height, n_words = cbd.shape
    full = np.uint64(0xFFFFFFFFFFFFFFFF)
    for k in range(steps.shape[0]):
        dz, dy, dx = steps[k]
        inner = np.full(n_words, full)  # voxels of a row with both neighbors in the window
        if width % 64:
            inner[n_words - 1] = full >> np.uint64(64 - width % 64)
        if dx:
            inner[0] &= ~np.uint64(1)
            inner[(width - 1) // 64] &= ~(np.uint64(1) << np.uint64((width - 1) % 64))
        for z in range(max(dz, n_carried - dz), depth - dz):
            for y in range(abs(dy), height - abs(dy)):
                for w in range(n_words):
                    c, a = cbd[z, y, w], am[z, y, w]
                    c_before = _moved(cbd[z - dz, y - dy], w, -dx)
                    a_before = _moved(am[z - dz, y - dy], w, -dx)
                    c_after = _moved(cbd[z + dz, y + dy], w, dx)
                    a_after = _moved(am[z + dz, y + dy], w, dx)
                    like = ~((c_before ^ c_after) | (a_before ^ a_after))
                    run = like & ((c ^ c_before) | (a ^ a_before)) & inner[w]
                    if run:
                        c, a = c | c_before, a | a_before
                        counts[0, k] += np.int64(popcount(run & c & a))
                        counts[1, k] += np.int64(popcount(run & ~c))
                        counts[2, k] += np.int64(popcount(run & ~a))


@njit(inline="always")
def _moved(row, w, dx):
    """Word w of a row, each bit replaced by the one dx further."""
    if dx > 0:
        beyond = row[w + 1] << np.uint64(63) if w + 1 < row.size else np.uint64(0)
        return (row[w] >> np.uint64(1)) | beyond
    if dx < 0:
        beyond = row[w - 1] >> np.uint64(63) if w > 0 else np.uint64(0)
        return (row[w] << np.uint64(1)) | beyond
    return row[w]
