"""Why a chapter need not run again: stamps of what it used, and the manifest made of them.

A stamp carries a checksum of itself and of the executed notebook that belongs to it, so that one
that was changed or damaged counts as none.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from analysis import __version__, storage
from analysis.record import unit_costs
from analysis.storage import disk
from publishing.chapters import COLOPHON


@dataclass(frozen=True)
class Build:
    """Folders of one profile's build."""

    profile: str
    folder: Path

    def executed(self, name):
        """Executed copy of a chapter."""
        return self.folder / "executed" / f"{name}.ipynb"

    def stamp(self, name):
        """Record of a chapter's last complete execution."""
        return self.folder / "stamps" / f"{name}.json"

    def log(self, name):
        """What papermill printed."""
        return self.folder / "logs" / f"{name}.txt"


def write_json(target, content):
    """Write JSON with sorted keys, atomically."""
    with storage.atomic(target) as temporary:
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def write_stamp(build, name, stamp):
    """Write the stamp of a chapter that has just run to its end, with the checksums."""
    stamp = {**stamp, "executed": storage.sha256(build.executed(name))}
    write_json(build.stamp(name), {**stamp, "checksum": _checksum(stamp)})


def read_stamp(build, name):
    """The stamp of a chapter, or None if it has not run to its end or the stamp is damaged."""
    return _stamp_or_reason(build, name)[0]


def seconds_known(build, names):
    """
    What chapters take: as this build has measured it, else as the repository knows it.

    Parameters
    ----------
    build : Build
    names : iterable of str

    Returns
    -------
    seconds : dict of str to float
        Without the chapters that neither knows.
    """
    published = unit_costs.published()["chapters"]
    found = {}
    for name in names:
        stamp = read_stamp(build, name)
        if stamp and "seconds" in stamp:
            found[name] = float(stamp["seconds"])
        elif name in published:
            found[name] = float(published[name]["cpu_s"])
    return found


def _stamp_or_reason(build, name):
    try:
        stamp = json.loads(build.stamp(name).read_text(encoding="utf-8"))
        if stamp.pop("checksum") == _checksum(stamp):
            return stamp, ""
    except FileNotFoundError:
        return None, "not run yet"
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None, f"its stamp {build.stamp(name).name} was changed or damaged"


def _checksum(stamp):
    text = json.dumps(stamp, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def offered(build, needs):
    """Names of the result files that the needed chapters have written: some chapters take all."""
    written = [(read_stamp(build, name) or {}).get("writes", {}) for name in needs]
    return sorted(file for files in written for file in files)


def reason_to_run(build, name, fingerprint):
    """
    Why a chapter must run, or an empty string if nothing it depends on has changed.

    Parameters
    ----------
    build : Build
        Folders of the profile.
    name : str
        The chapter.
    fingerprint : dict
        As :func:`publishing.fingerprint.fingerprint` gives it now.
    """
    stamp, reason = _stamp_or_reason(build, name)
    if stamp is None:
        return reason
    executed = _hash_or_none(build.executed(name))
    if executed is None:
        return "not run yet"
    if executed != stamp["executed"]:
        return f"its executed copy {build.executed(name).name} was changed or damaged"
    old = stamp["fingerprint"]
    if old["cells"] != fingerprint["cells"]:
        return "its code changed"
    if old["parameters"] != fingerprint["parameters"]:
        return "its parameters changed"
    if old["modules"] != fingerprint["modules"]:
        names = sorted(
            path
            for path in old["modules"].keys() | fingerprint["modules"].keys()
            if old["modules"].get(path) != fingerprint["modules"].get(path)
        )
        return f"{names[0]} changed" + (f" and {len(names) - 1} more" if len(names) > 1 else "")
    if old.get("offered") != fingerprint.get("offered"):
        return "the chapters before it offer other results"
    for use in ("reads", "writes"):
        for file, entry in stamp[use].items():
            if _hash_or_none(storage.results_root() / file) != entry["sha256"]:
                return f"{file} changed"
    for file in stamp["writes"]:
        found = storage.trouble(storage.results_root() / file)
        if found:  # the chapters that read it would be refused
            return f"{file} {found}"
    return ""


def collect_record(record):
    """
    Sort what a chapter recorded into files it read from others and files it wrote.

    Returns
    -------
    reads, writes : dict of str to dict
        Path below the results folder -> hash, size and parameters.
    """
    reads, writes = {}, {}
    if record.exists():
        for line in record.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            operation, path = entry.pop("operation"), entry.pop("path")
            entry.pop("time")
            (writes if operation == "write" else reads)[path] = entry
    return {path: entry for path, entry in reads.items() if path not in writes}, writes


def write_manifest(build, names):
    """
    Collect the stamps of all chapters but the colophon into ``manifest.json``.

    Returns
    -------
    manifest : Path
    """
    chapters = {}
    for name in names:
        stamp = read_stamp(build, name)
        if stamp and name != COLOPHON:
            chapters[name] = {
                "seconds": stamp["seconds"],
                "peak_memory_MB": stamp["peak_memory_MB"],
                "parameters": stamp["fingerprint"]["parameters"],
                "inputs": {path: entry["sha256"] for path, entry in stamp["reads"].items()},
                "outputs": stamp["writes"],
            }
    target = storage.results_root() / build.profile / storage.MANIFEST
    write_json(
        target,
        {"package_version": __version__, "profile": build.profile, "chapters": chapters},
    )
    return target


def trouble_of_manifest(build):
    """A line about a manifest that is not as it was written, or an empty string."""
    target = storage.results_root() / build.profile / storage.MANIFEST
    found = storage.trouble(target) if target.exists() else ""
    return f"{target.relative_to(storage.results_root())} {found}; written anew" if found else ""


def why_stopped(build, name, failure):
    """What to say of a chapter whose files could not be written, or that failed."""
    why = disk.reason(failure, build.folder) if isinstance(failure, OSError) else ""
    if not why or why in str(failure):
        return str(failure)
    what = getattr(failure, "filename", None) or build.folder
    return f"Chapter {name}: {disk.sentence(what, why, storage.ROOT_VARIABLE)}"


def full_disk(build):
    """What to say beside the error of a process that may have died of a full disk, or nothing."""
    why = disk.full(build.folder) or disk.full(storage.results_root())
    return disk.sentence(build.folder, why, storage.ROOT_VARIABLE) + "\n\n" if why else ""


def _hash_or_none(file):
    try:
        return storage.sha256(file)
    except OSError:
        return None
