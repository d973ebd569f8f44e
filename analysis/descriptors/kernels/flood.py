"""How large a ball reaches each voxel from a face.

``A(x)`` is the largest squared radius ``t`` such that a ball of that radius can move from the
inlet face to ``x`` with its center stepping between neighboring voxels and never overlapping
another phase: the maximum over all paths of the smallest squared distance on the path. It is the
least fixed point of ``A(x) = min(D2(x), max A(neighbors))`` with ``A = D2`` on the inlet.

Rows are swept to and fro until nothing changes, and a row is taken up only after a neighboring row
has changed. Any order ends at the same A; this one runs through memory in step, which is worth
more than the few visits that a priority queue saves.
"""

import numpy as np
from numba import njit


def flood(d2, kinds, inlet, connectivity=6):
    """
    Widest passage from a face to every voxel.

    Parameters
    ----------
    d2 : (Z, Y, X) ndarray of int32
        Squared distance [voxel^2] to the nearest voxel of another kind.
    kinds : (Z, Y, X) ndarray of uint8
        Kind of each voxel; 0 is background.
    inlet : {"separator", "collector"}
        First or last slice.
    connectivity : {6, 26}
        Neighbors to which the center of a ball may step.

    Returns
    -------
    passage : (Z, Y, X) ndarray of int32
        Squared radius [voxel^2] of the largest ball whose center reaches the voxel, 0 where none
        does.
    leaked : (256,) ndarray of int64
        For each kind, the voxels that no ball reaches but a point does, through the edges and
        corners of voxels.
    """
    passage = np.zeros_like(d2)
    plane, beside = (0, 1) if inlet == "separator" else (-1, -2)
    passage[plane] = d2[plane]
    width = d2.shape[2]
    begin = np.full(d2.shape[:2], width, np.int32)
    end = np.zeros(d2.shape[:2], np.int32)
    if d2.shape[0] > 1:
        begin[beside], end[beside] = 0, width
    mixed = int(kinds.max()) > 1
    forward = inlet == "separator"
    along_y = True
    corners = connectivity == 26
    while _sweep(passage, d2, kinds, mixed, corners, begin, end, forward, along_y):
        forward, along_y = not forward, along_y ^ forward
    return passage, _flood_leaks(passage, kinds)


@njit(cache=True, nogil=True)
def level_counts(values, kinds, n_kinds, t_max):
    """
    Histogram of each kind's values, (n_kinds, t_max + 1) ndarray of int64.

    `values` are integers from 0 to `t_max`, `kinds` integers from 0 to `n_kinds` - 1, both
    ndarrays (Z, Y, X).
    """
    counts = np.zeros((n_kinds, t_max + 1), np.int64)
    for z in range(values.shape[0]):
        for y in range(values.shape[1]):
            for x in range(values.shape[2]):
                counts[kinds[z, y, x], values[z, y, x]] += 1
    return counts


@njit(cache=True, nogil=True)
def _sweep(passage, d2, kinds, mixed, corners, begin, end, forward, along_y):
    """
    Update every row with something to do, once, in the given order; return how many changed.

    What is to be done in a row is the interval [begin, end) in which a neighboring row changed.
    """
    depth, height, width = d2.shape
    beyond = np.zeros(width, np.int32)  # stands for a row outside the window
    nothing = np.zeros(width, np.uint8)
    best = np.empty(width, np.int32)
    n_changed = 0
    for i in range(depth):
        z = i if forward else depth - 1 - i
        for j in range(height):
            y = j if along_y else height - 1 - j
            low, high = begin[z, y], end[z, y]
            if low >= high:
                continue
            begin[z, y], end[z, y] = width, 0
            row, cap, kind = passage[z, y], d2[z, y], kinds[z, y]
            if corners:
                _widest_of_26(passage, kinds, mixed, z, y, low, high, best)
            else:
                up = (passage[z - 1, y] if z > 0 else beyond)[low:high]
                down = (passage[z + 1, y] if z + 1 < depth else beyond)[low:high]
                left = (passage[z, y - 1] if y > 0 else beyond)[low:high]
                right = (passage[z, y + 1] if y + 1 < height else beyond)[low:high]
                if mixed:
                    # Phases meet where the squared distance is 1; no passage crosses there.
                    own = kind[low:high]
                    kind_up = (kinds[z - 1, y] if z > 0 else nothing)[low:high]
                    kind_down = (kinds[z + 1, y] if z + 1 < depth else nothing)[low:high]
                    kind_left = (kinds[z, y - 1] if y > 0 else nothing)[low:high]
                    kind_right = (kinds[z, y + 1] if y + 1 < height else nothing)[low:high]
                    for x in range(own.size):
                        a = up[x] if kind_up[x] == own[x] else np.int32(0)
                        b = down[x] if kind_down[x] == own[x] else np.int32(0)
                        c = left[x] if kind_left[x] == own[x] else np.int32(0)
                        d = right[x] if kind_right[x] == own[x] else np.int32(0)
                        best[x] = max(max(a, b), max(c, d))
                else:
                    for x in range(up.size):
                        best[x] = max(max(up[x], down[x]), max(left[x], right[x]))
            part, part_cap = row[low:high], cap[low:high]
            difference = np.int32(0)
            for x in range(part.size):
                value = max(part[x], min(part_cap[x], best[x]))
                difference |= value ^ part[x]
                best[x] = value
            if difference == 0:
                continue
            n_changed += 1
            n = part.size
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
            value = row[first]
            for x in range(first + 1, width):
                if mixed and kind[x] != kind[x - 1]:
                    value = np.int32(0)
                value = max(row[x], min(cap[x], value))
                if value == row[x] and x >= last:
                    break
                row[x] = value
                high = max(high, x + 1)
            value = row[last - 1]
            for x in range(last - 2, -1, -1):
                if mixed and kind[x] != kind[x + 1]:
                    value = np.int32(0)
                value = max(row[x], min(cap[x], value))
                if value == row[x] and x < first:
                    break
                row[x] = value
                low = min(low, x)
            if corners:
                low, high = max(low - 1, 0), min(high + 1, width)
            for dz in range(-1, 2):
                for dy in range(-1, 2):
                    if (dz == 0 and dy == 0) or (dz * dy != 0 and not corners):
                        continue
                    if 0 <= z + dz < depth and 0 <= y + dy < height:
                        begin[z + dz, y + dy] = min(begin[z + dz, y + dy], low)
                        end[z + dz, y + dy] = max(end[z + dz, y + dy], high)
    return n_changed


@njit(cache=True, nogil=True)
def _widest_of_26(passage, kinds, mixed, z, y, low, high, best):
    """Widest passage among the neighbors in the 8 rows around a row."""
    depth, height, width = passage.shape
    best[: high - low] = 0
    for dz in range(-1, 2):
        for dy in range(-1, 2):
            zz, yy = z + dz, y + dy
            if (dz == 0 and dy == 0) or zz < 0 or zz >= depth or yy < 0 or yy >= height:
                continue
            for dx in range(-1, 2):
                for x in range(max(low, -dx), min(high, width - dx)):
                    if not mixed or kinds[zz, yy, x + dx] == kinds[z, y, x]:
                        best[x - low] = max(best[x - low], passage[zz, yy, x + dx])


@njit(cache=True, nogil=True)
def _flood_leaks(passage, kinds):
    """Count, for each kind, what the flood left out but 26-neighbors connect to it."""
    depth, height, width = passage.shape
    leaked = np.zeros(256, np.int64)
    stack = np.empty(4096, np.int64)
    for z0 in range(depth):
        for y0 in range(height):
            for x0 in range(width):
                if passage[z0, y0, x0] != 0 or kinds[z0, y0, x0] == 0:
                    continue
                kind = kinds[z0, y0, x0]
                touches = False
                for z in range(max(z0 - 1, 0), min(z0 + 2, depth)):
                    for y in range(max(y0 - 1, 0), min(y0 + 2, height)):
                        for x in range(max(x0 - 1, 0), min(x0 + 2, width)):
                            if passage[z, y, x] != 0 and kinds[z, y, x] == kind:
                                touches = True
                if not touches:
                    continue
                stack[0] = (z0 * height + y0) * width + x0
                n = 1
                passage[z0, y0, x0] = -1
                while n > 0:
                    n -= 1
                    leaked[kind] += 1
                    line = stack[n] // width
                    x1 = stack[n] - line * width
                    z1 = line // height
                    y1 = line - z1 * height
                    if stack.size - n < 27:
                        bigger = np.empty(2 * stack.size, np.int64)
                        bigger[:n] = stack[:n]
                        stack = bigger
                    for z in range(max(z1 - 1, 0), min(z1 + 2, depth)):
                        for y in range(max(y1 - 1, 0), min(y1 + 2, height)):
                            for x in range(max(x1 - 1, 0), min(x1 + 2, width)):
                                if passage[z, y, x] == 0 and kinds[z, y, x] == kind:
                                    passage[z, y, x] = -1
                                    stack[n] = (z * height + y) * width + x
                                    n += 1
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                passage[z, y, x] = max(passage[z, y, x], 0)
    return leaked
