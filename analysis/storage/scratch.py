"""What a run leaves lying when it is killed: one folder for it, and the next run sweeps it away.

Every command keeps its temporary files, and those of the kernels and of Sphinx that it starts, in a
folder of its own below the temporary directory. The folder holds a locked file: the lock ends with
the process, however it ends, so a folder whose lock is free belongs to nobody any more.
"""

import contextlib
import fcntl
import os
import shutil
import socket
import tempfile
from pathlib import Path

PREFIX = "cbd-run-"
MARKER = "owner-of-this-folder"
MARK = "A run of cbd-compendium keeps its temporary files here; removed by the next run."


@contextlib.contextmanager
def own_folder(progress=print):
    """
    Let this process and its children keep temporary files in a folder that goes with the run.

    Parameters
    ----------
    progress : callable
        Receives a line if leftovers of killed runs were removed.

    Yields
    ------
    folder : Path
    """
    swept = sweep(tempfile.gettempdir())
    if swept:
        progress(f"Removed the temporary files of {len(swept)} earlier runs that were killed.")
    before = {name: os.environ.get(name) for name in ("TMPDIR", "JUPYTER_RUNTIME_DIR")}
    usual = tempfile.tempdir
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with open(folder / MARKER, "w", encoding="utf-8") as marker:
        fcntl.flock(marker, fcntl.LOCK_EX)
        marker.write(f"{MARK}\n{socket.gethostname()} {os.getpid()}\n")
        marker.flush()
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        os.environ["JUPYTER_RUNTIME_DIR"] = str(folder / "jupyter")  # connection files of kernels
        try:
            yield folder
        finally:
            tempfile.tempdir = usual
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            shutil.rmtree(folder, ignore_errors=True)


def sweep(directory):
    """
    Remove folders of runs that were killed, and nothing else.

    Parameters
    ----------
    directory : path-like
        Where the folders of runs lie.

    Returns
    -------
    removed : list of Path
        Folders that bear our mark, belong to this user, and whose process has ended.
    """
    removed = []
    for folder in sorted(Path(directory).glob(PREFIX + "*")):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return removed


def sweep_partial(folder):
    """
    Remove half-written files that killed processes of this machine left below a folder.

    Returns
    -------
    removed : list of Path
    """
    removed = []
    for file in sorted(Path(folder).rglob(".*.partial*")):
        host, _, process = file.name.partition(".partial")[0].rpartition(".")[2].rpartition("-")
        if host == _host() and process.isdigit() and not _is_alive(int(process)):
            file.unlink(missing_ok=True)
            removed.append(file)
    return removed


def partial_name(target):
    """Name under which this process writes a file before it takes its place."""
    target = Path(target)
    return target.with_name(f".{target.stem}.{_host()}-{os.getpid()}.partial{target.suffix}")


def _is_abandoned(folder):
    marker = folder / MARKER
    try:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return False
        with open(marker, encoding="utf-8") as opened:
            if not opened.read().startswith(MARK):
                return False
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except (OSError, UnicodeDecodeError):
        return False  # no marker, not readable, or the lock is held: not ours to remove


def _host():
    """Name of this machine without what separates parts of a file name."""
    return "".join(letter if letter.isalnum() else "_" for letter in socket.gethostname())


def _is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
