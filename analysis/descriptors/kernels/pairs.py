"""Exact counts of voxel pairs for every lag up to a largest one, tile by tile.

Indicator functions are correlated by fast Fourier transforms padded by the largest lag only, one
plane of wave numbers at a time, so that no padded volume is ever stored. In double precision the
results are integers but for some 1e-7; they are rounded, and the distance to them is checked.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.fft
from numba import njit

from analysis.descriptors._volume import check_shape, read
from analysis.phases import Phase
from analysis.processes import available_memory

TILE_VOXELS = 1 << 26  # padded voxels of one transform, at most
_SMALLEST_TILE = 1 << 18  # below, padding by the largest lag would cost more than it saves
_TILE_BYTES = 40  # a padded voxel
_SHARE = 0.25  # of the memory that is left, for one tile
_ROUNDING_LIMIT = 0.2  # largest distance to an integer that is still believed


def pair_counts(labels, max_lag, *, tile_voxels=None, threads=1):
    """
    Count the pairs of voxels of two phases at every lag.

    Parameters
    ----------
    labels : (Z, Y, X) array of uint8
        Phase of each voxel; may be read lazily.
    max_lag : (3,) tuple of int
        Largest lag [voxel] along z, y and x.
    tile_voxels : int, optional
        Voxels of a padded tile: bounds the memory, about 30 bytes for each. By default
        :func:`affordable_tile`.
    threads : int
        Number of threads.

    Returns
    -------
    counts : (3, 3, Rz + 1, 2 Ry + 1, 2 Rx + 1) ndarray of int64
        For phases i, j and the lag ``(hz, hy - Ry, hx - Rx)``: pairs with i at the tail and j at
        the head plus pairs with j at the tail and i at the head. Both ends lie in the window.
    tails, heads : (3, Rz + 1, 2 Ry + 1, 2 Rx + 1) ndarray of int64
        Voxels of each phase that are the tail, or the head, of a pair in the window.
    """
    shape = check_shape(labels)
    tile_voxels = tile_voxels or affordable_tile()
    n_lags = (max_lag[0] + 1, 2 * max_lag[1] + 1, 2 * max_lag[2] + 1)
    # 2 AM-AM, 2 CBD-CBD, AM-CBD + CBD-AM
    auto_am, auto_cbd, cross = (np.zeros(n_lags, np.int64) for _ in range(3))
    tails = np.zeros((len(Phase), *n_lags), np.int64)
    heads = np.zeros((len(Phase), *n_lags), np.int64)
    for tile in _tiles(shape, max_lag, tile_voxels):
        _count_tile(labels, tile, max_lag, auto_am, auto_cbd, cross, tails, heads, threads)
    pairs = lag_pairs(shape, max_lag)
    for ends in (tails, heads):
        ends[Phase.PORE] = pairs - ends[Phase.CBD] - ends[Phase.AM]

    counts = np.empty((len(Phase), len(Phase), *n_lags), np.int64)
    ends = tails + heads
    am, cbd, pore = Phase.AM, Phase.CBD, Phase.PORE
    counts[am, am] = 2 * auto_am
    counts[cbd, cbd] = 2 * auto_cbd
    counts[am, cbd] = counts[cbd, am] = cross
    counts[am, pore] = counts[pore, am] = ends[am] - counts[am, am] - cross
    counts[cbd, pore] = counts[pore, cbd] = ends[cbd] - counts[cbd, cbd] - cross
    counts[pore, pore] = ends[pore] - counts[am, pore] - counts[cbd, pore]
    return counts, tails, heads


def affordable_tile():
    """Voxels of the largest padded tile that the memory there is affords."""
    affordable = int(available_memory() * _SHARE / _TILE_BYTES)
    return min(TILE_VOXELS, max(affordable, _SMALLEST_TILE))


def lag_pairs(shape, max_lag):
    """Pairs of voxels in a window for each lag, (Rz + 1, 2 Ry + 1, 2 Rx + 1) ndarray of int64."""
    z = shape[0] - np.arange(max_lag[0] + 1)
    y = shape[1] - np.abs(np.arange(-max_lag[1], max_lag[1] + 1))
    x = shape[2] - np.abs(np.arange(-max_lag[2], max_lag[2] + 1))
    return np.multiply.outer(np.multiply.outer(z, y), x).astype(np.int64)


def _tiles(shape, max_lag, tile_voxels):
    """
    Cut a volume into tiles of tails.

    Each tile is a pair of boxes ``((begin, end), ...)``: the tails it owns, and the heads that
    these can reach at lags with hz >= 0.
    """
    sizes = list(shape)

    def padded(sizes):
        z, y, x = (
            n + (1 if n == full else grow) * lag
            for n, full, lag, grow in zip(sizes, shape, max_lag, (1, 2, 2), strict=True)
        )
        return z * y * x

    while padded(sizes) > tile_voxels and any(
        n > max(2 * lag, 1) for n, lag in zip(sizes, max_lag, strict=True)
    ):
        widest = int(np.argmax([n / max(lag, 1) for n, lag in zip(sizes, max_lag, strict=True)]))
        pieces = -(-shape[widest] // sizes[widest]) + 1
        sizes[widest] = -(-shape[widest] // pieces)

    def boxes(axis, grow_back):
        n, size, lag = shape[axis], sizes[axis], max_lag[axis]
        for begin in range(0, n, size):
            end = min(begin + size, n)
            yield (begin, end), (max(0, begin - grow_back * lag), min(n, end + lag))

    for z in boxes(0, 0):
        for y in boxes(1, 1):
            for x in boxes(2, 1):
                yield tuple(zip(z, y, x, strict=True))


def _count_tile(labels, tile, max_lag, auto_am, auto_cbd, cross, tails, heads, threads):
    """Add the pairs whose tail lies in a tile."""
    tail_box, head_box = tile
    part = read(labels, *(slice(*bounds) for bounds in head_box))
    shape = tuple(int(n) for n in labels.shape)
    owned = tuple(
        slice(begin - origin, end - origin)
        for (begin, end), (origin, _) in zip(tail_box, head_box, strict=True)
    )
    bounds = [
        _lag_bounds(own, origin, n, lags)
        for own, (origin, _), n, lags in zip(
            owned, head_box, shape, _lag_ranges(max_lag), strict=True
        )
    ]
    for phase in (Phase.AM, Phase.CBD):
        tail_sums, head_sums = box_sums(part, phase, bounds)
        tails[phase] += tail_sums
        heads[phase] += head_sums
    counts = _correlate(part, owned, max_lag, threads)
    for total, count in zip((auto_am, auto_cbd, cross), counts, strict=True):
        whole = np.rint(count)
        worst = float(np.abs(count - whole).max())
        if worst > _ROUNDING_LIMIT:
            raise ArithmeticError(
                f"A tile of {part.size} voxels gave counts {worst:.2f} away from integers; "
                f"expected less than {_ROUNDING_LIMIT}. Choose a smaller tile_voxels."
            )
        total += whole.astype(np.int64)


def _lag_ranges(max_lag):
    return (
        np.arange(max_lag[0] + 1),
        np.arange(-max_lag[1], max_lag[1] + 1),
        np.arange(-max_lag[2], max_lag[2] + 1),
    )


def _lag_bounds(owned, origin, n, lags):
    """
    Bounds, in a tile's own coordinates, of the tails and heads along one axis for each lag.

    Tails lie in the slice `owned`; heads must lie in the window, which in these coordinates is
    [-origin, n - origin).
    """
    low = np.maximum(owned.start, -origin - lags)
    high = np.maximum(np.minimum(owned.stop, n - origin - lags), low)
    return low, high, lags


def box_sums(labels, phase, bounds):
    """
    Count the voxels of a phase in boxes and in the boxes shifted by the lag.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    phase : Phase
        Phase to count.
    bounds : list of three (low, high, lags) of ndarray
        Intervals [low, high) along each axis, and the lag that belongs to each.

    Returns
    -------
    tails, heads : ndarray of int64
        Count in the box and in the shifted box, for every combination of intervals.
    """
    # Between two cuts nothing depends on the lag: count once there, then sum the pieces.
    cuts = [
        np.unique(np.concatenate([[0], low, high, low + lags, high + lags, [n]]))
        for (low, high, lags), n in zip(bounds, labels.shape, strict=True)
    ]
    running = np.zeros([c.size for c in cuts], np.int64)
    running[1:, 1:, 1:] = _count_pieces(np.ascontiguousarray(labels), int(phase), *cuts)
    for axis in range(3):
        np.cumsum(running, axis=axis, out=running)
    results = []
    for shifted in (0, 1):
        sums = running
        for axis, (low, high, lags) in enumerate(bounds):
            low, high = low + shifted * lags, high + shifted * lags
            at_high = np.take(sums, np.searchsorted(cuts[axis], high), axis=axis)
            sums = at_high - np.take(sums, np.searchsorted(cuts[axis], low), axis=axis)
        results.append(sums)
    return results


@njit(cache=True, nogil=True)
def _count_pieces(labels, phase, cuts_z, cuts_y, cuts_x):
    pieces = np.zeros((cuts_z.size - 1, cuts_y.size - 1, cuts_x.size - 1), np.int64)
    for i in range(cuts_z.size - 1):
        for z in range(cuts_z[i], cuts_z[i + 1]):
            for j in range(cuts_y.size - 1):
                for y in range(cuts_y[j], cuts_y[j + 1]):
                    row = labels[z, y]
                    for k in range(cuts_x.size - 1):
                        n = np.int32(0)
                        for x in range(cuts_x[k], cuts_x[k + 1]):
                            n += np.int32(row[x] == phase)
                        pieces[i, j, k] += n
    return pieces


def _correlate(part, owned, max_lag, threads):
    """Correlate the indicators of a tile: AM-AM, CBD-CBD, AM-CBD plus CBD-AM."""
    whole = part[owned].shape == part.shape
    size = [
        scipy.fft.next_fast_len(_period(s, n, lag, axis), real=axis == 2)
        for axis, (s, n, lag) in enumerate(zip(owned, part.shape, max_lag, strict=True))
    ]

    def along_x(phase, inside):
        """Transform the rows: (kx, Z, Y), so that the two other axes lie together."""
        spectrum = np.empty((size[2] // 2 + 1, *part.shape[:2]), np.complex128)
        for z in range(part.shape[0]):
            rows = np.zeros(part.shape[1:])
            plane = (slice(z, z + 1), *inside[1:])
            if inside[0].start <= z < inside[0].stop:
                rows[inside[1:]] = part[plane][0] == phase
            spectrum[:, z] = scipy.fft.rfft(rows, size[2], axis=1).T
        return spectrum

    everything = tuple(slice(0, n) for n in part.shape)
    phases = (Phase.AM, Phase.CBD)
    heads = [along_x(phase, everything) for phase in phases]
    tails = heads if whole else [along_x(phase, owned) for phase in phases]

    lags_y = np.arange(-max_lag[1], max_lag[1] + 1)
    cropped = np.empty((3, size[2] // 2 + 1, max_lag[0] + 1, lags_y.size), np.complex128)

    def correlate_plane(kx):
        """The rest of the transform, the products and most of the way back, in the cache."""
        head = [scipy.fft.fft2(field[kx], size[:2]) for field in heads]
        tail = head if whole else [scipy.fft.fft2(field[kx], size[:2]) for field in tails]
        for i, product in enumerate(
            (
                tail[0].conj() * head[0],
                tail[1].conj() * head[1],
                tail[0].conj() * head[1] + tail[1].conj() * head[0],
            )
        ):
            product = scipy.fft.ifft(product, axis=0, overwrite_x=True)[: max_lag[0] + 1]
            cropped[i, kx] = scipy.fft.ifft(product, axis=1)[:, lags_y]

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(correlate_plane, range(size[2] // 2 + 1)))
    lags_x = np.arange(-max_lag[2], max_lag[2] + 1)
    return [scipy.fft.irfft(c, size[2], axis=0)[lags_x].transpose(1, 2, 0) for c in cropped]


def _period(owned, n, lag, axis):
    """Shortest period that keeps the wanted lags apart from their aliases."""
    if (owned.start == 0 and owned.stop == n) or axis == 0:
        return (owned.stop - owned.start) + lag
    return (owned.stop - owned.start) + 2 * lag
