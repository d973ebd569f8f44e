"""Tables that were made once and come with the book: studies of the method, not of the specimens.

They are drawn from specimens of their own and are the same in every run, so a profile may name them
in ``kept_tables`` and show what was made before. The page says so, and when, where and by which
commit. ``benchmarks/kept_tables.py`` makes them anew; a profile that does not name them runs them.
"""

import json
from pathlib import Path

import pandas as pd

from analysis import storage

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


def files(name, profile, folder=FOLDER):
    """The kept table, and the file that says who made it."""
    stem = f"{name}-{profile.name}"
    return Path(folder) / f"{stem}.csv", Path(folder) / f"{stem}.json"


def load(name, profile, version, *, folder=FOLDER):
    """
    A kept table, if the profile takes it and it fits.

    Parameters
    ----------
    name : str
        As with the results.
    profile : analysis.profiles.Profile
    version : str
        What the table depends on, as it is today.
    folder : path-like

    Returns
    -------
    table : pandas.DataFrame or None
        None if the profile does not take it, it is not there, it was changed by hand, or it is of
        another version.
    made_on : str
        When, where and by which commit it was made; empty if there is no table.
    """
    rows, made = files(name, profile, folder)
    if name not in profile.kept_tables or not (rows.is_file() and made.is_file()):
        return None, ""
    about = json.loads(made.read_text(encoding="utf-8"))
    if about["version"] != version or about["sha256"] != storage.sha256(rows):
        return None, ""
    for file in (rows, made):
        storage.record_read(file)
    made_on = f"{about['date']}, {about['machine']}, commit {about['commit']}"
    return pd.read_csv(rows), made_on


def save(name, table, profile, version, made, *, folder=FOLDER):
    """
    Keep a table.

    Parameters
    ----------
    name : str
    table : pandas.DataFrame
    profile : analysis.profiles.Profile
    version : str
        What it depends on.
    made : dict
        ``date``, ``machine`` and ``commit``, and what else is worth telling.
    folder : path-like
    """
    rows, about = files(name, profile, folder)
    with storage.atomic(rows) as temporary:
        table.to_csv(temporary, index=False, float_format="%.12g")
    text = json.dumps({"version": version, "sha256": storage.sha256(rows)} | made, indent=1)
    with storage.atomic(about) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def text(made_on, what):
    """Where rows come from, in words; `what` is a plural such as ``rows of the other kinds``."""
    if not made_on:
        return f"The {what} were made in this run"
    return (
        f"The {what} are a kept run ({made_on}; benchmarks/kept_tables.py makes it anew). "
        "The profile paper runs them itself"
    )
