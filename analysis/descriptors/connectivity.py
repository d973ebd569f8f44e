"""Which part of a phase takes part in transport: through, dead-end and isolated fractions."""

from dataclasses import dataclass

import numpy as np

from analysis.descriptors._volume import check_phase
from analysis.phases import Phase, check_labels


@dataclass(frozen=True)
class ConnectedFractions:
    """
    How the connected components of a phase meet the two faces of the electrode.

    Attributes
    ----------
    phase : Phase
        The phase.
    through : float
        Share of the phase [-] in components that touch both faces.
    dead_end_separator, dead_end_collector : float
        Share of the phase [-] in components that touch only that face.
    isolated : float
        Share of the phase [-] in components that touch neither face. The lateral sides of the
        window are cuts: what seems isolated may be connected outside it.
    n_components : int
        Number of components.
    """

    phase: Phase
    through: float
    dead_end_separator: float
    dead_end_collector: float
    isolated: float
    n_components: int

    @property
    def dead_end(self):
        """Share of the phase [-] in components that touch one face only."""
        return self.dead_end_separator + self.dead_end_collector


def connected_fractions(labels, phase, connectivity=6):
    """
    Through, dead-end and isolated fractions of a phase.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    phase : Phase
        Phase to examine.
    connectivity : {6, 18, 26}
        Voxels that are neighbors: by faces (6, the default, what a finite volume solver can use),
        also by edges (18), also by corners (26).

    Returns
    -------
    fractions : ConnectedFractions
        Shares of the phase; they sum to one.

    Raises
    ------
    ValueError
        If `labels` is not a volume of the labels 0, 1 and 2, the phase is absent, or the
        connectivity is none of the three.

    Examples
    --------
    >>> labels = np.zeros((4, 3, 5), dtype=np.uint8)
    >>> labels[:, 1, 0] = Phase.AM
    >>> labels[0, 1, 2] = Phase.AM
    >>> labels[2, 1, 4] = Phase.AM
    >>> fractions = connected_fractions(labels, Phase.AM)
    >>> round(fractions.through, 3), round(fractions.dead_end, 3), round(fractions.isolated, 3)
    (0.667, 0.167, 0.167)
    """
    import cc3d

    labels = check_labels(labels)
    phase = check_phase(labels, phase)
    if connectivity not in (6, 18, 26):
        raise ValueError(f"connectivity is {connectivity!r}; expected 6, 18 or 26.")
    components, n_components = cc3d.connected_components(
        labels == phase, connectivity=connectivity, return_N=True
    )
    sizes = np.bincount(components.ravel(), minlength=n_components + 1)[1:]
    at_separator = np.zeros(n_components + 1, bool)
    at_collector = np.zeros(n_components + 1, bool)
    at_separator[components[0]] = True
    at_collector[components[-1]] = True
    at_separator, at_collector = at_separator[1:], at_collector[1:]
    total = sizes.sum()

    def share(which):
        return float(sizes[which].sum() / total)

    return ConnectedFractions(
        phase=phase,
        through=share(at_separator & at_collector),
        dead_end_separator=share(at_separator & ~at_collector),
        dead_end_collector=share(at_collector & ~at_separator),
        isolated=share(~at_separator & ~at_collector),
        n_components=int(n_components),
    )
