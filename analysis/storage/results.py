"""Volumes and curves as netCDF, scalars as tidy CSV."""

import numpy as np

from analysis.phases import Phase, check_voxel_size
from analysis.storage import attributes
from analysis.storage.files import atomic, record_read, record_write
from analysis.storage.places import KINDS, path, require

_DIMS = {3: ("z", "y", "x"), 4: ("phase", "z", "y", "x")}
_HDF5_ONLY = {"DIMENSION_LIST", "_FillValue", "_Netcdf4Dimid", "_Netcdf4Coordinates"}


def save_volume(name, array, *, profile, voxel_size_um, **attrs):
    """
    Write a volume: gray values, labels, or a composition.

    Parameters
    ----------
    name : str
        ``gray/SL-1``, ``labels/SL-1-kmeans``, ``composition/SL-1-truth``...
    array : (Z, Y, X) or (3, Z, Y, X) ndarray
        The values; a leading axis of three holds one row per :class:`Phase`.
    profile : Profile or str
        The profile or its name.
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


def _load_dataset(kind, name, profile):
    import xarray as xr

    source = _existing(kind, name, profile)
    record_read(source)
    return xr.load_dataset(source, engine="h5netcdf")


def _existing(kind, name, profile):
    require(kind, name, profile=profile)
    return path(kind, name + KINDS[kind], profile=profile)
