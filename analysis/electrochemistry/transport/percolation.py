"""From labels to the geometry a solver needs: what conducts, what is cut off, which faces react.

Two voxels touch if they share a face. Electrolyte (pore, CBD) that no path joins to the
separator, and solid (AM, CBD) that no path joins to the collector, carry no current; they would
only make the equations singular. They are found here, counted, and left out.
"""

from dataclasses import dataclass

import cc3d
import numpy as np

from analysis.phases import Phase, check_labels


@dataclass(frozen=True)
class Connectivity:
    """
    Which voxels take part.

    Attributes
    ----------
    ionic : (Z, Y, X) ndarray of bool
        Pore or CBD with a path through pore and CBD to the separator side.
    electronic : (Z, Y, X) ndarray of bool
        AM or CBD with a path through AM and CBD to the collector side.
    inert_ionic, inert_electronic : float
        Share of the pore and CBD, and of the AM and CBD, that is cut off [-].
    inert_active : float
        Share of the AM that is cut off from the collector [-].
    """

    ionic: np.ndarray
    electronic: np.ndarray
    inert_ionic: float
    inert_electronic: float
    inert_active: float


def reached(mask, side):
    """
    Voxels of `mask` with a face-connected path to one end of axis 0.

    Parameters
    ----------
    mask : (Z, Y, X) ndarray of bool
        Voxels that conduct.
    side : {0, -1}
        End of axis 0 where the paths start.

    Returns
    -------
    reached : (Z, Y, X) ndarray of bool
        Part of `mask` that is reached.
    """
    components, count = _components(mask)
    return _at_end(components, count, side)[components]


def check_path(mask, what):
    """
    Part of `mask` joined to both ends of axis 0.

    Raises
    ------
    ValueError
        If nothing is; the message names the slice at which the last path ends.
    """
    components, count = _components(mask)
    first = _at_end(components, count, 0)
    if not first.any():
        raise ValueError(
            f"No {what} in slice 0 of {mask.shape[0]}, so no path can start there. "
            "Check the axis and the labels of the volume."
        )
    both = first & _at_end(components, count, -1)
    if not both.any():
        depth = int(np.flatnonzero(first[components].any(axis=(1, 2))).max())
        raise ValueError(
            f"No {what} path along axis 0: from slice 0 it ends in slice {depth} of "
            f"{mask.shape[0]} (nothing connected in slice {depth + 1}). Paths step through "
            "voxel faces. Use a larger cutout or a trinarization that does not close the phase."
        )
    return both[components]


def _components(mask):
    """Face-connected clusters of a mask, numbered from one, and their number."""
    return cc3d.connected_components(np.ascontiguousarray(mask), connectivity=6, return_N=True)


def _at_end(components, count, side):
    """Which clusters, by number, touch one end of axis 0."""
    chosen = np.zeros(count + 1, bool)
    chosen[components[side].ravel()] = True
    chosen[0] = False
    return chosen


def connectivity(labels, *, largest_inert=0.2):
    """
    Find the parts of an electrode that take part in charge and mass transport.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel; slice 0 touches the separator, the last slice the collector.
    largest_inert : float
        Error if more than this share of the electrolyte or of the solid is cut off [-].

    Returns
    -------
    connectivity : Connectivity
        Masks and the shares that are cut off.

    Raises
    ------
    ValueError
        If no electrolyte touches the separator, no solid the collector, no AM face is left to
        react, or more than `largest_inert` is cut off.
    """
    labels = check_labels(labels)
    wet, solid = labels != Phase.AM, labels != Phase.PORE
    ionic, electronic = reached(wet, 0), reached(solid, -1)
    for mask, whole, name, side in (
        (ionic, wet, "electrolyte (pore or CBD)", "separator side (slice 0)"),
        (electronic, solid, "solid (AM or CBD)", "collector side (last slice)"),
    ):
        lost = 1 - np.count_nonzero(mask) / max(1, np.count_nonzero(whole))
        if lost > largest_inert:
            raise ValueError(
                f"{lost:.1%} of the {name} has no path to the {side}; at most "
                f"{largest_inert:.0%} may be cut off. Check the orientation of the volume and "
                "its labels, or allow a larger share with largest_inert."
            )
    active = labels == Phase.AM
    n_active = np.count_nonzero(active)
    live = np.count_nonzero(active & electronic)
    if live == 0:
        raise ValueError(
            f"None of the {n_active} AM voxels is connected to the collector; nothing can be "
            "lithiated. Check the labels: 0 is pore, 1 CBD, 2 AM."
        )
    return Connectivity(
        ionic,
        electronic,
        1 - np.count_nonzero(ionic) / np.count_nonzero(wet),
        1 - np.count_nonzero(electronic) / np.count_nonzero(solid),
        1 - live / n_active,
    )


def reactive_faces(path, solid):
    """
    Number of faces that each voxel of `path` shares with `solid`.

    Parameters
    ----------
    path, solid : (Z, Y, X) ndarray of bool
        Electrolyte that takes part, and what it may charge.

    Returns
    -------
    count : (Z, Y, X) ndarray of float32
    """
    count = np.zeros(path.shape, np.float32)
    for axis in range(3):
        lo, hi = [slice(None)] * 3, [slice(None)] * 3
        lo[axis], hi[axis] = slice(None, -1), slice(1, None)
        lo, hi = tuple(lo), tuple(hi)
        count[lo] += solid[hi]
        count[hi] += solid[lo]
    return count * path


def coarsen(labels, factor=2):
    """
    Labels on voxels `factor` times as wide, by majority; ties go to the rarer phase.

    Edges that do not divide are cut off at the far end of the axis, except along z, where the
    last slice is repeated so that the collector side stays.

    Parameters
    ----------
    labels : (Z, Y, X) ndarray of uint8
        Phase of each voxel.
    factor : int
        Voxels to join along each axis.

    Returns
    -------
    coarse : (Z', Y', X') ndarray of uint8
        Phase of each joined voxel.
    """
    labels = check_labels(labels)
    if factor < 1 or min(labels.shape[1:]) < factor:
        raise ValueError(
            f"Voxels of a volume {labels.shape} cannot be joined {factor} at a time; expected a "
            "factor from 1 to the lateral width."
        )
    missing = -labels.shape[0] % factor
    if missing:
        labels = np.concatenate([labels, np.repeat(labels[-1:], missing, axis=0)])
    nz, ny, nx = (n // factor for n in labels.shape)
    blocks = labels[: nz * factor, : ny * factor, : nx * factor]
    blocks = blocks.reshape(nz, factor, ny, factor, nx, factor)
    counts = np.stack([(blocks == phase).sum(axis=(1, 3, 5), dtype=np.int32) for phase in Phase])
    totals = counts.sum(axis=(1, 2, 3))
    rank = np.empty(3)
    rank[np.argsort(-totals, kind="stable")] = (0.0, 0.2, 0.4)
    return np.argmax(counts + rank[:, None, None, None], axis=0).astype(np.uint8)


def block_means(values, n):
    """
    Mean of every block of n x n x n voxels.

    Parameters
    ----------
    values : (Z, Y, X) ndarray of float
        Values; every length is a multiple of `n`.
    n : int
        Voxels along the edge of a block.

    Returns
    -------
    means : (Z / n, Y / n, X / n) ndarray of float
        Means, of the type of `values`.
    """
    nz, ny, nx = (length // n for length in values.shape)
    return values.reshape(nz, n, ny, n, nx, n).mean(axis=(1, 3, 5))
