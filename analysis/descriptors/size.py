"""Continuous phase size distribution, simulated intrusion, constrictivity.

Sizes are openings by discrete balls: voxel ``y`` belongs to the opening of a phase by radius
``r`` if a ball of that radius covers ``y`` and fits into the phase. The largest such radius at
every voxel is known exactly, as a squared integer, for every radius that occurs.
"""

import numpy as np

from analysis.descriptors._volume import check_phase
from analysis.descriptors.distribution import SizeDistribution, from_counts
from analysis.descriptors.kernels.balls import paint
from analysis.descriptors.kernels.distance import squared_distance
from analysis.descriptors.kernels.flood import flood, level_counts
from analysis.descriptors.opening import opening_map, opening_maps
from analysis.phases import Phase, check_labels, check_voxel_size

__all__ = [
    "SizeDistribution",
    "constrictivity",
    "intrusion_distribution",
    "intrusion_distributions",
    "opening_map",
    "opening_maps",
    "phase_size_distribution",
    "phase_size_distributions",
]

INLETS = ("separator", "collector")


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
    return from_counts(
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
    return from_counts(
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
