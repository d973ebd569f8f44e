"""From predicted composition to labels: the nine conversions of Section 3.3.

Six give the phases their voxels one after another (`nn-am-cbd-p`: AM first, then CBD, pores
take the rest); three give one phase its voxels and let the two others compete on their
conditional probability (`nn-am-cond`). All of them meet the target fractions to one voxel.
"""

import numpy as np

from analysis.phases import Phase, check_targets
from analysis.segmentation.ranking import counts_for, highest

#: Phases in the order in which each conversion serves them; a single phase means "conditional".
CONVERSIONS = {
    "nn-am-cbd-p": (Phase.AM, Phase.CBD, Phase.PORE),
    "nn-am-p-cbd": (Phase.AM, Phase.PORE, Phase.CBD),
    "nn-cbd-am-p": (Phase.CBD, Phase.AM, Phase.PORE),
    "nn-cbd-p-am": (Phase.CBD, Phase.PORE, Phase.AM),
    "nn-p-am-cbd": (Phase.PORE, Phase.AM, Phase.CBD),
    "nn-p-cbd-am": (Phase.PORE, Phase.CBD, Phase.AM),
    "nn-am-cond": (Phase.AM,),
    "nn-cbd-cond": (Phase.CBD,),
    "nn-p-cond": (Phase.PORE,),
}


def trinarize(composition, targets, method):
    """
    Turn predicted phase fractions into labels by one of the nine named conversions.

    Parameters
    ----------
    composition : (3, Z, Y, X) ndarray of float
        Predicted fraction [-] of each phase, rows ordered as :class:`~analysis.phases.Phase`.
    targets : dict of Phase to float
        Volume fraction [-] that each phase must reach.
    method : str
        A key of :data:`CONVERSIONS`.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.

    Raises
    ------
    ValueError
        If there is no such conversion, or the composition or the targets are not valid.
    """
    if method not in CONVERSIONS:
        raise ValueError(
            f"There is no conversion {method!r}; expected one of {', '.join(CONVERSIONS)}."
        )
    phases = CONVERSIONS[method]
    if len(phases) == 1:
        return trinarize_conditional(composition, targets, phases[0])
    return trinarize_ordered(composition, targets, phases)


def trinarize_ordered(composition, targets, order):
    """
    Turn predicted phase fractions into labels, one phase after another.

    The voxels with the highest predicted fraction of the first phase go to it until its target
    is met; then the second phase chooses among the voxels that are left; the third gets the
    rest. In the study [1]_ this is NN-P1-P2-P3.

    Parameters
    ----------
    composition : (3, Z, Y, X) ndarray of float
        Predicted fraction [-] of each phase in each voxel, rows ordered as
        :class:`~analysis.phases.Phase`.
    targets : dict of Phase to float
        Volume fraction [-] that each phase must reach. Sums to one.
    order : sequence of Phase
        The three phases, first served first.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.

    Raises
    ------
    ValueError
        If `order` is not a permutation of the three phases, or the composition or the targets
        are not valid.

    Notes
    -----
    Every target is met to within one voxel. Ties go to the voxel that comes first in memory.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Section 3.3.
           :doi:`10.1002/ente.202200784`

    Examples
    --------
    >>> composition = np.array([[0.1, 0.7, 0.4], [0.1, 0.2, 0.5], [0.8, 0.1, 0.1]])
    >>> thirds = dict.fromkeys(Phase, 1 / 3)
    >>> order = (Phase.CBD, Phase.AM, Phase.PORE)
    >>> trinarize_ordered(composition.reshape(3, 1, 1, 3), thirds, order)
    array([[[2, 0, 1]]], dtype=uint8)
    """
    composition, counts = _checked(composition, targets)
    order = tuple(order)
    if sorted(order) != sorted(Phase):
        raise ValueError(
            f"The order is {order!r}; expected each of Phase.PORE, Phase.CBD and Phase.AM once."
        )
    first, second, third = (Phase(phase) for phase in order)
    labels = np.full(composition.shape[1:], third, dtype=np.uint8)
    labels[highest(composition[first], counts[first])] = first
    labels[highest(composition[second], counts[second], among=labels != first)] = second
    return labels


def trinarize_conditional(composition, targets, first):
    """
    Turn predicted phase fractions into labels, conditioning on one phase.

    Voxels are given to `first` in order of decreasing predicted fraction until its target is
    met. The two other phases then compete on their conditional probability, given that a voxel
    is *not* `first`. In the study [1]_ this is NN-AM-Cond, NN-CBD-Cond or NN-P-Cond.

    Parameters
    ----------
    composition : (3, Z, Y, X) ndarray of float
        Predicted fraction [-] of each phase in each voxel, rows ordered as
        :class:`~analysis.phases.Phase`.
    targets : dict of Phase to float
        Volume fraction [-] that each phase must reach. Sums to one.
    first : Phase
        Phase assigned before the other two.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.

    Raises
    ------
    ValueError
        If `first` is no phase, or the composition or the targets are not valid.

    Notes
    -----
    Every target is met to within one voxel. Ties go to the voxel that comes first in memory.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Section 3.3.
           :doi:`10.1002/ente.202200784`

    Examples
    --------
    >>> composition = np.array([[0.1, 0.7, 0.4], [0.1, 0.2, 0.5], [0.8, 0.1, 0.1]])
    >>> thirds = dict.fromkeys(Phase, 1 / 3)
    >>> trinarize_conditional(composition.reshape(3, 1, 1, 3), thirds, Phase.AM)
    array([[[2, 0, 1]]], dtype=uint8)
    """
    composition, counts = _checked(composition, targets)
    first = Phase(first)
    second, third = (phase for phase in Phase if phase != first)
    labels = np.full(composition.shape[1:], third, dtype=np.uint8)
    labels[highest(composition[first], counts[first])] = first
    share = composition[second].astype(np.float64)
    conditional = share / np.maximum(share + composition[third], np.finfo(np.float64).tiny)
    labels[highest(conditional, counts[second], among=labels != first)] = second
    return labels


def _checked(composition, targets):
    """The composition as an array and the number of voxels of each phase."""
    composition = np.asarray(composition)
    if composition.ndim != 4 or composition.shape[0] != len(Phase) or composition.size == 0:
        raise ValueError(
            f"The composition has shape {composition.shape}; expected (3, Z, Y, X): one volume "
            "of fractions for each of pore, CBD and AM."
        )
    if not np.isfinite(composition).all():
        raise ValueError(
            "The composition holds values that are NaN or infinite; expected fractions between "
            "0 and 1. Check the gray values that the network was applied to."
        )
    return composition, counts_for(check_targets(targets), composition[0].size)
