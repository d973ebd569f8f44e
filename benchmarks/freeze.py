"""Freeze the numbers of a run: hashes of its content, to compare before and after a rebuilding.

Names, keys and file formats may change when code is moved; numbers may not. Every variable of every
volume, curve, table, case and trained network of a results folder is hashed by its values, whatever
the file around it looks like, and so are the arrays that the solvers give on small structures::

    python -m benchmarks.freeze record results/smoke before.json
    python -m benchmarks.freeze record results/smoke after.json
    python -m benchmarks.freeze compare before.json after.json

`compare` ends with status 1 if a number differs or is missing. Eight digits at the end of
a case's name are the key of its inputs; a key that changed is listed and is no difference.
"""

import argparse
import dataclasses
import hashlib
import inspect
import io
import json
import re
import sys
import zipfile
from pathlib import Path

import numpy as np

# what differs from run to run of the same code
CLOCKS = re.compile(r"(^|_)(cpu|wall|elapsed)(_s|_seconds)?$|^seconds$|_seconds$")
KEY = re.compile(r"-[0-9a-f]{8}(?=\.nc$)")


def digest(values):
    """SHA-256 of the type, shape and bytes of an array; text by its characters."""
    array = np.asarray(values)
    if array.dtype == object or array.dtype.kind in "SU":
        content = "\0".join(str(value) for value in array.ravel()).encode()
        return hashlib.sha256(f"text{array.shape}".encode() + content).hexdigest()
    content = np.ascontiguousarray(array).tobytes()
    return hashlib.sha256(f"{array.dtype.str}{array.shape}".encode() + content).hexdigest()


def hash_file(path):
    """Hash of each variable of a file, by name; empty for a kind that holds no numbers."""
    if path.suffix == ".nc":
        return _netcdf(path)
    if path.suffix == ".csv":
        import pandas as pd

        table = pd.read_csv(path, float_precision="round_trip", comment="#")
        return {str(name): digest(table[name].to_numpy()) for name in table}
    if path.suffix == ".npy":
        return {"values": digest(np.load(path))}
    if path.suffix == ".npz":
        with np.load(path) as stored:
            return {name: digest(stored[name]) for name in stored.files}
    if path.suffix == ".keras":
        return _weights(path)
    return {}


def _netcdf(path):
    import xarray as xr

    with xr.open_dataset(path, engine="h5netcdf") as data:
        found = {str(name): digest(data[name].values) for name in data.variables}
        for owner, attributes in [("", data.attrs)] + [
            (f"{name}.", data[name].attrs) for name in data.variables
        ]:
            for name, value in attributes.items():
                if np.asarray(value).dtype.kind in "biufc":
                    found[f"{owner}@{name}"] = digest(np.asarray(value, float))
    return found


def _weights(path):
    import h5py

    found = {}
    with zipfile.ZipFile(path) as archive:
        inside = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(inside, "r") as file:

        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                found[name] = digest(item[()])

        file.visititems(visit)
    return found


def hash_folder(folder):
    """Hashes of all files of a results folder: file without its key -> variable -> hash."""
    files, keys = {}, {}
    for path in sorted(Path(folder).rglob("*")):
        if not path.is_file() or path.name.startswith("."):
            continue
        name = str(path.relative_to(folder))
        plain = KEY.sub("", name)
        if plain in files:
            sys.exit(f"Two files for {plain}; remove the case that is not of this run.")
        variables = {key: one for key, one in hash_file(path).items() if not CLOCKS.search(key)}
        if variables:
            files[plain] = variables
            if plain != name:
                keys[plain] = KEY.search(name).group()[1:]
    return {"files": files, "keys": keys}


def small_electrode(edge=16, thickness=12):
    """Labels of a random mixture in which every phase forms paths."""
    rng = np.random.default_rng(3)
    coarse = rng.choice(3, (thickness // 2, edge // 2, edge // 2), p=(0.45, 0.3, 0.25))
    return np.kron(coarse, np.ones((2, 2, 2))).astype(np.uint8)


def hash_runs():
    """Hashes of what each solver gives on small structures, on one thread."""
    from analysis.electrochemistry import calibration, halfcell, structure, transport

    try:
        from analysis.electrochemistry.transport import impedance
    except ImportError:  # as it was before the rooms
        from analysis.electrochemistry import impedance
    from analysis.electrochemistry.transport import effective_conductivity

    labels = small_electrode()
    out = {}
    conduction = effective_conductivity(transport.ionic_conductivity(labels, 0.1))
    out["transport"] = _fields(conduction)
    made = structure.from_labels(labels, 2.0)
    out["structure"] = _fields(made)
    for backend in ("banded", "fipy"):
        run = halfcell.lithiate(
            made.at(0.1), 3.0, backend=backend, n_electrode=12, n_separator=6, end_s=300.0
        )
        out[f"half cell, {backend}"] = _fields(run)
    run = calibration.simulate(made.at(0.1), 6.0)
    out["half cell, to the cut-off"] = _fields(run)
    fit = calibration.fit_gamma(made, run.capacity_mAh_cm2, run.voltage_V, n_scan=3)
    out["fit"] = _fields(fit)
    frequency = [0.1, 10.0, 1000.0]
    out["impedance"] = _fields(
        impedance.spectrum(labels, 0.1, voxel_size_um=2.0, frequency_Hz=frequency)
    )
    for voxels in (1, 2):
        out[f"resolved, {voxels}"] = _fields(lithiate_resolved(labels, voxels))
    return out


def lithiate_resolved(labels, voxels, end_s=600.0):
    """A short lithiation on cells of so many voxels; on one thread."""
    from analysis.electrochemistry import resolved

    names = inspect.signature(resolved.lithiate).parameters
    size = "voxels_per_cell" if "voxels_per_cell" in names else "joined"  # as it was called before
    return resolved.lithiate(
        labels,
        0.1,
        6.0,
        voxel_size_um=2.0,
        threads=1,
        snapshots_s=[100.0],
        end_s=end_s,
        largest_inert=0.9,
        **{size: voxels},
    )


def _fields(result):
    """Hash of every number in a result, by name."""
    found = {}
    if dataclasses.is_dataclass(result):
        items = [(one.name, getattr(result, one.name)) for one in dataclasses.fields(result)]
    elif isinstance(result, dict):
        items = list(result.items())
    else:
        items = list(enumerate(result))
    for name, value in items:
        if CLOCKS.search(str(name)):
            continue
        nested = isinstance(value, dict) or dataclasses.is_dataclass(value)
        if nested or isinstance(value, (tuple, list)):
            found |= {f"{name}.{inner}": one for inner, one in _fields(value).items()}
        else:
            found[str(name)] = digest(value)
    return found


def compare(before, after, progress=print):
    """
    Print what differs between two records; returns how many variables do.

    Parameters
    ----------
    before, after : dict
        As :func:`record` writes them.
    progress : callable
        Receives one line per difference, and the totals.
    """
    differences = same = 0
    for part in ("files", "runs"):
        old, new = before.get(part, {}), after.get(part, {})
        for name in sorted(old.keys() | new.keys()):
            if name not in new or name not in old:
                progress(f"only {'before' if name in old else 'after'}: {name}")
                differences += 1
                continue
            for key in sorted(old[name].keys() | new[name].keys()):
                if old[name].get(key) == new[name].get(key):
                    same += 1
                else:
                    state = "differs" if key in old[name] and key in new[name] else "came or went"
                    progress(f"{state}: {name} [{key}]")
                    differences += 1
    keys = before.get("keys", {}), after.get("keys", {})
    moved = [name for name in keys[0] if name in keys[1] and keys[0][name] != keys[1][name]]
    for name in moved:
        progress(f"key renamed: {name}: {keys[0][name]} -> {keys[1][name]}")
    progress(f"{same} variables alike, {differences} not; {len(moved)} keys renamed")
    return differences


def record(folder, runs=True):
    """Hashes of a results folder, if there is one, and of the solvers' results."""
    out = hash_folder(folder) if folder else {"files": {}, "keys": {}}
    if runs:
        out["runs"] = hash_runs()
    return out


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("record", help="hash a results folder and the solvers' results")
    make.add_argument("folder", help="results folder, or - for the solvers alone")
    make.add_argument("file", type=Path)
    make.add_argument("--no-runs", action="store_true", help="leave the solvers out")
    match = commands.add_parser("compare", help="print what differs between two records")
    match.add_argument("before", type=Path)
    match.add_argument("after", type=Path)
    options = parser.parse_args()
    if options.command == "record":
        folder = None if options.folder == "-" else options.folder
        if folder and not Path(folder).is_dir():
            sys.exit(f"There is no folder {folder}; expected the results of a profile.")
        done = record(folder, not options.no_runs)
        options.file.write_text(json.dumps(done, indent=1, sort_keys=True), encoding="utf-8")
        print(f"{len(done['files'])} files, {len(done.get('runs', {}))} runs -> {options.file}")
    else:
        before, after = (
            json.loads(file.read_text(encoding="utf-8")) for file in (options.before, options.after)
        )
        sys.exit(1 if compare(before, after) else 0)


if __name__ == "__main__":
    main()
