"""Results on disk: volumes and curves as netCDF, scalars as tidy CSV, nothing half-written.

Everything lies below ``results/<profile>/<kind>/``. A file is written under a temporary name
and renamed, so that an interrupted run or a full disk leaves the old result intact. What a
chapter reads and writes is recorded for the manifest and for incremental re-execution.
"""

import contextlib
import errno
import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np

from analysis import __version__
from analysis.phases import Phase, check_voxel_size

KINDS = {"volumes": ".nc", "curves": ".nc", "tables": ".csv", "models": "", "cases": ".nc"}

ROOT_VARIABLE = "CBD_RESULTS"  # where results lie, if not beside the package
RECORD_VARIABLE = "CBD_RECORD"  # JSON-lines file that receives every read and write

_DIMS = {3: ("z", "y", "x"), 4: ("phase", "z", "y", "x")}
_HDF5_ONLY = {"DIMENSION_LIST", "_FillValue", "_Netcdf4Dimid", "_Netcdf4Coordinates"}


def results_root():
    """Folder that holds one folder of results per profile."""
    default = Path(__file__).resolve().parents[1] / "results"
    return Path(os.environ.get(ROOT_VARIABLE, default))


def path(kind, filename, *, profile):
    """
    Where a result lies.

    Parameters
    ----------
    kind : {"volumes", "curves", "tables", "models", "cases"}
        What it is.
    filename : str
        Name below the kind's folder, with ending; may hold folders.
    profile : str
        Name of the profile.

    Raises
    ------
    ValueError
        If the kind is unknown or the name leaves its folder.
    """
    if kind not in KINDS:
        raise ValueError(f"Unknown kind of result {kind!r}; expected one of {', '.join(KINDS)}.")
    relative = Path(filename)
    if relative.is_absolute() or ".." in relative.parts:
        raise ValueError(f"The result name {filename!r} leaves its folder; give a relative name.")
    return results_root() / _profile_name(profile) / kind / relative


def exists(kind, name, *, profile):
    """Whether a result is on disk; `name` as given to the save function."""
    return path(kind, name + KINDS[kind], profile=profile).exists()


@contextlib.contextmanager
def atomic(target):
    """
    Give a temporary path to write to; rename it to `target` when the block succeeds.

    Raises
    ------
    OSError
        If the disk is full or not writable. The old result, if any, is intact.
    """
    target = Path(target)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise OSError(
            error.errno,
            f"Could not write {target}: {reason}. The previous result, if there was one, is "
            f"intact. Free some space, or set {ROOT_VARIABLE} to another folder, and run again.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def save_volume(name, array, *, profile, voxel_size_um, **attrs):
    """
    Write a volume: gray values, labels, or a composition.

    Parameters
    ----------
    name : str
        ``gray/SL-1``, ``labels/SL-1-kmeans``, ``composition/SL-1-truth``...
    array : (Z, Y, X) or (3, Z, Y, X) ndarray
        The values; a leading axis of three holds one row per :class:`Phase`.
    profile : str
        Name of the profile.
    voxel_size_um : float
        Edge length of a voxel [µm].
    **attrs
        Anything worth knowing (specimen, cutout, method, seed...).

    Returns
    -------
    path : Path
        The file.
    """
    import xarray as xr

    array = np.asarray(array)
    voxel_size_um = check_voxel_size(voxel_size_um)
    dims = _DIMS[array.ndim]
    data = xr.DataArray(array, dims=dims, name=name.split("/")[0])
    data.attrs = {"voxel_size_um": voxel_size_um, **_plain(attrs)}
    if name.startswith("labels/"):
        data.attrs["flag_values"] = [int(phase) for phase in Phase]
        data.attrs["flag_meanings"] = " ".join(phase.name for phase in Phase)
    for axis, length in zip(dims, array.shape, strict=True):
        if axis != "phase":
            centers = (np.arange(length) + 0.5) * voxel_size_um
            data.coords[axis] = (axis, centers, _coordinate_attrs(axis))
    if array.ndim == 4:
        data.coords["phase"] = [phase.name for phase in Phase]
    target = path("volumes", name + ".nc", profile=profile)
    encoding = {data.name: {"compression": "gzip", "compression_opts": 2, "shuffle": True}}
    with atomic(target) as temporary:
        data.to_dataset().to_netcdf(temporary, engine="h5netcdf", encoding=encoding)
    return record_write(target, voxel_size_um=voxel_size_um, **attrs)


def load_volume(name, *, profile):
    """
    Read a volume back.

    Returns
    -------
    volume : xarray.DataArray
        Dimensions ``z, y, x`` or ``phase, z, y, x``; attributes as saved.

    Raises
    ------
    FileNotFoundError
        If it has not been made yet.
    """
    import h5py
    import xarray as xr

    source = _existing("volumes", name, profile)
    variable = name.split("/")[0]
    # The file is netCDF. It is read as the HDF5 that it also is, without the detour over a dataset,
    # for chapters load hundreds of volumes.
    with h5py.File(source) as opened:
        data = opened[variable]
        dims = _DIMS[data.ndim]
        attrs = {key: _native(value) for key, value in data.attrs.items() if key not in _HDF5_ONLY}
        coords = {axis: (axis, _column(opened[axis]), _coordinate_attrs(axis)) for axis in dims}
        volume = xr.DataArray(data[...], dims=dims, coords=coords, attrs=attrs, name=variable)
    record_read(source)
    return volume


def save_curves(name, dataset, *, profile):
    """Write an xarray Dataset of curves (units in each variable's attributes)."""
    target = path("curves", name + ".nc", profile=profile)
    with atomic(target) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")
    return record_write(target)


def load_curves(name, *, profile):
    """
    Read an xarray Dataset of curves back.

    Raises
    ------
    FileNotFoundError
        If it has not been made yet.
    """
    return _load_dataset("curves", name, profile)


def save_table(name, frame, *, profile):
    """Write a pandas DataFrame as CSV with twelve significant digits and no index."""
    target = path("tables", name + ".csv", profile=profile)
    with atomic(target) as temporary:
        frame.to_csv(temporary, index=False, float_format="%.12g", lineterminator="\n")
    return record_write(target, columns=list(map(str, frame.columns)), rows=len(frame))


def load_table(name, *, profile):
    """
    Read a table back as a pandas DataFrame.

    Raises
    ------
    FileNotFoundError
        If it has not been made yet.
    """
    import pandas as pd

    source = _existing("tables", name, profile)
    frame = pd.read_csv(source, keep_default_na=True)
    record_read(source)
    return frame


def record_read(source):
    """Note that a file was read, for the chapter that is running."""
    return _record("read", source)


def record_write(target, **parameters):
    """Note that a file was written, with the parameters that made it."""
    return _record("write", target, **parameters)


def sha256(file):
    """Hexadecimal SHA-256 of a file's content."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


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
            entry["parameters"] = _plain(parameters)
        with open(log, "a", encoding="utf-8") as opened:
            opened.write(json.dumps(entry, sort_keys=True) + "\n")
    return file


def _coordinate_attrs(axis):
    return {} if axis == "phase" else {"units": "µm", "long_name": f"{axis}, voxel centre"}


def _column(data):
    return data.asstr()[...] if data.dtype.kind == "O" else data[...]


def _native(value):
    """An attribute as xarray would give it: one-element arrays are scalars."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    return value.decode() if isinstance(value, bytes) else value


def _load_dataset(kind, name, profile):
    import xarray as xr

    source = _existing(kind, name, profile)
    dataset = xr.load_dataset(source, engine="h5netcdf")
    record_read(source)
    return dataset


def require(kind, *names, profile):
    """
    Make sure that results are on disk before work begins.

    Parameters
    ----------
    kind : {"volumes", "curves", "tables", "models", "cases"}
        What they are.
    *names : str
        As given to the save functions.
    profile : str
        Name of the profile.

    Raises
    ------
    FileNotFoundError
        Naming all that are missing.
    """
    absent = [name for name in names if not exists(kind, name, profile=profile)]
    if absent:
        raise not_there(kind, absent, profile=profile)


def not_there(kind, names, *, profile):
    """The error that says which results are missing, where they were sought, and what to do."""
    where = path(kind, names[0] + KINDS[kind], profile=profile)
    return FileNotFoundError(
        f"Run the chapters before this one: make book PROFILE={_profile_name(profile)}. Missing "
        f"among the {kind} of profile {_profile_name(profile)!r}: {', '.join(map(repr, names))} "
        f"(looked for {where})."
    )


def _existing(kind, name, profile):
    require(kind, name, profile=profile)
    return path(kind, name + KINDS[kind], profile=profile)


def _profile_name(profile):
    return getattr(profile, "name", profile)


def _plain(attrs):
    """Attributes as netCDF and JSON can hold them."""
    plain = {}
    for key, value in attrs.items():
        if isinstance(value, np.generic):
            value = value.item()
        elif isinstance(value, np.ndarray):
            value = value.tolist()
        elif isinstance(value, dict):
            value = json.dumps({str(k): float(v) for k, v in value.items()})
        elif isinstance(value, bool):
            value = int(value)
        elif value is None:
            value = "none"
        plain[key] = value
    return plain
