"""A reader's output folder: which folders are ours, and how a report in one is replaced.

A folder belongs to ``make own`` when it holds the mark that ``make own`` wrote, and only then is
anything in it replaced. Of what was published there, the hash of every file is kept in the mark:
a file that was added or changed since then is the reader's and is moved aside, never deleted.
"""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from analysis import storage
from publishing.chapters import ROOT
from publishing.provenance import Source, folder_names

MARK = ".made-by-make-own.json"
MAKER = "make own of cbd-compendium"
LOCK = ".lock"  # that of a run which is about to claim the folder
WORK = "work"  # what a run needs on its way; removed when it succeeds
REPORT = "report"
PREVIOUS = "previous"  # the last complete result, while there is no newer one

DEFAULT = ROOT / "own"  # where reports lie if OUT names no folder


def default_folders(file):
    """Folders below ``own/`` that the report on a tomogram may take, the plainest first."""
    return [DEFAULT / name for name in folder_names(file)]


def check(out, tomogram):
    """
    Say whether reports may be written to a folder, before any work. Writes nothing.

    Parameters
    ----------
    out : str or Path
        The folder.
    tomogram : Path
        The file that the report is about.

    Returns
    -------
    folder : Path
        Absolute.

    Raises
    ------
    ValueError
        If the folder is not ours and not empty, or is one that must stay as it is: a link, the
        root, a home, one with the tomogram, one of the project.
    """
    try:
        folder = Path(os.path.abspath(Path(out).expanduser()))
    except RuntimeError as error:
        raise ValueError(f"OUT={out}: {error} Give the path in full.") from None
    if folder.is_symlink():
        raise ValueError(
            f"OUT={out} is a link to {os.readlink(folder)}. Name the folder itself, or a new one."
        )
    folder = folder.resolve()
    reason = _untouchable(folder, Path(tomogram).resolve())
    if reason:
        raise ValueError(
            f"OUT={out} is {folder}, {reason}; expected a folder for this report alone. Give a new "
            "one, or leave OUT away for own/<name of the tomogram>. Nothing was touched."
        )
    _check_writable(folder, out)
    others = [path for path in folder.iterdir() if not _passing(path)] if folder.is_dir() else []
    if others and read_mark(folder) is None:
        raise ValueError(
            f"OUT={out} holds files that `make own` did not make; expected an empty folder, a new "
            f"one, or one with an earlier report. Nothing was touched. Give a new one: "
            f"OUT={folder / 'cbd-report'}"
        )
    return folder


def owner(folder):
    """The source whose report a folder holds, or None if the folder is empty or absent."""
    mark = read_mark(folder)
    return None if mark is None else Source(**mark["source"])


def read_mark(folder):
    """
    What the mark of a folder says, or None if there is none.

    Raises
    ------
    ValueError
        If there is a mark that cannot be read: the folder cannot be told from a reader's own.
    """
    file = Path(folder) / MARK
    if not file.is_file() or file.is_symlink():
        return None
    try:
        mark = json.loads(file.read_text(encoding="utf-8"))
        if mark["made_by"] != MAKER:
            raise ValueError
        Source(**mark["source"])
        for files in (mark["files"], mark["previous"]):
            dict.items(files)
        return mark
    except (ValueError, KeyError, TypeError):
        raise ValueError(
            f"{file} is damaged, so it is not known what in {folder} was made by `make own`. "
            "Nothing was touched. Move the folder away, or give a new one with OUT=..."
        ) from None


def claim(folder, source):
    """Make a folder ours, or write down that it holds another version of its source."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if _half_written(path):  # by a run that was killed; nobody else holds this folder
            path.unlink()
    mark = read_mark(folder) or {
        "made_by": MAKER, "state": "empty", "files": {}, "previous": {},
    }  # fmt: skip
    _write_mark(folder, mark | {"source": asdict(source)})


def begin(folder, page, progress):
    """
    Move the last result out of the way, so that it never stands as that of this run.

    Parameters
    ----------
    folder : Path
        A claimed folder.
    page : str
        HTML that stands for the report until there is one.
    progress : callable
        Receives where the reader's own changes were put.
    """
    mark = read_mark(folder)
    if mark["state"] == "complete":
        _retire(folder / PREVIOUS, mark["previous"], folder, progress)
        mark["previous"] = _move_away(folder, mark["files"], folder / PREVIOUS, progress)
    else:
        _retire(folder, mark["files"], folder, progress, names=_published(folder))
    mark |= {"files": {}, "state": "running"}
    _write_mark(folder, mark)
    _remove_work(folder)
    (folder / WORK).mkdir()
    (folder / WORK / MARK).write_text(MAKER + "\n", encoding="utf-8")
    state(folder, page, "running")


def state(folder, page, word):
    """Put one page in the place of the report, and keep in the mark how the run stands."""
    target = folder / REPORT / "index.html"
    with storage.atomic(target) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="backslashreplace")
    files = {f"{REPORT}/index.html": storage.sha256(target)}
    _write_mark(folder, read_mark(folder) | {"files": files, "state": word})


def publish(folder, report, labels, progress):
    """
    Put a finished report and its labels in place, and drop what they replace.

    Parameters
    ----------
    folder : Path
        A claimed folder.
    report : Path
        The report, on the same disk.
    labels : list of Path
        Files of labels, on the same disk.
    progress : callable
        Receives where the reader's own changes were put.
    """
    files = {f"{REPORT}/{name}": digest for name, digest in _hashes(report).items()}
    files |= {file.name: storage.sha256(file) for file in labels}
    mark = read_mark(folder)
    _retire(folder, mark["files"], folder, progress, names=_published(folder))
    report.rename(folder / REPORT)
    for file in labels:
        os.replace(file, folder / file.name)
    mark |= {"files": files, "state": "complete"}
    _write_mark(folder, mark)
    _retire(folder / PREVIOUS, mark["previous"], folder, progress)
    _write_mark(folder, mark | {"previous": {}})
    _remove_work(folder)


def _check_writable(folder, out):
    """Stop early if the folder cannot be made: something in its path is a file, or not ours."""
    there = folder
    while not os.path.lexists(there):
        there = there.parent
    if not there.is_dir():
        why = f"{there} is a file"
    elif not os.access(there, os.W_OK | os.X_OK):
        why = f"you may not write to {there}"
    else:
        return
    raise ValueError(f"OUT={out}: {why}. Give another folder. Nothing was touched.")


def _passing(path):
    """The lock, or a mark half-written: what a run leaves that was killed as it claimed this."""
    return path.name == LOCK or _half_written(path)


def _half_written(path):
    stem, ending = os.path.splitext(MARK)
    return path.name.startswith(f".{stem}.") and path.name.endswith(f".partial{ending}")


def _untouchable(folder, tomogram):
    """Why a folder must stay as it is, in words that follow its name; empty if it need not."""
    home = Path.home().resolve()
    if folder.parent == folder:
        return "the root of the file system"
    if folder == home or folder in home.parents:
        return "a home or a folder that holds homes"
    if folder in tomogram.parents:
        return "a folder that holds the tomogram"
    if folder in (ROOT, DEFAULT) or folder in ROOT.parents:
        return "a folder that holds the project or other reports"
    if folder.is_relative_to(ROOT):
        first = folder.relative_to(ROOT).parts[0]
        if first.startswith(".") or first in _ROOMS:
            return f"inside the project's own folder {first!r}"
    for parent in folder.parents:
        if (parent / MARK).exists():
            return f"inside {parent}, which holds another report of `make own`"
    return ""


_ROOMS = (
    "analysis", "publishing", "book", "benchmarks", "binder", "tests", "results", "_build",
    "node_modules",
)  # fmt: skip


def _published(folder):
    """Names of what a run puts beside the mark."""
    labels = [path.name for path in folder.glob("OWN-*") if path.suffix in (".tif", ".nc")]
    return [REPORT, *sorted(labels)]


def _move_away(folder, files, target, progress):
    """Move the published files of a folder, as far as they are there; return their hashes."""
    touched = _touched(folder, files, _published(folder))
    target = _kept(folder, touched, progress) if touched else target
    target.mkdir()
    for name in _published(folder):
        if (folder / name).exists():
            (folder / name).rename(target / name)
    return {} if touched else files


def _retire(place, files, folder, progress, *, names=None):
    """Delete what we made in a place; what a reader added or changed is moved aside whole."""
    if not place.is_dir():
        return
    names = [path.name for path in place.iterdir()] if names is None else names
    names = [name for name in names if os.path.lexists(place / name)]
    touched = _touched(place, files, names)
    if touched:
        target = _kept(folder, touched, progress)
        target.mkdir()
        for name in names:
            (place / name).rename(target / name)
    else:
        for name in files:
            (place / name).unlink(missing_ok=True)
        for name in names:
            _remove_empty(place / name)
    if place != folder:
        _remove_empty(place)


def _touched(place, files, names):
    """Files below some names that are not as the mark says."""
    found = {}
    for name in names:
        found |= _hashes(place / name, name)
    return sorted(name for name, digest in found.items() if files.get(name) != digest)


def _kept(folder, touched, progress):
    number = 1
    while os.path.lexists(folder / f"kept-{number}"):
        number += 1
    target = folder / f"kept-{number}"
    shown = ", ".join(touched[:3]) + (f" and {len(touched) - 3} more" if len(touched) > 3 else "")
    progress(f"Changed or added by you since the last report: {shown}. Moved to {target}.")
    return target


def _hashes(path, prefix=""):
    """SHA-256 of a file or of all files below a folder; a link is nobody's hash."""
    if path.is_symlink():
        return {prefix: "a link"}
    if path.is_file():
        return {prefix: storage.sha256(path)}
    if not path.is_dir():
        return {}
    found = {}
    for entry in sorted(path.iterdir()):
        found |= _hashes(entry, f"{prefix}/{entry.name}" if prefix else entry.name)
    return found


def _remove_empty(path):
    """Remove a folder and its folders, as far as they are empty."""
    if path.is_symlink() or not path.is_dir():
        return
    for entry in list(path.iterdir()):
        _remove_empty(entry)
    if not any(path.iterdir()):
        path.rmdir()


def _remove_work(folder):
    work = folder / WORK
    if work.is_symlink() or not work.exists():
        return
    if not (work / MARK).is_file():
        raise ValueError(
            f"{work} was not made by `make own`, which needs that name. Move it elsewhere."
        )
    shutil.rmtree(work)


def _write_mark(folder, mark):
    with storage.atomic(folder / MARK) as temporary:
        temporary.write_text(json.dumps(mark, indent=1, sort_keys=True) + "\n", encoding="utf-8")
