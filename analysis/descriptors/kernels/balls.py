"""Paint a volume with discrete balls, the largest first.

The opening of a phase by balls of growing radius is known once every voxel knows the largest
ball that covers it. A ball of squared radius ``t`` about ``x`` is the set of voxels ``y`` with
``|x - y|^2 < t``. Three ideas make the painting cheap and leave it exact:

* A ball that lies inside a neighbor's ball is never needed. Whether it does depends only on the
  two squared radii, so a table decides (`containing_radius`).
* Of the other balls only a part is needed: what lies beyond a plane between the center and a
  neighbor with a ball at least as large is left to the neighbor (`_limit`).
* What is still unpainted is kept as one bit per voxel, 64 to a word. A row of a ball is a bit
  mask, and the bits left after ``unpainted & mask`` are the voxels to write.

Threads share the work by slabs of z. Every slab sees every ball that reaches it in the same
order, so the result does not depend on the number of threads.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from numba import njit

from analysis.descriptors.kernels.bits import trailing_zeros

_NO_LIMIT = 127  # the neighbor has no ball, or a smaller one


def paint(squared_radii, threads=1):
    """
    Replace each voxel's squared radius by the largest one among the balls that cover it.

    Parameters
    ----------
    squared_radii : (Z, Y, X) ndarray of int32
        Squared radius [voxel^2] of the ball about each voxel, 0 for no ball. Overwritten.
    threads : int
        Number of threads.

    Returns
    -------
    covered : (Z, Y, X) ndarray of int32
        The same array, ``max{ t(x) : |x - y|^2 < t(x) }`` at each voxel ``y``, 0 where no ball
        reaches.
    """
    t_max = int(squared_radii.max())
    if t_max <= 1 or squared_radii.min() == t_max:  # every voxel keeps its own ball
        return squared_radii
    depth, height, width = squared_radii.shape
    words = -(-width // 64)
    containing = containing_radius(t_max)

    bounds = np.linspace(0, depth, threads + 1).astype(int)
    slabs = [(int(a), int(b)) for a, b in zip(bounds, bounds[1:], strict=False) if b > a]
    needed = np.zeros((depth, height, words), np.uint64)
    unpainted = np.zeros((depth, height, words), np.uint64)
    with ThreadPoolExecutor(len(slabs)) as pool:
        list(
            pool.map(
                lambda slab: _find_needed(squared_radii, containing, needed, unpainted, *slab),
                slabs,
            )
        )
        balls = _sort_descending(squared_radii, needed, t_max)
        half_chord = np.sqrt(np.maximum(np.arange(t_max + 1) - 1, 0)).astype(np.int32)
        list(
            pool.map(
                lambda slab: _paint_slab(squared_radii, unpainted, *balls, half_chord, *slab),
                slabs,
            )
        )
    return squared_radii


def containing_radius(t_max):
    """
    Squared radius that a neighbor's ball must have to contain a ball.

    Parameters
    ----------
    t_max : int
        Largest squared radius [voxel^2].

    Returns
    -------
    table : (3, t_max + 1) ndarray of int32
        Row k, column t: the smallest squared radius of a ball about a neighbor at squared
        distance k + 1 that contains the ball of squared radius t.
    """
    # A power of two as the size lets volumes of similar size share one table.
    size = 1 << max(6, int(t_max).bit_length())
    return np.ascontiguousarray(_containing_radius(size)[:, : t_max + 1])


@lru_cache(maxsize=4)
def _containing_radius(size):
    return _tabulate_containing(size)


@njit(cache=True)
def _tabulate_containing(size):
    # For a point u of the ball the neighbor v sees |u - v|^2 = |u|^2 + |v|^2 - 2 u.v, which is
    # largest for u opposite to v. By symmetry only u = (a >= b >= c >= 0) need be visited.
    table = np.zeros((3, size), np.int32)
    for a in range(int(np.sqrt(size)) + 1):
        for b in range(a + 1):
            if a * a + b * b + 1 > size - 1:
                break
            for c in range(b + 1):
                s = a * a + b * b + c * c
                if s + 1 > size - 1:
                    break
                table[0, s + 1] = max(table[0, s + 1], s + 1 + 2 * a + 1)
                table[1, s + 1] = max(table[1, s + 1], s + 2 + 2 * (a + b) + 1)
                table[2, s + 1] = max(table[2, s + 1], s + 3 + 2 * (a + b + c) + 1)
    for k in range(3):
        for t in range(1, size):
            table[k, t] = max(table[k, t], table[k, t - 1])
    return table


@njit(cache=True, nogil=True)
def _find_needed(radii, containing, needed, unpainted, z_begin, z_end):
    """Mark the balls of the slab that no neighbor's ball contains, and the voxels to paint."""
    depth, height, width = radii.shape
    faces = np.empty(width + 2, np.int32)  # largest squared radius among the 6, 12, 8 neighbors
    edges = np.empty(width + 2, np.int32)
    cross = np.empty(width + 2, np.int32)  # the 4 rows that share a face with this one
    diagonal = np.empty(width + 2, np.int32)  # the 4 rows that share an edge with it
    keep = np.empty(width, np.uint8)
    for z in range(z_begin, z_end):
        for y in range(height):
            row = radii[z, y]
            cross[:] = 0
            diagonal[:] = 0
            for dz in range(-1, 2):
                if z + dz < 0 or z + dz >= depth:
                    continue
                for dy in range(-1, 2):
                    if y + dy < 0 or y + dy >= height or (dz == 0 and dy == 0):
                        continue
                    other = radii[z + dz, y + dy]
                    target = cross if dz * dy == 0 else diagonal
                    for x in range(width):
                        target[x + 1] = max(target[x + 1], other[x])
            for x in range(width):
                faces[x] = cross[x + 1]
                edges[x] = max(diagonal[x + 1], max(cross[x], cross[x + 2]))
            for x in range(1, width):
                faces[x] = max(faces[x], row[x - 1])
                faces[x - 1] = max(faces[x - 1], row[x])
            for x in range(width):
                t = row[x]
                corners = max(diagonal[x], diagonal[x + 2])
                keep[x] = (
                    (t > 0)
                    & (faces[x] < containing[0, t])
                    & (edges[x] < containing[1, t])
                    & (corners < containing[2, t])
                )
            for w in range(needed.shape[2]):
                word = np.uint64(0)
                some = np.uint64(0)
                for x in range(w * 64, min(width, w * 64 + 64)):
                    bit = np.uint64(x & 63)
                    word |= np.uint64(keep[x]) << bit
                    some |= np.uint64(row[x] > 0) << bit
                needed[z, y, w] = word
                unpainted[z, y, w] = some


@njit(cache=True, nogil=True)
def _sort_descending(radii, needed, t_max):
    """Counting sort of the needed balls: centers (linear), limits, distinct levels and starts."""
    depth, height, width = radii.shape
    words = needed.shape[2]
    count = np.zeros(t_max + 2, np.int64)
    for z in range(depth):
        for y in range(height):
            for w in range(words):
                bits = needed[z, y, w]
                while bits:
                    x = w * 64 + trailing_zeros(bits)
                    bits &= bits - np.uint64(1)
                    count[radii[z, y, x]] += 1
    n_levels = 0
    for t in range(1, t_max + 1):
        if count[t]:
            n_levels += 1
    levels = np.empty(n_levels, np.int32)
    starts = np.zeros(n_levels + 1, np.int64)
    cursor = np.zeros(t_max + 2, np.int64)
    k = 0
    for t in range(t_max, 0, -1):
        if count[t]:
            levels[k] = t
            cursor[t] = starts[k]
            starts[k + 1] = starts[k] + count[t]
            k += 1
    centers = np.empty(starts[n_levels], np.int64)
    limits = np.empty((centers.size, 6), np.int8)
    for z in range(depth):
        for y in range(height):
            for w in range(words):
                bits = needed[z, y, w]
                while bits:
                    x = w * 64 + trailing_zeros(bits)
                    bits &= bits - np.uint64(1)
                    t = radii[z, y, x]
                    i = cursor[t]
                    cursor[t] += 1
                    centers[i] = (z * height + y) * width + x
                    limits[i, 0] = _limit(t, radii[z - 1, y, x] if z > 0 else 0)
                    limits[i, 1] = _limit(t, radii[z + 1, y, x] if z + 1 < depth else 0)
                    limits[i, 2] = _limit(t, radii[z, y - 1, x] if y > 0 else 0)
                    limits[i, 3] = _limit(t, radii[z, y + 1, x] if y + 1 < height else 0)
                    limits[i, 4] = _limit(t, radii[z, y, x - 1] if x > 0 else 0)
                    limits[i, 5] = _limit(t, radii[z, y, x + 1] if x + 1 < width else 0)
    return centers, limits, levels, starts


@njit(inline="always")
def _limit(t, other):
    """
    How far toward a neighbor with squared radius `other` a ball must be painted itself.

    For the neighbor at ``v`` with ``|v| = 1`` and ``other >= t``, a point ``u`` of the ball with
    ``2 u.v > t - other`` has ``|u - v|^2 < |u|^2 + 1 - (t - other) <= other``: the neighbor's
    ball covers it, too. Leaving such points to each other goes in no circle, since each step leads
    to a larger ball or to one as large whose center is nearer to the point.
    """
    if other < t:
        return np.int8(_NO_LIMIT)
    return np.int8(max((t - other) >> 1, -126))  # a weaker limit is a valid one


@njit(cache=True, nogil=True)
def _paint_slab(radii, unpainted, centers, limits, levels, starts, half_chord, z_begin, z_end):
    """Paint the rows of one slab with every ball that reaches it, in descending order."""
    height, width = radii.shape[1:]
    full = np.uint64(0xFFFFFFFFFFFFFFFF)
    for k in range(levels.size):
        t = levels[k]
        radius = half_chord[t]
        for i in range(starts[k], starts[k + 1]):
            line = centers[i] // width
            x = centers[i] - line * width
            z = line // height
            y = line - z * height
            x_low, x_high = _part(limits[i, 4], limits[i, 5], radius, x, 0, width)
            if x_low > x_high:
                continue
            z_low, z_high = _part(limits[i, 0], limits[i, 1], radius, z, z_begin, z_end)
            y_low, y_high = _part(limits[i, 2], limits[i, 3], radius, y, 0, height)
            for dz in range(z_low, z_high + 1):
                left = t - dz * dz
                reach = half_chord[left]
                for dy in range(max(-reach, y_low), min(reach, y_high) + 1):
                    half = half_chord[left - dy * dy]
                    first = x + max(-half, x_low)
                    last = x + min(half, x_high)
                    if first > last:
                        continue
                    for w in range(first >> 6, (last >> 6) + 1):
                        mask = unpainted[z + dz, y + dy, w]
                        if mask == 0:
                            continue
                        low = first - w * 64
                        high = 63 - (last - w * 64)
                        if low > 0:
                            mask &= full << np.uint64(low)
                        if high > 0:
                            mask &= full >> np.uint64(high)
                        if mask == 0:
                            continue
                        unpainted[z + dz, y + dy, w] &= ~mask
                        _write(radii[z + dz, y + dy], w * 64, mask, t)


@njit(inline="always")
def _part(before, after, radius, center, begin, end):
    """Offsets from the center, along one axis, of what a ball must paint within [begin, end)."""
    low = -radius if before == _NO_LIMIT else max(-radius, -before)
    high = radius if after == _NO_LIMIT else min(radius, after)
    return max(low, begin - center), min(high, end - 1 - center)


@njit(inline="always")
def _write(row, origin, mask, value):
    """Set the voxels of a row that are marked in a word, run by run."""
    while mask:
        begin = trailing_zeros(mask)
        after = ~(mask >> np.uint64(begin))  # 0 only if the run is the whole word
        n = trailing_zeros(after) if after else 64
        for x in range(origin + begin, origin + begin + n):
            row[x] = value
        if begin + n >= 64:
            break
        mask &= np.uint64(0xFFFFFFFFFFFFFFFF) << np.uint64(begin + n)
