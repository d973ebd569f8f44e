"""Volumes in classic netCDF-3, read by scipy."""

import numpy as np

from analysis.tomogram.conventions import decode, spacing_from
from analysis.tomogram.stored import Stored


def open_netcdf3(file, dataset="", **_):
    """
    What a classic netCDF file says of one of its variables.

    Raises
    ------
    ValueError
        If there is no such variable or no single volume, or the file is of the 64-bit-data kind.
    """
    from scipy.io import netcdf_file

    with open(file, "rb") as opened:
        if opened.read(4) == b"CDF\x05":
            raise ValueError(
                "it is netCDF of the 64-bit-data kind (CDF-5), which is not read. Convert it: "
                "nccopy -k netCDF-4 in.nc out.nc"
            )
    with netcdf_file(file, "r", mmap=False) if file.stat().st_size < 2**20 else netcdf_file(
        file, "r", mmap=True
    ) as opened:
        found = sorted(name for name, one in opened.variables.items() if len(one.shape) >= 2)
        name = dataset.strip("/")
        if not name and len(found) == 1:
            name = found[0]
        if name not in opened.variables:
            listed = ", ".join(found) or "no volume at all"
            raise ValueError(f"no dataset {dataset!r}; the file holds {listed}. Name one: DATASET=...")
        variable = opened.variables[name]
        attrs, axes = dict(variable._attributes), tuple(variable.dimensions)
        spacing = spacing_from(attrs, axes, lambda axis: _coordinate(opened, axes[axis]))
        shape, dtype = tuple(variable.shape), np.dtype(variable.data.dtype)
        del variable

    def read(slices):
        with netcdf_file(file, "r", mmap=False) as again:
            return decode(again.variables[name].data[slices].copy(), attrs, axes)

    return Stored(
        shape=shape,
        dtype=dtype,
        read=read,
        axes=axes,
        spacing_um=spacing,
        spacing_source=f"coordinates of {name}" if any(spacing) else "",
        dataset=name,
    )


def _coordinate(opened, name):
    if name not in opened.variables:
        return None
    scale = opened.variables[name]
    unit = getattr(scale, "units", b"")
    return scale.data.copy(), unit.decode() if isinstance(unit, bytes) else str(unit)
