"""Which trinarizations of the two electrodes are on disk."""

from analysis import profiles, storage
from analysis.figures import style


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
    """
    names = [f"{s}-{c}" for s in profiles.ELECTRODES for c in profile.cutout_numbers]
    return [
        method
        for method in style.METHODS
        if all(storage.exists("volumes", f"labels/{n}-{method}", profile=profile) for n in names)
    ]
