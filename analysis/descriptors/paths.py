"""Geodesic tortuosity: how much longer than straight the shortest paths through a phase are."""

from dataclasses import dataclass

import numpy as np

from analysis.descriptors._volume import check_phase, check_voxel_sizes
from analysis.descriptors.kernels.geodesic import path_lengths
from analysis.phases import Phase, check_labels

FACES = ("separator", "collector")


@dataclass(frozen=True)
class GeodesicTortuosity:
    """
    Shortest paths through a phase from one face of the electrode to the other.

    Attributes
    ----------
    phase : Phase
        The phase.
    values : (n,) ndarray of float
        Path length over thickness [-] of each start voxel from which the other face can be
        reached, ascending.
    n_start : int
        Start voxels: all voxels of the phase on the start face.
    """

    phase: Phase
    values: np.ndarray
    n_start: int

    @property
    def mean(self):
        """Mean geodesic tortuosity [-]; infinite if no path leads through."""
        return float(self.values.mean()) if self.values.size else float("inf")

    @property
    def unreached_fraction(self):
        """Share [-] of the start voxels from which no path leads to the other face."""
        return 1 - self.values.size / self.n_start


def geodesic_tortuosity(labels, phase, voxel_size_um, start="separator"):
    """
    Distribution of the geodesic tortuosity of a phase.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    phase : Phase
        Phase that the paths run through.
    voxel_size_um : float or (3,) sequence of float
        Edge length of a voxel [µm], or its edges along z, y and x.
    start : {"separator", "collector"}
        Face on which the paths start. The two have different distributions.

    Returns
    -------
    tortuosity : GeodesicTortuosity
        One value for each start voxel that is connected to the other face. If none is, the
        distribution is empty and the mean infinite.

    Raises
    ------
    ValueError
        If `labels` is not a volume of the labels 0, 1 and 2 with at least two slices, the phase
        is absent or does not touch the start face, or a voxel size is not positive.

    Notes
    -----
    Paths step between the centers of 26-neighbors; their lengths are exact on this graph. They
    are divided by the distance between the centers of the first and the last slice, so that a
    straight path has 1. With steps in 26 directions only, a straight path in any other direction
    comes out longer than it is, by up to 13 % in the worst one.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Section 5.1. :doi:`10.1002/ente.202200784`

    Examples
    --------
    >>> labels = np.zeros((6, 8, 8), dtype=np.uint8)
    >>> labels[:, 4, 4] = Phase.AM
    >>> geodesic_tortuosity(labels, Phase.AM, voxel_size_um=0.642).mean
    1.0
    """
    edges_um = check_voxel_sizes(voxel_size_um)
    labels = check_labels(labels)
    phase = check_phase(labels, phase)
    if start not in FACES:
        raise ValueError(f"start is {start!r}; expected 'separator' or 'collector'.")
    if labels.shape[0] < 2:
        raise ValueError(
            f"The volume has shape {labels.shape}; expected at least two slices along z for a "
            "path to lead from one face to the other."
        )
    mask = labels == phase
    first, last = (0, -1) if start == "separator" else (-1, 0)
    if not mask[first].any():
        raise ValueError(
            f"The phase {phase.title} does not touch the {start} side, so no path starts there. "
            "Choose the other face or check the labels."
        )
    # Lengths from all voxels of the far face at once, read off on the start face.
    lengths_um = path_lengths(mask, edges_um, last)[first][mask[first]]
    thickness_um = (labels.shape[0] - 1) * edges_um[0]
    reached = np.isfinite(lengths_um)
    return GeodesicTortuosity(
        phase=phase,
        values=np.sort(lengths_um[reached]) / thickness_um,
        n_start=int(reached.size),
    )
