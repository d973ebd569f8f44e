"""A disk that is full: recognized however a library reports it, said in one way."""

import errno
import os
import shutil
from pathlib import Path

_REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "your quota on this disk is used up",
    errno.EFBIG: "a file may not grow that large here (see `ulimit -f`)",
}

_LITTLE = 1 << 16  # less free space than this [bytes] is none: a file system keeps some for itself


def reason(error, folder="."):
    """
    Why something could not be written, if it is for want of space.

    numpy reports a full disk without an error number, HDF5 within a long text, and Keras as it gets
    it; hence the text and the free space are looked at as well.

    Parameters
    ----------
    error : BaseException
        What a writer raised.
    folder : path-like
        Where it wrote to.

    Returns
    -------
    reason : str
        "the disk is full" or its like; empty if space was not the reason.
    """
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for number, text in _REASONS.items():
            if getattr(error, "errno", None) == number or os.strerror(number) in str(error):
                return text
        if isinstance(error, OSError) and error.errno is None and full(folder):
            return full(folder)
        error = error.__cause__ or error.__context__
    return ""


def full(folder):
    """Say "the disk is full" if there is no space left for a folder, or an empty string."""
    return _REASONS[errno.ENOSPC] if _free(folder) < _LITTLE else ""


def sentence(what, why, variable):
    """
    What to tell somebody whose result could not be written.

    Parameters
    ----------
    what : path-like or str
        File or folder that was written to.
    why : str
        As :func:`reason` gives it, or another reason.
    variable : str
        Environment variable that names another folder for results.
    """
    return (
        f"Could not write {what}: {why}. The previous result, if there was one, is intact. "
        f"Free some space, or set {variable} to another folder, and run again."
    )


def _free(folder):
    folder = Path(folder)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
