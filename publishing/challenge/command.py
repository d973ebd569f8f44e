"""``make challenge``: a script scored on a set, a folder with the report."""

import os
import re
from pathlib import Path

from analysis import profiles, storage
from analysis.challenge import attempt, sets, standings
from analysis.challenge.confined import Limits
from publishing.challenge import report
from publishing.chapters import ROOT

DEFAULT = ROOT / "challenge"  # where reports lie if OUT names no folder
REPORT, SCORES, STANDINGS = "report.html", "score.csv", "standings.csv"


def run(
    method,
    *,
    profile="demo",
    which="open",
    out="",
    seconds="",
    memory_GB="",
    progress=print,
):
    """
    Run a script on a set, score it, and write the report.

    Parameters
    ----------
    method : str
        Python script with ``trinarize(gray, voxel_size_um, fractions, fluorine=None)``.
    profile : str
        Size of the set: ``smoke`` for a first look, ``demo`` for figures that are compared.
    which : {"open", "sealed", "study"}
        The sealed set needs the organizer's secret in ``CBD_CHALLENGE_SEED``.
    out : str
        A new or empty folder; by default the next free ``challenge/<script>/run-N``.
    seconds, memory_GB : str or float
        Limits for one specimen.
    progress : callable
        Receives progress.

    Returns
    -------
    page : Path
        The report.

    Raises
    ------
    ValueError, OSError
        If an option or the script is not fit; nothing has run then.
    RuntimeError
        If the script gave no labels for some specimen; the report says why.
    """
    script = attempt.check_script(method)
    profile = profiles.get(profile or "demo")
    limits = Limits(**_limits(seconds, memory_GB))
    challenge_set = sets.get(which or "open", profile)
    folder = _folder(out, script)
    progress(f"Drawing the {challenge_set.name} set ...")
    volumes = sets.volumes(challenge_set)
    for volume in volumes:
        progress(
            f"{volume.name}: {volume.electrode}, {volume.pair.name} ({volume.pair.scenario_name}, "
            f"noise {volume.pair.noise:g}, layer contrast {volume.pair.layer_contrast:g})"
        )
    tried = attempt.run(script, volumes, name=script.name, limits=limits, progress=progress)
    table = _scored(tried, challenge_set, profile, progress)
    page = folder / REPORT
    for target, text in (
        (page, report.page(tried, challenge_set, volumes, table)),
        (folder / SCORES, _csv(report.csv(tried, table))),
        (folder / STANDINGS, _csv(table)),
    ):
        with storage.atomic(target) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    progress(f"Report: {page}\nScores: {folder / SCORES}")
    if not tried.complete:
        troubles = "\n".join(tried.troubles)
        raise RuntimeError(f"{script.name} is not ranked. {troubles}\nReport: {page}")
    return page


def _scored(tried, challenge_set, profile, progress):
    """Scores of the book's methods and of the entry; nobody is called as one of them is."""
    import pandas as pd

    table = standings.stored(profile, which=challenge_set.name)
    if table is None:
        progress("Scoring the methods of the book on this set; the next entry finds them done ...")
        table = standings.build(profile, which=challenge_set.name, progress=progress)
    table = table.drop(columns="version", errors="ignore")
    progress(f"Scoring {tried.name} ...")
    mine = standings.of_attempt(tried, challenge_set, profile)
    return pd.concat([table, mine], ignore_index=True) if len(mine) else table


def _limits(seconds, memory_GB):
    """Limits that were typed, as numbers."""
    found = {}
    for name, variable, value in (
        ("seconds", "SECONDS", seconds),
        ("memory_GB", "MEMORY_GB", memory_GB),
    ):
        if value not in ("", None):
            try:
                found[name] = float(value)
            except ValueError:
                raise ValueError(
                    f"{variable}={value} is no number; expected one above 0."
                ) from None
    return found


def _folder(out, script):
    """A folder of this run's own: nothing that lies there is replaced, so nothing is lost."""
    if not out:
        name = re.sub(r"[^\w.-]+", "_", script.stem).strip("._-")[:60] or "entry"
        number = 1
        while True:
            folder = DEFAULT / name / f"run-{number}"
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                number += 1
            else:
                return folder
    folder = Path(os.path.abspath(Path(out).expanduser()))
    for untouchable in (storage.results_root(), *(ROOT / room for room in ("analysis", "book"))):
        if folder.resolve().is_relative_to(untouchable.resolve()):
            raise ValueError(
                f"OUT={out} lies inside {untouchable}, a folder of the study. Give another."
            )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(
            f"OUT={out} is there and not empty; expected a new or an empty folder, for a report "
            "replaces nothing. Give another, or leave OUT away for challenge/<script>/run-N."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"OUT={out} cannot be made ({error.strerror}). Give another folder."
        ) from None
    return folder


def _csv(frame):
    return frame.to_csv(index=False, float_format="%.12g", lineterminator="\n")
