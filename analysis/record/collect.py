"""Finished results gathered in ``record/<profile>/``: curves, fits and tables with a manifest.

A record grows: each call adds what has been finished since, also on another machine, and keeps
what it had. Fields of voxels stay behind; curves, fits, structures and tables are small. Nothing
that the record did not write is replaced or deleted.
"""

import contextlib
import json
import shutil
import signal
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path

from analysis import __version__, storage
from analysis.record import plan, unit_costs
from analysis.simulation import case_lists, cases, costs
from analysis.storage import published

LIMIT_MB = 15.0
ONE_FILE_MB = 1.0  # tables and curves above it stay behind, and are named
PACKED_BYTES = 50_000  # a smaller variable would take more room packed than as it is
LEFT_OUT = ("section_", "volume_", "content", "salt_mol_m3")  # variables of a case


def collect(profile, *, progress=print):
    """
    Bring the record of a profile up to date with its results.

    Parameters
    ----------
    profile : analysis.profiles.Profile
    progress : callable
        Receives lines.

    Returns
    -------
    manifest : dict
        As written.

    Raises
    ------
    ValueError
        If the record would exceed :data:`LIMIT_MB`, or a file in its place is not of the record.
    FileNotFoundError
        If there is nothing to record.
    """
    folder, known = published.folder(profile), published.manifest(profile)
    before = known["files"]
    with tempfile.TemporaryDirectory() as scratch:
        made = _gathered(profile, Path(scratch), before, progress)
        if not made and not before:
            raise FileNotFoundError(
                f"No finished case and no table in the results of profile {profile.name!r} "
                f"(looked in {storage.results_root() / profile.name}). Run: python -m analysis "
                f"campaign --profile {profile.name}"
            )
        files = before | {name: entry for name, (_, entry) in made.items()}
        _check_room(folder, files, before, made)
        total = sum(entry["bytes"] for entry in files.values()) / 1e6
        if total > LIMIT_MB:
            largest = sorted(files, key=lambda name: -files[name]["bytes"])[:3]
            raise ValueError(
                f"The record would take {total:.1f} MB; at most {LIMIT_MB:g} are kept in the "
                f"repository. Largest: {', '.join(largest)}. Nothing was written."
            )
        planned = {row.kind: row.number for row in plan.plan(profile) if row.law}
        manifest = {
            "profile": profile.name,
            "package_version": __version__,
            "planned": planned,
            "files": dict(sorted(files.items())),
        }
        # The manifest goes first: a file that it names and that is not there yet is written by the
        # next call, while a file that it does not name would be taken for somebody else's.
        with _stopped_afterwards():
            _write(folder / storage.MANIFEST, manifest)
            for name, (source, _) in made.items():
                with storage.atomic(folder / name) as temporary:
                    shutil.copyfile(source, temporary)
            for entry in manifest["files"].values():
                entry.pop("replaces", None)
            _write(folder / storage.MANIFEST, manifest)
    held = sum("case" in entry for entry in files.values())
    progress(
        f"{folder}: {held} of {sum(planned.values())} planned cases, {len(files)} files, "
        f"{total:.2f} MB; {len(made)} new or replaced."
    )
    return manifest


def finished_cases(profile):
    """Cases of the plan whose results are on disk as they were written."""
    wanted, predicted = plan.planned_cases(profile)
    wanted += [one for _, after in predicted for one in after if one.gamma is not None]
    wanted += case_lists.fipy_cases(profile)
    return [case for case in dict.fromkeys(wanted) if cases.is_finished(case, profile)]


def small(data):
    """A case's dataset without fields of voxels and slices."""
    return data.drop_vars([name for name in data.variables if name.startswith(LEFT_OUT)])


def _gathered(profile, scratch, before, progress):
    """Files that are new or changed: name in the record -> (where it lies now, entry)."""
    made = {}
    for case in finished_cases(profile):
        source = cases.file_of(case, profile)
        digest = storage.sha256(source)
        name = f"cases/{source.name}"
        if _is_kept(profile, name, before, digest):
            continue
        target = scratch / source.name
        data = small(cases.load(case, profile))
        packed = {key: {"compression": "gzip", "shuffle": True} for key in data.data_vars}
        packed = {key: how for key, how in packed.items() if data[key].nbytes > PACKED_BYTES}
        data.to_netcdf(target, engine="h5netcdf", encoding=packed)
        about = {"case": asdict(case), "kind": unit_costs.kind_of(case)}
        about["labels_sha256"] = cases.labels_digest(case.labels, profile)
        about["made_by"] = costs.load(case, profile)
        made[name] = target, _entry(target, digest, before.get(name), about)
    for kind, ending in (("tables", ".csv"), ("curves", ".nc")):
        for source in sorted((storage.results_root() / profile.name / kind).rglob(f"*{ending}")):
            if source.name.startswith(".") or storage.trouble(source):
                continue
            if source.stat().st_size > ONE_FILE_MB * 1e6:
                progress(f"{source.name} stays behind: {source.stat().st_size / 1e6:.1f} MB")
                continue
            digest = storage.sha256(source)
            inside = source.relative_to(storage.results_root() / profile.name)
            if not _is_kept(profile, str(inside), before, digest):
                made[str(inside)] = source, _entry(source, digest, before.get(str(inside)), {})
    return made


def _is_kept(profile, name, before, digest):
    entry = before.get(name)
    same = entry is not None and entry["source_sha256"] == digest
    return same and not published.trouble(profile, name, entry)


def _entry(file, source_sha256, old, about):
    entry = {
        "sha256": storage.sha256(file),
        "bytes": file.stat().st_size,
        "source_sha256": source_sha256,
    }
    if old:
        entry["replaces"] = [old["sha256"], *old.get("replaces", ())]
    return entry | about


def _check_room(folder, files, before, made):
    """No file of somebody else lies where one of the record will be written."""
    for name in made:
        file = folder / name
        if not file.exists():
            continue
        ours = {before[name]["sha256"], *before[name].get("replaces", ())} if name in before else ()
        digest = storage.sha256(file)
        if digest not in ours and digest != files[name]["sha256"]:
            raise ValueError(
                f"{file} is not as the record wrote it, and would be replaced. Move it away, or "
                f"restore it (git checkout {file}). Nothing was written."
            )


@contextlib.contextmanager
def _stopped_afterwards():
    """Ctrl+C and the signal of a batch system wait until the block, a short one, has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    came, before = [], {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, lambda *seen: came.append(seen))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number, _ in came[:1]:
            signal.raise_signal(number)


def _write(file, manifest):
    with storage.atomic(file) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
