"""What the landing page shows: one electrode, every method that has run, and its error."""

import pandas as pd

from analysis import profiles, storage
from analysis.figures import style
from analysis.phases import Phase
from analysis.segmentation import agreement


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


def errors(profile, methods=None):
    """
    Jaccard index of each method with the truth.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    methods : iterable of str, optional
        As in :func:`labels`.

    Returns
    -------
    table : pandas.DataFrame
        Columns `specimen`, `cutout`, `method`, `phase`, `jaccard` [-].
    """
    rows = []
    for specimen in profiles.ELECTRODES:
        for cutout in profile.cutout_numbers:
            volumes = labels(profile, specimen, cutout, methods)
            truth = volumes.pop("truth", None)
            if truth is None:
                continue
            for method, volume in volumes.items():
                counts = agreement.confusion(truth, volume)
                rows += [
                    {
                        "specimen": specimen,
                        "cutout": cutout,
                        "method": method,
                        "phase": phase.title,
                        "jaccard": agreement.jaccard_of(counts, phase),
                    }
                    for phase in Phase
                ]
    return pd.DataFrame(rows, columns=["specimen", "cutout", "method", "phase", "jaccard"])


def ranking(table, phase):
    """
    Methods by their mean Jaccard index for one phase, best first.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`errors` returns it.
    phase : Phase
        Phase to judge by.

    Returns
    -------
    means : pandas.Series
        Mean over specimens and cutouts [-], indexed by method.
    """
    chosen = table[table["phase"] == phase.title]
    return chosen.groupby("method")["jaccard"].mean().sort_values(ascending=False)
