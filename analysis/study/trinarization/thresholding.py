"""Thresholding of every cutout, calibrated on a window as in the paper, and per cutout."""

import numpy as np
import pandas as pd

from analysis import electrodes, profiles, storage
from analysis.phases import Phase, volume_fractions
from analysis.segmentation import agreement, thresholding

METHOD = "thresholding"


def run(profile):
    """
    Threshold every cutout of SL and TL so that each meets the target fractions.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, cutout, phase, target, achieved, the two thresholds, and the number of
        voxels of the cutout.
    """
    rows = []
    for specimen in profiles.ELECTRODES:
        targets = electrodes.electrode(specimen).targets()
        for cutout in profile.cutout_numbers:
            name = f"{specimen}-{cutout}"
            volume = storage.load_volume(f"gray/{name}", profile=profile)
            calibrated = thresholding.calibrate(volume.values, targets)
            labels = thresholding.trinarize(volume.values, targets)
            storage.save_volume(
                f"labels/{name}-{METHOD}",
                labels,
                profile=profile,
                voxel_size_um=volume.attrs["voxel_size_um"],
                specimen=specimen,
                cutout=cutout,
                method=METHOD,
            )
            achieved = volume_fractions(labels)
            rows += [
                {
                    "specimen": specimen,
                    "cutout": cutout,
                    "phase": phase.title,
                    "target": targets[phase],
                    "achieved": achieved[phase],
                    "threshold_cbd": calibrated.cbd,
                    "threshold_am": calibrated.am,
                    "voxels": labels.size,
                }
                for phase in reversed(Phase)
            ]
    table = pd.DataFrame(rows)
    storage.save_table("thresholding", table, profile=profile)
    return table


def by_cutout(table):
    """
    One row per cutout: the fractions are met so closely that only the miss is worth a table.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, cutout, threshold_cbd, threshold_am, miss (largest over the phases, in
        voxels), and the achieved fraction [-] of each phase.
    """
    rows = []
    for (specimen, cutout), part in table.groupby(["specimen", "cutout"], sort=False):
        miss = ((part.achieved - part.target).abs() * part.voxels).max()
        achieved = dict(zip(part.phase, part.achieved, strict=True))
        first = part.iloc[0]
        rows.append(
            {
                "specimen": specimen,
                "cutout": cutout,
                "threshold_cbd": first.threshold_cbd,
                "threshold_am": first.threshold_am,
                "miss": float(miss),
            }
            | achieved
        )
    return pd.DataFrame(rows)


WINDOW_SLICES = {"SL": 220, "TL": 250}  # thickness of the paper's calibration windows


def on_window(profile):
    """
    Calibrate on one window per electrode and apply to the cutouts, as the paper does.

    The window is the central part of all cutouts of the electrode, as many slices thick as the
    paper's. Writes the table ``thresholding-window``.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, cutout, phase, target, window (fraction in the calibration window),
        achieved (in the cutout), and the two thresholds.
    """
    rows = []
    for specimen in profiles.ELECTRODES:
        targets = electrodes.electrode(specimen).targets()
        cutouts = {
            cutout: storage.load_volume(f"gray/{specimen}-{cutout}", profile=profile).values
            for cutout in profile.cutout_numbers
        }
        window = np.concatenate(
            [_center(gray, WINDOW_SLICES[specimen]) for gray in cutouts.values()]
        )
        thresholds = thresholding.calibrate(window, targets)
        for cutout, gray in cutouts.items():
            achieved = volume_fractions(thresholding.apply(gray, thresholds))
            rows += [
                {
                    "specimen": specimen,
                    "cutout": cutout,
                    "phase": phase.title,
                    "target": targets[phase],
                    "window": thresholds.achieved[phase],
                    "achieved": achieved[phase],
                    "threshold_cbd": thresholds.cbd,
                    "threshold_am": thresholds.am,
                }
                for phase in reversed(Phase)
            ]
    table = pd.DataFrame(rows)
    storage.save_table("thresholding-window", table, profile=profile)
    return table


def confusions(profile):
    """
    What becomes of each true phase, all cutouts of an electrode together.

    Returns
    -------
    counts : dict of str to (3, 3) ndarray of int
        Keyed by specimen; rows the true phase, columns the assigned one.
    """
    found = {}
    for specimen in profiles.ELECTRODES:
        names = [f"{specimen}-{cutout}" for cutout in profile.cutout_numbers]
        pairs = (
            [
                storage.load_volume(f"labels/{name}-{method}", profile=profile).values
                for method in ("truth", METHOD)
            ]
            for name in names
        )
        found[specimen] = sum(agreement.confusion(*pair) for pair in pairs)
    return found


def _center(gray, slices):
    first = max(0, (gray.shape[0] - slices) // 2)
    return gray[first : first + slices]
