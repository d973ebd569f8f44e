"""Weights that come with the package: written with their SHA-256 beside them, and checked by it."""

from pathlib import Path

import numpy as np

from analysis import storage


def save(file, **arrays):
    """
    Write arrays compressed, and the hash of the file beside it.

    Parameters
    ----------
    file : path-like
        Ends in ``.npz``.
    **arrays : array-like
        By the names under which they are read.
    """
    with storage.atomic(file) as temporary, open(temporary, "wb") as opened:
        np.savez_compressed(opened, **arrays)
    with storage.atomic(_hash_file(file)) as temporary:
        line = f"{storage.sha256(file)}  {Path(file).name}\n"
        Path(temporary).write_text(line, encoding="utf-8")


def check(file, of_what, again):
    """
    Refuse a file that is not the one whose hash stands beside it.

    Parameters
    ----------
    file : path-like
    of_what : str
        Whose weights they are, for the message.
    again : str
        What to do about it, for the message.

    Raises
    ------
    FileNotFoundError
        If the file, or its hash, is missing.
    ValueError
        If the hash is another.
    """
    for needed in (Path(file), _hash_file(file)):
        if not needed.is_file():
            raise FileNotFoundError(
                f"{needed}: the weights of {of_what}, or their hash, are missing. {again}"
            )
    found = storage.sha256(file)
    wanted = (_hash_file(file).read_text(encoding="utf-8").split() or ["nothing"])[0]
    if found != wanted:
        raise ValueError(
            f"{file} has the SHA-256 {found[:12]}..., expected {wanted[:12]}...: the weights were "
            f"damaged or replaced. {again}"
        )


def _hash_file(file):
    return Path(file).with_suffix(".sha256")
