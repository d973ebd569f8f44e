"""EDX-Closing: the CBD fills the narrow places between particles, as much as EDX saw per slice.

Prifling et al. 2022, Section 3.4. The definition that this module computes exactly:

1. The *opening map* of all that is not AM holds, for each voxel, the squared radius of the
   largest ball that covers it and does not touch AM
   (:func:`analysis.descriptors.size.opening_map`). Closing the AM with a ball fills the voxels
   whose largest ball is smaller. On a grid the balls of growing radius are no granulometry, so
   this is the closing by *all* balls from that radius on: a family that grows with the radius.
2. Slice z is closed with its own radius: a voxel is judged by the radius of the slice it lies in,
   in the map of the whole, unvaried volume.
3. Squared radii on a grid are whole numbers and few. Within the last one that a slice needs,
   voxels nearest to the AM are filled first, then those that come first in memory.

So every slice meets its target to one voxel, and so does the total.
"""

from dataclasses import dataclass

import numpy as np

from analysis.descriptors.size import opening_map
from analysis.phases import Phase, check_targets
from analysis.segmentation.ranking import counts_for, highest


@dataclass(frozen=True)
class Calibration:
    """
    How far each slice has to be closed.

    Attributes
    ----------
    counts : (Z,) ndarray of int
        CBD voxels of each slice.
    squared_radius : (Z,) ndarray of int
        Squared closing radius [voxel^2]: smaller openings are filled.
    share : (Z,) ndarray of float
        Part [-] of the voxels whose opening has exactly this radius that is filled as well.
    scale : float
        The paper's constant: CBD fraction over the given profile.
    """

    counts: np.ndarray
    squared_radius: np.ndarray
    share: np.ndarray
    scale: float

    def radius_um(self, voxel_size_um):
        """Closing radius [µm] of each slice."""
        return np.sqrt(self.squared_radius) * voxel_size_um


def trinarize(am, cbd_profile, targets, *, crowded="stop"):
    """
    Place the CBD by a closing of the AM whose radius follows a depth profile.

    Parameters
    ----------
    am : (Z, Y, X) ndarray of bool
        Active material, from k-means in the paper.
    cbd_profile : (Z,) ndarray of float
        CBD of each slice in any unit, for instance the line fitted to a fluorine map. Only its
        shape matters.
    targets : dict of Phase to float
        Volume fractions [-]; that of the CBD must be met by the whole volume.
    crowded : {"stop", "fill"}
        What to do when a slice has less room than its CBD needs: stop with an error, or fill such
        slices and scale the others up until the total is met.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel. The AM is `am`; what the closing leaves is pore.

    Raises
    ------
    ValueError
        If `am` is no mask or empty, the profile does not fit or is negative somewhere, or a slice
        has less room beside the AM than its CBD needs.

    References
    ----------
    .. [1] Prifling et al., Energy Technol. 2022, Section 3.4. :doi:`10.1002/ente.202200784`

    Examples
    --------
    >>> am = np.zeros((1, 1, 8), dtype=bool)
    >>> am[..., [0, 2, 7]] = True
    >>> targets = {Phase.PORE: 0.375, Phase.CBD: 0.25, Phase.AM: 0.375}
    >>> trinarize(am, [1.0], targets)
    array([[[2, 1, 2, 1, 0, 0, 0, 2]]], dtype=uint8)
    """
    labels, _ = close(am, cbd_profile, targets, crowded=crowded)
    return labels


def close(am, cbd_profile, targets, *, crowded="stop"):
    """
    Like :func:`trinarize`, with the radii that were found.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    calibration : Calibration
        Counts and radii per slice.
    """
    am = _checked_mask(am)
    targets = check_targets(targets)
    counts, scale = slice_counts(am, cbd_profile, targets, crowded=crowded)
    sizes = opening_map(~am)
    far = _distances(am)
    step = int(far.max()) + 1
    labels = np.where(am, np.uint8(Phase.AM), np.uint8(Phase.PORE))
    radii, shares = np.zeros(len(am), dtype=np.int64), np.zeros(len(am))
    for z, count in enumerate(counts):
        if count == 0:
            continue
        # filled by the size of their opening, then by their distance to the AM
        ranks = sizes[z].astype(np.int64) * step + far[z].astype(np.int64)
        filled = highest(-ranks, int(count), among=~am[z])
        labels[z][filled] = Phase.CBD
        radii[z] = sizes[z][filled].max()
        last = sizes[z] == radii[z]
        shares[z] = np.count_nonzero(filled & last) / np.count_nonzero(last)
    return labels, Calibration(counts, radii, shares, scale)


def slice_counts(am, cbd_profile, targets, *, crowded="stop"):
    """
    CBD voxels of each slice: proportional to a profile, exact in total.

    Parameters
    ----------
    am : (Z, Y, X) ndarray of bool
        Active material.
    cbd_profile : (Z,) ndarray of float
        CBD of each slice in any unit.
    targets : dict of Phase to float
        Volume fractions [-].
    crowded : {"stop", "fill"}
        As for :func:`trinarize`.

    Returns
    -------
    counts : (Z,) ndarray of int
        Each within one voxel of its target; their sum is the total within half a voxel.
    scale : float
        CBD fraction over `cbd_profile`. The paper finds it by bisection; a mean will do.

    Raises
    ------
    ValueError
        If the profile has another length, holds NaN, is negative or zero everywhere, or asks for
        more CBD than a slice has room for (names the slice).
    """
    profile = np.asarray(cbd_profile, dtype=float)
    if profile.shape != am.shape[:1]:
        raise ValueError(
            f"The CBD profile has shape {profile.shape}, the volume {am.shape[0]} slices; expected "
            "one value per slice along z."
        )
    if not np.all(np.isfinite(profile)):
        raise ValueError("The CBD profile holds NaN or infinite values; expected finite ones.")
    if np.any(profile < 0):
        below = np.flatnonzero(profile < 0)
        raise ValueError(
            f"The CBD profile is negative in {below.size} slices, {below[0]} to {below[-1]} "
            f"(lowest {profile.min():.4g}); expected no negative CBD. Fit the EDX line to more "
            "sections, or clip it."
        )
    if not profile.any():
        raise ValueError("The CBD profile is zero in every slice; expected some CBD.")
    if crowded not in ("stop", "fill"):
        raise ValueError(f"`crowded` is {crowded!r}; expected 'stop' or 'fill'.")
    n_slice = am[0].size
    n_cbd = round(targets[Phase.CBD] * am.size)
    room = n_slice - am.reshape(len(am), -1).sum(axis=1)
    if n_cbd > room.sum():
        raise ValueError(
            f"The CBD target {targets[Phase.CBD]:.4f} exceeds the {room.sum() / am.size:.4f} of "
            "the volume that is not AM. Lower it, or use an AM mask that meets its own target."
        )
    wanted = n_cbd * profile / profile.sum()
    full = np.flatnonzero(wanted > room * (1 + 1e-9))  # shares of a sum are rounded
    if full.size and crowded == "stop":
        worst = full[np.argmax(wanted[full] - room[full])]
        raise ValueError(
            f"Slice {worst} is to hold {wanted[worst] / n_slice:.4f} CBD, but only "
            f"{room[worst] / n_slice:.4f} of it is not AM ({full.size} such slices, {full[0]} to "
            f"{full[-1]}); expected room for the CBD in every slice. Lower the CBD target, flatten "
            "the profile, use an AM mask that meets its own target, or pass crowded='fill'."
        )
    wanted = np.where(wanted > room * (1 + 1e-9), wanted, np.minimum(wanted, room))
    scale = n_cbd / profile.sum()
    if full.size:
        scale = _scale_with_full_slices(profile, room, n_cbd)
        wanted = np.minimum(scale * profile, room)
    counts = np.array(list(counts_for(dict(enumerate(wanted / wanted.sum())), n_cbd).values()))
    return counts, float(scale / n_slice)


def _scale_with_full_slices(profile, room, n_cbd):
    """Constant c for which the slices, each holding min(c * profile, room), hold `n_cbd`."""
    some = profile > 0
    if n_cbd > room[some].sum():
        raise ValueError(
            f"The slices with CBD have room for {room[some].sum()} voxels, the target is {n_cbd}; "
            "expected a profile that reaches as far as the CBD does."
        )
    order = np.argsort(room[some] / profile[some])
    ends, rest = (room[some] / profile[some])[order], profile[some][order]
    filled = np.concatenate([[0], np.cumsum(room[some][order])])
    open_profile = np.cumsum(rest[::-1])[::-1]
    for first, end in enumerate(ends):
        scale = (n_cbd - filled[first]) / open_profile[first]
        if scale <= end:
            return scale
    return ends[-1]


def _distances(am):
    """Squared distance of each voxel to the AM [voxel^2]; 0 where there is none to measure."""
    import edt

    far = edt.edtsq(np.ascontiguousarray(~am), black_border=False)
    far[~np.isfinite(far)] = 0
    return far


def _checked_mask(am):
    am = np.asarray(am)
    if am.ndim != 3 or am.dtype != bool:
        raise ValueError(
            f"The active material has shape {am.shape} and type {am.dtype}; expected a boolean "
            "volume (Z, Y, X). Compare labels with the phase: labels == Phase.AM."
        )
    if not am.any():
        raise ValueError("The mask holds no active material; there is nothing to close.")
    return am
