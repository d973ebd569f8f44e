"""Other pieces of the same electrodes: how much gamma depends on where the tomogram was taken."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis import paper, profiles, storage
from analysis.study.consistency import gammas, specimens
from analysis.study.consistency.criterion import REJECTED, judge
from analysis.study.consistency.limits import RatioLimits
from analysis.study.consistency.specimens import TRUTH

NAME = "consistency-pieces"  # table on disk
NODES = 6  # lithiations of a piece: its scatter is far larger than what they miss
METHODS = ("thresholding", "edx-closing")  # what is made of a piece: maps that need no network


def run(profile, experiments):
    """
    Fit maps of other pieces of SL and TL to the same experiments.

    Writes the table ``consistency-pieces``.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    experiments : dict of str to CellData
        Keyed by electrode: SL, TL, and the two-layer electrode turned round.

    Returns
    -------
    table : pandas.DataFrame
        Column ``piece`` and those of :func:`analysis.study.consistency.gammas.table`. A piece too
        narrow for one of the maps to conduct is left out.
    """
    kind = specimens.kinds(profile)[0]
    tables = []
    for number in range(1, profile.consistency_pieces + 1):
        for electrode in profiles.ELECTRODES:
            specimen = specimens.draw(profile, electrode, kind, number)
            maps = specimens.maps(profile, specimen, METHODS)
            scans = _scans(maps, electrode, specimen.voxel_size_um, profile.fit_current)
            if scans:
                tables.append(gammas.table(scans, experiments).assign(piece=number))
    table = pd.concat(tables, ignore_index=True)
    table = table[["piece", *table.columns.drop("piece")]]
    storage.save_table(NAME, table, profile=profile)
    return table


def limits(table, profile, shifts=None):
    """
    Limits of the ratios for the maps of the study, from the maps of the pieces.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`. The truth in it is left out: a limit must not need it.
    profile : analysis.profiles.Profile
        Gives the area that the cutouts cover.
    shifts : dict of str to dict of str to float, optional
        See :class:`RatioLimits`.

    Returns
    -------
    limits : RatioLimits
    """
    area = profile.cutouts * profile.lateral**2 / profile.consistency_lateral**2
    return RatioLimits(_logs(table[table.method != TRUTH]), area, shifts or {})


def papers(limits, profile):
    """
    The limits for maps of the paper's size: its cutouts cover more, so the pieces scatter less.

    Parameters
    ----------
    limits : RatioLimits
        From :func:`limits`.
    profile : analysis.profiles.Profile
        Gives the size of the pieces.

    Returns
    -------
    limits : RatioLimits
    """
    area = paper.CUTOUTS * paper.CUTOUT_VOXELS**2 / profile.consistency_lateral**2
    return replace(limits, mapped=area)


def false_alarms(table, limits):
    """
    How often the truth itself would be rejected, were the map one piece and the cell another.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`run`.
    limits : RatioLimits
        Their scatter is used at the size of one piece.

    Returns
    -------
    rejected, pairs : int, int
        Of all pairs of a piece of SL with a piece of TL.
    """
    one_piece = replace(limits, mapped=1.0)
    truth = table[table.method == TRUTH]
    verdicts = []
    for single in truth[truth.electrode == "SL"].piece:
        for double in truth[truth.electrode == "TL"].piece:
            chosen = truth[
                ((truth.electrode == "SL") & (truth.piece == single))
                | ((truth.electrode == "TL") & (truth.piece == double))
            ]
            verdicts.append(judge(gammas.estimates(chosen, ("SL", "TL")), one_piece).verdict)
    return verdicts.count(REJECTED), len(verdicts)


def _scans(maps, electrode, voxel_size_um, current_mA_cm2):
    """Scans of one electrode by map; the two-layer one also turned round."""
    by_map = {name: {electrode: labels} for name, labels in maps.items()}
    made, failed = gammas.structures(by_map, voxel_size_um)
    if failed:  # a piece that one map closes is no piece for any, or the maps' scatter differs
        return {}
    found = {}
    for name, electrodes in made.items():
        found[name] = gammas.scans_of(electrodes, current_mA_cm2, NODES)
    return found


def _logs(table):
    """Logarithms of gamma, (maps, pieces) by experiment."""
    found = {}
    for electrode, rows in table.groupby("electrode", sort=False):
        for kind in ("", "_impedance"):
            wide = rows.pivot(index="method", columns="piece", values="gamma" + kind)
            found[electrode + kind.replace("_", " ")] = np.log(wide.to_numpy(dtype=float))
    return found
