"""Whether a result is as the study wrote it: a SHA-256 for every file, kept beside the results.

``results/<profile>/<kind>/<name>`` has an entry ``results/<profile>/.sha256/<kind>/<name>.<hash>``,
made before the result takes its place. The entry's *name* holds the hash, so that there is nothing
to rewrite: two processes that write the same result add an entry each, whichever result stays has
its own, and a kill between the two steps leaves the old result with its old entry. A file without
an entry of its hash was not written by the study, was changed, or was damaged.
"""

import hashlib
import os
import time
from pathlib import Path

FOLDER = ".sha256"

KEPT_S = 3600  # entries of replaced results go after this: another process may be about to rename

_FRESH_S = 0.1  # a file system may not tell two writes apart that follow each other faster

_KNOWN = {}  # (path, inode, size, times of change) -> hash


def sha256(file):
    """
    Hexadecimal SHA-256 of a file's content.

    A file that has not changed is hashed once per process.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    with open(file, "rb") as opened:
        stat = os.fstat(opened.fileno())
        key = (os.path.abspath(file), stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        if key not in _KNOWN:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            if time.time() - max(stat.st_mtime, stat.st_ctime) < _FRESH_S:
                return digest
            _KNOWN[key] = digest
        return _KNOWN[key]


def add(file, temporary, root):
    """
    Make the entry of a result that is about to take its place.

    Parameters
    ----------
    file : Path
        Where the result will lie, ``root/<profile>/<kind>/<name>``.
    temporary : Path
        The finished file that will be renamed to it.
    root : Path
        Folder of all results.
    """
    digest = sha256(temporary)
    entry = _entry(file, digest, root)
    entry.parent.mkdir(parents=True, exist_ok=True)
    shown = os.path.relpath(file, root)  # as `sha256sum --check` reads it in the results folder
    entry.write_text(f"{digest}  {shown}\n", encoding="utf-8")


def prune(file, root):
    """Remove entries of a result's former versions, but those that were made a moment ago."""
    digest = sha256(file)
    for entry in _entries(file, root):
        try:
            if not entry.name.endswith(digest) and time.time() - entry.stat().st_mtime > KEPT_S:
                entry.unlink()
        except FileNotFoundError:
            continue  # another process was faster


def trouble(file, root):
    """
    What is wrong with a result, or an empty string.

    Parameters
    ----------
    file : Path
        ``root/<profile>/<kind>/<name>``.
    root : Path
        Folder of all results.

    Returns
    -------
    trouble : str
        "is missing", "has no checksum...", "was changed...", or empty.
    """
    try:
        digest = sha256(file)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    if _entry(file, digest, root).exists():
        return ""
    if not _entries(file, root):
        return "has no checksum, so it may not be of this study"
    if os.path.getsize(file) == 0:
        return "is empty: it was damaged after it was written"
    return "was changed or damaged after it was written (its SHA-256 differs)"


def _entry(file, digest, root):
    profile, *inside = Path(os.path.relpath(file, root)).parts
    return Path(root, profile, FOLDER, *inside).with_name(f"{Path(file).name}.{digest}")


def _entries(file, root):
    folder, stem = _entry(file, "", root).parent, Path(file).name + "."
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return [
        folder / name for name in names if name.startswith(stem) and len(name) == len(stem) + 64
    ]
