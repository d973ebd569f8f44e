"""What made this book: commit, versions, machine, times and checksums of a run."""

import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path

import pandas as pd

from analysis import __version__, storage
from analysis.storage.provenance import NUMERICAL, commit, processor, version

ROOT = Path(__file__).resolve().parents[3]
DISTRIBUTION = "cbd-compendium"


def manifest(profile):
    """
    What each chapter read and wrote, as collected when the run began.

    Raises
    ------
    FileNotFoundError
        If no chapter of the profile has run yet.
    """
    source = storage.results_root() / str(profile) / "manifest.json"
    if not source.exists():
        raise FileNotFoundError(
            f"There is no manifest of profile {str(profile)!r} (looked for {source}). "
            f"Run the book first: make book PROFILE={profile}"
        )
    storage.record_read(source)
    return json.loads(source.read_text(encoding="utf-8"))


def run(profile):
    """
    The run in a few lines.

    Parameters
    ----------
    profile : analysis.profiles.Profile

    Returns
    -------
    table : pandas.DataFrame
        Columns `what` and `value`.
    """
    lines = {
        "profile": profile.name,
        "cutouts per electrode": profile.cutouts,
        "lateral edge of a cutout [voxel]": profile.lateral,
        "root seed": profile.seed,
        "commit": commit(),
        "version": __version__,
        "Python": platform.python_version(),
        "numerical libraries": ", ".join(f"{name} {version(name)}" for name in NUMERICAL),
        "operating system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "processor cores": os.cpu_count(),
    }
    return pd.DataFrame({"what": list(lines), "value": [str(value) for value in lines.values()]})


def chapters(profile):
    """
    Seconds, memory and files of each chapter.

    Returns
    -------
    table : pandas.DataFrame
        One row per chapter, in the order in which the book has them.
    """
    rows = [
        {
            "chapter": name,
            "seconds": entry["seconds"],
            "peak_memory_GB": entry["peak_memory_MB"] / 1000,
            "files_read": len(entry["inputs"]),
            "files_written": len(entry["outputs"]),
        }
        for name, entry in manifest(profile)["chapters"].items()
    ]
    return pd.DataFrame(rows, columns=list(_CHAPTER_COLUMNS))


_CHAPTER_COLUMNS = ("chapter", "seconds", "peak_memory_GB", "files_read", "files_written")


def checksums(profile):
    """
    Every file that the run wrote, with the chapter that made it and its SHA-256.

    Returns
    -------
    table : pandas.DataFrame
        Columns `file`, `chapter`, `bytes`, `sha256`.
    """
    rows = [
        {"file": file, "chapter": name, "bytes": output["bytes"], "sha256": output["sha256"]}
        for name, entry in manifest(profile)["chapters"].items()
        for file, output in sorted(entry["outputs"].items())
    ]
    return pd.DataFrame(rows, columns=["file", "chapter", "bytes", "sha256"])


def versions():
    """
    Installed versions of the packages that the project asks for.

    Returns
    -------
    table : pandas.DataFrame
        Columns `package` and `version`; all packages stand in ``requirements.txt``.
    """
    names = sorted(_direct_dependencies(), key=str.lower)
    return pd.DataFrame({"package": names, "version": [version(name) for name in names]})


def _direct_dependencies():
    """Names in ``pyproject.toml``, or in the installed metadata where the file is not at hand."""
    project = ROOT / "pyproject.toml"
    if project.exists():
        import tomllib

        asked = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    else:
        asked = [line for line in metadata.requires(DISTRIBUTION) or [] if "extra ==" not in line]
    return {re.match(r"[A-Za-z0-9._-]+", line)[0] for line in asked}
