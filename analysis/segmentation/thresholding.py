"""Two gray values that split a tomogram into pore, CBD and AM.

Calibrate on a window, apply to cutouts, as in Prifling et al. 2022, Section 3.1; or do both
on one volume with :func:`trinarize`.
"""

from dataclasses import dataclass

import numpy as np

from analysis.phases import Phase, check_gray, check_targets, volume_fractions
from analysis.segmentation.ranking import counts_for


@dataclass(frozen=True)
class Thresholds:
    """
    Two gray values and what they achieve where they were calibrated.

    Attributes
    ----------
    cbd : float
        Gray value from which on a voxel is CBD; darker voxels are pore.
    am : float
        Gray value from which on a voxel is AM.
    targets, achieved : dict of Phase to float
        Volume fraction [-] that was asked for and that was met on the window.
    """

    cbd: float
    am: float
    targets: dict
    achieved: dict

    @property
    def miss(self):
        """Largest distance [-] between a target and what was achieved."""
        return max(abs(self.achieved[phase] - self.targets[phase]) for phase in Phase)


def calibrate(gray, targets):
    """
    Choose the two thresholds that meet the target fractions best.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values of the calibration window, brighter where there is more matter. It must not
        reach outside the electrode.
    targets : dict of Phase to float
        Volume fraction [-] that each phase must reach. Sums to one.

    Returns
    -------
    thresholds : Thresholds
        Gray values that occur in the window, and the fractions they give.

    Raises
    ------
    ValueError
        If `gray` is no gray volume or `targets` are no volume fractions.

    Notes
    -----
    A gray value belongs to one phase as a whole. Where no value is shared the targets are met
    to one voxel. With 256 values, one of them can hold percents of the volume: the nearer side
    is taken and :attr:`Thresholds.achieved` says what came of it.
    """
    gray = check_gray(gray, min_edge=1)
    targets = check_targets(targets)
    counts = counts_for(targets, gray.size)
    n_pore, n_dark = counts[Phase.PORE], counts[Phase.PORE] + counts[Phase.CBD]
    flat = np.partition(gray.ravel(), sorted({min(n, gray.size - 1) for n in (n_pore, n_dark)}))
    cbd = _nearest_cut(flat, n_pore)
    am = _nearest_cut(flat, n_dark)
    dark, bright = np.count_nonzero(flat < cbd), np.count_nonzero(flat >= am)
    achieved = {
        Phase.PORE: dark / flat.size,
        Phase.CBD: (flat.size - dark - bright) / flat.size,
        Phase.AM: bright / flat.size,
    }
    return Thresholds(float(cbd), float(am), targets, achieved)


def apply(gray, thresholds):
    """
    Split a volume at thresholds that were calibrated elsewhere.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values on the scale of the calibration window.
    thresholds : Thresholds
        From :func:`calibrate`.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel. The fractions are those of the window only as far as the window
        represents the volume.
    """
    gray = check_gray(gray, min_edge=1)
    labels = np.zeros(gray.shape, dtype=np.uint8)
    labels[gray >= np.float64(thresholds.cbd)] = Phase.CBD
    labels[gray >= np.float64(thresholds.am)] = Phase.AM
    return labels


def trinarize(gray, targets, *, split_ties=None):
    """
    Trinarize a volume by two global thresholds that meet the target fractions.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values, brighter where there is more matter.
    targets : dict of Phase to float
        Volume fraction [-] that each phase must reach. Sums to one.
    split_ties : bool, optional
        Whether voxels whose gray value equals a threshold may go to different phases. By
        default they may in floating-point volumes, where few voxels share a value, and may not
        in 8- and 16-bit volumes, where a gray value stays whole.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.

    Raises
    ------
    ValueError
        If `gray` is no gray volume or `targets` are no volume fractions.

    See Also
    --------
    calibrate : gives the thresholds, and the fractions achieved where values are shared.

    Notes
    -----
    With `split_ties` each target is met to less than one voxel. Tied voxels are ordered by the
    mean of their six neighbors, then of all 26, so that a rotated or mirrored volume gives
    rotated or mirrored labels; what is still equal is taken in memory order.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Section 3.1. :doi:`10.1002/ente.202200784`

    Examples
    --------
    >>> gray = np.array([[[0.1, 0.9, 0.5, 0.8]]])
    >>> trinarize(gray, {Phase.PORE: 0.25, Phase.CBD: 0.25, Phase.AM: 0.5})
    array([[[0, 2, 1, 2]]], dtype=uint8)
    """
    gray = check_gray(gray, min_edge=1)
    targets = check_targets(targets)
    if split_ties is None:
        split_ties = np.issubdtype(gray.dtype, np.floating)
    if not split_ties:
        return apply(gray, calibrate(gray, targets))
    counts = counts_for(targets, gray.size)
    labels = np.zeros(gray.shape, dtype=np.uint8)
    solid = _brightest(gray, counts[Phase.CBD] + counts[Phase.AM])
    labels[solid] = Phase.CBD
    labels[_brightest(gray, counts[Phase.AM])] = Phase.AM
    return labels


def deviations(labels, targets):
    """
    Achieved minus target fraction of each phase, in voxels.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    targets : dict of Phase to float
        Volume fractions [-] that were asked for.

    Returns
    -------
    voxels : dict of Phase to float
        Difference [voxel]; a method that meets its targets stays below one.
    """
    achieved = volume_fractions(labels)
    targets = check_targets(targets)
    return {phase: (achieved[phase] - targets[phase]) * np.size(labels) for phase in Phase}


def _nearest_cut(flat, n_below):
    """Gray value v for which count(flat < v) is nearest to `n_below` (`flat` partitioned there)."""
    if n_below >= flat.size:
        return np.nextafter(np.float64(flat.max()), np.inf)
    value = flat[n_below]
    below = np.count_nonzero(flat < value)
    upto = np.count_nonzero(flat <= value)
    if n_below - below <= upto - n_below:
        return value
    higher = flat[flat > value]
    return higher.min() if higher.size else np.nextafter(np.float64(value), np.inf)


def _brightest(gray, n):
    """The `n` brightest voxels; ties at the cut go to the brighter surroundings."""
    if n == 0 or n == gray.size:
        return np.full(gray.shape, n > 0)
    flat = gray.ravel()
    cut = np.partition(flat, flat.size - n)[flat.size - n]
    bright = gray > cut
    missing = n - int(np.count_nonzero(bright))
    tied = np.argwhere(gray == cut)
    if missing == len(tied):
        bright[tuple(tied.T)] = True
        return bright
    order = np.lexsort(tuple(-key for key in _surroundings(gray, tied)))
    bright[tuple(tied[order[:missing]].T)] = True
    return bright


def _surroundings(gray, voxels, chunk=100_000):
    """Sum over all 26 neighbors and over the six nearest, the same in every orientation."""
    offsets = np.array([(i, j, k) for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)])
    offsets = offsets[np.any(offsets != 0, axis=1)]
    near = np.abs(offsets).sum(axis=1) == 1
    last = np.array(gray.shape) - 1
    all26, six = np.empty(len(voxels)), np.empty(len(voxels))
    for start in range(0, len(voxels), chunk):
        part = slice(start, start + chunk)
        places = np.clip(voxels[part, None] + offsets, 0, last)
        values = gray[tuple(np.moveaxis(places, -1, 0))].astype(float)
        # Sorted before they are added, because the sum of floats depends on their order.
        all26[part] = np.sort(values, axis=1).sum(axis=1)
        six[part] = np.sort(values[:, near], axis=1).sum(axis=1)
    return all26, six
