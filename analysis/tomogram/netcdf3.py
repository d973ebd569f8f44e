"""Volumes in classic netCDF-3, read by scipy."""

import warnings

import numpy as np

from analysis.tomogram.conventions import decode, decoding_bytes, spacing_from
from analysis.tomogram.stored import Stored, n_bytes

# NDUInt8, NDUInt16, NDUInt32 of areaDetector's NDDataType, in the global attribute dataType
DETECTOR_UNSIGNED = (1, 3, 5)


def open_netcdf3(file, dataset="", **_):
    """
    What a classic netCDF file says of one of its variables.

    Raises
    ------
    ValueError
        If there is no such variable or no single volume, or the file is of the 64-bit-data kind,
        truncated or damaged.
    """
    with open(file, "rb") as opened:
        if opened.read(4) == b"CDF\x05":
            raise ValueError(
                "it is netCDF of the 64-bit-data kind (CDF-5), which is not read. Convert it: "
                "nccopy -k netCDF-4 in.nc out.nc"
            )
    with _open(file) as opened:
        found = sorted(name for name, one in opened.variables.items() if len(one.shape) >= 2)
        name = dataset.strip("/")
        if not name and len(found) == 1:
            name = found[0]
        if name not in opened.variables:
            listed = ", ".join(found) or "no volume at all"
            raise ValueError(
                f"no dataset {dataset!r}; the file holds {listed}. Name one: DATASET=..."
            )
        variable = opened.variables[name]
        attrs, axes = dict(variable._attributes), tuple(variable.dimensions)
        if "_Unsigned" not in attrs and _detector_unsigned(opened, variable):
            attrs["_Unsigned"] = "true"
        spacing = spacing_from(attrs, axes, lambda axis: _coordinate(opened, axes[axis]))
        shape, dtype = tuple(variable.shape), np.dtype(variable.data.dtype)
        size = decoding_bytes(attrs, dtype)
        del variable

    def read(slices):
        with _open(file) as again:
            values = again.variables[name].data[slices].copy()
        return decode(values, attrs, axes)

    return Stored(
        shape=shape,
        dtype=dtype,
        read=read,
        axes=axes,
        spacing_um=spacing,
        spacing_source=f"coordinates of {name}" if any(spacing) else "",
        dataset=name,
        held=lambda cuts: size * n_bytes([cut.stop - cut.start for cut in cuts], np.uint8),
    )


def _open(file):
    """The file with its values left on disk."""
    from scipy.io import netcdf_file

    with warnings.catch_warnings():
        # A file that breaks off is closed while arrays on it exist, of which scipy warns.
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            return netcdf_file(file, "r", mmap=True)
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, MemoryError) as error:
            words = str(error)
    raise ValueError(
        f"it could not be read as netCDF-3 ({words}); it is truncated or damaged. Copy it again"
    )


def _detector_unsigned(opened, variable):
    """Whether EPICS areaDetector wrote unsigned values, which netCDF-3 has no type for."""
    code = np.asarray(opened._attributes.get("dataType", -1)).ravel()
    return code.size == 1 and code[0] in DETECTOR_UNSIGNED and variable.data.dtype.kind == "i"


def _coordinate(opened, name):
    if name not in opened.variables:
        return None
    scale = opened.variables[name]
    unit = getattr(scale, "units", b"")
    return scale.data.copy(), unit.decode() if isinstance(unit, bytes) else str(unit)
