"""Level sets that meet a depth profile: thresholds per slice, and what they cut out.

A phase is the set where a field lies below a level; the level depends on the depth so that
the phase follows its target profile. Levels are smoothed over depth, so the profile
keeps some of its natural scatter, and shifted as a whole so that the total is met.
"""

import numpy as np
from numba import njit
from scipy import ndimage

_BINS = 2048


def fit(field, allowed, target, *, low, high, smoothing, clip=None):
    """
    Level per slice so that ``field < level`` fills the target share of each slice.

    Parameters
    ----------
    field : (K, J, I) ndarray of float32
        The field.
    allowed : (K, J, I) ndarray of float32
        Only points where this is positive count as candidates.
    target : (K,) ndarray
        Volume fraction [-] wanted in each slice.
    low, high : float
        Range of levels that are considered.
    smoothing : float
        Width of the Gaussian that smooths the levels over depth [slices].
    clip : float, optional
        Largest departure of a slice's level from the median.

    Returns
    -------
    level : (K,) ndarray of float64

    Raises
    ------
    ValueError
        If a slice does not hold enough candidates.
    """
    counts = _histograms(field, allowed, low, high, _BINS)
    per_slice = field.shape[1] * field.shape[2]
    cumulated = np.cumsum(counts, axis=1) / per_slice
    room = cumulated[:, -1]
    if np.any(target > room + 1e-9):
        worst = int(np.argmax(target - room))
        raise ValueError(
            f"The target fraction {target[worst]:.3f} of depth slice {worst} is more than the "
            f"{room[worst]:.3f} left free there. Lower the target, or the layer contrast."
        )
    edges = np.linspace(low, high, _BINS + 1)[1:]
    raw = np.array([np.interp(t, c, edges) for t, c in zip(target, cumulated, strict=True)])
    if clip is not None:
        raw = np.clip(raw, np.median(raw) - clip, np.median(raw) + clip)
    level = ndimage.gaussian_filter1d(raw, smoothing, mode="nearest")
    # One shift of all levels meets the total; the cumulated counts make this cheap.
    wanted = float(np.mean(target))
    below, above = low - high, high - low
    for _ in range(50):
        shift = 0.5 * (below + above)
        have = np.mean(
            [np.interp(v + shift, edges, c) for v, c in zip(level, cumulated, strict=True)]
        )
        below, above = (shift, above) if have < wanted else (below, shift)
    return level + 0.5 * (below + above)


@njit(cache=True)
def _histograms(field, allowed, low, high, bins):
    counts = np.zeros((field.shape[0], bins), np.int64)
    scale = np.float32(bins / (high - low))
    floor = np.float32(low)
    for k in range(field.shape[0]):
        for j in range(field.shape[1]):
            for i in range(field.shape[2]):
                if allowed[k, j, i] > 0:
                    b = int((field[k, j, i] - floor) * scale)
                    counts[k, min(max(b, 0), bins - 1)] += 1
    return counts


@njit(cache=True)
def _inside(field, k, j, i, level, slope):
    """
    Share of a grid cell where the field lies below `level`; 0.5 on the boundary.

    The field is taken as linear in the cell. The exact share depends on the orientation of
    the boundary; a ramp one cell wide has the right mean and slope for the axes and nearly so
    for the others.
    """
    value = field[k, j, i] - level
    # No field here is steeper than `slope` per cell: most cells are decided at once.
    if value > slope:
        return np.float32(0)
    if value < -slope:
        return np.float32(1)
    depth, rows, columns = field.shape
    kl, kh = max(k - 1, 0), min(k + 1, depth - 1)
    jl, jh = (j - 1) % rows, (j + 1) % rows
    il, ih = (i - 1) % columns, (i + 1) % columns
    gz = (field[kh, j, i] - field[kl, j, i]) / np.float32(kh - kl)
    gy = (field[k, jh, i] - field[k, jl, i]) * np.float32(0.5)
    gx = (field[k, j, ih] - field[k, j, il]) * np.float32(0.5)
    norm = np.sqrt(gz * gz + gy * gy + gx * gx) + np.float32(1e-6)
    return min(max(np.float32(0.5) - value / norm, np.float32(0)), np.float32(1))


@njit(cache=True)
def fractions(field, level, slope, out):
    """
    Share of each voxel below the level, from a grid twice as fine.

    Parameters
    ----------
    field : (2 Z, 2 Y, 2 X) ndarray of float32
        Periodic in y and x.
    level : (2 Z,) ndarray of float32
    slope : float
        Bound on the change of the field from one grid point to the next.
    out : (Z, Y, X) ndarray of float32
    """
    s = np.float32(slope)
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                total = np.float32(0)
                for dk in range(2):
                    for dj in range(2):
                        for di in range(2):
                            a, b, c = 2 * k + dk, 2 * j + dj, 2 * i + di
                            total += _inside(field, a, b, c, level[a], s)
                out[k, j, i] = total * np.float32(0.125)


@njit(cache=True)
def nested_fractions(outer, outer_level, outer_slope, field, level, slope, out):
    """Share of each voxel that lies outside `outer` and below the level of `field`."""
    so, s = np.float32(outer_slope), np.float32(slope)
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            for i in range(out.shape[2]):
                total = np.float32(0)
                for dk in range(2):
                    for dj in range(2):
                        for di in range(2):
                            a, b, c = 2 * k + dk, 2 * j + dj, 2 * i + di
                            free = np.float32(1) - _inside(outer, a, b, c, outer_level[a], so)
                            if free > 0:
                                total += free * _inside(field, a, b, c, level[a], s)
                out[k, j, i] = total * np.float32(0.125)
