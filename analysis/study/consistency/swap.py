"""Whose fault is the error of gamma: the particles' or the binder's? Maps with swapped phases."""

from hashlib import sha256

import numpy as np
import pandas as pd
from scipy import ndimage

from analysis import profiles, storage
from analysis.phases import Phase, check_voxel_size
from analysis.study.consistency import gammas, measured
from analysis.study.consistency.specimens import TRUTH


def hybrid(particles, binder):
    """
    The active material of one map with the CBD of another.

    Voxels that only `binder` calls AM become what the nearest voxel of its pore and CBD is.

    Parameters
    ----------
    particles, binder : (Z, Y, X) ndarray of uint8
        Labels of one volume.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8

    Raises
    ------
    ValueError
        If the shapes differ, or `binder` is active material throughout.

    Examples
    --------
    >>> hybrid(np.array([[[2, 0, 0, 0]]]), np.array([[[1, 1, 2, 0]]])).ravel().tolist()
    [2, 1, 1, 0]
    """
    particles, binder = np.asarray(particles), np.asarray(binder)
    if particles.shape != binder.shape:
        raise ValueError(
            f"The maps have shapes {particles.shape} and {binder.shape}; expected two maps of one "
            "volume."
        )
    other = binder == Phase.AM
    if other.all():
        raise ValueError("The second map is active material throughout; it has no CBD to give.")
    nearest = ndimage.distance_transform_edt(other, return_distances=False, return_indices=True)
    labels = binder[tuple(nearest)].astype(np.uint8)
    labels[particles == Phase.AM] = Phase.AM
    return labels


def shares(gamma_true, both, particles, binder):
    """
    The error of gamma as a budget.

    Parameters
    ----------
    gamma_true : float
        Of the experiment.
    both : float
        Gamma of the map.
    particles : float
        Gamma of its AM with the true CBD.
    binder : float
        Gamma of the true AM with its CBD.

    Returns
    -------
    budget : dict of str to float
        Logarithms of ratios of gamma [-]: ``total``, ``particles``, ``binder`` and
        ``together``, what neither explains alone; the last three add up to the first.

    Examples
    --------
    >>> budget = shares(0.1, 0.3, 0.12, 0.25)
    >>> round(budget["particles"] + budget["binder"] + budget["together"] - budget["total"], 12)
    0.0
    """
    total, alone, other = (float(np.log(one / gamma_true)) for one in (both, particles, binder))
    return {
        "total": total,
        "particles": alone,
        "binder": other,
        "together": total - alone - other,
    }


def budget(profile, maps=None, voxel_size_um=None):
    """
    Budget of the error of gamma for every map, on a part of the first cutout.

    Parameters
    ----------
    profile : analysis.profiles.Profile
        Gives the part, its true gamma and the maps of the study.
    maps : dict of str to dict of str to (Z, Y, X) ndarray of uint8, optional
        Other maps, keyed by map and electrode, the truth among them; by default those of
        the study that `consistency_methods` names.
    voxel_size_um : float, optional
        Of these.

    Returns
    -------
    table : pandas.DataFrame
        One row per map and electrode: ``gamma`` of the map on this part, ``particles_gamma`` (its
        AM, true CBD), ``binder_gamma`` (true AM, its CBD), the shares of :func:`shares`, and
        ``fraction_shift``, the largest difference of a phase's fraction between a hybrid and the
        map that gave its CBD [-]. NaN where a hybrid does not conduct.
    """
    if voxel_size_um is not None or maps is not None:
        voxel_size_um = check_voxel_size(voxel_size_um)
    if maps is None:
        maps, voxel_size_um = _of_the_study(profile)
    rows, known = [], {}
    for electrode in maps[TRUTH]:
        truth = maps[TRUTH][electrode]
        target = None
        for name in (TRUTH, *(one for one in maps if one != TRUTH)):
            labels = maps[name][electrode]
            mixed = {"both": labels}
            if name != TRUTH:
                mixed |= {"particles": hybrid(labels, truth), "binder": hybrid(truth, labels)}
            made = {}
            for part, one in mixed.items():
                # k-means and EDX-Closing share their particles
                key = sha256(one.tobytes()).digest()
                if key not in known:
                    known[key] = _structure(one, voxel_size_um)
                made[part] = known[key]
            if name == TRUTH:
                target = measured.experiments(
                    {electrode: made["both"]}, profile.gamma_true, profile, "swap"
                )[electrode]
                continue
            fitted = {part: _gamma(one, target, profile) for part, one in made.items()}
            shift = max(
                abs(np.mean(mixed[part] == phase) - np.mean(giver == phase))
                for part, giver in (("particles", truth), ("binder", labels))
                for phase in Phase
            )
            rows.append(
                {
                    "method": name,
                    "electrode": electrode,
                    "gamma": fitted["both"],
                    "particles_gamma": fitted["particles"],
                    "binder_gamma": fitted["binder"],
                }
                | shares(profile.gamma_true, **fitted)
                | {"fraction_shift": float(shift)}
            )
    table = pd.DataFrame(rows)
    storage.save_table("consistency-budget", table, profile=profile)
    return table


def _of_the_study(profile):
    edge, maps, size = profile.consistency_lateral, {}, None
    for method in (TRUTH, *profile.consistency_methods):
        names = {one: f"labels/{one}-1-{method}" for one in profiles.ELECTRODES}
        if not all(storage.exists("volumes", name, profile=profile) for name in names.values()):
            continue
        volumes = {one: storage.load_volume(name, profile=profile) for one, name in names.items()}
        size = float(volumes[profiles.ELECTRODES[0]].attrs["voxel_size_um"])
        maps[method] = {
            one: np.ascontiguousarray(volume.values[:, :edge, :edge])
            for one, volume in volumes.items()
        }
    return maps, size


def _structure(labels, voxel_size_um):
    try:
        return gammas.homogenization.from_labels(labels, voxel_size_um)
    except ValueError:  # a closed path
        return None


def _gamma(structure, target, profile):
    if structure is None:
        return float("nan")
    scanned = gammas.scan(structure, profile.fit_current)
    return gammas.from_lithiation(scanned, target)[0].value
