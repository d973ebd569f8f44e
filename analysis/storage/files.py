"""Files of the study: nothing half-written, nothing read that the study did not write.

A file is written under a temporary name and renamed, so that an interrupted run or a full disk
leaves the old result intact. Its checksum (``checksums``) is compared before it is read. What a
chapter reads and writes is recorded for the manifest and for incremental re-execution.
"""

import contextlib
import json
import os
import time
from pathlib import Path

from analysis import __version__
from analysis.storage import attributes, checksums, disk, scratch
from analysis.storage.checksums import sha256
from analysis.storage.places import ROOT_VARIABLE, profile_of, results_root

RECORD_VARIABLE = "CBD_RECORD"  # JSON-lines file that receives every read and write


class Damaged(RuntimeError):
    """A result is not as the study wrote it."""


def trouble(file):
    """
    What is wrong with a result: that it is missing, was changed, or has no checksum.

    Parameters
    ----------
    file : Path
        A file in the folder of one of the kinds, or the manifest.

    Returns
    -------
    trouble : str
        Completes "The file ..."; empty if the file is as it was written, or no result.
    """
    return checksums.trouble(file, results_root()) if profile_of(file) else ""


def check(file):
    """
    Make sure that a file of the study is as it was written.

    Raises
    ------
    Damaged
        If it is not; says what is seen and how to have it made anew.
    """
    found = trouble(file)
    if found:
        raise Damaged(
            f"{file} {found}. Only results that are as the study wrote them are read. Have it "
            f"made anew: make book PROFILE={profile_of(file)}"
        )


@contextlib.contextmanager
def atomic(target):
    """
    Give a temporary path to write to; rename it to `target` when the block succeeds.

    A result gets its checksum before it takes its place.

    Raises
    ------
    OSError
        If the disk is full or not writable. The old result, if any, is intact.
    """
    target = Path(target)
    temporary = scratch.partial_name(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        ours = profile_of(target)
        if ours:
            checksums.add(target, temporary, results_root())
        os.replace(temporary, target)
        if ours:
            checksums.prune(target, results_root())
    except Exception as error:
        why = disk.reason(error, target.parent)
        if not why and not isinstance(error, OSError):
            raise
        said = disk.sentence(target, why or error, ROOT_VARIABLE)
        number = getattr(error, "errno", None)
        raise (OSError(number, said) if number else OSError(said)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def record_read(source):
    """
    Note that a file is read, for the chapter that is running; call it before reading.

    Raises
    ------
    Damaged
        If it is a result and not as it was written.
    """
    check(source)
    return _record("read", source)


def record_write(target, **parameters):
    """Note that a file was written, with the parameters that made it."""
    return _record("write", target, **parameters)


def _record(operation, file, **parameters):
    file = Path(file)
    log = os.environ.get(RECORD_VARIABLE)
    if log:
        entry = {
            "operation": operation,
            "path": os.path.relpath(file, results_root()),
            "sha256": sha256(file),
            "bytes": file.stat().st_size,
            "package_version": __version__,
            "time": round(time.time(), 3),
        }
        if parameters:
            entry["parameters"] = attributes.plain(parameters)
        try:
            with open(log, "a", encoding="utf-8") as opened:
                opened.write(json.dumps(entry, sort_keys=True) + "\n")
        except OSError as error:
            why = disk.reason(error, Path(log).parent) or error
            raise OSError(error.errno, disk.sentence(log, why, ROOT_VARIABLE)) from error
    return file
