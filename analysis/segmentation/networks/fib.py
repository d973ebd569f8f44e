"""FIB-SEM stacks without a network: thresholds, slice-wise filling, composition.

A stack is an array ``(slices, rows, columns)`` in the order of milling. Active material is
bright enough for Otsu's threshold. Pores are not: the electrons look through them onto the
solid behind (shine-through), and that is about as bright as CBD.
"""

import numpy as np

from analysis.phases import Phase, check_gray, check_labels
from analysis.segmentation import agreement

SMOOTHING_PX = 1.0  # Gaussian before the threshold; takes away single-pixel noise


def segment_active_material(stack, *, classes=3):
    """
    Active material as the brightest class of Otsu's method.

    Parameters
    ----------
    stack : (S, R, C) ndarray
        Gray values of the slices.
    classes : {2, 3}
        With two classes the threshold lies between AM and the mixture of everything else;
        with three it is the upper of two. The paper says "Otsu's method" only; three classes
        come closer to the truth.

    Returns
    -------
    active : (S, R, C) ndarray of bool
    """
    smooth = _smoothed(stack)
    return smooth > _thresholds(smooth, classes)[-1]


def segment_by_otsu(stack):
    """
    All three phases by two of Otsu's thresholds: the baseline without training.

    Parameters
    ----------
    stack : (S, R, C) ndarray
        Gray values of the slices.

    Returns
    -------
    labels : (S, R, C) ndarray of uint8
    """
    smooth = _smoothed(stack)
    return np.digitize(smooth, _thresholds(smooth, 3)).astype(np.uint8)


def fill_inclusions(active, *, max_area_px=None):
    """
    Slice-wise flood fill of the active material, Section 3.3 of the paper.

    Parameters
    ----------
    active : (S, R, C) ndarray of bool
        Active material.
    max_area_px : int, optional
        Fill only inclusions of at most so many pixels. Without a limit, as in the paper, a pore
        that AM encloses within its slice is filled too, though it is open in the next one.

    Returns
    -------
    filled : (S, R, C) ndarray of bool
    """
    from scipy import ndimage

    filled = np.empty(active.shape, dtype=bool)
    for index, mask in enumerate(active):
        filled[index] = ndimage.binary_fill_holes(mask)
        if max_area_px is not None:
            parts, n_parts = ndimage.label(filled[index] & ~mask)
            large = np.bincount(parts.ravel(), minlength=n_parts + 1) > max_area_px
            large[0] = False
            filled[index] &= ~large[parts]
    return filled


def jaccard(labels, truth):
    """
    Overlap of each phase with the truth: voxels in both over voxels in either.

    Parameters
    ----------
    labels, truth : (S, R, C) ndarray of uint8
        Phase of each voxel.

    Returns
    -------
    overlap : dict of Phase to float
        1 where both agree everywhere; NaN for a phase that neither holds.
    """
    return {phase: agreement.jaccard(labels, truth, phase) for phase in Phase}


def check_training_labels(labels, rows_and_columns=None):
    """
    Return the labels of the training slices if they teach pore and CBD, or say what is missing.

    Raises
    ------
    ValueError
        If a phase is absent, or the slices do not have the size of the stack.
    """
    labels = check_labels(labels)
    absent = [phase.title for phase in Phase if not (labels == phase).any()]
    if absent:
        raise ValueError(
            f"The {len(labels)} labelled slices hold no {' and no '.join(absent)}; expected all "
            "three phases. Label a slice that shows them."
        )
    if rows_and_columns is not None and labels.shape[1:] != tuple(rows_and_columns):
        raise ValueError(
            f"The labelled slices have {labels.shape[1:]} pixels, those of the stack "
            f"{tuple(rows_and_columns)}; expected equal sizes."
        )
    return labels


def with_context(stack, index, offsets):
    """
    Slices with some of their neighbors as channels.

    Parameters
    ----------
    stack : (S, R, C) ndarray
        Gray values.
    index : (N,) array_like of int
        Slices.
    offsets : tuple of int
        Neighbors, 0 for the slice itself; beyond the ends of the stack its last slice repeats.

    Returns
    -------
    channels : (N, R, C, len(offsets)) ndarray
    """
    neighbors = np.clip(np.asarray(index)[:, None] + np.asarray(offsets), 0, len(stack) - 1)
    return np.moveaxis(stack[neighbors], 1, -1)


def _smoothed(stack):
    from scipy import ndimage

    stack = check_gray(stack)
    return ndimage.gaussian_filter(
        stack.astype(np.float32, copy=False), (0, SMOOTHING_PX, SMOOTHING_PX)
    )


def _thresholds(smooth, classes):
    from skimage.filters import threshold_multiotsu

    return threshold_multiotsu(smooth, classes)
