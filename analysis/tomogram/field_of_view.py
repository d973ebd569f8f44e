"""A round field of view whose outside is noise: less noise than there is structure inside."""

import numpy as np
from scipy import ndimage

from analysis.phases import inscribed_crop
from analysis.tomogram.options import crop_text

CALM = 0.5  # outside, gray scatters less than half as much along the axis as in the middle
SAME = 0.5  # and the corners have one mean, within half of that scatter
CORNER_SHARE = 12  # of the edge; a square in the corner of a round field is 0.146 of the edge wide
BEYOND, WITHIN = 1.1, 0.8  # of the inscribed radius: surely outside, surely inside
AGREE_OUTSIDE, AGREE_INSIDE = 0.9, 0.2


def check_corners(gray):
    """
    Stop if the four edges along an axis hold noise that differs from the middle.

    A field of view of one single value outside is found by :func:`analysis.phases.check_gray`; here
    the outside scatters. Along an edge of the volume, a line of voxels passes particles and pores
    as it does in the middle; outside the field of view it passes neither. That is looked for at all
    four edges of each axis, and only a mask with the outline of a disc counts.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Finite gray values.

    Raises
    ------
    ValueError
        With a box inside the field of view.
    """
    for axis, (mean, scatter) in enumerate(_along_axes(gray)):
        outside = _outside(mean, scatter)
        if outside is None:
            continue
        bad = np.broadcast_to(np.expand_dims(outside, axis), gray.shape)
        raise ValueError(
            f"Along the four edges in direction {'zyx'[axis]}, gray scatters less than half as "
            "much "
            f"as in the middle ({100 * outside.mean():.0f} % of the volume, around one gray "
            "value): "
            "this lies outside a round field of view, and would be counted as a phase. Cut out a "
            f"box inside it, for example CROP={crop_text(inscribed_crop(bad))}."
        )


def _along_axes(gray):
    """Mean and standard deviation along z, y and x, slice by slice to spare memory."""
    shape = gray.shape
    center = float(gray[shape[0] // 2].mean(dtype=float))
    sums = [np.zeros(np.delete(shape, axis)) for axis in range(3)]
    squares = [np.zeros(np.delete(shape, axis)) for axis in range(3)]
    for number, plane in enumerate(gray):
        plane = plane.astype(float) - center
        for total, values in ((sums, plane), (squares, plane * plane)):
            total[0] += values
            total[1][number] = values.sum(axis=0)
            total[2][number] = values.sum(axis=1)
    for length, total, square in zip(shape, sums, squares, strict=True):
        mean = total / length
        yield mean + center, np.sqrt(np.maximum(square / length - mean**2, 0))


def _outside(mean, scatter):
    """Mask of what lies outside a round field of view, or None if there is no such field."""
    edge = max(3, min(mean.shape) // CORNER_SHARE)
    ends = (slice(None, edge), slice(-edge, None))
    corners = [(a, b) for a in ends for b in ends]
    middle = tuple(slice(length // 4, -(length // 4)) for length in mean.shape)
    typical = np.median(scatter[middle])
    calm = [np.median(scatter[corner]) for corner in corners]
    means = [np.median(mean[corner]) for corner in corners]
    if max(calm) >= CALM * typical or max(means) - min(means) >= SAME * typical:
        return None
    mask = (scatter < CALM * typical) & (abs(mean - np.median(means)) < SAME * typical)
    grid = np.meshgrid(*(np.linspace(-1, 1, length) for length in mean.shape), indexing="ij")
    radius = np.hypot(*grid)
    if mask[radius > BEYOND].mean() < AGREE_OUTSIDE or mask[radius < WITHIN].mean() > AGREE_INSIDE:
        return None
    numbers, _ = ndimage.label(mask)
    touching = np.unique(np.concatenate([numbers[corner].ravel() for corner in corners]))
    return np.isin(numbers, touching[touching > 0])
