"""Posterior and draws on the cutouts of the study, beside the methods of the paper.

They are ours and stand in tables of their own rows: nothing that counts or ranks the paper's twelve
sees them. Labels are kept as those of any method are, so that other chapters can read them.
"""

import numpy as np
import pandas as pd

from analysis import electrodes, profiles, storage
from analysis.descriptors.surface import specific_surfaces
from analysis.electrochemistry import gamma_fit
from analysis.electrochemistry.porous_electrode import homogenization
from analysis.phases import VOXEL_SIZE_UM, check_voxel_size
from analysis.segmentation import agreement, draws, posterior
from analysis.segmentation.boosting import voxel_features
from analysis.study.catalogue import TRUTH, methods_on_disk
from analysis.study.limit import intervals, limit
from analysis.study.trinarization import standing

OURS = ("posterior", "draw")  # as in the names of the files


def ours(gray, targets, *, seed, count=1, cbd_profile=None):
    """
    The most probable map of a tomogram, and draws.

    Parameters
    ----------
    gray : (Z, Y, X) ndarray
    targets : dict of Phase to float
    seed : int
    count : int
        Draws; the scenarios take turns.
    cbd_profile : (Z,) array_like, optional
        Volume fraction of the CBD in each slice [-].

    Returns
    -------
    maps : dict of str to (Z, Y, X) ndarray of uint8
        ``posterior``, then ``draw 1`` and so on.
    """
    scenarios = voxel_features.SCENARIOS[:count]  # of which there are draws
    by_scenario = posterior.by_scenario(gray, cbd_profile, scenarios=(None, *scenarios))
    maps = {"posterior": posterior.ranked(by_scenario.pop(None), targets)}
    drawn = draws.several(by_scenario, targets, count=count, seed=seed)
    return maps | {f"draw {number}": labels for number, labels in enumerate(drawn, 1)}


def scores(profile):
    """
    Overlap with the truth of every method on disk and of ours, on every cutout of SL and TL.

    Writes the labels ``{specimen}-{cutout}-posterior`` and ``-draw``, and the table
    ``limit-beside``.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, cutout, method, those of
        :func:`analysis.study.trinarization.standing.score`, and the three surfaces over those of
        the truth [-].

    Raises
    ------
    FileNotFoundError
        If no trinarization, or no truth, is on disk.
    """
    names = methods_on_disk(profile)[:-1]
    rows = []
    for specimen in profiles.ELECTRODES:
        targets = electrodes.electrode(specimen).targets()
        for cutout in profile.cutout_numbers:
            place = f"{specimen}-{cutout}"
            volume = storage.load_volume(f"gray/{place}", profile=profile)
            seed = profile.seed_for("draw", specimen, cutout)
            mine = ours(volume.values, targets, seed=seed)
            mine = dict(zip(OURS, mine.values(), strict=True))
            size = volume.attrs["voxel_size_um"]
            for method, labels in mine.items():
                storage.save_volume(
                    f"labels/{place}-{method}",
                    labels,
                    profile=profile,
                    voxel_size_um=size,
                    specimen=specimen,
                    cutout=cutout,
                    method=method,
                )
            truth = _labels(profile, place, TRUTH)
            real = _areas(truth, size)
            for method in (*names, *OURS):
                labels = mine[method] if method in mine else _labels(profile, place, method)
                row = {"specimen": specimen, "cutout": cutout, "method": method}
                row |= standing.score(agreement.confusion(truth, labels))
                areas = _areas(labels, size)
                row |= {name: areas[name] / real[name] for name in areas}
                rows.append(row)
    table = pd.DataFrame(rows)
    storage.save_table("limit-beside", table, profile=profile)
    return table


def _labels(profile, place, method):
    return storage.load_volume(f"labels/{place}-{method}", profile=profile).values


def _areas(labels, voxel_size_um):
    areas = specific_surfaces(labels, voxel_size_um)
    return {name: getattr(areas, name) for name in limit.SURFACES}


def gammas(maps, truths, *, gamma, current_mA_cm2, voxel_size_um=VOXEL_SIZE_UM, threads=2):
    """
    The gamma that a lithiation of the truth gives to each map.

    Parameters
    ----------
    maps : dict of str to dict of str to (Z, Y, X) ndarray of uint8
        Labels keyed by map, then by electrode.
    truths : dict of str to (Z, Y, X) ndarray of uint8
        Keyed by electrode.
    gamma : float
        Of the virtual experiment [-].
    current_mA_cm2 : float
    voxel_size_um : float
    threads : int
        Of the voxel solver.

    Returns
    -------
    table : pandas.DataFrame
        Columns map, specimen, gamma [-], bias [%], steepness (relative change of the effective
        conductivity over that of gamma [-]), and note where there is no fit.
    """
    voxel_size_um = check_voxel_size(voxel_size_um)
    rows = []
    for specimen, truth in truths.items():
        structure = homogenization.from_labels(truth, voxel_size_um, threads=threads)
        run = gamma_fit.simulate(structure.at(gamma), current_mA_cm2, fidelity="fine")
        for name, electrode in maps.items():
            row = {"map": name, "specimen": specimen, "gamma": np.nan}
            row |= {"steepness": np.nan, "note": ""}
            try:
                model = homogenization.from_labels(
                    electrode[specimen], voxel_size_um, threads=threads
                )
                fit = gamma_fit.fit_gamma(
                    model, run.capacity_mAh_cm2, run.voltage_V, current_mA_cm2=current_mA_cm2
                )
                row["gamma"] = fit.gamma
                row["steepness"] = _steepness(model, fit.gamma)
            except ValueError as reason:
                row["note"] = str(reason)
            rows.append(row | {"bias": 100 * (row["gamma"] / gamma - 1)})
    return pd.DataFrame(rows)


def _steepness(model, gamma, step=1.02):
    """Relative change of the effective conductivity over that of gamma."""
    low, high = model.gammas[0], model.gammas[-1]
    ends = np.clip([gamma / step, gamma * step], low, high)
    return float(
        np.diff(np.log([model.effective(end) for end in ends]))[0] / np.log(ends[1] / ends[0])
    )


def ratios(table, *, share=0.9):
    """
    Gamma of each kind of map on both electrodes and the ratio of TL to SL, draws with intervals.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`gammas`; names of draws begin with ``draw``.
    share : float
        Of the draws that an interval holds.

    Returns
    -------
    table : pandas.DataFrame
        Columns map, gamma SL, gamma TL, ratio, and from, to for each of the three (NaN for
        single maps). Every draw of SL is paired with every draw of TL: they know nothing of each
        other. ``scatter of truths`` says that the intervals are as in the notes; those of older
        kept runs hold the spread of the draws alone.

    Notes
    -----
    The conductivity of a true electrode lies farther from its draws than they from each other, by
    :data:`~analysis.study.limit.intervals.SCATTER`. A fit answers a conductivity that is off with
    a gamma that is off by so much over the steepness, so every draw stands for a log-normal
    distribution of that width. This is in the intervals, and not in the medians.
    """
    kinds = table["map"].where(~table["map"].str.startswith("draw"), "draw")
    rows = []
    for kind, part in table.assign(kind=kinds).groupby("kind", sort=False):
        values, wide = {}, {}
        for name in profiles.ELECTRODES:
            fitted = part[part.specimen == name].dropna(subset=["gamma"])
            values[name] = fitted.gamma.to_numpy()
            wide[name] = intervals.around(values[name], intervals.SCATTER / fitted.steepness)
        for of in (values, wide):
            of["ratio"] = np.divide.outer(of["TL"].ravel(), of["SL"].ravel())
        row = {"map": kind}
        for name, found in values.items():
            label = name if name == "ratio" else f"gamma {name}"
            low, high = limit.interval(wide[name], share) if found.size > 1 else (np.nan, np.nan)
            middle = float(np.median(found)) if found.size else np.nan
            row |= {label: middle, f"{label} from": low, f"{label} to": high}
        rows.append(row | {"scatter of truths": True})
    return pd.DataFrame(rows)
