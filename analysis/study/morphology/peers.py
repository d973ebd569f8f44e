"""The field's own packages beside ours on a small cutout: PoreSpy and scikit-image.

Each row has our value, the peer's, ours in the peer's convention, and the reason for what differs:
so a difference is either explained by a number or it is an error.
"""

import time

import numpy as np
import pandas as pd

from analysis import storage
from analysis.descriptors.covariance import two_point_coverage
from analysis.descriptors.paths import geodesic_tortuosity
from analysis.descriptors.size import intrusion_distributions, phase_size_distributions
from analysis.instruments import transfer
from analysis.phases import VOXEL_SIZE_UM, Phase
from analysis.segmentation import thresholding
from analysis.study.imaging.specimens import IMAGING

EDGE = 48  # voxels of the cutout, at most
ROUNDING = 1e-9  # relative difference below which two numbers are equal
COLUMNS = ("quantity", "ours", "peer", "same", "reason", "ours_s", "peer_s")


def cutout(profile, specimen="TL", edge=EDGE, method="truth"):
    """
    A corner of a labeled volume at the separator, small enough for every package.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen, method : str
        Whose first cutout.
    edge : int
        Voxels along its edge, at most.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
    """
    labels = storage.load_volume(f"labels/{specimen}-1-{method}", profile=profile).values
    return np.ascontiguousarray(labels[:edge, :edge, :edge])


def structure(kind, shape, seed):
    """
    A structure of one of PoreSpy's generators with the three phases of an electrode.

    Parameters
    ----------
    kind : {"blobs", "overlapping spheres"}
        Which generator makes the active material.
    shape : (int, int, int)
        Voxels.
    seed : int
        Of the generator.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Active material with the fraction of the paper's TL; the voxels nearest to it are CBD.

    Raises
    ------
    ValueError
        If there is no such generator.
    """
    from edt import edt

    porespy = _porespy()

    if kind == "blobs":
        active = ~porespy.generators.blobs(shape, porosity=0.4046, blobiness=1, seed=seed)
    elif kind == "overlapping spheres":
        active = ~porespy.generators.overlapping_spheres(shape, r=7, porosity=0.4046, seed=seed)
    else:
        raise ValueError(f"No generator {kind!r}; expected 'blobs' or 'overlapping spheres'.")
    labels = np.where(active, Phase.AM, Phase.PORE).astype(np.uint8)
    away = edt(np.ascontiguousarray(~active))
    free = np.flatnonzero(~active)
    nearest = free[np.argsort(away.ravel()[free], kind="stable")]
    labels.ravel()[nearest[: round(0.57 * free.size)]] = Phase.CBD
    return labels


def thresholded(labels, *, seed, specimen="SL"):
    """
    Image a structure by the virtual tomograph and threshold it with its own fractions.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Of :func:`structure`, for instance.
    seed : int
        Of the noise.
    specimen : str
        Electrode as which it is imaged.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        What is left of the phases.
    """
    composition = np.stack([(labels == phase).astype(np.float32) for phase in Phase])
    gray = transfer.image(composition, VOXEL_SIZE_UM, scenario=IMAGING[specimen], seed=seed)
    targets = {phase: float((labels == phase).mean()) for phase in Phase}
    return thresholding.trinarize(gray, targets)


def sizes(labels, voxel_size_um=VOXEL_SIZE_UM):
    """
    Median size and intrusion radius of the phases, beside PoreSpy's thickness and porosimetry.

    Returns
    -------
    table : pandas.DataFrame
        Columns quantity, ours, peer, same (ours in the peer's convention) [µm], reason, and CPU
        seconds of both.
    """
    filters = _porespy().filters

    rows = []
    inlets = np.zeros(labels.shape, bool)
    inlets[0] = True
    for what, ours, peer in (
        (
            "size",
            phase_size_distributions,
            lambda mask: filters.local_thickness(mask, smooth=False),
        ),
        (
            "intrusion",
            intrusion_distributions,
            lambda mask: filters.porosimetry(mask, inlets=inlets, smooth=False),
        ),
    ):
        found, seconds = _timed(ours, labels, voxel_size_um)
        same = ours(labels, 1.0, distance="center", quantile="step", keep_level=True)
        for phase in Phase:
            mask = labels == phase
            theirs, peer_seconds = _timed(peer, mask)
            exact = np.floor(same[phase].radii_um[same[phase].level[mask]])
            rows.append(
                (
                    f"{what}, {phase.title}",
                    found[phase].median_radius_um,
                    voxel_size_um * float(np.median(theirs[mask])),
                    voxel_size_um * float(np.median(exact)),
                    "radii of whole voxels, and to the center of a voxel, not to its face",
                    seconds / len(Phase),
                    peer_seconds,
                )
            )
    return pd.DataFrame(rows, columns=COLUMNS)


def two_point(labels, voxel_size_um=VOXEL_SIZE_UM, r_um=5 * VOXEL_SIZE_UM):
    """
    Probability that two points of a distance lie in the same phase, beside PoreSpy's.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phases.
    voxel_size_um : float
        Voxel edge [µm].
    r_um : float
        Distance [µm].

    Returns
    -------
    table : pandas.DataFrame
        As :func:`sizes`, probabilities [-].
    """
    porespy = _porespy()
    coverage, seconds = _timed(
        two_point_coverage, labels, voxel_size_um, 1.5 * r_um, centering="volume"
    )
    rows = []
    bins = np.arange(min(labels.shape) // 2) - 0.5
    for phase in Phase:
        mask = labels == phase
        theirs, peer_seconds = _timed(porespy.metrics.two_point_correlation, mask, bins=bins)
        curve = coverage.of(phase, phase) + mask.mean() ** 2
        place = round(r_um / voxel_size_um)
        rows.append(
            (
                f"two-point at {r_um:g} µm, {phase.title}",
                float(np.interp(r_um, coverage.r_um, curve)),
                float(theirs.probability_scaled[place]),
                float(curve[place]),
                "the mean of a bin of one voxel stands for its middle, not for its mean lag",
                seconds / len(Phase),
                peer_seconds,
            )
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def paths(labels, voxel_size_um=VOXEL_SIZE_UM):
    """
    Mean geodesic tortuosity, beside scikit-image's paths of least cost.

    Returns
    -------
    table : pandas.DataFrame
        As :func:`sizes`, mean geodesic tortuosities [-], of the phases that touch both ends.
    """
    from skimage.graph import MCP_Geometric

    rows = []
    for phase in Phase:
        mask = labels == phase
        if not (mask[0].any() and mask[-1].any()):
            continue  # no path of this phase can lead through
        ours, seconds = _timed(geodesic_tortuosity, labels, phase, voxel_size_um)

        def theirs(mask=mask):
            paths = MCP_Geometric(np.where(mask, 1.0, -1.0), fully_connected=True)
            last = mask.shape[0] - 1
            costs, _ = paths.find_costs([(last, y, x) for y, x in np.argwhere(mask[-1])])
            return costs[0][mask[0]]

        lengths, peer_seconds = _timed(theirs)
        reached = lengths[np.isfinite(lengths)]
        value = float(reached.mean() / (mask.shape[0] - 1)) if reached.size else np.inf
        rows.append(
            (f"geodesic, {phase.title}", ours.mean, value, ours.mean, "none: the same graph")
            + (seconds, peer_seconds)
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def text(table, within=0.01):
    """
    Whether what is left in the peer's convention is small, in words.

    Parameters
    ----------
    table : pandas.DataFrame
        From one of the functions above.
    within : float
        Largest relative difference that counts as explained.
    """
    left, seen = (  # two that are infinite alike do not differ
        (table[name] / table.peer - 1).abs().where(table[name] != table.peer, 0.0)
        for name in ("same", "ours")
    )
    if seen.max() < ROUNDING:
        return "Ours and the peer's are equal up to rounding"
    worst = table.loc[left.idxmax()]
    opening = (
        f"As printed, ours and the peer's differ by up to {100 * seen.max():.2g} %; in the peer's "
    )
    if left.max() < ROUNDING:
        return (
            f"{opening}convention they are equal up to rounding, so the conventions explain it all"
        )
    opening += f"convention by up to {100 * left.max():.2g} % ({worst.quantity})"
    if left.max() <= within:
        return f"{opening}, so the conventions explain the difference"
    return f"{opening}, so more than the conventions differs"


def _porespy():
    import warnings

    with warnings.catch_warnings():  # about progress bars that a page does not show
        warnings.simplefilter("ignore")
        import porespy
    return porespy


def _timed(function, *args, **options):
    begin = time.process_time()
    out = function(*args, **options)
    return out, time.process_time() - begin
