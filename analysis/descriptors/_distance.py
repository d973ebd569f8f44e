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
    d2 = np.empty(kinds.shape, np.int32)
    depth, height = kinds.shape[:2]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda span: _within_planes(kinds, d2, *span), _spans(depth, threads)))
        list(pool.map(lambda span: _across_planes(kinds, d2, *span), _spans(height, threads)))
    if d2[0, 0, 0] >= _FAR:
        d2[...] = sum(n * n for n in kinds.shape)
    return d2


def _spans(n, pieces):
    bounds = np.linspace(0, n, pieces + 1).astype(int)
    return [(int(a), int(b)) for a, b in zip(bounds, bounds[1:], strict=False) if b > a]


@njit(cache=True, nogil=True)
def _within_planes(kinds, d2, begin, end):
    height, width = kinds.shape[1:]
    along_x = np.empty((height, width), np.int32)
    for z in range(begin, end):
        for y in range(height):
            _along_row(kinds[z, y], along_x[y])
        for y in range(height):
            _nearest(kinds[z], along_x, y, d2[z, y])


@njit(cache=True, nogil=True)
def _across_planes(kinds, d2, begin, end):
    depth, _, width = kinds.shape
    within = np.empty((depth, width), np.int32)
    plane = np.empty((depth, width), np.uint8)
    for y in range(begin, end):
        for z in range(depth):
            within[z] = d2[z, y]
            plane[z] = kinds[z, y]
        for z in range(depth):
            _nearest(plane, within, z, d2[z, y])


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
def _nearest(kinds, squared, row, result):
    """Combine the rows of a plane: the least of each row's value plus its squared distance."""
    n_rows, width = kinds.shape
    own = kinds[row]
    result[:] = squared[row]
    for k in range(1, n_rows):
        if row - k < 0 and row + k >= n_rows:
            break
        step = np.int32(k * k)
        largest = np.int32(0)
        for side in (row - k, row + k):
            if side < 0 or side >= n_rows:
                continue
            other, value = kinds[side], squared[side]
            largest = np.int32(0)
            for x in range(width):
                candidate = (value[x] if other[x] == own[x] else np.int32(0)) + step
                smaller = min(result[x], candidate)
                result[x] = smaller
                largest = max(largest, smaller)
        if largest <= step + 2 * k + 1:  # the next step cannot lower anything
            break
