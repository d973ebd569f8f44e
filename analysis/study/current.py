"""Which profile a notebook works on, wherever it was opened.

``make book`` passes the profile to each chapter. A notebook that somebody opens in JupyterLab or
on Binder asks here, so that it finds the results that are there without being edited.
"""

import os

from analysis import profiles, storage

VARIABLE = "CBD_PROFILE"  # names the profile of notebooks that are opened by hand
_PREFERRED = ("demo", "paper", "smoke")  # where the results of several profiles are there


def profile():
    """
    Name of the profile: the environment's, else the one that has results, else ``demo``.

    Returns
    -------
    name : str
        ``smoke``, ``demo`` or ``paper``.

    Raises
    ------
    ValueError
        If the environment variable ``CBD_PROFILE`` names a profile that does not exist.

    Notes
    -----
    A profile has results if the first two chapters have left labels of its virtual electrodes.
    Of several, ``demo`` comes first, since its numbers are those of the published pages. Set
    ``CBD_PROFILE`` to work on another one: ``CBD_PROFILE=smoke make lab``.
    """
    named = os.environ.get(VARIABLE, "").strip()
    if named:
        try:
            return profiles.get(named).name
        except ValueError as error:
            raise ValueError(f"{VARIABLE} is {named!r}. {error}") from None
    return next((name for name in _PREFERRED if _has_results(name)), _PREFERRED[0])


def _has_results(name):
    return storage.exists("volumes", f"labels/{profiles.ELECTRODES[0]}-1-truth", profile=name)
