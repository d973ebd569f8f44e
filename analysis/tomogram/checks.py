"""What the values of a scan give away: slices without content, labels, a field of view."""

import numpy as np

from analysis.phases import check_gray
from analysis.tomogram.field_of_view import check_corners
from analysis.tomogram.options import crop_text
from analysis.tomogram.stored import ranges

MIN_EDGE = 16  # fewer voxels than this along an axis hold not even one particle
FEW_VALUES = 16  # a scan of 4 bits; labels of several kinds of particles look like that
SAMPLE = 1_000_000  # voxels


def check_scan(gray):
    """
    Return a gray volume from outside, or say what makes it unfit for trinarization.

    Stricter than :func:`analysis.phases.check_gray`, which test images and cutouts pass too.

    Raises
    ------
    ValueError
        As ``check_gray``, and for slices of one value, slices that repeat the one before, few
        different values, and a field of view with noise around it.
    """
    gray = check_gray(gray, min_edge=MIN_EDGE)
    for axis, name in enumerate("zyx"):
        others = tuple(n for n in range(3) if n != axis)
        flat = gray.min(axis=others) == gray.max(axis=others)
        if flat.any():
            raise ValueError(
                f"{int(flat.sum())} of {flat.size} slices along {name} hold one value only "
                f"({ranges(np.flatnonzero(flat))}, counted from 0), so they are no image. "
                f"{_way_out(flat, axis, gray.shape)}"
            )
    n_values = _count_values(gray)
    if n_values <= FEW_VALUES:
        raise ValueError(
            f"The volume holds only {n_values} different values (type {gray.dtype}), so it looks "
            "like labels, or like a scan that was reduced to a few gray levels; expected more than "
            f"{FEW_VALUES} gray levels. Give the gray values of the reconstruction (8 bits or "
            "more)."
        )
    _check_repeats(gray)
    check_corners(gray)
    return gray


def commonest_share(gray):
    """
    Share of the voxels [-] that hold the commonest single value.

    The value is found in a sample of a million voxels and counted over all, so that no sorted copy
    of a large volume is needed.
    """
    sample = gray.ravel()[:: max(1, gray.size // SAMPLE)]
    values, counts = np.unique(sample, return_counts=True)
    value = values[counts.argmax()]
    return sum(int(np.count_nonzero(plane == value)) for plane in gray) / gray.size


def _check_repeats(gray):
    """A slice that is the one before, voxel by voxel: noise never comes twice."""
    for axis, name in enumerate("zyx"):
        planes = np.moveaxis(gray, axis, 0)
        sparse = planes[:, ::7, ::7]  # a glance; only what is equal there is compared in full
        near = np.flatnonzero((sparse[1:] == sparse[:-1]).all(axis=(1, 2)))
        repeated = [n + 1 for n in near if np.array_equal(planes[n], planes[n + 1])]
        if not repeated:
            continue
        flags = np.zeros(gray.shape[axis], dtype=bool)
        flags[repeated] = True
        raise ValueError(
            f"{len(repeated)} of {flags.size} slices along {name} repeat the slice before them "
            f"voxel by voxel ({ranges(repeated)}, counted from 0), as after a scan that got stuck "
            "or in a volume that was enlarged by doubling voxels (bin that one). "
            f"{_way_out(flags, axis, gray.shape)}"
        )


def _way_out(bad, axis, shape):
    """The longest run of sound slices as a cutout, if it is long enough to work with."""
    breaks = np.flatnonzero(np.concatenate([[True], bad, [True]]))
    longest = int(np.diff(breaks).argmax())
    start, stop = int(breaks[longest]), int(breaks[longest + 1]) - 1
    if stop - start < MIN_EDGE:
        return f"No {MIN_EDGE} sound slices follow each other: export the volume again."
    crop = [slice(0, length) for length in shape]
    crop[axis] = slice(start, stop)
    return f"Look at the file; if the rest is sound, cut it out: CROP={crop_text(crop)}."


def _count_values(gray):
    """Number of different values; stops early, since a scan shows many in its first slices."""
    seen = np.empty(0, gray.dtype)
    for plane in gray:
        seen = np.union1d(seen, plane)
        if seen.size > FEW_VALUES:
            break
    return seen.size
