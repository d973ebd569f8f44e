"""Fluorine maps of SL and TL, the lines fitted to them, and the CBD they promise."""

import numpy as np
import xarray as xr

from analysis import electrodes, profiles, storage
from analysis.instruments import edx
from analysis.phases import VOXEL_SIZE_UM, Phase, check_voxel_size

STRIPS = 8  # parallel sections, side by side in one map: a section wider than a cutout


def pvdf_share(specimen, depth_um, interface_um=electrodes.INTERFACE_UM):
    """
    Mass share of PVdF in the CBD at each depth.

    Parameters
    ----------
    specimen : str
        Electrode.
    depth_um : (Z,) ndarray
        Distance [µm] from the separator.
    interface_um : float
        Where the second layer begins.

    Returns
    -------
    share : (Z,) ndarray
    """
    layers = electrodes.electrode(specimen).layers
    below = np.asarray(depth_um) >= interface_um
    return np.where(below, layers[-1].pvdf_share, layers[0].pvdf_share)


def fluorine_weight(specimen, depth_um):
    """PVdF in the CBD of each depth, relative to the electrode's mean recipe."""
    return pvdf_share(specimen, depth_um) / electrodes.electrode(specimen).recipe.pvdf_share


def sections(profile, specimen):
    """
    Evenly spaced sections of all cutouts of an electrode.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : str

    Returns
    -------
    sections : list of (3, Z, X) ndarray
        At least 16.
    """
    per_cutout = -(-2 * STRIPS // profile.cutouts)
    found = []
    for cutout in profile.cutout_numbers:
        composition = storage.load_volume(
            f"composition/{specimen}-{cutout}-truth", profile=profile
        ).values
        rows = np.linspace(0, composition.shape[2], per_cutout, endpoint=False).astype(int)
        found.extend(composition[:, :, row] for row in rows)
    return found


def build(profile):
    """
    Measure, fit and write the fluorine profiles of SL and TL.

    Writes the curves ``edx-SL`` and ``edx-TL`` (map, profile, fits, the CBD profiles that follow,
    and the truth) and the table ``edx`` (one row per specimen, section and fit).

    Parameters
    ----------
    profile : analysis.profiles.Profile
        Its specimens must have been built.

    Returns
    -------
    table : pandas.DataFrame
    """
    import pandas as pd

    rows = []
    for specimen in profiles.ELECTRODES:
        rows.extend(_measure(profile, specimen))
    table = pd.DataFrame(rows)
    storage.save_table("edx", table, profile=profile)
    return table


def cbd_targets(profile, specimen, *, fit="line", corrected=False):
    """
    CBD fraction of each depth slice from the EDX measurement, for EDX-Closing.

    Parameters
    ----------
    profile : analysis.profiles.Profile
        :func:`build` must have run.
    specimen : {"SL", "TL"}
    fit : {"line", "step"}
        The paper's straight line, or two levels.
    corrected : bool
        Whether to convert from PVdF to CBD with the recipes of the layers.

    Returns
    -------
    cbd : (Z,) ndarray
        Volume fraction [-]; its mean is the target fraction of the CBD.
    """
    name = f"cbd_{fit}" + ("_corrected" if corrected else "")
    return storage.load_curves(f"edx-{specimen}", profile=profile)[name].values


def cbd_line(composition, specimen, *, seed, voxel_size_um=VOXEL_SIZE_UM):
    """
    CBD fraction of each depth slice from the fluorine of any realization, by the paper's line.

    Parameters
    ----------
    composition : (3, Z, Y, X) ndarray
        Share of each phase in each voxel.
    specimen : str
        Electrode; gives the recipes of its layers.
    seed : int
        Of the counting noise.
    voxel_size_um : float

    Returns
    -------
    cbd : (Z,) ndarray
        Volume fraction [-]; its mean is the target fraction of the CBD.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    rows = np.linspace(0, composition.shape[2], STRIPS, endpoint=False).astype(int)
    depth = (np.arange(composition.shape[1]) + 0.5) * voxel_size_um
    wide = np.concatenate([composition[:, :, row] for row in rows], axis=2)
    counted = edx.fluorine_map(wide, seed=seed, pvdf_weight=fluorine_weight(specimen, depth))
    line = edx.fit_line(edx.depth_profile(counted), voxel_size_um)
    return edx.cbd_profile(line.values, electrodes.electrode(specimen).targets()[Phase.CBD])


def summary(table):
    """
    The table of :func:`build` in four rows.

    Parameters
    ----------
    table : pandas.DataFrame

    Returns
    -------
    summary : pandas.DataFrame
        Columns specimen, fit, true CBD, wide section, mean, spread, sections: relative changes.
    """
    import pandas as pd

    rows = []
    for (specimen, fit), group in table.groupby(["specimen", "fit"], sort=False):
        change = group.set_index(group.section.astype(str)).relative_change
        single = change.drop(["truth", "wide"])
        rows.append(
            {
                "specimen": specimen,
                "fit": fit,
                "true CBD": change["truth"],
                "wide section": change["wide"],
                "mean": single.mean(),
                "spread": single.std(),
                "sections": single.size,
            }
        )
    return pd.DataFrame(rows)


def _measure(profile, specimen):
    found = sections(profile, specimen)
    n_slices = found[0].shape[1]
    depth = (np.arange(n_slices) + 0.5) * VOXEL_SIZE_UM
    weight = fluorine_weight(specimen, depth)
    target = electrodes.electrode(specimen).targets()[Phase.CBD]
    truth = np.mean([section[Phase.CBD].mean(axis=1) for section in found], axis=0)

    def map_of(section, *key):
        seed = profile.seed_for("edx", specimen, *key)
        return edx.fluorine_map(section, seed=seed, pvdf_weight=weight)

    wide = map_of(np.concatenate(found[:: len(found) // STRIPS], axis=2), "wide")
    counts = edx.depth_profile(wide)
    line, step = edx.fit_line(counts, VOXEL_SIZE_UM), edx.fit_step(counts, VOXEL_SIZE_UM)
    # The line knows nothing of an interface; the step brings its own.
    shares = pvdf_share(specimen, depth), pvdf_share(specimen, depth, step.step_um)
    curves = {
        "fluorine": counts,
        "line": line.values,
        "step": step.values,
        "cbd_line": edx.cbd_profile(line.values, target),
        "cbd_line_corrected": edx.cbd_profile(line.values, target, pvdf_share=shares[0]),
        "cbd_step": edx.cbd_profile(step.values, target),
        "cbd_step_corrected": edx.cbd_profile(step.values, target, pvdf_share=shares[1]),
        "cbd_truth": truth,
    }
    dataset = xr.Dataset(
        {name: ("z", values) for name, values in curves.items()}
        | {"map": (("z", "x"), wide.astype(np.float32))},
        coords={"z": ("z", depth, {"units": "µm", "long_name": "distance to the separator"})},
        attrs={"specimen": specimen, "strips": STRIPS},
    )
    storage.save_curves(f"edx-{specimen}", dataset, profile=profile)

    rows = [_row(specimen, "truth", "line", edx.fit_line(truth, VOXEL_SIZE_UM))]
    rows.append(_row(specimen, "truth", "step", edx.fit_step(truth, VOXEL_SIZE_UM)))
    rows.append(_row(specimen, "wide", "line", line))
    rows.append(_row(specimen, "wide", "step", step))
    for number, section in enumerate(found, 1):
        single = edx.depth_profile(map_of(section, number))
        rows.append(_row(specimen, str(number), "line", edx.fit_line(single, VOXEL_SIZE_UM)))
        rows.append(_row(specimen, str(number), "step", edx.fit_step(single, VOXEL_SIZE_UM)))
    return rows


def _row(specimen, section, name, fit):
    return {
        "specimen": specimen,
        "section": section,
        "fit": name,
        "relative_change": fit.relative_change,
        "step_um": fit.step_um,
    }
