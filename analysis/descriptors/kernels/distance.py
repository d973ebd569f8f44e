"""Squared distance of every voxel to the nearest voxel that is not of its kind."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import njit

_FAR = 1 << 30  # no other kind in sight; leaves room for adding the square of an edge


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

    Notes
    -----
    The distance is separable: along x it follows from the runs of a row; then, along y and along
    z, ``d2(y) = min_k d2(y + k) + k^2``, with 0 for ``d2`` where the kind is another. The search
    over k ends once ``k^2`` exceeds the largest value left, which in an electrode is after some
    ten steps, each of them one sweep over whole rows.
    """
    kinds = np.ascontiguousarray(kinds).view(np.uint8)
    mixed = int(kinds.max()) > 1
    d2 = np.empty(kinds.shape, np.int32)
    depth, height = kinds.shape[:2]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda span: _within_planes(kinds, mixed, d2, *span), _spans(depth, threads)))
        list(
            pool.map(lambda span: _across_planes(kinds, mixed, d2, *span), _spans(height, threads))
        )
    if d2[0, 0, 0] >= _FAR:
        d2[...] = sum(n * n for n in kinds.shape)
    return d2


def _spans(n, pieces):
    bounds = np.linspace(0, n, pieces + 1).astype(int)
    return [(int(a), int(b)) for a, b in zip(bounds, bounds[1:], strict=False) if b > a]


@njit(cache=True, nogil=True)
def _within_planes(kinds, mixed, d2, begin, end):
    height, width = kinds.shape[1:]
    along_x = np.empty((height, width), np.int32)
    for z in range(begin, end):
        for y in range(height):
            _along_row(kinds[z, y], along_x[y])
        for y in range(height):
            _nearest(kinds[z], mixed, along_x, y, d2[z, y])


@njit(cache=True, nogil=True)
def _across_planes(kinds, mixed, d2, begin, end):
    depth, _, width = kinds.shape
    within = np.empty((depth, width), np.int32)
    plane = np.empty((depth, width), np.uint8)
    for y in range(begin, end):
        for z in range(depth):
            within[z] = d2[z, y]
            if mixed:
                plane[z] = kinds[z, y]
        for z in range(depth):
            _nearest(plane, mixed, within, z, d2[z, y])


@njit(cache=True, nogil=True)
def _along_row(kind, squared):
    """Squared distance along a row to the nearest other kind, run by run."""
    width = kind.size
    begin = 0
    while begin < width:
        end = begin + 1
        while end < width and kind[end] == kind[begin]:
            end += 1
        if kind[begin] == 0:
            squared[begin:end] = 0
            begin = end
            continue
        for x in range(begin, end):
            before = x - begin + 1 if begin > 0 else width + 1
            after = end - x if end < width else width + 1
            nearest = min(before, after)
            squared[x] = nearest * nearest if nearest <= width else _FAR
        begin = end


@njit(cache=True, nogil=True)
def _nearest(kinds, mixed, squared, row, result):
    """
    Combine the rows of a plane: the least of each row's value plus its squared distance.

    With a single kind the values of the background are 0 already, and `kinds` is not read.
    """
    n_rows, width = squared.shape
    result[:] = squared[row]
    for k in range(1, n_rows):
        below, above = row - k, row + k
        if below < 0 and above >= n_rows:
            break
        if below < 0:
            below = above
        if above >= n_rows:
            above = below
        step = np.int32(k * k)
        largest = np.int32(0)
        lower, upper = squared[below], squared[above]
        if mixed:
            own, kind_below, kind_above = kinds[row], kinds[below], kinds[above]
            for x in range(width):
                a = lower[x] if kind_below[x] == own[x] else np.int32(0)
                b = upper[x] if kind_above[x] == own[x] else np.int32(0)
                result[x] = min(result[x], min(a, b) + step)
                largest = max(largest, result[x])
        else:
            for x in range(width):
                result[x] = min(result[x], min(lower[x], upper[x]) + step)
                largest = max(largest, result[x])
        if largest <= step + 2 * k + 1:  # the next step cannot lower anything
            break
