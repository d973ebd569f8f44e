"""Checkpoint files of a resolved run: everything that the next step depends on, bit by bit."""

import os
import zipfile
import zlib

import numpy as np

from analysis import storage

_UNREADABLE = (
    *(OSError, EOFError, KeyError, TypeError, ValueError, AttributeError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError),
)


class Unusable(ValueError):
    """A checkpoint that cannot be read, or belongs to another case."""


def save(path, state, mark):
    """
    Write the state of a run; a kill during the write leaves the previous file whole.

    Parameters
    ----------
    path : path
        File.
    state : dict of ndarray
        The run between two steps, as :meth:`time_integration.Run.state` gives it.
    mark : str
        Fingerprint of the case.
    """
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with storage.atomic(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, mark=np.array(mark), **state)


def load(path, mark):
    """
    Read the state of a run of the same case.

    Parameters
    ----------
    path : path
        File.
    mark : str
        Fingerprint of the case that is to go on.

    Returns
    -------
    state : dict of ndarray
        For :meth:`time_integration.Run.restore`.

    Raises
    ------
    Unusable
        If the checkpoint belongs to another case, or cannot be read.
    """
    try:
        with np.load(path) as file:  # all of it: the parts carry checksums, the whole does not
            stored = {name: file[name] for name in file.files}
        found = str(stored["mark"])
    except _UNREADABLE as error:
        raise Unusable(
            f"{path} is not a checkpoint of a resolved run; remove it to start anew."
        ) from error
    if found != mark:
        raise Unusable(
            f"The checkpoint {path} belongs to another case (labels, gamma, current, materials "
            "or accuracy differ). Remove it, or give another path."
        )
    return stored
