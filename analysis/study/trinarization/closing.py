"""EDX-Closing of every cutout: the AM of k-means, the CBD along the fitted fluorine line."""

import numpy as np
import pandas as pd
import xarray as xr

from analysis import electrodes, profiles, storage
from analysis.phases import Phase, volume_fractions
from analysis.segmentation import agreement, closing
from analysis.study.imaging import edx

METHOD = "edx-closing"


def run(profile):
    """
    Close every cutout of SL and TL along the line fitted to its fluorine map.

    Writes the labels ``{specimen}-{cutout}-edx-closing``, the table ``closing`` and the curves
    ``closing`` (CBD fraction and radius per slice).

    Returns
    -------
    table : pandas.DataFrame
        One row per specimen and cutout: largest and rms miss of the slices, miss of the total
        [-], range of radii [µm], crowded slices.
    """
    rows, curves = [], []
    for specimen in profiles.ELECTRODES:
        for cutout in profile.cutout_numbers:
            name = f"{specimen}-{cutout}"
            labels, found = close(profile, specimen, cutout)
            volume = storage.load_volume(f"labels/{name}-kmeans", profile=profile)
            size = volume.attrs["voxel_size_um"]
            storage.save_volume(
                f"labels/{name}-{METHOD}",
                labels,
                profile=profile,
                voxel_size_um=size,
                specimen=specimen,
                cutout=cutout,
                method=METHOD,
            )
            achieved = (labels == Phase.CBD).mean(axis=(1, 2))
            # Scaled by the calibrated constant: the line itself, raised where slices are full.
            wanted = found.scale * edx.cbd_targets(profile, specimen)
            rows.append(_row(specimen, cutout, labels, found, achieved, wanted, size))
            curves.append(_curves(name, achieved, wanted, found.radius_um(size), size))
    table = pd.DataFrame(rows)
    storage.save_table("closing", table, profile=profile)
    storage.save_curves("closing", xr.concat(curves, "name", join="outer"), profile=profile)
    return table


def close(profile, specimen, cutout, *, fit="line", corrected=False):
    """
    Labels and radii of one cutout.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : str
    cutout : int
    fit : {"line", "step"}
        What is fitted to the fluorine profile; the paper takes the line.
    corrected : bool
        Whether the fluorine is converted to CBD with the recipes of the layers.

    Returns
    -------
    labels : (Z, Y, X) ndarray of uint8
    calibration : analysis.segmentation.closing.Calibration
    """
    kmeans = storage.load_volume(f"labels/{specimen}-{cutout}-kmeans", profile=profile).values
    wanted = edx.cbd_targets(profile, specimen, fit=fit, corrected=corrected)
    targets = electrodes.electrode(specimen).targets()
    return closing.close(kmeans == Phase.AM, wanted, targets, crowded="fill")


def variants(profile):
    """
    What the fitted profile does to the agreement with the truth.

    Writes the table ``closing-variants``.

    Returns
    -------
    table : pandas.DataFrame
        One row per specimen and variant, mean over cutouts: rms distance of the slices from the
        true CBD profile [-], accuracy and Jaccard indices [-].
    """
    rows = []
    for specimen in profiles.ELECTRODES:
        for fit, corrected in (("line", False), ("line", True), ("step", False), ("step", True)):
            found = []
            for cutout in profile.cutout_numbers:
                name = f"labels/{specimen}-{cutout}-truth"
                truth = storage.load_volume(name, profile=profile).values
                labels, _ = close(profile, specimen, cutout, fit=fit, corrected=corrected)
                apart = (labels == Phase.CBD).mean((1, 2)) - (truth == Phase.CBD).mean((1, 2))
                scores = {
                    f"Jaccard {phase.title}": agreement.jaccard(labels, truth, phase)
                    for phase in (Phase.CBD, Phase.PORE)
                }
                found.append({"profile rms": float(np.sqrt(np.mean(apart**2)))} | scores)
            mean = pd.DataFrame(found).mean().to_dict()
            converted = "CBD" if corrected else "fluorine"
            rows.append({"specimen": specimen, "fit": fit, "proportional to": converted} | mean)
    table = pd.DataFrame(rows)
    storage.save_table("closing-variants", table, profile=profile)
    return table


def ideal_profile(profile, specimen="TL"):
    """
    What the depth profile is worth: closed along a level, the fitted line, and the true profile.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : str

    Returns
    -------
    scores : pandas.DataFrame
        Columns profile ("level", "line", "truth"), Jaccard CBD and kappa [-], mean over cutouts.
    """
    targets = electrodes.electrode(specimen).targets()
    rows = []
    for cutout in profile.cutout_numbers:
        name = f"labels/{specimen}-{cutout}"
        truth = storage.load_volume(f"{name}-truth", profile=profile).values
        am = storage.load_volume(f"{name}-kmeans", profile=profile).values == Phase.AM
        wanted = {
            "level": np.ones(len(am)),
            "line": edx.cbd_targets(profile, specimen),
            "truth": (truth == Phase.CBD).mean(axis=(1, 2)),
        }
        for kind, depth in wanted.items():
            labels, _ = closing.close(am, depth, targets, crowded="fill")
            counts = agreement.confusion(truth, labels)
            rows.append(
                {
                    "profile": kind,
                    "Jaccard CBD": agreement.jaccard_of(counts, Phase.CBD),
                    "kappa": agreement.kappa_of(counts),
                }
            )
    return pd.DataFrame(rows).groupby("profile", sort=False).mean().reset_index()


def worth_of_the_profile(scores, variants, specimen="TL"):
    """
    Whether a better depth profile gives a better map, in words.

    Parameters
    ----------
    scores : pandas.DataFrame
        From :func:`ideal_profile`.
    variants : pandas.DataFrame
        From :func:`variants`.
    specimen : str
        Electrode of both.

    Returns
    -------
    text : str
        Says whether the true profile gives the best agreement of all that were tried, or which
        wrong one does better.
    """
    by = scores.set_index("profile")["Jaccard CBD"]
    tried = variants[variants.specimen == specimen]
    best = tried.loc[tried["Jaccard CBD"].idxmax()]
    gain = float(by["truth"] - by["level"])
    text = (
        f"knowing the profile exactly instead of not at all changes the Jaccard index of the CBD "
        f"by {gain:+.3f}"
    )
    if best["Jaccard CBD"] > by["truth"]:
        return (
            f"{text}. It is not even the best that this method can get: a {best.fit} proportional "
            f"to {best['proportional to']}, which is wrong about the profile, gives "
            f"{best['Jaccard CBD']:.3f} against {by['truth']:.3f}. A profile "
            "that is closer to the truth does not make the map closer to it, because the binder of "
            "a slice is put into the narrowest gaps whatever its amount"
        )
    return (
        f"{text}, and none of the profiles that were tried does better than the true one "
        f"({by['truth']:.3f})"
    )


def profile_against_map(variants, specimen="TL"):
    """
    Whether the variant whose profile is nearest to the truth also has the best map, in words.

    Parameters
    ----------
    variants : pandas.DataFrame
        From :func:`variants`.
    specimen : str
        Electrode.

    Returns
    -------
    text : str
    """
    tried = variants[variants.specimen == specimen]
    nearest = tried.loc[tried["profile rms"].idxmin()]
    best = tried.loc[tried["Jaccard CBD"].idxmax()]
    name = f"a {nearest.fit} proportional to {nearest['proportional to']}"
    if nearest.name == best.name:
        return f"{name} comes nearest to the true profile and has the best map of the CBD as well"
    return (
        f"{name} comes nearest to the true profile, but its map of the CBD has a Jaccard index of "
        f"{nearest['Jaccard CBD']:.3f}, less than the {best['Jaccard CBD']:.3f} of a {best.fit} "
        f"proportional to {best['proportional to']}"
    )


def _row(specimen, cutout, labels, found, achieved, wanted, voxel_size_um):
    target = electrodes.electrode(specimen).targets()[Phase.CBD]
    radii = found.radius_um(voxel_size_um)
    room = 1 - (labels == Phase.AM).mean(axis=(1, 2))
    crowded = wanted > room
    apart = (achieved - wanted)[~crowded]
    return {
        "specimen": specimen,
        "cutout": cutout,
        "slice rms": float(np.sqrt(np.mean(apart**2))),
        "slice max": float(np.abs(apart).max()),
        "total miss": volume_fractions(labels)[Phase.CBD] - target,
        "crowded slices": int(crowded.sum()),
        "slices": len(room),
        "scale": found.scale,
        "r_min": float(radii.min()),
        "r_median": float(np.median(radii)),
        "r_max": float(radii.max()),
        "levels": int(np.unique(found.squared_radius).size),
    }


def _curves(name, achieved, wanted, radius_um, voxel_size_um):
    depth = (np.arange(len(achieved)) + 0.5) * voxel_size_um
    return xr.Dataset(
        {"achieved": ("z", achieved), "wanted": ("z", wanted), "radius": ("z", radius_um)},
        coords={"z": ("z", depth, {"units": "µm"}), "name": name},
    )
