"""Compiled inner loops of the k-means trinarization: 27 sorted gray values per voxel.

Voxels are handled in blocks of up to ``BLOCK``, so that every step of the sorting runs over a
whole block with a few vector instructions. The features of a volume are never stored.

Gray values are whole numbers below ``LEVELS``. Whole numbers sort fast, and their sums are
exact in any order: the result depends neither on the orientation of the volume nor on the
machine. A block of 512 values below 2**23 adds up to less than 2**32.
"""

import numba
import numpy as np

BLOCK = 512
LEVELS = 2**23
N_FEATURES = 27
SHELLS = np.array([0, 1, 7, 19, 27])  # own value, then distances 1, sqrt(2), sqrt(3)


def neighbor_steps(shape):
    """Address steps [voxel] to the 27 voxels around one, nearest shell first."""
    steps = [(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]
    steps.sort(key=lambda step: sum(map(abs, step)))
    return np.array([(i * shape[1] + j) * shape[2] + k for i, j, k in steps])


def sorting_network():
    """
    Comparators that sort each shell of a block of features in ascending order.

    Returns
    -------
    pairs : (73, 2) ndarray of int
        Rows to compare and, where the first is higher, to exchange.

    References
    ----------
    .. [1] Batcher, Sorting networks and their applications, AFIPS 1968
           (odd-even merge sort; comparators that reach past the last row are left out).
    """
    pairs = []
    for first, stop in zip(SHELLS[:-1], SHELLS[1:], strict=True):
        n = stop - first
        p = 1
        while p < n:
            k = p
            while k >= 1:
                for j in range(k % p, n - k, 2 * k):
                    for i in range(min(k, n - j - k)):
                        if (i + j) // (2 * p) == (i + j + k) // (2 * p):
                            pairs.append((first + i + j, first + i + j + k))
                k //= 2
            p *= 2
    return np.array(pairs)


@numba.njit(cache=True)
def _sort(features, n, pairs):
    for pair in range(pairs.shape[0]):
        low, high = features[pairs[pair, 0], :n], features[pairs[pair, 1], :n]
        for i in range(n):
            a, b = low[i], high[i]
            low[i] = min(a, b)
            high[i] = max(a, b)


@numba.njit(cache=True)
def _load(flat, start, rows, columns, width, steps, features):
    """Gray values around `rows` runs of `columns` voxels, one run every `width` addresses."""
    for m in range(N_FEATURES):
        for row in range(rows):
            first = start + row * width + steps[m]
            source = flat[first : first + columns]
            target = features[m, row * columns : (row + 1) * columns]
            for i in range(columns):
                target[i] = source[i]


@numba.njit(cache=True)
def _distances(features, n, centroids, weights, distances):
    """Distance of each voxel to each centroid, eq (1) without the phase weight."""
    pore, cbd, am = distances[0, :n], distances[1, :n], distances[2, :n]
    distances[:, :n] = np.float32(0)
    for m in range(N_FEATURES):
        row, weight = features[m, :n], weights[m]
        mean_pore, mean_cbd, mean_am = centroids[0, m], centroids[1, m], centroids[2, m]
        for i in range(n):
            value = np.float32(row[i])
            a, b, c = value - mean_pore, value - mean_cbd, value - mean_am
            pore[i] += weight * (a * a)
            cbd[i] += weight * (b * b)
            am[i] += weight * (c * c)


@numba.njit(cache=True)
def _nearest(distances, n, phase_weights, labels):
    pore, cbd, am = distances[0, :n], distances[1, :n], distances[2, :n]
    for i in range(n):
        a, b, c = phase_weights[0] * pore[i], phase_weights[1] * cbd[i], phase_weights[2] * am[i]
        label = np.uint8(1) if b <= a else np.uint8(0)
        best = b if b <= a else a
        labels[i] = np.uint8(2) if c <= best else label


@numba.njit(cache=True)
def _add_up(features, n, labels, masks, sums, counts):
    """Add the features of a block to the sums of their phases."""
    in_cbd, in_am = masks[0, :n], masks[1, :n]
    for i in range(n):
        in_cbd[i] = -1 if labels[i] == 1 else 0
        in_am[i] = -1 if labels[i] == 2 else 0
    for m in range(N_FEATURES):
        row = features[m, :n]
        everything, cbd, am = np.uint32(0), np.uint32(0), np.uint32(0)
        for i in range(n):
            value = row[i]
            everything = np.uint32(everything + np.uint32(value))
            cbd = np.uint32(cbd + np.uint32(value & in_cbd[i]))
            am = np.uint32(am + np.uint32(value & in_am[i]))
        sums[0, m] += np.int64(everything) - np.int64(cbd) - np.int64(am)
        sums[1, m] += np.int64(cbd)
        sums[2, m] += np.int64(am)
    for i in range(n):
        counts[labels[i]] += 1


@numba.njit(cache=True, nogil=True)
def fused_pass(padded, steps, pairs, centroids, weights, phase_weights, cbd_ratio, pore_ratio):
    """
    One pass over the volume: features, distances, nearest centroid, sums per phase.

    Parameters
    ----------
    padded : (Z + 2, Y + 2, X + 2) ndarray of int32
        Gray values below ``LEVELS``.
    steps, pairs : ndarray of int
        From :func:`neighbor_steps` and :func:`sorting_network`.
    centroids : (3, 27) ndarray of float32
        Centroids, rows ordered as the phases.
    weights : (27,) ndarray of float32
        Feature weights x of eq (1).
    phase_weights : (3,) ndarray of float32
        Phase weights w of eq (1).
    cbd_ratio, pore_ratio : (Z, Y, X) ndarray of float32
        Filled with the distance to the AM centroid over that to the CBD and the pore centroid.

    Returns
    -------
    sums : (3, 27) ndarray of int64
        Sum of the features of the voxels of each phase.
    counts : (3,) ndarray of int64
        Voxels of each phase.
    """
    n_z, n_y, n_x = cbd_ratio.shape
    width = n_x + 2
    flat = padded.ravel()
    features = np.empty((N_FEATURES, BLOCK), np.int32)
    distances = np.empty((3, BLOCK), np.float32)
    labels, masks = np.empty(BLOCK, np.uint8), np.empty((2, BLOCK), np.int32)
    sums, counts = np.zeros((3, N_FEATURES), np.int64), np.zeros(3, np.int64)
    tiny = np.float32(1e-30)
    blocks = _blocks(n_y, n_x)
    for z in range(n_z):
        for y, x, rows, columns in blocks:
            n = rows * columns
            start = ((z + 1) * (n_y + 2) + y + 1) * width + 1 + x
            _load(flat, start, rows, columns, width, steps, features)
            _sort(features, n, pairs)
            _distances(features, n, centroids, weights, distances)
            _nearest(distances, n, phase_weights, labels)
            _add_up(features, n, labels, masks, sums, counts)
            for row in range(rows):
                part = slice(row * columns, (row + 1) * columns)
                pore, cbd, am = distances[0, part], distances[1, part], distances[2, part]
                to_cbd = cbd_ratio[z, y + row, x : x + columns]
                to_pore = pore_ratio[z, y + row, x : x + columns]
                for i in range(columns):
                    to_cbd[i] = (am[i] + tiny) / (cbd[i] + tiny)
                    to_pore[i] = (am[i] + tiny) / (pore[i] + tiny)
    return sums, counts


@numba.njit(cache=True)
def _blocks(n_y, n_x):
    """
    First row and column, and numbers of both, of the blocks that tile a slice.

    A list, since a cached generator cannot be called by a kernel that is compiled in a later
    process than it (numba knows the body of a generator only where it was compiled).
    """
    rows, columns = max(1, BLOCK // n_x), min(n_x, BLOCK)
    return [
        (y, x, min(rows, n_y - y), min(columns, n_x - x))
        for y in range(0, n_y, rows)
        for x in range(0, n_x, columns)
    ]


@numba.njit(cache=True)
def features_at(padded, places, steps, pairs):
    """
    Sorted features of a list of voxels.

    Parameters
    ----------
    padded : (Z + 2, Y + 2, X + 2) ndarray of int32
        Gray values below ``LEVELS``.
    places : (N,) ndarray of int
        Addresses in the padded volume.
    steps, pairs : ndarray of int
        From :func:`neighbor_steps` and :func:`sorting_network`.

    Returns
    -------
    features : (N // BLOCK + 1, 27, BLOCK) ndarray of int32
        Blocks of features; the last one is filled up with zeros.
    """
    flat = padded.ravel()
    features = np.zeros((places.size // BLOCK + 1, N_FEATURES, BLOCK), np.int32)
    for block in range(features.shape[0]):
        n = min(BLOCK, places.size - block * BLOCK)
        for m in range(N_FEATURES):
            for i in range(n):
                features[block, m, i] = flat[places[block * BLOCK + i] + steps[m]]
        _sort(features[block], n, pairs)
    return features


@numba.njit(cache=True)
def lloyd(features, n_voxels, start, weights, phase_weights, max_passes):
    """
    k-means on stored features with the weighted distance of eq (1).

    Parameters
    ----------
    features : (B, 27, BLOCK) ndarray of int32
        From :func:`features_at`.
    n_voxels : int
        Columns in use.
    start : (3, 27) ndarray of float32
        Centroids to start from, rows ordered as the phases.
    weights : (27,) ndarray of float32
        Feature weights x.
    phase_weights : (3,) ndarray of float32
        Phase weights w.
    max_passes : int
        Assignments to make at most.

    Returns
    -------
    centroids : (3, 27) ndarray of float32
        Means of the clusters. A cluster that lost all its voxels keeps its last centroid.
    counts : (3,) ndarray of int64
        Voxels of each cluster.
    passes : int
        Assignments made; `max_passes` if the clusters still changed.
    """
    centroids = start.copy()
    distances = np.empty((3, BLOCK), np.float32)
    labels, masks = np.empty(BLOCK, np.uint8), np.empty((2, BLOCK), np.int32)
    counts = np.zeros(3, np.int64)
    for passes in range(1, max_passes + 1):
        sums, counts = np.zeros((3, N_FEATURES), np.int64), np.zeros(3, np.int64)
        for block in range(features.shape[0]):
            n = min(BLOCK, n_voxels - block * BLOCK)
            _distances(features[block], n, centroids, weights, distances)
            _nearest(distances, n, phase_weights, labels)
            _add_up(features[block], n, labels, masks, sums, counts)
        moved = False
        for phase in range(3):
            for m in range(N_FEATURES):
                if counts[phase] > 0:
                    mean = np.float32(sums[phase, m] / counts[phase])
                    moved = moved or mean != centroids[phase, m]
                    centroids[phase, m] = mean
        if not moved:
            return centroids, counts, passes
    return centroids, counts, max_passes


@numba.njit(cache=True)
def sample_ratios(features, n_voxels, centroids, weights, cbd_ratio, pore_ratio):
    """
    Distances of a sample to the centroid of AM over those to the other two.

    Parameters
    ----------
    features : (B, 27, BLOCK) ndarray of int32
        From :func:`features_at`.
    n_voxels : int
        Columns in use.
    centroids : (3, 27) ndarray of float32
        Rows ordered as the phases.
    weights : (27,) ndarray of float32
        Feature weights x.
    cbd_ratio, pore_ratio : (n_voxels,) ndarray of float32
        Filled.
    """
    distances = np.empty((3, BLOCK), np.float32)
    tiny = np.float32(1e-30)
    for block in range(features.shape[0]):
        first = block * BLOCK
        n = min(BLOCK, n_voxels - first)
        _distances(features[block], n, centroids, weights, distances)
        for i in range(n):
            am = distances[2, i] + tiny
            cbd_ratio[first + i] = am / (distances[1, i] + tiny)
            pore_ratio[first + i] = am / (distances[0, i] + tiny)


@numba.njit(cache=True)
def sample_sums(features, n_voxels, labels):
    """
    Sums of the features of each phase, and voxels of each phase, of a labelled sample.

    Parameters
    ----------
    features : (B, 27, BLOCK) ndarray of int32
        From :func:`features_at`.
    n_voxels : int
        Columns in use.
    labels : (n_voxels,) ndarray of uint8

    Returns
    -------
    sums : (3, 27) ndarray of int64
    counts : (3,) ndarray of int64
    """
    masks = np.empty((2, BLOCK), np.int32)
    sums, counts = np.zeros((3, N_FEATURES), np.int64), np.zeros(3, np.int64)
    for block in range(features.shape[0]):
        first = block * BLOCK
        n = min(BLOCK, n_voxels - first)
        _add_up(features[block], n, labels[first : first + n], masks, sums, counts)
    return sums, counts
