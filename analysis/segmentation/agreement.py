"""How far two trinarizations agree, voxel by voxel (Prifling et al. 2022, Section 3.5)."""

import numpy as np

from analysis.phases import Phase, check_labels


def confusion(first, second):
    """
    Count the voxels for each pair of labels.

    Parameters
    ----------
    first, second : (Z, Y, X) ndarray of uint8
        Labels of one volume from two methods, or the truth first.

    Returns
    -------
    counts : (3, 3) ndarray of int
        Voxels with label `i` in `first` and `j` in `second`.

    Raises
    ------
    ValueError
        If the shapes differ or one volume holds no labels.
    """
    first, second = check_labels(first), check_labels(second)
    if first.shape != second.shape:
        raise ValueError(
            f"The labels have shapes {first.shape} and {second.shape}; expected two trinarizations "
            "of the same cutout."
        )
    pairs = 3 * first.ravel() + second.ravel()
    return np.bincount(pairs, minlength=9).reshape(3, 3)


def equally_assigned(first, second):
    """
    Fraction of voxels [-] that have the same label in both volumes.

    Against the truth this is the accuracy. Parameters and errors as for :func:`confusion`.

    Examples
    --------
    >>> equally_assigned(np.array([[[0, 1, 2, 2]]]), np.array([[[0, 1, 1, 2]]]))
    0.75
    """
    return equally_assigned_of(confusion(first, second))


def jaccard(first, second, phase):
    """
    Jaccard index [-] of one phase: volume of the intersection over volume of the union.

    Parameters
    ----------
    first, second : (Z, Y, X) ndarray of uint8
        Labels of one volume from two methods.
    phase : Phase
        Phase to compare.

    Returns
    -------
    index : float
        1 if both place the phase in the same voxels (also if both have none), 0 if in no common
        one.

    Examples
    --------
    >>> jaccard(np.array([[[0, 1, 2, 2]]]), np.array([[[0, 1, 1, 2]]]), Phase.CBD)
    0.5
    """
    return jaccard_of(confusion(first, second), phase)


def equally_assigned_of(counts):
    """Fraction [-] of equal labels from a (3, 3) matrix of :func:`confusion`."""
    return float(np.trace(counts) / counts.sum())


def jaccard_of(counts, phase):
    """Jaccard index [-] of `phase` from a (3, 3) matrix of :func:`confusion`."""
    both = counts[phase, phase]
    either = counts[phase].sum() + counts[:, phase].sum() - both
    return float(both / either) if either else 1.0


def scores(first, second):
    """
    All four numbers of Fig 4 for one pair of volumes.

    Returns
    -------
    scores : dict of str to float
        ``"equally assigned"`` and the Jaccard index of ``"AM"``, ``"CBD"`` and ``"pore"`` [-].
    """
    counts = confusion(first, second)
    found = {"equally assigned": equally_assigned_of(counts)}
    return found | {phase.title: jaccard_of(counts, phase) for phase in reversed(Phase)}


def pairwise(volumes):
    """
    Confusion matrix of every pair of trinarizations.

    Parameters
    ----------
    volumes : list of (Z, Y, X) ndarray of uint8
        Labels of one cutout from M methods.

    Returns
    -------
    counts : (M, M, 3, 3) ndarray of int
        :func:`confusion` of methods ``i`` and ``j``; entry ``j, i`` is its transpose.
    """
    n = len(volumes)
    counts = np.zeros((n, n, 3, 3), dtype=np.int64)
    for i in range(n):
        for j in range(i, n):
            counts[i, j] = confusion(volumes[i], volumes[j])
            counts[j, i] = counts[i, j].T
    return counts
