"""The three phases, the axis convention, and the checks every function shares.

Volumes are arrays ``(Z, Y, X)``. Axis 0 is z, the through-plane direction; index 0 lies
at the separator and the last index at the current collector. Lengths in image code are
in µm.
"""

from enum import IntEnum

import numpy as np


class Phase(IntEnum):
    """Labels of a trinarized volume, ordered by brightness in the tomogram."""

    PORE = 0
    CBD = 1
    AM = 2

    @property
    def title(self):
        """Name for axes and legends."""
        return {Phase.PORE: "pore", Phase.CBD: "CBD", Phase.AM: "AM"}[self]


VOXEL_SIZE_UM = 0.642  # Prifling et al. 2022, Section 2.2

LARGEST_GRAY = 1e30  # squares of differences must stay within single precision, scaled or not

CORNER_EDGE = 3  # voxels; a block of them that holds one value is no image but filling

CBD_POROSITY = 0.5  # nanopores inside the CBD, Section 3


def volume_fractions(labels):
    """
    Share of each phase in a labelled volume.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.

    Returns
    -------
    fractions : dict of Phase to float
        Volume fraction [-] of each phase.

    Raises
    ------
    ValueError
        If `labels` is not a volume of the labels 0, 1 and 2.
    """
    labels = check_labels(labels)
    # slice by slice: bincount makes eight bytes of each label that it is given
    counts = sum(np.bincount(plane.ravel(), minlength=len(Phase)) for plane in labels)
    return {phase: float(counts[phase] / labels.size) for phase in Phase}


def check_labels(labels):
    """
    Return `labels` as a uint8 volume, or say what is wrong with it.

    Raises
    ------
    ValueError
        If the array is not three-dimensional, is empty, or holds anything but 0, 1, 2.
    """
    labels = _unmasked(labels, "labels")
    if labels.ndim != 3 or labels.size == 0:
        raise ValueError(
            f"Labels have shape {labels.shape}; expected a volume (Z, Y, X). "
            "Stack slices along axis 0, the through-plane direction."
        )
    if labels.dtype == bool or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"Labels are of type {labels.dtype}; expected integers 0 (pore), 1 (CBD), 2 (AM). "
            "Gray values must be trinarized first: see analysis.segmentation."
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(Phase):
        raise ValueError(
            f"Labels run from {low} to {high}; expected 0 (pore), 1 (CBD), 2 (AM). "
            "Relabel the phases before calling this function."
        )
    return labels.astype(np.uint8, copy=False)


def check_gray(gray, *, min_edge=3):
    """
    Return `gray` as a floating-point or unsigned volume fit for trinarization.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values of a tomogram.
    min_edge : int
        Smallest edge length [voxel] that makes sense for the caller.

    Returns
    -------
    gray : (Z, Y, X) ndarray
        The same values.

    Raises
    ------
    ValueError
        If the array is no volume, is too small, holds NaN or infinity, masked voxels or values
        beyond single precision, is constant, looks like labels, or has corners of one value, as
        outside a round field of view.
    """
    gray = _unmasked(gray, "gray values")
    check_shape(gray.shape, min_edge=min_edge)
    if gray.dtype == bool or not (
        np.issubdtype(gray.dtype, np.integer) or np.issubdtype(gray.dtype, np.floating)
    ):
        raise ValueError(f"Gray values are of type {gray.dtype}; expected real numbers.")
    if np.issubdtype(gray.dtype, np.floating):
        finite = np.isfinite(gray)
        if not finite.all():
            raise ValueError(_not_finite_words(~finite, min_edge))
        del finite
    low, high = gray.min(), gray.max()
    if max(abs(float(low)), abs(float(high))) > LARGEST_GRAY or 0 < float(high) - float(low) < (
        1 / LARGEST_GRAY
    ):
        raise ValueError(
            f"Gray values run from {low:.3g} to {high:.3g}, beyond what single precision can work "
            "with. Such values often stand for missing data; replace them or rescale the volume."
        )
    if low == high:
        raise ValueError(
            f"Every voxel has the gray value {low}; expected a tomogram with contrast. "
            "Check that the right dataset was read."
        )
    if _few_values(gray):
        raise ValueError(
            "The volume holds no more than four different values, so it looks like labels; "
            "expected gray values. Descriptors and simulations take labels directly."
        )
    _check_field_of_view(gray)
    return gray


def check_shape(shape, *, min_edge=3):
    """
    Whether an array of this shape can be a gray volume; it need not have been read yet.

    Raises
    ------
    ValueError
        If it has other than three axes, or fewer than `min_edge` voxels along one.
    """
    if len(shape) == 2:
        raise ValueError(
            f"The image is two-dimensional {shape}; expected a volume (Z, Y, X). "
            "Give a multi-page TIFF or a 3D array."
        )
    if len(shape) == 4 and shape[-1] in (3, 4):
        raise ValueError(
            f"The image has {shape[-1]} color channels {shape}; expected gray values "
            "(Z, Y, X). Convert it to gray first."
        )
    if len(shape) != 3:
        raise ValueError(f"The image has shape {shape}; expected a volume (Z, Y, X).")
    if min(shape) < min_edge:
        raise ValueError(
            f"The volume has shape {shape}; expected at least {min_edge} voxels along every "
            "axis. Give a larger cutout."
        )


def check_targets(targets):
    """
    Return target fractions as a dict Phase -> float, or say what is wrong with them.

    Raises
    ------
    ValueError
        If a phase is missing, a fraction is negative or above 1, or they do not sum to 1.
    """
    try:
        checked = {phase: float(targets[phase]) for phase in Phase}
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"Target fractions are {targets!r}; expected a dict with a fraction for each of "
            "Phase.PORE, Phase.CBD and Phase.AM."
        ) from error
    total = sum(checked.values())
    if any(value > 1 for value in checked.values()) and 99 < total < 101:
        raise ValueError(
            f"Target fractions {_listed(checked)} look like percent; expected volume fractions "
            "that sum to 1. Divide them by 100."
        )
    if any(not 0 <= value <= 1 for value in checked.values()):
        raise ValueError(f"Target fractions are {_listed(checked)}; expected each between 0 and 1.")
    if abs(total - 1) > 1e-4:
        raise ValueError(
            f"Target fractions {_listed(checked)} sum to {total:.4f}, not 1. Expected the volume "
            "fractions [-] of all three phases: look for a mistyped digit or a phase that was left "
            "out (weight fractions know no pore: see analysis.electrodes for the conversion)."
        )
    return checked


def check_voxel_size(voxel_size_um):
    """
    Return the voxel size as a float, or say what is wrong with it.

    Raises
    ------
    ValueError
        If it is missing, not a number, or not positive.
    """
    if voxel_size_um is None:
        raise ValueError("The voxel size is missing; expected its edge length in µm.")
    try:
        if isinstance(voxel_size_um, (bool, np.bool_, str, bytes)):
            raise TypeError("no number")
        size = float(voxel_size_um)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The voxel size is {voxel_size_um!r}; expected one edge length in µm."
        ) from error
    if not (np.isfinite(size) and size > 0):
        raise ValueError(f"The voxel size is {size} µm; expected a positive length in µm.")
    return size


def inscribed_crop(bad, tolerance=1e-3):
    """
    A large box without bad voxels: the face that holds the largest share of them goes first.

    Parameters
    ----------
    bad : (Z, Y, X) ndarray of bool
        Voxels to leave out.
    tolerance : float
        Share [-] of bad voxels that may stay, since particles at the rim may have the value of the
        outside; 0 leaves none.

    Returns
    -------
    crop : tuple of slice
        Box along z, y, x; a box of one voxel if nothing larger is found.
    """
    step = max(1, -(-max(bad.shape) // 128))
    coarse = bad[::step, ::step, ::step]
    if tolerance == 0 and step > 1:
        coarse = bad
        for axis, length in enumerate(bad.shape):
            coarse = np.logical_or.reduceat(coarse, np.arange(0, length, step), axis=axis)
    box = [[0, length] for length in coarse.shape]
    while True:
        inside = coarse[tuple(slice(*edges) for edges in box)]
        if inside.mean() <= tolerance or max(inside.shape) == 1:
            break
        shares = {
            (axis, end): inside.take(-end, axis=axis).mean()
            for axis in range(3)
            if inside.shape[axis] > 1
            for end in (0, 1)
        }
        worst = max(shares.values())
        # Of equals, the one on the longest axis: a disc then leaves a square, not a bar.
        axis, end = max(
            (face for face in shares if shares[face] == worst),
            key=lambda face: (inside.shape[face[0]], face[1] == (box[face[0]][0] > 0)),
        )
        box[axis][end] += 1 - 2 * end
    crop = []
    for (start, stop), length in zip(box, bad.shape, strict=True):
        first = 0 if start == 0 else start * step
        last = length if stop * step >= length else stop * step
        crop.append(slice(first, last))
    return tuple(crop)


def _unmasked(values, what):
    """An array of it; a mask must not fall away without a word."""
    if isinstance(values, np.ma.MaskedArray):
        masked = int(np.ma.count_masked(values))
        if masked:
            raise ValueError(
                f"{masked} of {values.size} {what} are masked; expected a value for every voxel. "
                "Cut out a box without masked voxels."
            )
        return np.asarray(values.data)
    return np.asarray(values)


def _check_field_of_view(gray):
    """Six of eight corners filled with one value: a round or turned field of view."""
    edge = CORNER_EDGE
    if min(gray.shape) < 4 * edge:
        return
    ends = (slice(None, edge), slice(-edge, None))
    corners = [gray[z, y, x] for z in ends for y in ends for x in ends]
    filled = [corner.flat[0] for corner in corners if (corner == corner.flat[0]).all()]
    values, counts = np.unique(filled, return_counts=True)
    if not counts.size or counts.max() < 6:
        return
    value = values[counts.argmax()]
    outside = gray == value
    box = ",".join(f"{cut.start}:{cut.stop}" for cut in inscribed_crop(outside))
    raise ValueError(
        f"{100 * outside.mean():.0f} % of the voxels hold the one value {value:g}, and the corners "
        "nothing else: it fills what lies outside the field of view, and would be counted as a "
        f"phase. Cut out a box inside it, for example CROP={box}."
    )


def _not_finite_words(bad, min_edge):
    """What to say of NaN and infinity; around a field of view they are left out by a box."""
    words = (
        f"The volume holds {int(bad.sum())} values that are NaN or infinite; expected finite gray "
        "values."
    )
    box = inscribed_crop(bad, tolerance=0)
    edges = [cut.stop - cut.start for cut in box]
    if bad[box].any() or min(edges) < min_edge or np.prod(edges) < 0.1 * bad.size:
        return f"{words} Repair the reconstruction."
    listed = ",".join(f"{cut.start}:{cut.stop}" for cut in box)
    return f"{words} If they lie outside the field of view, cut out a box inside it: CROP={listed}."


def _few_values(gray, limit=4):
    """Whether a volume holds at most `limit` different values that are whole numbers."""
    sample = np.unique(gray[:: max(1, gray.shape[0] // 8)])
    if sample.size > limit or (sample != np.rint(sample)).any():
        return False
    return np.unique(gray).size <= limit


def _listed(targets):
    return ", ".join(f"{phase.title} {value:g}" for phase, value in targets.items())
