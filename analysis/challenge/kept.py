"""Standings that were made once and are kept: the methods of the book on the open set.

The specimens of the challenge are none of the study's and are the same in every run, so a profile
may show a table that was made before. It says so, and it says when and where it was made.
``benchmarks/challenge_standings.py`` makes it anew.
"""

import json
from pathlib import Path

from analysis import storage
from analysis.challenge import standings

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


def files(profile, which="open", folder=FOLDER):
    """The kept table, and the file that says who made it."""
    name = f"challenge-{which}-{profile.name}"
    return Path(folder) / f"{name}.csv", Path(folder) / f"{name}.json"


def load(profile, *, which="open", folder=FOLDER):
    """
    The kept table of a set.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    which : str
    folder : path-like

    Returns
    -------
    table : pandas.DataFrame or None
        None if there is none, or if it is of another set, score, model or list of methods than
        today's.
    made_on : str
        When, where and by which commit it was made; empty if there is no table.
    """
    rows, made = files(profile, which, folder)
    if not (rows.is_file() and made.is_file()):
        return None, ""
    about = json.loads(made.read_text(encoding="utf-8"))
    fits = about["version"] == standings.version(which, profile)
    if not fits or about["sha256"] != storage.sha256(rows):
        return None, ""
    for file in (rows, made):
        storage.record_read(file)
    table = standings.read(rows)
    return table, f"{about['date']}, {about['machine']}, commit {about['commit']}"


def save(table, profile, made, *, which="open", folder=FOLDER):
    """
    Keep a table.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`analysis.challenge.standings.build`.
    profile : analysis.profiles.Profile
    made : dict
        ``date``, ``machine``, ``commit`` and ``versions``.
    which : str
    folder : path-like

    Raises
    ------
    ValueError
        If the table is not of today's set, score, models and methods.
    """
    version = standings.version(which, profile)
    if set(table.version) != {version}:
        raise ValueError(
            f"The table is of {', '.join(sorted(set(table.version)))}; expected {version}. "
            "Build it anew: standings.build(profile)."
        )
    rows, about = files(profile, which, folder)
    with storage.atomic(rows) as temporary:
        table.to_csv(temporary, index=False, float_format="%.12g")
    text = json.dumps({"version": version, "sha256": storage.sha256(rows)} | made, indent=1)
    with storage.atomic(about) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def or_built(profile, *, which="open", folder=FOLDER, progress=lambda line: None):
    """
    The kept table where the profile takes one and it fits, else one that is built now.

    Either way the table ``challenge-<set>`` is left with the results.

    Parameters
    ----------
    profile : analysis.profiles.Profile
        ``challenge_kept`` says whether it takes one.
    which : str
    folder : path-like
    progress : callable

    Returns
    -------
    table : pandas.DataFrame
    text : str
        Whether it was made in this run, else when and where.
    """
    table, made_on = load(profile, which=which, folder=folder)
    if profile.challenge_kept and table is not None:
        storage.save_table(f"challenge-{which}", table, profile=profile)
        return table, (
            f"The rows of the book's methods are a kept run ({made_on}); `make book PROFILE=paper` "
            "and `PROFILE=smoke` make them anew, in their sizes. Those of the entries are of this "
            "run"
        )
    table = standings.build(profile, which=which, progress=progress)
    return table, "All rows were made in this run"
