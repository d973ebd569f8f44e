"""What the values of a scan give away: slices without content, labels, a field of view."""

import numpy as np

from analysis.phases import check_gray, inscribed_crop
from analysis.tomogram.options import crop_text
from analysis.tomogram.stored import ranges

MIN_EDGE = 16  # fewer voxels than this along an axis hold not even one particle
FEW_VALUES = 16  # a scan of 4 bits; labels of several kinds of particles look like that


def check_scan(gray):
    """
    Return a gray volume from outside, or say what makes it unfit for trinarization.

    Stricter than :func:`analysis.phases.check_gray`, which test images and cutouts pass too.

    Raises
    ------
    ValueError
        As ``check_gray``, and for slices of one value and for few different values.
    """
    gray = check_gray(gray, min_edge=MIN_EDGE)
    for axis, name in enumerate("zyx"):
        others = tuple(n for n in range(3) if n != axis)
        flat = gray.min(axis=others) == gray.max(axis=others)
        if flat.any():
            bad = np.broadcast_to(np.expand_dims(flat, others), gray.shape)
            crop = inscribed_crop(bad)
            raise ValueError(
                f"{int(flat.sum())} of {flat.size} slices along {name} hold one value only "
                f"({ranges(np.flatnonzero(flat))}, counted from 0), so they are no image. Look at "
                "the file; if the rest is sound, cut it out: "
                f"CROP={crop_text(crop)}."
            )
    n_values = _count_values(gray)
    if n_values <= FEW_VALUES:
        raise ValueError(
            f"The volume holds only {n_values} different values (type {gray.dtype}), so it looks like "
            "labels, or like a scan that was reduced to a few gray levels; expected more than "
            f"{FEW_VALUES} gray levels. Give the gray values of the reconstruction (8 bits or more)."
        )
    return gray


def commonest_share(gray):
    """Share of the voxels [-] that hold the commonest single value."""
    flat = np.sort(gray, axis=None)
    edges = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1], [True]]))
    return float(np.diff(edges).max() / flat.size)


def _count_values(gray):
    """Number of different values; stops early, since a scan shows many in its first slices."""
    seen = np.unique(gray[:: max(1, gray.shape[0] // 8)])
    if seen.size > FEW_VALUES:
        return seen.size
    return np.unique(gray).size
