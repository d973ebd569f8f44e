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
    counts = np.asarray(counts)
    both = counts[phase, phase]
    either = counts[phase].sum() + counts[:, phase].sum() - both
    return float(both / either) if either else float("nan")


def kappa(a, b):
    """
    Cohen's kappa of CBD against pore, over the voxels that both volumes call not AM.

    The AM is easy and fills most of the volume, and both volumes hold the same fractions, so that
    an accuracy or a Jaccard index is high whatever a method does. Kappa leaves the AM out and
    takes off what two maps of these fractions share by chance: 0 is dealing at random, 1 is the
    same map, below 0 is worse than dealing.

    Parameters
    ----------
    a, b : (Z, Y, X) ndarray of uint8
        Labels of the same volume; the order does not matter.

    Returns
    -------
    kappa : float
        At most 1 [-]; NaN if chance alone already agrees fully (no voxel is left beside the AM,
        or both volumes give all that are left to one and the same phase).

    Raises
    ------
    ValueError
        As for :func:`equally_assigned`.

    References
    ----------
    .. [1] Cohen, Educ. Psychol. Meas. 1960, 20, 37. :doi:`10.1177/001316446002000104`

    Examples
    --------
    >>> a = np.array([[[0, 0, 1, 1, 2, 2]]])
    >>> kappa(a, a), kappa(a, np.array([[[0, 1, 0, 1, 2, 0]]]))
    (1.0, 0.0)
    """
    return kappa_of(confusion(a, b))


def kappa_of(counts):
    """Cohen's kappa [-] of CBD against pore from a confusion matrix; see :func:`kappa`."""
    inner = np.asarray(counts, dtype=float)[: Phase.AM, : Phase.AM]
    total = inner.sum()
    if total == 0:
        return float("nan")
    by_chance = float(inner.sum(axis=1) @ inner.sum(axis=0)) / total**2
    agree = np.trace(inner) / total
    return float((agree - by_chance) / (1 - by_chance)) if by_chance < 1 else float("nan")


def chance(labels, truth, phase):
    r"""
    Jaccard index with the truth that is to be expected if CBD and pore are dealt at random.

    The AM of `labels` stays where it is, and so do the numbers of its CBD and pore voxels; only
    which of the voxels beside the AM are CBD is left to chance. What a method reaches beyond this
    is what it knows about the CBD.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Trinarization to be judged.
    truth : (Z, Y, X) ndarray of uint8
        Labels that it is held against.
    phase : Phase
        CBD or pore. For the AM, which is not dealt, the index itself comes back.

    Returns
    -------
    index : float
        Between 0 and 1 [-]; NaN if neither volume holds the phase.

    Raises
    ------
    ValueError
        As for :func:`equally_assigned`.

    Notes
    -----
    Of the M voxels beside the AM, n get the phase, and t of the M are of this phase in truth. The
    number X of hits is hypergeometric, with the mean :math:`\mu = n t / M` and the variance
    :math:`\sigma^2 = n (t/M) (1 - t/M) (M - n) / (M - 1)`, both exact. The index is the ratio
    X / (S - X) with S the phase's voxels in both volumes together. The mean of this ratio is
    approximated by its Taylor series to second order,

    .. math:: \frac{\mu}{S - \mu} + \frac{S\,\sigma^2}{(S - \mu)^3} ;

    the second term falls as one over the number of voxels and is what a few hundred of them need.

    Examples
    --------
    >>> labels = truth = np.array([[[0, 1, 0, 1, 2, 2]]])
    >>> round(chance(labels, truth, Phase.CBD), 3)  # the six dealings give 0.389
    0.383
    """
    return chance_of(confusion(truth, labels), phase)


def chance_of(counts, phase):
    """
    Jaccard index [-] expected by chance from a confusion matrix; see :func:`chance`.

    Parameters
    ----------
    counts : (3, 3) ndarray of int
        :func:`confusion` with the truth in the rows and the judged volume in the columns.
    phase : Phase
        The phase.
    """
    if phase == Phase.AM:
        return jaccard_of(counts, phase)
    counts = np.asarray(counts, dtype=float)
    dealt = counts[:, : Phase.AM].sum()  # voxels beside the AM of the judged volume
    given, there = counts[:, phase].sum(), counts[phase, : Phase.AM].sum()
    both = given + counts[phase].sum()
    if both == 0:
        return float("nan")
    if dealt == 0:
        return 0.0
    share = there / dealt
    mean = given * share
    spread = given * share * (1 - share) * (dealt - given) / max(dealt - 1, 1)
    return float(mean / (both - mean) + both * spread / (both - mean) ** 3)


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
    counts = np.zeros(n * n, np.int64)
    for plane_a, plane_b in zip(a, b, strict=True):  # eight bytes a voxel if counted at once
        pairs = plane_a.ravel() * np.uint8(n) + plane_b.ravel()
        counts += np.bincount(pairs, minlength=n * n)
    return counts.reshape(n, n)


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
