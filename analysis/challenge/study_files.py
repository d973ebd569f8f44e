"""Whether files of the study were touched while an entry ran."""

from dataclasses import dataclass
from pathlib import Path

from analysis import storage
from analysis.storage.places import profile_of

PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Touched:
    """
    What changed between two looks.

    Attributes
    ----------
    foreign : tuple of str
        Files that were added, changed or removed and are not as the study wrote them.
    ours : tuple of str
        Files that changed and have the checksum of the study: another run has written them.
    """

    foreign: tuple[str, ...]
    ours: tuple[str, ...]

    def __bool__(self):
        return bool(self.foreign)


def look(folders=None):
    """
    State of every file of the study.

    Parameters
    ----------
    folders : sequence of Path, optional
        By default the results and the package.

    Returns
    -------
    state : dict of Path to tuple
        Inode, size and times of change. The last of them no program can set back.
    """
    folders = (storage.results_root(), PACKAGE) if folders is None else folders
    state = {}
    for folder in folders:
        for file in Path(folder).rglob("*"):
            try:
                stat = file.lstat()
            except OSError:
                continue
            if not file.is_dir() and not _passing(file):
                state[file] = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    return state


def compare(before, after):
    """
    What changed, held against the checksums of the study.

    Parameters
    ----------
    before, after : dict
        From :func:`look`.

    Returns
    -------
    Touched
    """
    foreign, ours = [], []
    for file in sorted(before.keys() | after.keys()):
        if before.get(file) == after.get(file):
            continue
        is_result = file in after and not file.is_symlink() and bool(profile_of(file))
        if is_result and not storage.trouble(file):
            ours.append(str(file))
        else:
            foreign.append(str(file))
    return Touched(tuple(foreign), tuple(ours))


def _passing(file):
    """What comes and goes by itself: caches of the compiler, files half written, checksums."""
    return (
        file.suffix in (".pyc", ".nbi", ".nbc", ".tmp")
        or ".partial" in file.name
        or ".nbc." in file.name
        or ".nbi." in file.name
        or any(part.startswith(".") for part in file.parts)
    )
