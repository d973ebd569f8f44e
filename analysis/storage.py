"""Results on disk: volumes and curves as netCDF, scalars as tidy CSV, nothing half-written.

Everything lies below ``results/<profile>/<kind>/``. A file is written under a temporary name
and renamed, so that an interrupted run or a full disk leaves the old result intact. Each has a
checksum (:mod:`analysis.checksums`) that is compared before it is read. What a chapter reads and
writes is recorded for the manifest and for incremental re-execution.
"""

import contextlib
import json
import os
import time
from pathlib import Path

import numpy as np

from analysis import __version__, attributes, checksums, disk, profiles, scratch
from analysis.checksums import sha256
from analysis.phases import Phase, check_voxel_size

KINDS = {"volumes": ".nc", "curves": ".nc", "tables": ".csv", "models": "", "cases": ".nc"}

MANIFEST = "manifest.json"  # what every chapter read and wrote, in the folder of the profile

OWN = "own"  # stands in for a profile where a reader's own tomogram is worked on

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
        Name of the profile, or "own".

    Raises
    ------
    ValueError
        If kind or profile are unknown or the name leaves its folder.
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
    return checksums.trouble(file, results_root()) if _profile_of(file) else ""


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
            f"made anew: make book PROFILE={_profile_of(file)}"
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
        ours = _profile_of(target)
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
    data.attrs = {"voxel_size_um": voxel_size_um, **attributes.plain(attrs)}
    if name.startswith("labels/"):
        data.attrs["flag_values"] = [int(phase) for phase in Phase]
        data.attrs["flag_meanings"] = " ".join(phase.name for phase in Phase)
    for axis, length in zip(dims, array.shape, strict=True):
        if axis != "phase":
            centers = (np.arange(length) + 0.5) * voxel_size_um
            data.coords[axis] = (axis, centers, attributes.of_axis(axis))
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
    record_read(source)
    variable = name.split("/")[0]
    # The file is netCDF. It is read as the HDF5 that it also is, without the detour over a dataset,
    # for chapters load hundreds of volumes.
    with h5py.File(source) as opened:
        data = opened[variable]
        dims = _DIMS[data.ndim]
        attrs = {
            key: attributes.native(value)
            for key, value in data.attrs.items()
            if key not in _HDF5_ONLY
        }
        coords = {
            axis: (axis, attributes.column(opened[axis]), attributes.of_axis(axis)) for axis in dims
        }
        volume = xr.DataArray(data[...], dims=dims, coords=coords, attrs=attrs, name=variable)
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
    record_read(source)
    return pd.read_csv(source, keep_default_na=True)


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


def _load_dataset(kind, name, profile):
    import xarray as xr

    source = _existing(kind, name, profile)
    record_read(source)
    return xr.load_dataset(source, engine="h5netcdf")


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
    return OWN if profile == OWN else profiles.get(profile).name


def _profile_of(file):
    """Profile whose result a file is; empty for anything else, as the start of a resolved run."""
    try:
        profile, *inside = Path(file).absolute().relative_to(results_root().absolute()).parts
    except ValueError:
        return ""
    kept = inside == [MANIFEST] or (len(inside) > 1 and inside[0] in KINDS)
    return profile if kept and not inside[-1].startswith(".") else ""
