"""Which trinarizations a run has left on disk, and what to do if there are none."""

import pandas as pd

from analysis import profiles, storage
from analysis.figures import style

TRUTH = "truth"
OURS = ("posterior", "draw")  # of this book, not of the paper; as in the names of the files


def methods_on_disk(profile):
    """
    Methods whose labels are on disk for every cutout of SL and TL.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    methods : list of str
        In the paper's order, the truth last.

    Raises
    ------
    FileNotFoundError
        If the truth of a cutout, or every trinarization, is missing: a comparison of nothing
        would be an empty table, not a result.
    """
    names = cutouts(profile)

    def missing(method):
        found = (f"labels/{name}-{method}" for name in names)
        return [name for name in found if not storage.exists("volumes", name, profile=profile)]

    absent = missing(TRUTH)
    if absent:
        raise storage.not_there("volumes", absent, profile=profile)
    methods = [method for method in style.METHODS if not missing(method)]
    if methods == [TRUTH]:
        wanted = [f"labels/{names[0]}-{method}" for method in ("thresholding", "kmeans")]
        raise storage.not_there("volumes", [*wanted, "..."], profile=profile)
    return methods


def ours_on_disk(profile):
    """:data:`OURS`, if their labels are on disk for every cutout of SL and TL; else nothing."""
    names = [f"labels/{name}-{method}" for name in cutouts(profile) for method in OURS]
    there = all(storage.exists("volumes", name, profile=profile) for name in names)
    return list(OURS) if there else []


def with_ours(scores, profile):
    """
    Scores of the paper's methods with those of posterior and draw below.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns specimen, cutout, method, scores, and perhaps scenario.
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        The same columns, NaN in one that ours lack. Unchanged if the chapter on the limit, which
        scores ours, has not run.
    """
    if not storage.exists("tables", "limit-beside", profile=profile):
        return scores
    mine = storage.load_table("limit-beside", profile=profile)
    mine = mine[mine["method"].isin(OURS)].assign(scenario=profile.scenarios[0])
    return pd.concat([scores, mine.reindex(columns=scores.columns)], ignore_index=True)


def cutouts(profile):
    """
    Names of the cutouts of SL and TL, as they stand in the names of files.

    Examples
    --------
    >>> cutouts(profiles.get("smoke"))
    ['SL-1', 'TL-1']
    """
    numbers = profile.cutout_numbers
    return [f"{specimen}-{cutout}" for specimen in profiles.ELECTRODES for cutout in numbers]
