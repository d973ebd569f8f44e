"""One gray volume through the whole study: trinarize, compare, describe.

The measured electrode and a reader's own tomogram go through the functions that the virtual
electrodes go through; nothing here knows where the gray values come from.
"""

import numpy as np
import pandas as pd
import xarray as xr

from analysis.descriptors import covariance, profile, surface
from analysis.phases import Phase, check_voxel_size, volume_fractions
from analysis.segmentation import agreement, methods

MAX_LAG_UM = 12.0


def trinarize(gray, targets, *, seed, progress=lambda line: None):
    """
    Trinarize a volume by every method of the catalog for which gray values suffice.

    EDX-Closing is given a level CBD profile, for want of a fluorine map; the network is left out,
    for want of a FIB-SEM stack.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
        Gray values.
    targets : dict of Phase to float
        Volume fractions to be met [-].
    seed : int
        For the sample on which the k-means weights are fitted.
    progress : callable
        Receives the name of each method before it starts.

    Returns
    -------
    labels : dict of str to (Z, Y, X) ndarray of uint8
        Keyed by method.
    """
    inputs = _inputs(gray, targets, seed)
    labels = {}
    for name in methods.available(inputs):
        progress(name)
        labels[name] = methods.trinarize(name, inputs)
    return labels


def attempt(gray, targets, *, seed, progress=lambda line: None):
    """
    Like :func:`trinarize`, but a method that fails does not take the others with it.

    For volumes that the study does not know: one of their kind may stop one method only.

    Parameters
    ----------
    gray, targets, seed, say
        As for :func:`trinarize`.

    Returns
    -------
    labels : dict of str to (Z, Y, X) ndarray of uint8
        Keyed by method, for those that succeeded.
    failed : dict of str to str
        Reason for each method that did not.

    Raises
    ------
    ValueError
        If every method failed; says why.
    """
    inputs = _inputs(gray, targets, seed)
    labels, failed = {}, {}
    for name in methods.available(inputs):
        if name == "edx-closing" and "kmeans" in failed:
            failed[name] = "It closes the AM of k-means, which failed."
            continue
        progress(name)
        try:
            labels[name] = methods.trinarize(name, inputs)
        except Exception as error:  # whatever stops one method, the others are worth having
            failed[name] = str(error) or type(error).__name__
    if not labels:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in failed.items())
        raise ValueError(f"No method could trinarize the volume. {reasons}")
    return labels, failed


def _inputs(gray, targets, seed):
    return methods.Inputs(targets=targets, gray=gray, seed=seed, cbd_profile=np.ones(gray.shape[0]))


def fractions_table(labels, targets):
    """Achieved fraction of each phase per method beside its target."""
    rows = []
    for method, volume in labels.items():
        fractions = volume_fractions(volume)
        rows += [
            {
                "method": method,
                "phase": phase.title,
                "target": targets[phase],
                "achieved": fractions[phase],
            }
            for phase in reversed(Phase)
        ]
    return pd.DataFrame(rows)


def agreement_table(labels, reference):
    """
    How each method stands to a reference trinarization, or to the truth.

    Returns
    -------
    table : pandas.DataFrame
        Columns method, equally_assigned, and the Jaccard index of each phase [-].
    """
    rows = []
    for method, volume in labels.items():
        row = {"method": method, "equally assigned": agreement.equally_assigned(volume, reference)}
        for phase in reversed(Phase):
            row[f"Jaccard {phase.title}"] = agreement.jaccard(volume, reference, phase)
        rows.append(row)
    return pd.DataFrame(rows)


def surface_table(labels, voxel_size_um):
    """Surface per volume of each phase, and of the interface where lithium enters [1/µm]."""
    check_voxel_size(voxel_size_um)
    rows = []
    for method, volume in labels.items():
        found = surface.specific_surfaces(volume, voxel_size_um)
        rows.append(
            {
                "method": method,
                "S_AM": found.am,
                "S_CBD": found.cbd,
                "S_P": found.pore,
                "S_Int": found.intercalation,
            }
        )
    return pd.DataFrame(rows)


def profiles(labels, voxel_size_um):
    """
    Depth profiles of all methods.

    Returns
    -------
    fractions : xarray.DataArray
        Dimensions ``method, phase, z_um`` [-].
    """
    check_voxel_size(voxel_size_um)
    depths = profile.depths_um(next(iter(labels.values())).shape[0], voxel_size_um)
    return xr.DataArray(
        np.stack([profile.volume_fractions(volume) for volume in labels.values()]),
        dims=("method", "phase", "z_um"),
        coords={"method": list(labels), "phase": [phase.title for phase in Phase], "z_um": depths},
    )


def coverages(labels, voxel_size_um):
    """
    Centered two-point coverage C_CBD,P of all methods.

    Returns
    -------
    coverage : xarray.DataArray
        Dimensions ``method, r_um`` [-].
    """
    check_voxel_size(voxel_size_um)
    edge_um = min(next(iter(labels.values())).shape) * voxel_size_um
    r_max_um = min(MAX_LAG_UM, edge_um / 3)
    curves = {
        method: covariance.two_point_coverage(volume, voxel_size_um, r_max_um)
        for method, volume in labels.items()
    }
    first = next(iter(curves.values()))
    return xr.DataArray(
        np.stack([curve.of(Phase.CBD, Phase.PORE) for curve in curves.values()]),
        dims=("method", "r_um"),
        coords={"method": list(curves), "r_um": first.r_um},
    )
