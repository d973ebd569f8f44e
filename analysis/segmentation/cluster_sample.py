"""Voxels on which the weights of k-means are fitted, and the centroids from which it starts.

The sample is drawn by position, not by gray value: a change in the last bit of a gray value
changes no choice. Positions come in whole groups that mirroring and turning the volume exchange,
so a turned volume gives the turned sample.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from analysis.segmentation import _cluster_kernels as kernels

STARTS = ("quantiles", "extremes")
TAIL = 1e-3  # part of the voxels beyond each end of the bulk of the gray values
START_SHARE = 0.01  # part of the sample that is averaged for a starting centroid
_REACH = 3.0  # gray values count up to so many widths of the bulk beyond its ends
_CHUNK = 2**16


@dataclass(frozen=True)
class Sample:
    """
    Features of a sample of voxels.

    Attributes
    ----------
    features : (B, 27, BLOCK) ndarray of int32
        From :func:`analysis.segmentation._cluster_kernels.features_at`.
    size : int
        Voxels in it.
    centroids : (3, 27) ndarray of float32
        Where k-means starts, rows ordered as Phase.
    """

    features: np.ndarray
    size: int
    centroids: np.ndarray


def draw(padded, n_sample, *, seed, start="quantiles"):
    """
    Sample a volume and find the centroids to start from.

    Parameters
    ----------
    padded : (Z + 2, Y + 2, X + 2) ndarray of int32
        From :func:`whole_numbers`.
    n_sample : int
        Voxels to draw at most; a small volume is taken whole.
    seed : int
        Of the positions.
    start : {"quantiles", "extremes"}
        ``"extremes"`` is the paper's rule: the darkest voxel, the brightest, and the sample voxel
        most similar to the mean of both (their mean where several tie). ``"quantiles"`` averages a
        hundredth of the sample for each: one dead or hot pixel then starts nothing.

    Returns
    -------
    Sample
    """
    shape = tuple(n - 2 for n in padded.shape)
    places = np.ravel_multi_index((positions(shape, n_sample, seed=seed) + 1).T, padded.shape)
    steps, pairs = kernels.neighbor_steps(padded.shape), kernels.sorting_network()
    features = kernels.features_at(padded, places, steps, pairs)
    columns = features.transpose(0, 2, 1).reshape(-1, kernels.N_FEATURES)[: places.size]
    if start == "extremes":
        inner = padded[1:-1, 1:-1, 1:-1]
        dark, bright = (_mean_features(padded, value) for value in (inner.min(), inner.max()))
        count = 1
    else:
        brightness = columns.sum(axis=1, dtype=np.int64)
        count = max(1, round(START_SHARE * places.size))
        dark, bright = (columns[_lowest(b, count)].mean(axis=0) for b in (brightness, -brightness))
    apart = ((columns - (dark + bright) / 2) ** 2).sum(axis=1)
    middle = columns[_lowest(apart, count)].mean(axis=0)
    return Sample(features, places.size, np.stack([dark, middle, bright]).astype(np.float32))


def unit_clusters(sample, max_passes=500):
    """
    k-means of a sample with all weights one: what is left of eq (1) without the fractions.

    Parameters
    ----------
    sample : Sample
        Features and where to start.
    max_passes : int
        Assignments to make at most.

    Returns
    -------
    means : (3, 27) ndarray of float32
        Centroids, rows ordered as Phase.
    shares : (3,) ndarray of float
        Part of the sample in each cluster [-].
    passes : int
        Assignments made.
    """
    means, counts, passes = kernels.lloyd(
        sample.features, sample.size, sample.centroids, np.ones(kernels.N_FEATURES, np.float32),
        np.ones(len(sample.centroids), np.float32), max_passes,
    )  # fmt: skip
    return means, counts / sample.size, passes


def columns_of(sample):
    """Features of a sample as (N, 27), the shape that other packages take."""
    return sample.features.transpose(0, 2, 1).reshape(-1, kernels.N_FEATURES)[: sample.size]


def positions(shape, n_sample, *, seed):
    """
    Random voxels of a volume, with all their images under the symmetries of its box.

    Parameters
    ----------
    shape : tuple of int
        Voxels along each axis.
    n_sample : int
        Voxels to draw at most, but at least one group of images.
    seed : int

    Returns
    -------
    positions : (N, 3) ndarray of int
        Different voxels. Mirrored along any axis, or with axes of equal length exchanged, they
        are the same voxels again.

    Notes
    -----
    Images of a voxel lie far apart in all but a few cases, so they are as good as drawn one by
    one.
    """
    if n_sample >= np.prod(shape):
        return np.argwhere(np.ones(shape, bool))
    order = np.argsort(shape, kind="stable")
    lengths = np.array(shape)[order]
    orders = itertools.permutations(range(3))
    turns = [turn for turn in orders if np.array_equal(lengths[list(turn)], lengths)]
    octant = -(-lengths // 2)
    n_octant = int(np.prod(octant))
    n_groups = min(n_octant, max(1, n_sample // (8 * len(turns))))
    drawn = np.random.default_rng(seed).choice(n_octant, n_groups, replace=False, shuffle=False)
    first = np.stack(np.unravel_index(np.sort(drawn), octant), axis=1)
    images = [
        np.where(mirror, lengths - 1 - first[:, turn], first[:, turn])
        for turn in turns
        for mirror in itertools.product((False, True), repeat=3)
    ]
    found = np.empty((len(images) * n_groups, 3), dtype=np.int64)
    found[:, order] = np.concatenate(images)
    return np.unique(found, axis=0)


def gray_range(gray):
    """
    Gray values that become 0 and the highest whole number.

    The darkest and the brightest, unless one lies far beyond the bulk of the voxels: a dead pixel
    at -20 would squeeze the others into a few levels. Such voxels are clipped.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray

    Returns
    -------
    low, high : float
    """
    low, high = float(gray.min()), float(gray.max())
    beyond = int(TAIL * gray.size)
    sorted_ends = gray.flatten()
    sorted_ends.partition((beyond, gray.size - 1 - beyond))
    first, last = float(sorted_ends[beyond]), float(sorted_ends[gray.size - 1 - beyond])
    if not last > first:  # nearly all voxels alike: no bulk to measure by
        return low, high
    reach = _REACH * (last - first)
    return max(low, first - reach), min(high, last + reach)


def whole_numbers(gray, limits=None):
    """
    Gray values as whole numbers below ``LEVELS``, the outermost voxels repeated once.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
    limits : tuple of float, optional
        Gray values that become 0 and ``LEVELS - 1``; those of :func:`gray_range` by default.

    Returns
    -------
    padded : (Z + 2, Y + 2, X + 2) ndarray of int32
    limits : tuple of float
    """
    low, high = limits or gray_range(gray)
    padded = np.empty(tuple(n + 2 for n in gray.shape), np.int32)
    scale = (kernels.LEVELS - 1) / (high - low)
    for z in range(gray.shape[0]):
        shifted = np.rint((gray[z].astype(float) - low) * scale)
        padded[z + 1, 1:-1, 1:-1] = np.clip(shifted, 0, kernels.LEVELS - 1)
    for axis in range(3):
        ends = np.moveaxis(padded, axis, 0)
        ends[0], ends[-1] = ends[1], ends[-2]
    return padded, (low, high)


def _lowest(values, count):
    """The `count` lowest values and those equal to the last of them."""
    return values <= np.partition(values, count - 1)[count - 1]


def _mean_features(padded, value):
    """Mean features of the voxels with a gray value."""
    steps, pairs = kernels.neighbor_steps(padded.shape), kernels.sorting_network()
    inside = np.zeros(padded.shape, bool)
    inside[1:-1, 1:-1, 1:-1] = padded[1:-1, 1:-1, 1:-1] == value
    places = np.flatnonzero(inside)
    total = np.zeros(kernels.N_FEATURES, np.int64)
    for first in range(0, places.size, _CHUNK):
        part = places[first : first + _CHUNK]
        # Columns beyond the last voxel are zero.
        total += kernels.features_at(padded, part, steps, pairs).sum(axis=(0, 2), dtype=np.int64)
    return total / places.size
