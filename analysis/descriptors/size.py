"""Continuous phase size distribution, simulated intrusion, constrictivity.

Sizes are openings by discrete balls: voxel ``y`` belongs to the opening of a phase by radius
``r`` if a ball of that radius covers ``y`` and fits into the phase. The largest such radius at
every voxel is known exactly, as a squared integer, for every radius that occurs.
"""

from dataclasses import dataclass

import numpy as np

from analysis.descriptors._balls import paint
from analysis.descriptors._distance import squared_distance
from analysis.descriptors._flood import flood, level_counts
from analysis.descriptors._volume import check_phase
from analysis.phases import Phase, check_labels, check_voxel_size

INLETS = ("separator", "collector")


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


def phase_size_distribution(
    labels,
    phase,
    voxel_size_um,
    *,
    distance="face",
    quantile="interpolated",
    keep_level=False,
    threads=1,
):
    """
    Continuous phase size distribution; its median is the paper's r_max.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    phase : Phase
        Phase to measure.
    voxel_size_um : float
        Edge length of a voxel [µm].
    distance : {"face", "center"}
        What the radius of a ball runs to. The nearest voxel of another phase is known by its
        center; its face is half a voxel nearer. With "face", the default, a single voxel has a
        radius of half a voxel and a slab of 3 voxels one of 1.5, and the radii below one voxel of
        the paper's Table 2 can occur at all. With "center" they are half a voxel larger, which
        suits round bodies better.
    quantile : {"interpolated", "step"}
        How :attr:`SizeDistribution.median_radius_um` is read off. The paper's values lie between
        the radii possible on its grid, so it interpolated; this is the default.
    keep_level : bool
        Keep the map of the local size, as indices into the radii.
    threads : int
        Number of threads.

    Returns
    -------
    distribution : SizeDistribution
        Exact at every radius that occurs on the grid.

    Raises
    ------
    ValueError
        If `labels` is not a volume of the labels 0, 1 and 2, the phase is absent or fills the
        window, or the voxel size is not positive.

    See Also
    --------
    phase_size_distributions : All phases in one pass.

    References
    ----------
    .. [1] B. Münch, L. Holzer, J. Am. Ceram. Soc. 91, 4059 (2008).
    .. [2] Prifling et al., Energy Technol. 2022, Section 5.1. :doi:`10.1002/ente.202200784`

    Examples
    --------
    >>> labels = np.zeros((9, 12, 12), dtype=np.uint8)
    >>> labels[3:6] = Phase.AM
    >>> distribution = phase_size_distribution(labels, Phase.AM, voxel_size_um=0.5)
    >>> distribution.radii_um, distribution.volume_fraction.round(3)
    (array([0.  , 0.75]), array([0.333, 0.333]))
    >>> distribution.median_radius_um
    0.75
    """
    return phase_size_distributions(
        labels,
        voxel_size_um,
        (phase,),
        distance=distance,
        quantile=quantile,
        keep_level=keep_level,
        threads=threads,
    )[Phase(phase)]


def phase_size_distributions(
    labels,
    voxel_size_um,
    phases=tuple(Phase),
    *,
    distance="face",
    quantile="interpolated",
    keep_level=False,
    threads=1,
):
    """
    Continuous phase size distributions of several phases in one pass.

    Parameters and errors are those of :func:`phase_size_distribution`.

    Returns
    -------
    distributions : dict of Phase to SizeDistribution
        One for each of `phases`.
    """
    labels, phases, kinds = _prepare(labels, phases, distance, quantile)
    voxel_size_um = check_voxel_size(voxel_size_um)
    squared = paint(squared_distance(kinds, threads), threads)
    counts = level_counts(squared, kinds, len(Phase) + 1, int(squared.max()))
    return _distributions(
        squared, counts, kinds, phases, None, voxel_size_um, distance, quantile, keep_level
    )


def intrusion_distribution(
    labels,
    phase,
    voxel_size_um,
    inlet="separator",
    *,
    connectivity=6,
    distance="face",
    quantile="interpolated",
    keep_level=False,
    threads=1,
):
    """
    Simulated mercury intrusion into a phase; its median is the paper's r_min.

    A place counts for a radius only if a ball of that radius can be pushed there from the inlet
    face, so that bottlenecks show.

    Parameters
    ----------
    labels, phase, voxel_size_um, distance, quantile, keep_level, threads
        As for :func:`phase_size_distribution`.
    inlet : {"separator", "collector"}
        Face from which the balls come: the first or the last slice. Pores fill from the
        separator, which is the default; the paper does not say.
    connectivity : {6, 26}
        Voxels to which the center of a ball may step next.

    Returns
    -------
    distribution : SizeDistribution
        Relative to the whole phase, so that the median is 0 if less than half of the phase is
        connected to the inlet. At radius 0 a point may pass through the edges and corners of
        voxels.

    Raises
    ------
    ValueError
        As for :func:`phase_size_distribution`, and if no voxel of the phase lies on the inlet.

    See Also
    --------
    intrusion_distributions : All phases in one pass.

    References
    ----------
    .. [1] B. Münch, L. Holzer, J. Am. Ceram. Soc. 91, 4059 (2008).
    .. [2] Prifling et al., Energy Technol. 2022, Section 5.1. :doi:`10.1002/ente.202200784`

    Examples
    --------
    A chamber of 4 voxels behind a neck of 2 is intruded through the neck only.

    >>> labels = np.full((8, 8, 8), Phase.AM, dtype=np.uint8)
    >>> labels[:4, 3:5, 3:5] = Phase.PORE
    >>> labels[4:, 2:6, 2:6] = Phase.PORE
    >>> size = phase_size_distribution(labels, Phase.PORE, voxel_size_um=1.0)
    >>> intrusion = intrusion_distribution(labels, Phase.PORE, voxel_size_um=1.0)
    >>> size.median_radius_um, intrusion.median_radius_um
    (1.5, 0.5)
    """
    return intrusion_distributions(
        labels,
        voxel_size_um,
        (phase,),
        inlet,
        connectivity=connectivity,
        distance=distance,
        quantile=quantile,
        keep_level=keep_level,
        threads=threads,
    )[Phase(phase)]


def intrusion_distributions(
    labels,
    voxel_size_um,
    phases=tuple(Phase),
    inlet="separator",
    *,
    connectivity=6,
    distance="face",
    quantile="interpolated",
    keep_level=False,
    threads=1,
):
    """
    Simulated intrusion into several phases in one pass.

    Parameters and errors are those of :func:`intrusion_distribution`.

    Returns
    -------
    distributions : dict of Phase to SizeDistribution
        One for each of `phases`.
    """
    if inlet not in INLETS:
        raise ValueError(f"inlet is {inlet!r}; expected 'separator' or 'collector'.")
    if connectivity not in (6, 26):
        raise ValueError(f"connectivity is {connectivity!r}; expected 6 or 26.")
    labels, phases, kinds = _prepare(labels, phases, distance, quantile)
    voxel_size_um = check_voxel_size(voxel_size_um)
    face = labels[0] if inlet == "separator" else labels[-1]
    for phase in phases:
        if not np.any(face == phase):
            raise ValueError(
                f"The phase {phase.title} does not touch the inlet at the {inlet} side, so "
                "nothing can enter it. Choose the other inlet or check the labels."
            )
    squared, leaked = flood(squared_distance(kinds, threads), kinds, inlet, connectivity)
    squared = paint(squared, threads)
    counts = level_counts(squared, kinds, len(Phase) + 1, int(squared.max()))
    return _distributions(
        squared, counts, kinds, phases, leaked, voxel_size_um, distance, quantile, keep_level
    )


def constrictivity(size, intrusion):
    """
    Constrictivity of a phase, the paper's beta.

    Parameters
    ----------
    size, intrusion : SizeDistribution
        Phase size and intrusion distribution of the same phase.

    Returns
    -------
    beta : float
        ``(r_min / r_max)^2`` [-]: 1 without bottlenecks, 0 if half of the phase is never reached.

    Raises
    ------
    ValueError
        If the two belong to different phases.
    """
    if size.phase != intrusion.phase:
        raise ValueError(
            f"The distributions belong to {size.phase.title} and {intrusion.phase.title}; "
            "expected the same phase."
        )
    return (intrusion.median_radius_um / size.median_radius_um) ** 2


def _prepare(labels, phases, distance, quantile):
    """Check the arguments; return labels, phases, and the kinds that the kernels distinguish."""
    if distance not in ("face", "center"):
        raise ValueError(f"distance is {distance!r}; expected 'face' or 'center'.")
    if quantile not in ("interpolated", "step"):
        raise ValueError(f"quantile is {quantile!r}; expected 'interpolated' or 'step'.")
    labels = check_labels(labels)
    phases = tuple(check_phase(labels, phase) for phase in phases)
    if np.all(labels == labels[0, 0, 0]):
        raise ValueError(
            f"The phase {phases[0].title} fills the window, so no size can be measured. "
            "Give a volume with at least two phases."
        )
    if len(phases) == 1:
        kinds = np.where(labels == phases[0], np.uint8(phases[0] + 1), np.uint8(0))
    else:
        kinds = labels + np.uint8(1)
    return labels, phases, np.ascontiguousarray(kinds)


def _distributions(
    squared, counts, kinds, phases, leaked, voxel_size_um, distance, quantile, keep_level
):
    """Turn histograms of squared radii into distributions, one for each phase."""
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


def opening_map(mask, *, threads=1):
    """
    Largest ball that covers each voxel and fits into a mask.

    Parameters
    ----------
    mask : (Z, Y, X) ndarray of bool
        Voxels the balls may cover. The border of the window does not stop a ball.
    threads : int
        Number of threads.

    Returns
    -------
    squared_radius : (Z, Y, X) ndarray of int32
        Squared radius [voxel^2] of the largest ball, 0 outside the mask. With ``D2`` the squared
        distance to the nearest voxel center outside the mask, the value at ``y`` is
        ``max{ D2(x) : |x - y|^2 < D2(x) }``. For a mask that fills the window, which has no
        distance to anything, the squared diagonal of the window.

    Raises
    ------
    ValueError
        If `mask` is not a boolean volume.

    Notes
    -----
    The opening at a squared radius ``t`` is ``opening_map(mask) >= t``, and the closing of the
    complement is its complement. On a grid the balls of one radius are not an opening of those
    of the next, so this set is the union of the openings by all radii from ``t`` on: the smallest
    family of sets that shrinks with the radius, as a size distribution must.

    Examples
    --------
    >>> slab = np.zeros((5, 3, 3), dtype=bool)
    >>> slab[1:4] = True
    >>> opening_map(slab)[:, 1, 1]
    array([0, 4, 4, 4, 0], dtype=int32)
    """
    mask = np.asarray(mask)
    if mask.ndim != 3 or mask.size == 0 or mask.dtype != bool:
        raise ValueError(
            f"The mask has shape {mask.shape} and type {mask.dtype}; expected a boolean volume "
            "(Z, Y, X). Compare the labels with one phase: labels == Phase.AM."
        )
    return paint(squared_distance(mask, threads), threads)


def opening_maps(labels, *, threads=1):
    """
    Largest ball that covers each voxel and fits into the voxel's own phase.

    All phases in one pass: equal to :func:`opening_map` of each phase, put together.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    threads : int
        Number of threads.

    Returns
    -------
    squared_radius : (Z, Y, X) ndarray of int32
        Squared radius [voxel^2] of the largest ball.

    Raises
    ------
    ValueError
        If `labels` is not a volume of the labels 0, 1 and 2.
    """
    return paint(squared_distance(check_labels(labels) + np.uint8(1), threads), threads)
