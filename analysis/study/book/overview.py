"""What the landing page shows: one electrode, every method that has run, and its error."""

import pandas as pd

from analysis import profiles, storage
from analysis.figures import style
from analysis.segmentation import agreement
from analysis.study import catalogue
from analysis.study.trinarization import standing


def labels(profile, specimen="SL", cutout=1, methods=None):
    """
    Trinarizations of one cutout that are on disk, the truth last.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    specimen : str
        Specimen.
    cutout : int
        Counted from 1.
    methods : iterable of str, optional
        Methods to look for; all of the catalogue by default.

    Returns
    -------
    volumes : dict of str to (Z, Y, X) ndarray of uint8
        Keyed by method, in the paper's order.
    """
    volumes = {}
    for method in style.ordered(methods or style.METHODS):
        name = f"labels/{specimen}-{cutout}-{method}"
        if storage.exists("volumes", name, profile=profile):
            volumes[method] = storage.load_volume(name, profile=profile).values
    return volumes


def scores(profile, methods=None):
    """
    Scores of each method against the truth, beside what chance gives.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    methods : iterable of str, optional
        As in :func:`labels`.

    Returns
    -------
    table : pandas.DataFrame
        Columns `specimen`, `cutout`, `method`, and those of
        :func:`~analysis.study.trinarization.standing.score`.

    Raises
    ------
    FileNotFoundError
        If no trinarization, or no truth, is on disk.
    """
    catalogue.methods_on_disk(profile)
    rows = []
    for specimen in profiles.ELECTRODES:
        for cutout in profile.cutout_numbers:
            volumes = labels(profile, specimen, cutout, methods)
            if "truth" not in volumes:
                name = f"labels/{specimen}-{cutout}-truth"
                truth = storage.load_volume(name, profile=profile).values
            else:
                truth = volumes.pop("truth")
            for method, volume in volumes.items():
                place = {"specimen": specimen, "cutout": cutout, "method": method}
                rows.append(place | standing.score(agreement.confusion(truth, volume)))
    return pd.DataFrame(rows)


def chance_of(table, phase):
    """
    Jaccard index of one phase by chance for each method: the tick of a figure.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`scores` returns it.
    phase : Phase
        CBD or pore.

    Returns
    -------
    chance : dict of str to float
        Mean over specimens and cutouts [-], keyed by method.
    """
    return table.groupby("method")[f"chance {phase.title}"].mean().to_dict()
