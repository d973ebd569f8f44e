"""The published record of a run, ``record/<profile>/``: where it lies, and what its manifest says.

It is written by :mod:`analysis.record.collect` and comes with the repository, unlike the results.
"""

import json
import os
from pathlib import Path

from analysis import profiles
from analysis.storage.checksums import sha256
from analysis.storage.files import record_read
from analysis.storage.places import MANIFEST

VARIABLE = "CBD_PUBLISHED"  # where records lie, if not beside the package


def folder(profile):
    """Folder of the record of a profile, whether or not there is one."""
    default = Path(__file__).resolve().parents[2] / "record"
    return Path(os.environ.get(VARIABLE, default)) / profiles.name_of(profile)


def manifest(profile):
    """
    What a record holds.

    Returns
    -------
    manifest : dict
        ``planned`` (cases by kind) and ``files``, a dict of relative path to ``sha256``,
        ``bytes`` and where it comes from; both empty if there is no record.

    Raises
    ------
    ValueError
        If the manifest is there and cannot be read.
    """
    file = folder(profile) / MANIFEST
    if not file.exists():
        return {"planned": {}, "files": {}}
    record_read(file)  # a chapter that shows the record runs again when the record has grown
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        found["planned"], found["files"] = dict(found["planned"]), dict(found["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file} is no manifest of a record ({error}). Restore it: git checkout {file}"
        ) from error
    return found


def trouble(profile, name, entry):
    """What is wrong with a file of the record, or an empty string."""
    file = folder(profile) / name
    if not file.is_file():
        return "is missing"
    same = sha256(file) == entry["sha256"]
    return "" if same else "is not as the record was written (SHA-256 differs)"
