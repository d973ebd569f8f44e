"""Shortest path from a face to every voxel of a mask, on the graph of the 26 neighbors.

The lengths are the least fixed point of ``d(x) = min(d(y) + |x - y|)`` over the neighbors y. As in
`_flood`, rows are swept to and fro until nothing changes, and only where a neighboring row has
changed; the fixed point is that of Dijkstra's algorithm, sums of the same steps.
"""

import numpy as np
from numba import njit


def path_lengths(mask, edges, plane):
    """
    Length of the shortest path to each voxel from any voxel of one slice.

    Parameters
    ----------
    mask : (Z, Y, X) ndarray of bool
        Voxels that paths may use.
    edges : (3,) sequence of float
        Edges of a voxel along z, y and x.
    plane : int
        Slice where paths begin, 0 or -1.

    Returns
    -------
    lengths : (Z, Y, X) ndarray of float
        Length between voxel centers; infinite outside the mask and where no path leads.
    """
    depth, height, width = mask.shape
    squares = np.square(edges)
    steps = np.sqrt(np.add.outer(np.add.outer([0, squares[0]], [0, squares[1]]), [0, squares[2]]))
    # A rim of one voxel spares every test for the border of the window.
    lengths = np.full((depth + 2, height + 2, width + 2), np.inf)
    start = 1 if plane == 0 else depth
    lengths[start, 1:-1, 1:-1][mask[plane]] = 0.0
    begin = np.full((depth + 2, height + 2), width, np.int32)
    end = np.zeros((depth + 2, height + 2), np.int32)
    beside = start + 1 if plane == 0 else start - 1
    begin[beside, 1:-1], end[beside, 1:-1] = 0, width
    forward, along_y = plane == 0, True
    while _sweep(lengths, mask, steps, begin, end, forward, along_y):
        forward, along_y = not forward, along_y ^ forward
    return lengths[1:-1, 1:-1, 1:-1]


@njit(cache=True, nogil=True)
def _sweep(lengths, mask, steps, begin, end, forward, along_y):
    """
    Update every row with something to do, once, in the given order; return how many changed.

    What is to be done in a row is the interval [begin, end) that a neighboring row can have
    shortened.
    """
    depth, height, width = mask.shape
    dx = steps[0, 0, 1]
    dy, dyx = steps[0, 1, 0], steps[0, 1, 1]
    dz, dzx = steps[1, 0, 0], steps[1, 0, 1]
    dzy, dzyx = steps[1, 1, 0], steps[1, 1, 1]
    best = np.empty(width, np.float64)
    n_changed = 0
    for i in range(depth):
        z = i + 1 if forward else depth - i
        for j in range(height):
            y = j + 1 if along_y else height - j
            low, high = begin[z, y], end[z, y]
            if low >= high:
                continue
            begin[z, y], end[z, y] = width, 0
            n = high - low
            # These begin one voxel before `low`: entry x + 1 is beside the voxel x.
            z0, z1 = lengths[z - 1, y, low : high + 2], lengths[z + 1, y, low : high + 2]
            y0, y1 = lengths[z, y - 1, low : high + 2], lengths[z, y + 1, low : high + 2]
            a0, a1 = lengths[z - 1, y - 1, low : high + 2], lengths[z - 1, y + 1, low : high + 2]
            b0, b1 = lengths[z + 1, y - 1, low : high + 2], lengths[z + 1, y + 1, low : high + 2]
            whole = lengths[z, y, 1 : width + 1]
            inside = mask[z - 1, y - 1]
            part, part_inside = whole[low:high], inside[low:high]
            changed = False
            for x in range(n):
                across_z = min(z0[x + 1], z1[x + 1]) + dz
                across_y = min(y0[x + 1], y1[x + 1]) + dy
                edge = min(min(a0[x + 1], a1[x + 1]), min(b0[x + 1], b1[x + 1])) + dzy
                beside_z = min(min(z0[x], z0[x + 2]), min(z1[x], z1[x + 2])) + dzx
                beside_y = min(min(y0[x], y0[x + 2]), min(y1[x], y1[x + 2])) + dyx
                corner = (
                    min(
                        min(min(a0[x], a0[x + 2]), min(a1[x], a1[x + 2])),
                        min(min(b0[x], b0[x + 2]), min(b1[x], b1[x + 2])),
                    )
                    + dzyx
                )
                value = min(
                    min(min(across_z, across_y), min(beside_z, beside_y)), min(edge, corner)
                )
                value = min(part[x], value if part_inside[x] else np.inf)
                changed |= value != part[x]
                best[x] = value
            if not changed:
                continue
            n_changed += 1
            lead, tail = 0, 0
            while best[lead] == part[lead]:
                lead += 1
            while best[n - 1 - tail] == part[n - 1 - tail]:
                tail += 1
            for x in range(n):
                part[x] = best[x]
            low, high = low + lead, high - tail
            # Along the row: through what changed, and on as long as it changes anything.
            first, last = low, high
            value = whole[first]
            for x in range(first + 1, width):
                value = min(whole[x], value + dx if inside[x] else np.inf)
                if value == whole[x] and x >= last:
                    break
                whole[x] = value
                high = max(high, x + 1)
            value = whole[last - 1]
            for x in range(last - 2, -1, -1):
                value = min(whole[x], value + dx if inside[x] else np.inf)
                if value == whole[x] and x < first:
                    break
                whole[x] = value
                low = min(low, x)
            low, high = max(low - 1, 0), min(high + 1, width)
            for zz in range(max(z - 1, 1), min(z + 2, depth + 1)):
                for yy in range(max(y - 1, 1), min(y + 2, height + 1)):
                    if zz != z or yy != y:
                        begin[zz, yy] = min(begin[zz, yy], low)
                        end[zz, yy] = max(end[zz, yy], high)
    return n_changed
