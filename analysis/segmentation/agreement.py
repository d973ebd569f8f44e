"""How far two trinarizations of the same volume agree, voxel by voxel.

Section 3.5 of Prifling et al. 2022 compares methods with each other; where the truth is known
the same numbers say how far each one is from it.
"""

import numpy as np

from analysis.phases import Phase, check_labels


def equally_assigned(a, b):
    """
    Share of voxels to which both volumes give the same phase.

    Parameters
    ----------
    a, b : (Z, Y, X) ndarray of uint8
        Labels of the same volume.

    Returns
    -------
    share : float
        Between 0 and 1 [-].

    Raises
    ------
    ValueError
        If the shapes differ or a volume does not hold labels.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Figure 4. :doi:`10.1002/ente.202200784`

    Examples
    --------
    >>> equally_assigned(np.array([[[0, 1, 2, 2]]]), np.array([[[0, 1, 1, 2]]]))
    0.75
    """
    counts = confusion(a, b)
    return float(np.trace(counts) / counts.sum())


def jaccard(a, b, phase):
    """
    Jaccard index of one phase: voxels in both over voxels in either.

    Parameters
    ----------
    a, b : (Z, Y, X) ndarray of uint8
        Labels of the same volume.
    phase : Phase
        The phase.

    Returns
    -------
    index : float
        Between 0 and 1 [-]; NaN if neither volume holds the phase.

    Raises
    ------
    ValueError
        As for :func:`equally_assigned`.

    Examples
    --------
    >>> a, b = np.array([[[0, 1, 2, 2]]]), np.array([[[0, 1, 1, 2]]])
    >>> jaccard(a, b, Phase.AM), jaccard(a, b, Phase.PORE)
    (0.5, 1.0)
    """
    return jaccard_of(confusion(a, b), phase)


def jaccard_of(counts, phase):
    """Jaccard index [-] of one phase from a confusion matrix; NaN if neither holds the phase."""
    both = counts[phase, phase]
    either = counts[phase].sum() + counts[:, phase].sum() - both
    return float(both / either) if either else float("nan")


def confusion(a, b):
    """
    Voxels by their phase in one volume (rows) and in the other (columns).

    Parameters
    ----------
    a, b : (Z, Y, X) ndarray of uint8
        Labels of the same volume.

    Returns
    -------
    counts : (3, 3) ndarray of int
        Rows and columns ordered as :class:`~analysis.phases.Phase`.

    Raises
    ------
    ValueError
        As for :func:`equally_assigned`.

    Examples
    --------
    >>> confusion(np.array([[[0, 1, 2, 2]]]), np.array([[[0, 1, 1, 2]]]))
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 1, 1]])
    """
    a, b = check_labels(a), check_labels(b)
    if a.shape != b.shape:
        raise ValueError(
            f"The volumes have shapes {a.shape} and {b.shape}; expected two trinarizations of the "
            "same volume."
        )
    n = len(Phase)
    pairs = a.ravel() * np.uint8(n) + b.ravel()
    return np.bincount(pairs, minlength=n * n).reshape(n, n)


def matrices(volumes):
    """
    Agreement of every volume with every other, as in Figure 4 of the paper.

    Parameters
    ----------
    volumes : dict of str to (Z, Y, X) ndarray of uint8
        Labels keyed by method.

    Returns
    -------
    matrices : dict of str to (M, M) ndarray of float
        ``equally assigned``, and one Jaccard matrix per phase, keyed ``AM``, ``CBD``, ``pore``.
        Symmetric, with ones on the diagonal.

    Raises
    ------
    ValueError
        As for :func:`equally_assigned`.
    """
    counts = confusions(list(volumes.values()))
    n = len(counts)
    result = {name: np.eye(n) for name in ("equally assigned", "AM", "CBD", "pore")}
    for row, column in np.ndindex(n, n):
        if row != column:
            pair = counts[row, column]
            result["equally assigned"][row, column] = np.trace(pair) / pair.sum()
            for phase in Phase:
                result[phase.title][row, column] = jaccard_of(pair, phase)
    return result


def confusions(volumes):
    """
    Confusion matrix of every pair of volumes.

    Parameters
    ----------
    volumes : list of (Z, Y, X) ndarray of uint8
        Labels of one cutout by M methods.

    Returns
    -------
    counts : (M, M, 3, 3) ndarray of int
        :func:`confusion` of volumes ``i`` and ``j``; entry ``j, i`` is its transpose.

    Raises
    ------
    ValueError
        As for :func:`equally_assigned`.
    """
    n = len(volumes)
    counts = np.zeros((n, n, len(Phase), len(Phase)), dtype=np.int64)
    for i in range(n):
        for j in range(i, n):
            counts[i, j] = confusion(volumes[i], volumes[j])
            counts[j, i] = counts[i, j].T
    return counts
