"""Distribution of a volume over the radius of the balls that cover it."""

from dataclasses import dataclass

import numpy as np

from analysis.phases import Phase, check_voxel_size


@dataclass(frozen=True)
class SizeDistribution:
    """
    How much of the volume is covered by balls of a phase, against their radius.

    Attributes
    ----------
    phase : Phase
        The phase.
    radii_um : (n,) ndarray of float
        Every radius that occurs [µm], ascending from 0.
    volume_fraction : (n,) ndarray of float
        Volume [-] covered by balls of at least that radius, over the volume of the window. At
        radius 0 it is the phase's volume fraction or, for the intrusion, that of its part
        connected to the inlet.
    phase_fraction : float
        Volume fraction [-] of the whole phase.
    quantile : {"interpolated", "step"}
        Convention of :meth:`radius_um`.
    level : (Z, Y, X) ndarray of unsigned int, or None
        If asked for: index into `radii_um` of the largest ball at each voxel; 0 outside the
        phase and where no ball reaches.
    """

    phase: Phase
    radii_um: np.ndarray
    volume_fraction: np.ndarray
    phase_fraction: float
    quantile: str = "interpolated"
    level: np.ndarray | None = None

    @property
    def phase_share(self):
        """Covered share of the phase [-], (n,) ndarray of float."""
        return self.volume_fraction / self.phase_fraction

    @property
    def median_radius_um(self):
        """Radius at which half of the phase is covered [µm]; 0 if that never happens."""
        return self.radius_um(0.5)

    def median_interval_um(self, share=0.02):
        """
        Radii between which the median is not sharp.

        Parameters
        ----------
        share : float
            Part of the phase [-] that the curve may be off: one half plus and minus this.

        Returns
        -------
        low, high : float
            Radii [µm] at which the curve has fallen to ``0.5 + share`` and ``0.5 - share``. Far
            apart where the curve is flat at one half, so that a few voxels decide the median.
        """
        return self.radius_um(0.5 + share), self.radius_um(0.5 - share)

    def radius_um(self, share):
        """
        Radius at which a share of the phase is covered.

        Parameters
        ----------
        share : float
            Share of the phase [-], between 0 and 1.

        Returns
        -------
        radius_um : float
            Where the curve falls to `share` [µm], by linear interpolation between the radii that
            occur, or the largest radius at which it is still reached (``quantile="step"``); 0 if
            the curve starts below.
        """
        covered = self.phase_share
        reached = np.flatnonzero(covered >= share)
        if reached.size == 0:
            return 0.0
        k = int(reached[-1])
        if self.quantile == "step" or k + 1 == covered.size:
            return float(self.radii_um[k])
        weight = (covered[k] - share) / (covered[k] - covered[k + 1])
        return float(self.radii_um[k] + weight * (self.radii_um[k + 1] - self.radii_um[k]))


def from_counts(
    squared, counts, kinds, phases, leaked, voxel_size_um, distance, quantile, keep_level
):
    """
    Turn histograms of squared radii into distributions.

    Parameters
    ----------
    squared : (Z, Y, X) ndarray of int32
        Squared radius [voxel^2] of the largest ball at each voxel.
    counts : (4, n) ndarray of int64
        Voxels of each kind at each squared radius.
    kinds : (Z, Y, X) ndarray of uint8
        Phase plus one; 0 where a voxel is of no interest.
    phases : sequence of Phase
        Phases wanted.
    leaked : ndarray of int64 or None
        Voxels of each kind that only a point reaches; None if every voxel is reached.
    voxel_size_um : float
        Edge length of a voxel [µm].
    distance, quantile, keep_level
        See :func:`~analysis.descriptors.size.phase_size_distribution`.

    Returns
    -------
    distributions : dict of Phase to SizeDistribution
        One for each of `phases`.
    """
    check_voxel_size(voxel_size_um)
    inset = 0.5 if distance == "face" else 0.0
    results = {}
    for phase in phases:
        per_level = counts[phase + 1].copy()
        n_phase = int(per_level.sum())
        n_unreached = int(per_level[0])
        per_level[0] = 0
        levels = np.flatnonzero(per_level)
        covered = np.cumsum(per_level[levels][::-1])[::-1]
        connected = n_phase - n_unreached
        if leaked is not None:
            connected += int(leaked[phase + 1])
        radii_um = np.concatenate([[0.0], (np.sqrt(levels) - inset) * voxel_size_um])
        level = None
        if keep_level:
            index = np.zeros(per_level.size, np.min_scalar_type(levels.size))
            index[levels] = np.arange(1, levels.size + 1)
            level = np.where(kinds == phase + 1, index[squared], index.dtype.type(0))
        results[phase] = SizeDistribution(
            phase=phase,
            radii_um=radii_um,
            volume_fraction=np.concatenate([[connected], covered]) / squared.size,
            phase_fraction=n_phase / squared.size,
            quantile=quantile,
            level=level,
        )
    return results
