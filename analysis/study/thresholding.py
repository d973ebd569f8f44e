"""Thresholding of every cutout, calibrated on a window as in the paper, and per cutout."""

import pandas as pd

from analysis import electrodes, profiles, storage
from analysis.phases import Phase, volume_fractions
from analysis.segmentation import thresholding

METHOD = "thresholding"


def run(profile):
    """
    Threshold every cutout of SL and TL so that each meets the target fractions.

    Returns
    -------
    table : pandas.DataFrame
        Columns specimen, cutout, phase, target, achieved, and the two thresholds.
    """
    settings = profiles.get(profile)
    rows = []
    for specimen in profiles.ELECTRODES:
        targets = electrodes.electrode(specimen).targets()
        for cutout in settings.cutout_numbers:
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
                }
                for phase in reversed(Phase)
            ]
    table = pd.DataFrame(rows)
    storage.save_table("thresholding", table, profile=profile)
    return table
